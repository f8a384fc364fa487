"""An invoice beside what was recorded for the same provider and days, class by class.

Money of a class is reckoned from each attempt's tokens and the price row it was charged by, as
the engine does. What an attempt cost beyond that, because its usage never came and the hold was
settled instead, is `unattributed`: so the rows add up to what was settled.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from msgspec import Struct

from apps.catalog.models import Price
from apps.policies.compile import price_spec
from apps.policies.models import Invoice, InvoiceLine
from apps.traces.ids import first_id_at
from routerctl.engine.prices import PriceSpec
from routerctl.engine.pricing import cost_by_class

THRESHOLD_PERCENT = 2
UNATTRIBUTED = "unattributed"

_RECORDED = """
SELECT model, price_id, usage_source <> 'none', input_tokens, cached_input_tokens,
    cache_write_tokens, output_tokens, reasoning_tokens, count(*), sum(cost_nano_usd)::bigint
FROM ledger_attempt
WHERE trace_id >= %s AND trace_id < %s AND provider = %s
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""


class Row(Struct, frozen=True):
    """A class of a model. `state` is within, over (money or quantity by more than
    THRESHOLD_PERCENT), unknown (billed, and nothing of it recorded) or not_billed."""

    model: str
    token_class: str
    state: str
    billed_quantity: int = 0
    recorded_quantity: int = 0
    billed_nano_usd: int = 0
    settled_nano_usd: int = 0

    @property
    def difference_nano_usd(self) -> int:
        """Above 0: more was billed than was settled."""
        return self.billed_nano_usd - self.settled_nano_usd

    @property
    def difference_quantity(self) -> int:
        return self.billed_quantity - self.recorded_quantity

    @property
    def percent(self) -> str:
        """Of what was settled, with two decimals, rounded half away from zero; "" of nothing."""
        if not self.settled_nano_usd:
            return ""
        more, settled = self.difference_nano_usd, self.settled_nano_usd
        hundredths = (abs(more) * 20_000 + settled) // (2 * settled)
        sign = "-" if more < 0 and hundredths else "+" if hundredths else ""
        return f"{sign}{hundredths // 100}.{hundredths % 100:02d}"


class Comparison(Struct, frozen=True):
    """All rows, by model and class; `whole` is their money (of tokens and requests there is no
    sum)."""

    provider: str
    from_day: date
    to_day: date
    time_zone: str
    rows: tuple[Row, ...]
    whole: Row

    @property
    def flagged(self) -> int:
        return sum(row.state != "within" for row in self.rows)


_Used = dict[tuple[str, str], list[int]]
"""By model and class: the quantity, and the nano-USD."""


def compare(invoice: Invoice) -> Comparison:
    """Reads every attempt at the provider in the period: seconds when there are millions."""
    used = _used(invoice)
    lines = {(line.model, line.token_class): line for line in invoice.lines.all()}
    owed = {key for key, sums in used.items() if sums[1] or key[1] != "requests"}
    rows = [_row(key, lines.get(key), used.get(key)) for key in sorted({*lines, *owed})]
    billed = sum(row.billed_nano_usd for row in rows)
    settled = sum(row.settled_nano_usd for row in rows)
    whole = Row("", "", _state(billed, settled), billed_nano_usd=billed, settled_nano_usd=settled)
    return Comparison(
        invoice.provider, invoice.from_day, invoice.to_day, invoice.time_zone, tuple(rows), whole
    )


def _row(key: tuple[str, str], line: InvoiceLine | None, used: list[int] | None) -> Row:
    recorded, settled = used or (0, 0)
    if line is None:
        return Row(*key, "not_billed", 0, recorded, 0, settled)
    billed, amount = line.quantity, line.amount_nano_usd
    off = "over" in (_state(billed, recorded), _state(amount, settled))
    state = "unknown" if used is None else "over" if off else "within"
    return Row(*key, state, billed, recorded, amount, settled)


def _state(billed: int, recorded: int) -> str:
    return "over" if abs(billed - recorded) * 100 > THRESHOLD_PERCENT * recorded else "within"


# --------------------------------------------------------------------------- what was recorded


def _used(invoice: Invoice) -> _Used:
    found = list(_recorded(invoice))
    prices = _prices({row[1] for row in found if row[1] is not None})
    used: _Used = defaultdict(lambda: [0, 0])
    for model, price_id, told, *tokens, calls, cost in found:
        reckoned = 0
        if told and price_id in prices:
            classes = cost_by_class(prices[price_id], *tokens)
            for name, (quantity, nano_usd) in classes.items():
                if quantity:
                    _add(used[model, name], quantity * calls, nano_usd * calls)
                    reckoned += nano_usd * calls
        if cost != reckoned:
            _add(used[model, UNATTRIBUTED], calls, cost - reckoned)
    return dict(used)


def _add(sums: list[int], quantity: int, nano_usd: int) -> None:
    sums[0] += quantity
    sums[1] += nano_usd


def _recorded(invoice: Invoice) -> Iterator[tuple[Any, ...]]:
    begin = _midnight_ms(invoice.from_day, invoice.time_zone)
    end = _midnight_ms(invoice.to_day + timedelta(days=1), invoice.time_zone)
    with connection.cursor() as cursor:
        cursor.execute(_RECORDED, [first_id_at(begin), first_id_at(end), invoice.provider])
        yield from cursor.fetchall()


def _midnight_ms(day: date, time_zone: str) -> int:
    return int(datetime.combine(day, time(), ZoneInfo(time_zone)).timestamp()) * 1000


def _prices(ids: Iterable[int]) -> dict[int, PriceSpec]:
    rows = Price.objects.filter(fingerprint__in=list(ids))
    return {row.fingerprint: price_spec(row) for row in rows}
