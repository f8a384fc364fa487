"""JSON that two readers could understand differently never gets past the door."""

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from routerctl.wire.strict import MAX_DEPTH, parse_json, typed
from tests.wire.builders import refusal_of

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"text"',
        b"{",
        b"{} {}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"a":"\xff"}',
        b'{"\xff":1}',
        b'{"a":"\xed\xa0\x80"}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":1,}',
        b'{"a":01}',
        b'{"a":"tab\there"}',
        b"{'a':1}",
        b'{"a":1} // comment',
        b'{"a":' + b"9" * 5000 + b"}",
        '{"a":1}'.encode("utf-16"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_a_reason(body: bytes) -> None:
    error = refusal_of(parse_json, body)
    assert error.code == "invalid_request"
    assert error.message


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{ "a" : 1 , "a" : 2 }',
        b'{"a":1,"\\u0061":2}',
        b'{"b":{"a":[{"c":1,"c":2}]}}',
        b'{"a":1,"a":"\\u0022"}',
        b'{"a":1,"a":2,"b":"\\u0022\\u0022"}',
        b'{"\\u0022":1,"\\"":2}',
        b'{"a\\n":1,"a\\u000a":2}',
        b'{"a":1E5,"b":1,"b":2}',
        '{"ä":1,"\\u00e4":2}'.encode(),
    ],
)
def test_a_name_that_stands_twice_in_one_object_is_refused(body: bytes) -> None:
    assert "twice" in refusal_of(parse_json, body).message


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"\\u0022","b":"\\""}',
        b'{"a":{"x":1},"b":{"x":2},"c":[{"x":1},{"x":1}]}',
        b'{"a":"{\\"a\\":1,\\"a\\":2}"}',
        b'{\n  "a": 1.50,\n  "b": "\\u00e4\\/"\n}',
    ],
)
def test_equal_names_in_different_objects_and_in_text_are_no_duplicates(body: bytes) -> None:
    assert parse_json(body) == json.loads(body)


@given(st.dictionaries(st.text(), JSON), st.booleans(), st.sampled_from([None, 2]))
def test_every_honest_object_is_read_as_it_was_written(
    value: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert parse_json(body.encode()) == value


@given(st.dictionaries(st.text(), JSON, min_size=1), st.data())
def test_no_duplicate_hides_among_escapes_numbers_and_white_space(
    value: dict[str, Any], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(value)))
    escape = data.draw(st.booleans())
    indent = data.draw(st.sampled_from([None, 1]))
    body = json.dumps(value, indent=indent)
    again = json.dumps(name, ensure_ascii=escape)
    filler = data.draw(st.sampled_from(["", ',"\\u0022\\u0022":1E5', ',"\\"":"\\u0022"']))
    doubled = body.rstrip()[:-1] + f",{again}:null{filler}}}"
    assert refusal_of(parse_json, doubled.encode()).code == "invalid_request"


def test_depth_is_counted_and_not_guessed() -> None:
    flat = json.dumps({"a": [{} for _ in range(500)], "b": "[{" * 500}).encode()
    assert len(parse_json(flat)["a"]) == 500
    parse_json(nested(MAX_DEPTH))
    assert "deeper" in refusal_of(parse_json, nested(MAX_DEPTH + 1)).message


@pytest.mark.parametrize(
    "bomb",
    [
        b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
        b'{"a":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}",
        b"[" * 5_000_000,
        b'{"a":' + b"[{" * 2_000 + b"}]" * 2_000 + b"}",
        b'{"a":' + b"-" + b"9" * 1_000_000 + b"}",
        b'{"a":1e' + b"9" * 100_000 + b"}",
        b'{"' + b"\\u0000" * 100_000 + b'":1,"b":2,"b":3}',
    ],
    ids=["objects", "arrays", "open", "mixed", "digits", "exponent", "escapes"],
)
def test_json_bombs_end_in_a_refusal(bomb: bytes) -> None:
    assert refusal_of(parse_json, bomb).code == "invalid_request"


class Shape(Struct, forbid_unknown_fields=True):
    role: Literal["user"]
    parts: list["Shape"] = []


@pytest.mark.parametrize(
    ("value", "message", "path"),
    [
        ({"role": "my password is x"}, "Invalid enum value.", "role"),
        ({"role": "user", "a\0b": 1}, "This field is not known here.", r"a\x00b"),
        ({"role": "user", "parts": [{}]}, "This field is required.", "parts[0].role"),
        ({"role": 7}, "Expected `str`, got `int`.", "role"),
        ({"role": "user", "a - at `$b`": 1}, None, None),
    ],
    ids=["value", "unknown", "missing", "type", "odd"],
)
def test_an_error_names_the_place_and_repeats_nobodys_words(
    value: dict[str, Any], message: str | None, path: str | None
) -> None:
    error = refusal_of(typed, value, Shape)
    assert error.message.isprintable()
    if path is not None:
        assert error.message == f"{path}: {message}"
        assert error.details == {"path": path}
