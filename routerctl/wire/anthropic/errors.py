"""Errors in Anthropic's envelope. The SDK picks its exception by HTTP status."""

from typing import Any

from msgspec.json import Encoder

from routerctl.engine.errors import RouterError

_encode = Encoder().encode

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def error_body(error: RouterError, trace_id: str) -> bytes:
    """Beside Anthropic's `type` and `message` stands our `code`."""
    body: dict[str, Any] = {
        "type": _TYPES.get(error.kind.status, "api_error"),
        "message": error.message,
        "code": error.code,
    }
    if error.details:
        body["details"] = error.details
    return _encode({"type": "error", "error": body, "request_id": trace_id or None})
