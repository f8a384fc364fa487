"""Errors in OpenAI's envelope. The SDK picks its exception by HTTP status; `type` is for people."""

from typing import Any

from msgspec.json import Encoder

from routerctl.engine.errors import RouterError

_encode = Encoder().encode

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    409: "conflict_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}


def error_body(error: RouterError, trace_id: str) -> bytes:
    """`param` is the path of the field that is wrong; other details stand under their own name."""
    details = dict(error.details)
    body: dict[str, Any] = {
        "message": error.message,
        "type": _TYPES.get(error.kind.status, "server_error"),
        "code": error.code,
        "param": details.pop("path", None),
        "trace_id": trace_id or None,
    }
    if details:
        body["details"] = details
    return _encode({"error": body})
