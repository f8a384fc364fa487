"""What can go wrong with a provider: one error type, one class per row of the error table.

`RULES` says for each class whether the same deployment is asked again and whether another one
is; execution reads the table and nothing else.
"""

from typing import Literal

from msgspec import Struct


class Rule(Struct, frozen=True):
    """`again`: when the same deployment is asked once more: never, once, alone (if nobody else
    can be asked) or soon (if it said to come back soon). `fall_back`: whether another one may
    answer: no, yes, only one with a larger context window, or one of another provider if the route
    asked for that. `code`: what the caller is told when
    this ends the request. `breaker`: what it says of the deployment's health: a failure, that it
    is saturated, that this deployment or the whole provider will go on refusing, or nothing."""

    again: Literal["never", "once", "alone", "soon"]
    fall_back: Literal["no", "yes", "larger", "asked"]
    code: str
    breaker: Literal["", "failure", "saturated", "deployment", "provider"] = ""


RULES: dict[str, Rule] = {
    "connect": Rule("once", "yes", "provider_error", "failure"),
    "server": Rule("once", "yes", "provider_error", "failure"),
    "overloaded": Rule("alone", "yes", "provider_error", "failure"),
    "rate_limited": Rule("soon", "yes", "provider_rate_limited", "saturated"),
    "quota": Rule("never", "yes", "provider_rate_limited", "provider"),
    "auth": Rule("never", "yes", "provider_auth", "provider"),
    "model_gone": Rule("never", "yes", "provider_error", "deployment"),
    "invalid_request": Rule("never", "no", "invalid_request"),
    "context_length": Rule("never", "larger", "context_too_long"),
    "content_policy": Rule("never", "asked", "content_refused"),
    "timeout": Rule("never", "yes", "provider_timeout", "failure"),
    "stalled": Rule("never", "yes", "provider_timeout", "failure"),
    "truncated": Rule("never", "yes", "provider_error", "failure"),
    "malformed": Rule("never", "yes", "provider_error", "failure"),
    "blocked_origin": Rule("never", "yes", "provider_error"),
}


class ProviderError(Exception):
    """A call to a provider failed.

    `error_class` is a key of `RULES`; `message` is the vendor's own text, shortened, with
    anything that looks like a secret taken out; `retry_after_s` as the vendor said.
    """

    def __init__(
        self,
        error_class: str,
        message: str,
        *,
        http_status: int | None = None,
        retry_after_s: float | None = None,
        provider_request_id: str | None = None,
    ) -> None:
        self.rule = RULES[error_class]
        self.error_class = error_class
        self.message = message
        self.http_status = http_status
        self.retry_after_s = retry_after_s
        self.provider_request_id = provider_request_id
        super().__init__(f"{error_class}: {message}")
