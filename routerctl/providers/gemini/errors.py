"""What Google's error details add to status and message: the reason, the quota, when to retry."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from routerctl.providers.errors import ProviderError
from routerctl.providers.vendor_errors import UNREADABLE, error_from_status


class _Violation(Struct, rename="camel"):
    quota_id: str = ""


class _Detail(Struct, rename="camel"):
    reason: str = ""
    retry_delay: str = ""
    violations: list[_Violation] = []


class _Error(Struct):
    details: list[_Detail] = []


class _Body(Struct):
    error: _Error = msgspec.field(default_factory=_Error)


_body = msgspec.json.Decoder(_Body).decode
_bodies = msgspec.json.Decoder(list[_Body]).decode


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """Never raises."""
    details = _details(body)
    error_class = None
    if any(detail.reason == "API_KEY_INVALID" for detail in details):
        error_class = "auth"
    elif status == 429:
        # The message says "exceeded your current quota" for a minute's limit too.
        ids = [violation.quota_id for detail in details for violation in detail.violations]
        error_class = "quota" if any("PerDay" in quota for quota in ids) else "rate_limited"
    delays = [detail.retry_delay for detail in details if detail.retry_delay]
    if delays and "retry-after" not in headers:
        headers = {**headers, "retry-after": delays[0].removesuffix("s")}
    return error_from_status(status, headers, body, error_class=error_class)


def _details(body: bytes) -> list[_Detail]:
    try:
        parsed = _bodies(body)[0] if body.lstrip()[:1] == b"[" else _body(body)
    except (*UNREADABLE, IndexError):
        return []
    return parsed.error.details
