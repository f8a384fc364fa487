"""The error catalogue: one table for the doors, the pages, the docs and the metrics.

`CATALOGUE[code]` says what an error means; `RouterError` is how any room of the house raises one.
Codes and statuses are public and never change; sentences may be improved.
"""

from typing import Any

from msgspec import Struct


class ErrorKind(Struct, frozen=True):
    """What one error code means to everybody who meets it.

    `owner` is who can end it (client, product, engineering, finance, provider, operator);
    `customer_text` is safe to show to an end user.
    """

    code: str
    status: int
    sentence: str
    owner: str
    retry_helps: bool
    next_step: str
    customer_text: str


class RouterError(Exception):
    """A request ends with `code`, a key of `CATALOGUE`.

    `message` is for the caller's developer and names no secret; `details` is JSON-ready;
    `retry_after_s` is set when a later try may succeed at a known time.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        details: dict[str, Any] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        self.kind = CATALOGUE[code]
        self.code = code
        self.message = message or self.kind.sentence
        self.details = details or {}
        self.retry_after_s = retry_after_s
        super().__init__(self.message)


_BUSY = "We could not answer just now. Please try again in a moment."
_HELP = "Something on our side needs attention. Please contact support with this reference."
_UNSUPPORTED = "This request cannot be answered here. Please contact support with this reference."

CATALOGUE: dict[str, ErrorKind] = {
    kind.code: kind
    for kind in (
        ErrorKind(
            "invalid_request",
            400,
            "The request is not one this server understands.",
            "client",
            False,
            "Correct the field that the message names.",
            _HELP,
        ),
        ErrorKind(
            "model_not_selectable",
            400,
            "Clients say what they want; the server chooses the model.",
            "client",
            False,
            "Ask for auto, task:NAME or feature:NAME instead of a model.",
            _HELP,
        ),
        ErrorKind(
            "auth_failed",
            401,
            "The API key is missing, unknown, revoked or expired.",
            "client",
            False,
            "Send a valid key, or ask an engineer for a new one.",
            _HELP,
        ),
        ErrorKind(
            "forbidden",
            403,
            "This API key may not do that.",
            "client",
            False,
            "Ask an engineer for a key with the scope that the message names.",
            _HELP,
        ),
        ErrorKind(
            "policy_blocked",
            403,
            "A gate left no deployment that may see this request.",
            "product",
            False,
            "Open the trace: it names the gate and why each candidate left.",
            _UNSUPPORTED,
        ),
        ErrorKind(
            "safety_blocked",
            403,
            "A check stopped the request before any provider was called.",
            "client",
            False,
            "Remove what the check found, then send the request again.",
            "Your message contains something we may not pass on. Please remove it and try again.",
        ),
        ErrorKind(
            "no_eligible_deployment",
            422,
            "No deployment could serve this request.",
            "engineering",
            False,
            "Open the trace: it says why each candidate left.",
            _UNSUPPORTED,
        ),
        ErrorKind(
            "context_too_long",
            413,
            "The input is longer than any model on this route can read.",
            "client",
            False,
            "Send less text.",
            "Your message is too long. Please shorten it and try again.",
        ),
        ErrorKind(
            "body_too_large",
            413,
            "The request body is larger than this server accepts.",
            "client",
            False,
            "Send less, or link to it.",
            "Your message is too large. Please shorten it and try again.",
        ),
        ErrorKind(
            "cap_reached",
            429,
            "A spend cap is used up.",
            "finance",
            False,
            "Wait for the reset, or ask finance for a raise.",
            "The allowance for this service is used up for now. Please try again later.",
        ),
        ErrorKind(
            "rate_limited",
            429,
            "Too many requests came in a short time.",
            "client",
            True,
            "Wait as long as Retry-After says.",
            _BUSY,
        ),
        ErrorKind(
            "provider_rate_limited",
            429,
            "The provider is limiting our requests.",
            "engineering",
            True,
            "Try again shortly; engineers can raise the provider's limit.",
            _BUSY,
        ),
        ErrorKind(
            "content_refused",
            422,
            "The model refused to answer this.",
            "client",
            False,
            "Change the request: asking again will not help.",
            "We cannot help with this request.",
        ),
        ErrorKind(
            "provider_timeout",
            504,
            "No provider answered in time.",
            "provider",
            True,
            "Try again; the trace shows how long each provider was given.",
            _BUSY,
        ),
        ErrorKind(
            "provider_error",
            502,
            "The provider failed to answer.",
            "provider",
            True,
            "Try again; the trace shows what the provider said.",
            _BUSY,
        ),
        ErrorKind(
            "provider_auth",
            502,
            "The provider rejected our credentials.",
            "engineering",
            False,
            "An engineer must renew the provider's secret.",
            _HELP,
        ),
        ErrorKind(
            "fallback_exhausted",
            502,
            "Every deployment that could be tried has failed.",
            "provider",
            True,
            "Try again; the trace lists each attempt.",
            _BUSY,
        ),
        ErrorKind(
            "route_disabled",
            503,
            "This route is switched off.",
            "product",
            False,
            "Ask product: the change log says who switched it off, and why.",
            "This feature is switched off at the moment.",
        ),
        ErrorKind(
            "budget_unavailable",
            503,
            "The ledger cannot be reached, so nothing may be spent.",
            "operator",
            True,
            "Try again shortly; operators see why on the system page.",
            _BUSY,
        ),
        ErrorKind(
            "overloaded",
            503,
            "The server has more to do than it can.",
            "operator",
            True,
            "Try again shortly.",
            _BUSY,
        ),
        ErrorKind(
            "client_disconnected",
            499,
            "The client went away before the answer was complete.",
            "client",
            True,
            "Nothing to do, unless clients time out too early.",
            _BUSY,
        ),
        ErrorKind(
            "abandoned",
            500,
            "The server process that handled the request died.",
            "operator",
            True,
            "Try again; operators see the process on the system page.",
            _BUSY,
        ),
        ErrorKind(
            "idempotency_conflict",
            409,
            "The Idempotency-Key was used before for another request.",
            "client",
            False,
            "Use a new key for a new request.",
            _HELP,
        ),
        ErrorKind(
            "answer_expired",
            409,
            "This request was already made and its answer is not kept.",
            "client",
            False,
            "Look at the trace it names; use a new key to ask again.",
            _HELP,
        ),
        ErrorKind(
            "internal_error",
            500,
            "The server failed in a way it should not.",
            "engineering",
            True,
            "Report the trace ID.",
            _HELP,
        ),
    )
}
