"""Prices and proposals as their pages show them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.utils import timezone

from apps.accounts.models import User
from apps.dashboards.prices.forms import DecisionForm
from apps.policies import prices
from routerctl.engine.sentences import dollars


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a proposal. `ticked`: chosen for approval; `applied`: it was approved;
    `anothers`: it is open, and somebody other than who looks at it has to approve it."""

    place: int
    item: prices.Item
    rows: tuple[prices.Row, ...]
    ticked: bool
    applied: bool
    anothers: bool

    @property
    def more(self) -> str:
        """`$1.20 more`, `$0.30 less`; empty where no call tells."""
        effect = self.item.effect
        if not effect.calls or effect.was_nano_usd is None:
            return ""
        more = effect.more_nano_usd
        if not more:
            return "the same"
        return f"{in_cents(abs(more))} {'less' if more < 0 else 'more'}"


def lines(proposal: prices.Proposal, form: DecisionForm, person: User) -> list[Line]:
    chosen = form.chosen() if proposal.is_open else set()
    return [
        Line(
            place,
            item,
            prices.rows_between(item.before, item.after),
            place in chosen,
            place in proposal.applied,
            proposal.is_open and prices.takes_another(proposal, item, person),
        )
        for place, item in enumerate(proposal.content.items)
    ]


def in_cents(nano_usd: int) -> str:
    """`$1,204.30`, rounded half up; what is less than a cent says so."""
    cents = (nano_usd + 5_000_000) // 10_000_000
    if nano_usd and not cents:
        return "less than $0.01"
    return f"${cents // 100:,}.{cents % 100:02d}"


@dataclass(frozen=True, slots=True)
class Catalog:
    """The list, with its figures."""

    rows: list[prices.Priced]
    waiting: list[prices.Proposal]

    @property
    def unpriced(self) -> int:
        return sum(row.in_force is None for row in self.rows)

    @property
    def priced(self) -> int:
        return len(self.rows) - self.unpriced

    @property
    def coming(self) -> int:
        return sum(len(row.coming) for row in self.rows)


def catalog() -> Catalog:
    return Catalog(prices.catalog(timezone.now()), prices.proposals(open_only=True))


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row of a deployment's past. `state` is in force, coming, past, corrected or withdrawn."""

    price: prices.Dated
    state: str


def recorded(rows: Iterable[prices.Dated], today: date) -> list[Recorded]:
    """`rows`, last recorded first, each with what it is today. The last word on a day counts."""
    rows = list(rows)
    last: dict[date, prices.Dated] = {}
    for row in rows:
        last.setdefault(row.starts_on, row)
    standing = [row for row in last.values() if not row.withdrawn]
    begun = [row.starts_on for row in standing if row.starts_on <= today]
    holds = max(begun, default=None)
    return [Recorded(row, _state(row, last[row.starts_on], holds, today)) for row in rows]


def _state(row: prices.Dated, last: prices.Dated, holds: date | None, today: date) -> str:
    if row.withdrawn:
        return "withdrawn"
    if row is not last:
        return "corrected"
    if row.starts_on > today:
        return "coming"
    return "in force" if row.starts_on == holds else "past"


def today() -> date:
    """Prices begin at midnight UTC."""
    return datetime.now(UTC).date()


def amount(row: prices.Row) -> str:
    return dollars(row.now)


def amount_before(row: prices.Row) -> str:
    return "" if row.was is None else dollars(row.was)
