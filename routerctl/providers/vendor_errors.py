"""What a vendor's error answer means: from status, body and headers to a class of `errors`.

Vendors agree on little: a used-up quota is 402, 429 or 400, an over-long prompt 400 or 413, a
bad key 400 at two of them. So the stable codes and phrases are looked at first, and the status
decides only what they left open.
"""

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from routerctl.providers.errors import ProviderError
from routerctl.redaction.scrub import scrub

_REQUEST_ID_HEADERS = (
    "x-request-id",
    "request-id",  # Anthropic
    "apim-request-id",  # Azure
    "x-goog-request-id",
    "mistral-correlation-id",
    "x-ds-trace-id",  # DeepSeek
    "msh-request-id",  # Moonshot
    "x-generation-id",  # OpenRouter
    "cf-ray",  # an error page of the CDN in front
)
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding bytes that are not the expected JSON may raise."""

_MAX_MESSAGE = 300
_MAX_WORDS = 4000
_MAX_RETRY_AFTER_S = 24 * 3600.0

# Order matters: the first class with a phrase in code, type or message wins.
_PHRASES: dict[str, tuple[str, ...]] = {
    "content_policy": (
        r"content_policy_violation|content_filter|ResponsibleAIPolicyViolation",
        r"invalid_prompt|cyber_policy_violation|content filtering policy|Content Exists Risk",
        r"violates? .{0,30}(usage|content) (guidelines|policy)",
        r"input was flagged|prompt was (blocked|flagged)",
    ),
    "context_length": (
        r"context_length_exceeded|model_length|request_too_large|maximum context length",
        r"prompt is too long|exceed context limit|exceeded model token limit",
        r"exceeds? .{0,40}context (window|length|size)|longer than the maximum model",
        r"input token count .{0,60}exceeds|prompt contains .{0,40}tokens .{0,40}limit",
    ),
    "quota": (
        r"insufficient_quota|billing_not_active|billing_hard_limit_reached|billing_error",
        r"exceeded_current_quota|exceeded your current quota|spending limit",
        r"insufficient (balance|credits|funds)|credit balance is too low|requires more credits",
        r"spend_limit_reached|account .{0,30}(suspended|deactivated)|enable billing",
    ),
    "overloaded": (
        r"overloaded_error|engine_overloaded|slow_down|insufficient_system_resource",
        r"model is (currently )?overloaded",
    ),
    "auth": (
        r"invalid_api_key|API_KEY_INVALID|authentication_error|invalid_authentication",
        r"(incorrect|invalid) api key|api key (not valid|not found|expired|is invalid)",
        r"location is not supported|unsupported_country",
    ),
    "model_gone": (
        r"model_not_found|DeploymentNotFound|invalid_model\b|is not a valid model",
        r"model .{0,80}(does not exist|not found|is not found|has been (deprecated|retired))",
    ),
    "rate_limited": (r"rate_limit",),
}
_PATTERNS = {
    error_class: re.compile("|".join(phrases), re.IGNORECASE)
    for error_class, phrases in _PHRASES.items()
}

_BY_STATUS = {
    400: "invalid_request", 401: "auth", 402: "quota", 403: "auth", 404: "model_gone",
    408: "server", 409: "server", 410: "model_gone", 413: "context_length",
    422: "invalid_request", 429: "rate_limited", 503: "overloaded", 529: "overloaded",
}  # fmt: skip

# What an event inside a 200 stream says in place of a status: `code` or `type` of the vendor.
_STATUS_OF_KIND = {
    "invalid_request_error": 400, "INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400,
    "BadRequestError": 400, "permission_error": 403, "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401, "not_found_error": 404, "NOT_FOUND": 404,
    "rate_limit_exceeded": 429, "RESOURCE_EXHAUSTED": 429, "requests": 429, "tokens": 429,
    "UNAVAILABLE": 503,
}  # fmt: skip


class Complaint(msgspec.Struct, frozen=True):
    """The vendor's own words: `code` and `kind` are machine words, `message` is a sentence."""

    message: str = ""
    code: str = ""
    kind: str = ""


