"""Invoices to store, and the calls that they bill."""

from datetime import UTC, datetime
from typing import Any

from apps.catalog.models import Price
from apps.policies import invoices
from apps.policies.compile import price_spec
from apps.policies.models import Invoice
from routerctl.engine.pricing import cost_nano_usd
from tests.apps.policies.prices.made import FLASH
from tests.apps.traces.stored import attempt, keep, stored, trace_id_at

MODEL = "gemini-2.5-flash"
HEAD = ",".join(invoices.COLUMNS)
NOON = int(datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()) * 1000
HOUR = 3_600_000


def line(
    token_class: str = "input",
    quantity: str = "1000",
    usd: str = "0.0003",
    *,
    model: str = MODEL,
    provider: str = "google",
    days: str = "2026-03-10,2026-03-10",
) -> str:
    return f"{provider},{model},{token_class},{quantity},{usd},{days}"


def content(*lines: str) -> bytes:
    return "\n".join((HEAD, *lines, "")).encode()


def kept(*lines: str, name: str = "march.csv", time_zone: str = "UTC") -> Invoice:
    file = invoices.File(name, content(*lines), time_zone)
    return invoices.store(file, person=None, source="command", reason="for a test")


def called(at_ms: int = NOON, n: int = 0, **tokens: int) -> int:
    """A call of google/flash that was charged as the engine does; returns its nano-USD."""
    row = Price.objects.filter(deployment=FLASH).order_by("starts_on", "id")[0]
    cost = cost_nano_usd(price_spec(row), **{"input_tokens": 0, **tokens})
    recorded(at_ms, n, cost_nano_usd=cost, price_id=row.fingerprint, usage_source="provider",
             **tokens)  # fmt: skip
    return cost


def recorded(at_ms: int = NOON, n: int = 0, **facts: Any) -> None:
    """An attempt at google/flash, as it is told."""
    keep(stored(attempt(1, FLASH, model=MODEL, **facts), trace_id=trace_id_at(at_ms, n)))
