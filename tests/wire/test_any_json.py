"""Whatever arrives, a door answers with a call or with an error of the catalogue."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields

from routerctl.engine.errors import RouterError
from routerctl.wire import anthropic, native, openai
from routerctl.wire.anthropic.request import MessagesBody
from routerctl.wire.native.request import GenerateBody
from routerctl.wire.openai.embeddings import EmbeddingBody
from routerctl.wire.openai.request import ChatBody
from tests.wire.builders import TRACE, WORDS, key

DOORS: dict[str, tuple[Any, type[Struct]]] = {
    "native": (native.parse, GenerateBody),
    "openai": (openai.parse, ChatBody),
    "embeddings": (openai.parse_embeddings, EmbeddingBody),
    "anthropic": (anthropic.parse, MessagesBody),
}
WORDS_IN_USE = st.sampled_from(
    ["auto", "task:chat", "user", "assistant", "system", "tool", "text", "image_url", "tool_use",
     "tool_result", "thinking", "function", "json_schema", "ephemeral", "0.02",
     "data:image/png;base64,"]
)  # fmt: skip
NAMES = st.sampled_from(
    ["role", "content", "type", "text", "image_url", "url", "tool_calls", "function", "name", "id",
     "arguments", "source", "data", "input", "tool_use_id", "schema", "json_schema", "feature"]
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS_IN_USE
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def attempt(door: str, body: bytes, headers: dict[str, str], *, legacy: bool) -> None:
    parse, _ = DOORS[door]
    with suppress(RouterError):
        parse(body, headers, key(legacy=legacy), WORDS, TRACE)


@pytest.mark.parametrize("door", DOORS)
@given(data=st.data(), legacy=st.booleans())
@settings(max_examples=300, deadline=None)
def test_json_of_any_shape_in_any_field_raises_nothing_else(
    door: str, data: st.DataObject, legacy: bool
) -> None:
    known = [field.encode_name for field in fields(DOORS[door][1])]
    names = st.sampled_from(known) | st.text(max_size=4)
    body: dict[str, Any] = data.draw(st.dictionaries(names, VALUES, max_size=6))
    ordinary = {
        "model": "auto",
        "max_tokens": 9,
        "input": "x",
        "messages": [{"role": "user", "content": "x"}],
    }
    kept = data.draw(st.sets(st.sampled_from(sorted(ordinary))))
    body = {name: ordinary[name] for name in kept} | body
    headers = data.draw(
        st.dictionaries(
            st.sampled_from(["x-feature", "x-max-latency-ms", "x-max-cost-usd", "x-user"]),
            st.text(),
        )
    )
    attempt(door, json.dumps(body).encode(), headers, legacy=legacy)


@pytest.mark.parametrize("door", DOORS)
@given(body=st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_bytes_of_any_kind_raise_nothing_else(door: str, body: bytes) -> None:
    attempt(door, body, {}, legacy=False)
    attempt(door, b'{"model":"auto","input":' + body + b"}", {}, legacy=True)
