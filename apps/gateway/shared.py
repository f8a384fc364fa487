"""What all requests of one process share, and what they leave behind."""

from apps.gateway.health import HealthBook
from apps.gateway.metrics import Metrics
from apps.gateway.surroundings import MACHINE, Books, Buckets, Clock, Upstream
from apps.ledger.records import AttemptRecord, Outcome, Refused, Settlement, TraceHead, Unheld


class Shared:
    """`health` is what requests learn from each other, `metrics` what they are counted by."""

    def __init__(
        self,
        *,
        ledger: Books,
        transport: Upstream,
        buckets: Buckets,
        max_body_bytes: int,
        clock: Clock = MACHINE,
    ) -> None:
        self.clock = clock
        self.ledger = ledger
        self.transport = transport
        self.buckets = buckets
        self.max_body_bytes = max_body_bytes
        self.health = HealthBook()
        self.metrics = Metrics()

    def noted(self, record: AttemptRecord) -> None:
        """An attempt ended: learn from it and count it."""
        failed = record.outcome == "failed"
        if record.outcome != "cancelled":
            self.health.note(
                record.deployment,
                failed=failed,
                latency_ms=record.duration_ms,
                first_token_ms=record.first_token_ms,
            )
        deployment, metrics = record.deployment, self.metrics
        metrics.attempts[deployment, record.outcome, record.error_class or ""] += 1
        metrics.tokens[deployment, "input"] += record.input_tokens
        metrics.tokens[deployment, "output"] += record.output_tokens
        metrics.cost[(deployment,)] += record.cost_nano_usd

    def settle(self, settlement: Settlement) -> None:
        """The end of an admitted request; returns at once."""
        self._count(settlement.head, settlement.outcome)
        self.ledger.settle(settlement)

    def settle_unheld(self, unheld: Unheld) -> None:
        """The end of a request that went on without a hold; returns at once."""
        self._count(unheld.head, unheld.outcome)
        self.ledger.settle_unheld(unheld)

    def refuse(self, refused: Refused) -> None:
        """The end of a request that was turned away; returns at once."""
        self._count(refused.head, refused.outcome)
        self.ledger.refuse(refused)

    def _count(self, head: TraceHead, outcome: Outcome) -> None:
        metrics, route = self.metrics, head.decision.route or ""
        metrics.requests[head.door, route, outcome.status, outcome.error_code or ""] += 1
        metrics.latency[head.door, outcome.latency_ms] += 1
        metrics.pending = self.ledger.pending
        if head.ignored_fields:
            metrics.count_legacy(head.request.app or "", head.request.app_version or "")
