"""What a scripted provider understands of a call, and what it answers, in no vendor's words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from routerctl.mock.instances import Json, instance
from routerctl.mock.script import Script

BYTES_PER_TOKEN = 4
TOKENS_PER_IMAGE = 85

ANSWERS = (
    (
        r"charged twice|double.?charge|refund",
        (
            "I am sorry about that. Your account shows two charges on the same day, of which one "
            "is a card authorisation that your bank lets go within five working days. If both are "
            "still there after that, reply here and a person from billing will look at it."
        ),
    ),
    (
        r"password|log ?in|sign ?in|locked",
        (
            "You can set a new password from the sign-in page: choose “Forgot password”, open the "
            "link in the e-mail within one hour and pick a password you use nowhere else. If no "
            "e-mail arrives, look in the spam folder first."
        ),
    ),
    (
        r"deliver|shipping|parcel|track",
        (
            "Your parcel has left the warehouse and is on its way. The tracking page is updated "
            "twice a day; if it has not moved for three days, write to us and we will ask the "
            "carrier."
        ),
    ),
    (
        r"cancel|subscription|plan",
        (
            "You can change or cancel your plan at any time under Settings, Plan. It stays active "
            "until the end of the period you have paid for, and nothing is charged after that."
        ),
    ),
    (
        r"summari[sz]e|summary|zusammenfass",
        (
            "In short: the customer could not finish a payment, tried again with a second card, "
            "and wants to know whether both were charged. Nothing was lost; one payment is open."
        ),
    ),
    (r"\b(def|function|class|code|bug|python)\b", "def add(a, b):\n    return a + b"),
)
OTHERWISE = (
    "Happy to help. Here is what I found: the setting you are looking for is under Settings, "
    "Notifications, and takes effect at once. Tell me if you would like to change anything else."
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A call as far as the script needs it. `tools` are (name, schema of the arguments)."""

    model: str
    stream: bool
    last_user_text: str
    input_bytes: int
    images: int = 0
    max_tokens: int | None = None
    schema: Json | None = None
    tools: tuple[tuple[str, Json], ...] = ()
    forced_tool: str | None = None
    """The tool that must be called; "" when any must, None when none."""
    has_tool_result: bool = False
    wants_usage: bool = True
    begun: str = ""
    """What the caller says that the answer begins with; it is not said again."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`finish` is stop, length, tool or refusal. `input_tokens` includes `cached_tokens`,
    `output_tokens` includes `reasoning_tokens`."""

    text: str
    tool: tuple[str, Any] | None
    finish: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int

    def pieces(self) -> Iterator[str]:
        """The text as a stream brings it: word by word."""
        yield from re.findall(r"\S+\s*|\s+", self.text)


def compose(ask: Ask, script: Script) -> Reply:
    """The answer to `ask`; the same one every time."""
    tool = _tool(ask, script)
    text = "" if tool else _text(ask, script).removeprefix(ask.begun)
    finish = "tool" if tool else "stop"
    if script.refuse:
        text, tool, finish = "", None, "refusal"
    visible = _tokens(json.dumps(tool[1]) if tool else text)
    if ask.max_tokens is not None and visible > ask.max_tokens and not tool:
        text, finish = text[: ask.max_tokens * BYTES_PER_TOKEN], "length"
        visible = ask.max_tokens
    input_tokens = max(1, ask.input_bytes // BYTES_PER_TOKEN) + ask.images * TOKENS_PER_IMAGE
    return Reply(
        text=text,
        tool=tool,
        finish=finish,
        input_tokens=input_tokens,
        cached_tokens=min(script.cached, input_tokens),
        output_tokens=visible + script.reasoning,
        reasoning_tokens=script.reasoning,
    )


def vector(text: str, dimensions: int) -> list[float]:
    """An embedding: equal for equal texts, of no other meaning."""
    return [((hash_byte(text, n) / 255) * 2 - 1) for n in range(dimensions)]


def hash_byte(text: str, number: int) -> int:
    return (sum(text.encode()) * 31 + number * 97 + len(text)) % 256


def _tool(ask: Ask, script: Script) -> tuple[str, Any] | None:
    if not ask.tools or ask.has_tool_result:
        return None
    if ask.forced_tool is None and not script.tool:
        return None
    chosen = next((tool for tool in ask.tools if tool[0] == ask.forced_tool), ask.tools[0])
    return chosen[0], instance(chosen[1])


def _text(ask: Ask, script: Script) -> str:
    if ask.schema is not None:
        return json.dumps(instance(ask.schema))
    if script.words:
        return " ".join(f"word{number}" for number in range(1, script.words + 1))
    for pattern, answer in ANSWERS:
        if re.search(pattern, ask.last_user_text, re.IGNORECASE):
            return answer
    return OTHERWISE


def _tokens(text: str) -> int:
    return max(1, len(text.encode()) // BYTES_PER_TOKEN)
