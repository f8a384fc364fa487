"""The processes that serve: what they say of themselves, beside what the ledger knows of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Sum

from apps.ledger.heartbeat import Beat
from apps.ledger.models import Hold, WorkerLease


@dataclass(frozen=True, slots=True)
class Process:
    """`worker` is its name in the ledger. `beat` is None when it was never heard, `lease_until`
    when it may reserve nothing. `holds` are its requests with money held, `oldest_hold_at` the
    first of them."""

    worker: str
    beat: Beat | None
    lease_until: datetime | None
    holds: int
    held_nano_usd: int
    oldest_hold_at: datetime | None


def processes(beats: Iterable[Beat]) -> list[Process]:
    """Every process that beats, has a lease, or left holds behind; by name."""
    heard = {beat.worker: beat for beat in beats}
    leases = dict(WorkerLease.objects.values_list("worker", "expires_at"))
    holds = {
        worker: (count, held, oldest)
        for worker, count, held, oldest in Hold.objects.values_list("worker").annotate(
            Count("n"), Sum("amount_nano_usd"), Min("admitted_at")
        )
    }
    return [
        Process(worker, heard.get(worker), leases.get(worker), *holds.get(worker, (0, 0, None)))
        for worker in sorted({*heard, *leases, *holds})
    ]