def error_from_status(
    status: int, headers: Mapping[str, str], body: bytes, *, error_class: str | None = None
) -> ProviderError:
    """The error that an answer other than 200 means; `error_class` where a vendor knows better.
    Never raises: nonsense is an error too."""
    complaint = read_complaint(body)
    message = complaint.message or f"the provider answered with status {status} and no reason"
    return ProviderError(
        error_class or classify(status, complaint),
        shorten(message),
        http_status=status,
        retry_after_s=retry_after_s(headers),
        provider_request_id=request_id(headers),
    )


def error_in_stream(complaint: Complaint, provider_request_id: str | None) -> ProviderError:
    """The error that an event inside a 200 stream (or a 200 body) means."""
    if complaint.code.isdecimal():
        status = int(complaint.code)
    else:
        status = _STATUS_OF_KIND.get(complaint.code) or _STATUS_OF_KIND.get(complaint.kind) or 500
    return ProviderError(
        classify(status, complaint),
        shorten(complaint.message or "the provider broke the answer off"),
        http_status=200,
        provider_request_id=provider_request_id,
    )


def classify(status: int, complaint: Complaint) -> str:
    """A key of `errors.RULES`."""
    words = f"{complaint.code} {complaint.kind} {complaint.message}"[:_MAX_WORDS]
    for error_class, pattern in _PATTERNS.items():
        if pattern.search(words):
            return error_class
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 400 <= status < 500:
        return "invalid_request"
    if 200 < status < 400:
        return "malformed"  # a redirect or an empty success is no answer
    return "server"


def request_id(headers: Mapping[str, str]) -> str | None:
    """The id under which the vendor's support finds the call."""
    for name in _REQUEST_ID_HEADERS:
        if value := headers.get(name):
            return value[:200]
    return None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the vendor said, in milliseconds, seconds or as a date; None when it
    did not or was not understood."""
    if (wait := _number(headers.get("retry-after-ms"))) is not None:
        return _bounded(wait / 1000)
    value = headers.get("retry-after")
    if value is None:
        return None
    if (wait := _number(value)) is not None:
        return _bounded(wait)
    try:
        return _bounded(parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError, OSError):
        return None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _bounded(wait_s: float) -> float:
    return max(0.0, min(wait_s, _MAX_RETRY_AFTER_S))


def read_complaint(body: bytes) -> Complaint:
    """The vendor's words in an error body, whatever it is made of."""
    try:
        parsed = msgspec.json.decode(body)
    except UNREADABLE:
        return Complaint(_plain_text(body))
    if isinstance(parsed, list) and parsed:  # Gemini answers streams with a list of one
        parsed = parsed[0]
    return complaint_of(parsed)


def complaint_of(parsed: Any) -> Complaint:
    """The vendor's words in a decoded error: {"error": {…}}, {"error": "…"}, {"message": …},
    {"detail": …}."""
    if not isinstance(parsed, dict):
        return Complaint("" if parsed is None else str(parsed))
    error = parsed.get("error", parsed)
    if not isinstance(error, dict):
        return Complaint(str(error), str(parsed.get("code") or ""))
    message = error.get("message") or error.get("detail") or ""
    metadata = error.get("metadata")
    if isinstance(metadata, dict) and metadata.get("raw"):  # OpenRouter: what its vendor said
        message = f"{message}: {metadata['raw']}"
    return Complaint(
        message if isinstance(message, str) else msgspec.json.encode(message).decode(),
        str(error.get("code") or ""),
        str(error.get("type") or error.get("status") or ""),
    )


_TITLE = re.compile(rb"<title[^>]*>([^<]{1,200})", re.IGNORECASE)


def _plain_text(body: bytes) -> str:
    if body.lstrip()[:1] == b"<":
        title = _TITLE.search(body)
        name = title.group(1).decode("utf-8", "replace").strip() if title else "without a title"
        return f"the provider answered with a page: {name}"
    return body[:1000].decode("utf-8", "replace")


def shorten(message: str) -> str:
    """One printable line of bounded length, without secrets and personal data: vendors quote
    keys and prompts in their errors."""
    line = " ".join(scrub(message[:_MAX_WORDS]).split())
    line = "".join(character for character in line if character.isprintable())
    return line if len(line) <= _MAX_MESSAGE else line[: _MAX_MESSAGE - 1] + "…"
