"""One call to a provider, from its begin to the record that the trace keeps."""

from collections.abc import Iterable

from apps.gateway.live import Endpoint
from apps.gateway.surroundings import Clock
from apps.ledger.records import AttemptRecord
from routerctl.engine.limits import ResolvedLimits
from routerctl.engine.prices import PriceSpec
from routerctl.engine.pricing import bound_nano_usd, cost_nano_usd
from routerctl.engine.types import Step
from routerctl.providers.errors import ProviderError
from routerctl.providers.types import Finish, StreamEvent, ToolCallDelta, Usage

# Classes which prove that the vendor did no work that it could bill.
_UNBILLED = frozenset(
    {
        "auth",
        "blocked_origin",
        "connect",
        "content_policy",
        "context_length",
        "invalid_request",
        "model_gone",
        "overloaded",
        "quota",
        "rate_limited",
        "server",
    }
)


class Attempt:
    """An attempt in flight. Mutable; `record` is its end."""

    __slots__ = (
        "_began_ns",
        "_clock",
        "_error",
        "_first_token_ms",
        "_outcome",
        "_output_bytes",
        "_price",
        "_request_started_ns",
        "_said",
        "_usage",
        "endpoint",
        "limits",
        "n",
        "provider_request_id",
        "step",
    )

    def __init__(
        self,
        n: int,
        step: Step,
        endpoint: Endpoint,
        limits: ResolvedLimits,
        request_started_ns: int,
        clock: Clock,
    ) -> None:
        self.n = n
        self.step = step
        self.endpoint = endpoint
        self.limits = limits
        self.provider_request_id: str | None = None
        self._request_started_ns = request_started_ns
        self._clock = clock
        self._began_ns = clock.monotonic_ns()
        self._price = _price(endpoint, step.price_id)
        self._first_token_ms: int | None = None
        self._output_bytes = 0
        self._usage: Usage | None = None
        self._error: ProviderError | None = None
        self._said = ""
        self._outcome = "cancelled"

    def elapsed_ms(self) -> int:
        return (self._clock.monotonic_ns() - self._began_ns) // 1_000_000

    def saw(self, events: Iterable[StreamEvent]) -> None:
        """Events came; they count as output until the vendor says its own figures."""
        for event in events:
            if type(event) is Finish:
                self._usage = event.usage
                self._outcome = "succeeded"
                continue
            if self._first_token_ms is None:
                self._first_token_ms = self.elapsed_ms()
            self._output_bytes += _size(event)

    def succeeded(self, usage: Usage | None, output_bytes: int) -> None:
        """A whole answer came."""
        self._usage = usage
        self._output_bytes = output_bytes
        self._outcome = "succeeded"

    def failed(self, error: ProviderError, said: str) -> None:
        """It ended with `error`, of which `said` may be kept."""
        self._error = error
        self._said = said
        self._outcome = "failed"
        self.provider_request_id = error.provider_request_id or self.provider_request_id

    @property
    def is_success(self) -> bool:
        return self._outcome == "succeeded"

    @property
    def first_token_ms(self) -> int | None:
        return self._first_token_ms

    def record(self) -> AttemptRecord:
        """What is known now, settled: tokens the vendor stated, or the most it can bill."""
        usage, source = self._settled_usage()
        error, deployment = self._error, self.endpoint.deployment
        return AttemptRecord(
            n=self.n,
            deployment=deployment.slug,
            provider=deployment.provider,
            model=deployment.model,
            started_ms=(self._began_ns - self._request_started_ns) // 1_000_000,
            duration_ms=self.elapsed_ms(),
            first_token_ms=self._first_token_ms,
            outcome=self._outcome,
            error_class=error.error_class if error else None,
            error_message=self._said,
            http_status=error.http_status if error else 200 if self.is_success else None,
            provider_request_id=self.provider_request_id,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_input_tokens=usage.cached_input_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            usage_source=source,
            cost_nano_usd=self._cost(usage, source),
            held_nano_usd=self.step.cost_bound_nano_usd,
            price_id=self.step.price_id,
        )

    def _settled_usage(self) -> tuple[Usage, str]:
        if self._usage is not None:
            return self._usage, "provider"
        if self._error is not None and self._error.error_class in _UNBILLED:
            return Usage(), "none"
        # Nobody told: the input in full and every byte that came as a token is the most that
        # can be billed, so what a provider bills is never more than what was settled.
        bound = Usage(
            input_tokens=self.step.input_tokens_bound,
            output_tokens=min(self._output_bytes, self.step.max_output_tokens),
        )
        return bound, "estimated"

    def _cost(self, usage: Usage, source: str) -> int:
        if self._price is None or source == "none":
            return 0
        if source == "estimated":  # nobody told either what was cached and what was reasoning
            return bound_nano_usd(self._price, usage.input_tokens, usage.output_tokens)
        return cost_nano_usd(
            self._price,
            usage.input_tokens,
            usage.cached_input_tokens,
            usage.cache_write_tokens,
            usage.output_tokens,
            usage.reasoning_tokens,
        )


def _price(endpoint: Endpoint, price_id: int | None) -> PriceSpec | None:
    for price in endpoint.deployment.prices:
        if price.id == price_id:
            return price
    return None


def _size(event: StreamEvent) -> int:
    """UTF-8 bytes of what an event adds to the answer: a bound of its tokens."""
    if isinstance(event, Finish):
        return 0
    text = event.arguments if isinstance(event, ToolCallDelta) else event.text
    return len(text) if text.isascii() else len(text.encode())
