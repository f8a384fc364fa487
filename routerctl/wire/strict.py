"""Strict JSON for every door: what two readers could understand differently is refused.

`parse_json` reads a body, `typed` gives it a shape. Both raise RouterError `invalid_request`
whose details name the path, and nothing else.
"""

import json
import re
from typing import Any, TypeVar

import msgspec

from routerctl.engine.errors import RouterError

MAX_DEPTH = 32

T = TypeVar("T")

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_CONTAINERS = (dict, list)
_FLESH = bytes(set(range(256)) - set(b'"{[\\'))
"""All bytes but those that show how a body is built: one pass takes them out for all counts."""
_NAMED = re.compile(r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL)
_ABOUT = {
    "contains unknown": "This field is not known here.",
    "missing required": "This field is required.",
}


def invalid(message: str, path: str = "") -> RouterError:
    """The request is wrong at `path`, written as in `messages[0].role`."""
    if not path:
        return RouterError("invalid_request", message)
    return RouterError("invalid_request", f"{path}: {message}", details={"path": path})


def parse_json(body: bytes) -> dict[str, Any]:
    """The object in `body`.

    Raises RouterError invalid_request for bad UTF-8, lone surrogates, NaN and Infinity, numbers
    that no double or 4300 digits can hold, a name that stands twice in one object, and more than
    `MAX_DEPTH` levels.
    """
    if not body:
        raise invalid("The body is empty; it must be a JSON object.")
    try:
        value = _decode(body)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError:
        raise invalid("The body is not valid UTF-8.") from None
    except msgspec.DecodeError as error:
        raise invalid(f"The body is not valid JSON: {error}.") from None
    if type(value) is not dict:
        raise invalid("The body must be a JSON object.")
    bones = body.translate(None, _FLESH)
    if bones.count(b"{") + bones.count(b"[") > MAX_DEPTH:
        _refuse_depth(value)
    written = _encode(value)
    if written != body and not _as_many_names(written, body, bones):
        _refuse_duplicates(body)
    return value


def typed(value: Any, shape: type[T]) -> T:
    """`value` as a `shape`. Raises RouterError invalid_request, naming the path."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        message, path = explain(error)
        raise invalid(message, path) from None


def explain(error: msgspec.ValidationError) -> tuple[str, str]:
    """What is wrong, as a sentence, and the path to it.

    Errors are kept on traces, so what a client wrote is not repeated, but for names of fields.
    """
    message, found, place = str(error).rpartition(" - at `")
    if not found:
        message, place = place, ""
    path = place.rpartition("$")[2].strip("`.")[:200]
    named = _NAMED.fullmatch(message)
    if named is not None:
        return _ABOUT[named[1]], f"{path}.{plain(named[2])}".lstrip(".")
    if message.startswith("Invalid"):
        message = f"{message.partition(' value')[0]} value"
    return f"{message}.", path


def plain(name: str) -> str:
    """A client's word as it may be stored and shown: short and printable."""
    return ascii(name)[1:-1][:64]


def _too_deep() -> RouterError:
    return invalid(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _as_many_names(written: bytes, body: bytes, bones: bytes) -> bool:
    """Whether `written`, the value of `body` written again, names as much as `body` does, whose
    quotation marks and backslashes are all in `bones`.

    Of two equal names decoding keeps one. Nothing else that writing changes adds or drops a
    quotation mark, unless the body has one by its code.
    """
    if written.count(b'"') != bones.count(b'"'):
        return False
    return b"\\" not in bones or b"\\u0022" not in body


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in _CONTAINERS
        ]
        if not level:
            return
    raise _too_deep()


def _refuse_duplicates(body: bytes) -> None:
    """The exact look, for bodies that the quick one suspects."""

    def check(pairs: list[tuple[str, Any]]) -> None:
        seen = set()
        for name, _ in pairs:
            if name in seen:
                raise invalid("The name stands twice in one object.", plain(name))
            seen.add(name)

    json.loads(body, object_pairs_hook=check)
