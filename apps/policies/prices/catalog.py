"""What every deployment costs now and from which day on it costs something else."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from apps.accounts.models import User
from apps.catalog.models import Deployment, Price, prices_in_force
from apps.policies.export import Entry, as_data, entry_of


@dataclass(frozen=True, slots=True)
class Dated:
    """A row of the catalog: the price as the file writes it, and who stated it when, from where
    and why. `person` is None for a file, a command or a key. `withdrawn`: it took back what had
    been said for that day."""

    starts_on: date
    entry: Entry
    recorded_at: datetime
    person: User | None
    source: str
    reason: str
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Priced:
    """A deployment with the price `in_force` today (UTC; None: it has none, and no money cap
    lets it be called) and those that are `coming`, in order."""

    deployment: str
    provider: str
    model: str
    in_force: Dated | None
    coming: tuple[Dated, ...]


def catalog(now: datetime) -> list[Priced]:
    """Every deployment, in the order of their list."""
    rows = list(prices_in_force())
    said = _said([row.pk for row in rows])
    listed: defaultdict[str, list[Dated]] = defaultdict(list)
    for row in rows:
        listed[row.deployment].append(_dated(row, said.get(row.pk)))
    today = now.astimezone(UTC).date()
    return [_priced(row, listed.get(row.slug, []), today) for row in Deployment.objects.all()]


def past(deployment: str) -> list[Dated]:
    """Every row that was ever recorded for a deployment, last recorded first."""
    rows = list(Price.objects.filter(deployment=deployment).order_by("-id"))
    said = _said([row.pk for row in rows])
    return [_dated(row, said.get(row.pk)) for row in rows]


def _priced(row: Deployment, prices: list[Dated], today: date) -> Priced:
    begun = [price for price in prices if price.starts_on <= today]
    coming = tuple(price for price in prices if price.starts_on > today)
    return Priced(row.slug, row.provider_id, row.model, begun[-1] if begun else None, coming)


def _said(ids: list[int]) -> dict[int, Any]:
    """Who and why, by price: each row was saved once."""
    rows = Price.history.filter(id__in=ids).select_related("history_user")
    return {row.id: row for row in rows}


def _dated(row: Price, said: Any) -> Dated:
    return Dated(
        starts_on=row.starts_on,
        entry=as_data(entry_of(row)),
        recorded_at=row.recorded_at,
        person=said.history_user if said else None,
        source=said.source if said else "",
        reason=said.history_change_reason if said else "",
        withdrawn=row.withdrawn,
    )
