"""Errors of the control door: the catalogue's codes, in one shape, with the right status."""

from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from msgspec import Struct
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from routerctl.engine.errors import RouterError

ExceptionHandler = Callable[[Exception, dict[str, Any]], Response]

log = structlog.get_logger(__name__)


class ErrorBody(Struct, frozen=True):
    code: str
    message: str
    retryable: bool
    retry_after_s: int | None
    request_id: str
    details: dict[str, Any]


class ErrorAnswer(Struct, frozen=True):
    """Every error of this API. `code` is one of the error catalogue."""

    error: ErrorBody


def answer_error(exception: Exception, context: dict[str, Any]) -> Response:
    """Any exception of a view as the answer to give; what nobody foresaw is logged."""
    error, status = _translate(exception)
    request_id = context["view"].request_id
    if error.code == "internal_error":
        log.exception("api.crashed", request_id=request_id, exc_info=exception)
    body = ErrorAnswer(
        ErrorBody(
            code=error.code,
            message=error.message,
            retryable=error.kind.retry_helps,
            retry_after_s=error.retry_after_s,
            request_id=request_id,
            details=error.details,
        )
    )
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(body, status=status, headers=headers)


def _translate(exception: Exception) -> tuple[RouterError, int]:
    if isinstance(exception, RouterError):
        return exception, exception.kind.status
    if isinstance(exception, PermissionDenied):
        error = RouterError("forbidden", str(exception))
        return error, error.kind.status
    if isinstance(exception, APIException) and exception.status_code < 500:
        details = getattr(exception, "details", None)
        error = RouterError("invalid_request", str(exception.detail), details=details)
        return error, exception.status_code
    return RouterError("internal_error"), 500
