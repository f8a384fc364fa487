"""What the tests of the 3 x 3 matrix ask for: a door each, behind it every vendor's wire format."""

import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from tests.flow.conftest import VENDORS
from tests.processes import Mock

BEHIND = pytest.mark.parametrize("vendor", VENDORS)
PIXEL = "R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs="
LOOK_UP = {
    "type": "object",
    "properties": {"order": {"type": "string"}},
    "required": ["order"],
    "additionalProperties": False,
}
SCRIPT = "[mock cached=2 reasoning=7]"
REASONED = {"openai": 7, "anthropic": 0, "gemini": 7}
"""Anthropic does not say how much of the output was thought."""


class Mood(BaseModel):
    mood: Literal["good", "bad"]
    score: float


def said(*words: str) -> Any:
    return [{"role": "user", "content": text} for text in words]


def sent(mock: Mock) -> str:
    """What the vendor was sent in the last call, as text."""
    return json.dumps(mock.calls()[-1]["body"])
