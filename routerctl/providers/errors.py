"""What can go wrong with a provider: one error type, one class per row of the error table.

`RULES` says for each class whether the same deployment is asked again and whether another one
is; execution reads the table and nothing else.
"""

from msgspec import Struct


class Rule(Struct, frozen=True):
    """`retry_same`: worth asking the same deployment once more. `fall_back`: another one may
    answer. `code`: what the caller is told when this ends the request. `breaker`: what it says of
    the deployment's health: a failure, that it is saturated, that this deployment or the whole
    provider will go on refusing, or nothing."""

    retry_same: bool
    fall_back: bool
    code: str
    breaker: str = ""


RULES: dict[str, Rule] = {
    "connect": Rule(True, True, "provider_error", "failure"),
    "server": Rule(True, True, "provider_error", "failure"),
    "overloaded": Rule(False, True, "provider_error", "failure"),
    "rate_limited": Rule(False, True, "provider_rate_limited", "saturated"),
    "quota": Rule(False, True, "provider_rate_limited", "provider"),
    "auth": Rule(False, True, "provider_auth", "provider"),
    "model_gone": Rule(False, True, "provider_error", "deployment"),
    "invalid_request": Rule(False, False, "invalid_request"),
    "context_length": Rule(False, True, "context_too_long"),
    "content_policy": Rule(False, False, "content_refused"),
    "timeout": Rule(False, True, "provider_timeout", "failure"),
    "stalled": Rule(False, True, "provider_timeout", "failure"),
    "truncated": Rule(False, True, "provider_error", "failure"),
    "malformed": Rule(False, True, "provider_error", "failure"),
    "blocked_origin": Rule(False, True, "provider_error"),
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
