"""Bodies of requests: strict JSON, one shape each, nothing unknown, and a reason."""

import re
from typing import Any, TypeVar

from django.conf import settings
from msgspec import Struct
from rest_framework.request import Request

from routerctl.engine.errors import RouterError
from routerctl.wire.strict import parse_json, typed
from routerctl.wire.types import KeyFacts

Body = TypeVar("Body", bound=Struct)

MOST_REASON = 2000
_VERSION = re.compile(r'"([0-9]{1,18})"', re.ASCII)


def read(request: Request) -> bytes:
    """The body. Raises RouterError body_too_large before more is read than is allowed."""
    limit = settings.ENV.max_body_bytes
    body: bytes = request._request.read(limit + 1)
    if len(body) > limit:
        raise RouterError("body_too_large", f"The body has more than {limit} bytes.")
    return body


def body_of(request: Request, shape: type[Body]) -> Body:
    """The body as `shape`; none at all is an empty one. Raises RouterError."""
    raw = read(request)
    return typed(parse_json(raw) if raw.strip() else {}, shape)


def reason_of(request: Request, key: KeyFacts, stated: str) -> str:
    """Why, from the body or the header X-Reason, and by which key. Raises RouterError."""
    reason = (stated or request.headers.get("X-Reason", "")).strip()
    if not reason:
        raise RouterError(
            "invalid_request", "Say why: `reason` in the body, or the header X-Reason."
        )
    if len(reason) > MOST_REASON or not reason.replace("\n", " ").isprintable():
        raise RouterError(
            "invalid_request", f"A reason has at most {MOST_REASON} characters, all printable."
        )
    return f"{reason} (API key {key.prefix})"


def expected_version(request: Request) -> int | None:
    """The version of If-Match; None for `*`, or without it. Raises RouterError."""
    said = request.headers.get("If-Match", "*").strip()
    if said == "*":
        return None
    version = _VERSION.fullmatch(said)
    if version is None:
        raise RouterError("invalid_request", 'If-Match is the ETag that was read, such as "12".')
    return int(version[1])


def etag(version: int) -> dict[str, Any]:
    """The header that says which state was read."""
    return {"ETag": f'"{version}"'}
