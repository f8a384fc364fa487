"""What all requests of one process share, and what they leave behind."""

from collections.abc import Callable

from apps.gateway.ended import Ended
from apps.gateway.health import HealthBook
from apps.gateway.metrics import Metrics, State
from apps.gateway.moves import Retries
from apps.gateway.surroundings import MACHINE, Books, Buckets, Clock, Upstream
from apps.ledger.records import AttemptRecord, Refused, Settlement, Unheld
from apps.traces.usual import UsualBook


class Shared:
    """`health` is what requests learn from each other, `usual` what is known from those before,
    `metrics` what they are counted by."""

    def __init__(
        self,
        *,
        ledger: Books,
        transport: Upstream,
        buckets: Buckets,
        max_body_bytes: int,
        clock: Clock = MACHINE,
        state: Callable[[], State] = State,
        breaks: bool = True,
    ) -> None:
        self.clock = clock
        self.ledger = ledger
        self.transport = transport
        self.buckets = buckets
        self.max_body_bytes = max_body_bytes
        self.health = HealthBook(breaks=breaks)
        self.usual = UsualBook()
        self.metrics = Metrics(state)
        self.retries = Retries(lambda: self.metrics.in_flight)

    def noted(self, record: AttemptRecord, retry_after_s: float | None) -> None:
        """An attempt ended: learn from it and count it."""
        if record.outcome != "cancelled":
            self.health.note(
                record.deployment,
                self.clock.epoch_ms(),
                error_class=record.error_class,
                latency_ms=record.duration_ms,
                first_token_ms=record.first_token_ms,
                retry_after_s=retry_after_s,
            )
        self.metrics.count_attempt(record)

    def settle(self, settlement: Settlement, ended: Ended) -> None:
        """The end of an admitted request; returns at once."""
        self.metrics.holds -= 1
        self._count(ended)
        self.ledger.settle(settlement)

    def settle_unheld(self, unheld: Unheld, ended: Ended) -> None:
        """The end of a request that went on without a hold; returns at once."""
        self._count(ended)
        self.ledger.settle_unheld(unheld)

    def refuse(self, refused: Refused, ended: Ended) -> None:
        """The end of a request that was turned away; returns at once."""
        self._count(ended)
        self.ledger.refuse(refused)

    def _count(self, ended: Ended) -> None:
        metrics, head, outcome = self.metrics, ended.head, ended.outcome
        self.health.ended(head.trace_id)
        route = ended.route
        metrics.requests[head.door, route, outcome.status, outcome.error_code or ""] += 1
        metrics.latency[route, outcome.latency_ms] += 1
        if outcome.first_token_ms is not None:
            metrics.first_token[route, outcome.first_token_ms] += 1
        if outcome.cost_nano_usd:
            metrics.route_cost[(route,)] += outcome.cost_nano_usd
        if len(ended.attempts) > 1:
            metrics.count_moves(route, ended.attempts)
        if head.ignored_fields:
            metrics.count_legacy(head.request.app or "", head.request.app_version or "")
