"""What an object was, told from its history rows; it is told of deleted objects too.

An object's past is that of its own rows and, of a deployment, that of its prices, which are rows
of their own.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.catalog.models import Price, Provider
from apps.policies.difference import FieldChange, changes_between
from apps.policies.editing.kinds import model_of
from apps.policies.export import Entry, as_data, entry_of

_WHAT = {"+": "created", "~": "changed", "-": "deleted"}


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an object. `what` is created, changed or deleted; `fields` is what differs,
    and is empty for one that was only `moved` in its list or stated anew."""

    at: datetime
    person: User | None
    source: str
    reason: str
    what: str
    fields: tuple[FieldChange, ...]
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """Changes, newest first. `next` is the cursor of those before them; None: there are none."""

    changes: tuple[Change, ...]
    next: int | None


def history(kind: str, slug: str, *, cursor: int | None = None, limit: int = 50) -> Past:
    """The changes of an object, newest first, `limit` at a time."""
    start = cursor or 0
    end = start + limit
    rows = _rows(kind, slug)
    told = tuple(
        _change(row, rows[place + 1 :]) for place, row in enumerate(rows[start:end], start)
    )
    return Past(told, end if len(rows) > end else None)


def entry_at(kind: str, slug: str, version: int) -> Entry | None:
    """The entry as it was at `version`; None when it was not there, or there was none such."""
    own = newest(model_of(kind).history.filter(slug=slug))
    prices = newest(Price.history.filter(deployment=slug)) if kind == "deployments" else []
    while own and _id(own) + _id(prices) > version:
        later = prices if prices and _date(prices) >= _date(own) else own
        later.pop(0)
    if not own or _id(own) + _id(prices) != version or own[0].history_type == "-":
        return None
    said = entry_of(model_at(own[0]))
    return {**said, **_prices_of(prices)} if kind == "deployments" else said


def newest(rows: Any) -> list[Any]:
    """History rows, newest first, with who made them."""
    return list(rows.select_related("history_user").order_by("-history_id"))


def model_at(row: Any) -> Any:
    """The object, not to be saved, as a history row has it."""
    model = row.instance_type
    kept = {field.attname: getattr(row, field.attname) for field in row.tracked_fields}
    if model is Provider and row.secret_origin and not row.secret_reference:
        kept["secret_ciphertext"] = b""  # that one was stored is known, and no more
    return model(**kept)


def _id(rows: list[Any]) -> int:
    return rows[0].history_id if rows else 0


def _date(rows: list[Any]) -> datetime:
    moment: datetime = rows[0].history_date
    return moment


def _prices_of(rows: list[Any]) -> Entry:
    """The prices in force when the first of `rows` was the newest."""
    held: dict[Any, Any] = {}
    for row in rows:
        held.setdefault(row.starts_on, row)
    standing = [held[day] for day in sorted(held) if not held[day].withdrawn]
    said = [as_data(entry_of(model_at(row))) for row in standing]
    return {"prices": said} if said else {}


def _rows(kind: str, slug: str) -> list[Any]:
    own = newest(model_of(kind).history.filter(slug=slug))
    if kind != "deployments":
        return own
    prices = newest(Price.history.filter(deployment=slug))
    return sorted([*prices, *own], key=lambda row: row.history_date, reverse=True)


def _change(row: Any, older: list[Any]) -> Change:
    before = _previous(row, older)
    return Change(
        at=row.history_date,
        person=row.history_user,
        source=row.source,
        reason=row.history_change_reason,
        what="changed" if row.instance_type is Price else _WHAT[row.history_type],
        fields=changes_between(_state(before), _state(row)),
        moved=before is not None and _place(before) != _place(row),
    )


def _previous(row: Any, older: list[Any]) -> Any:
    """The row before this one in the same life of the same thing; None when this created it."""
    day = getattr(row, "starts_on", None)
    for other in older:
        if type(other) is type(row) and getattr(other, "starts_on", None) == day:
            return None if other.history_type == "-" else other
    return None


def _place(row: Any) -> int | None:
    return getattr(row, "position", None)


def _state(row: Any) -> Entry | None:
    """What stood there after the change; of a provider also for whom its secret is kept."""
    if row is None or row.history_type == "-":
        return None
    said = entry_of(model_at(row))
    if row.instance_type is Price:
        return None if row.withdrawn else {"prices": [as_data(said)]}
    if row.instance_type is Provider and row.secret_origin:
        return {**said, "secret_origin": row.secret_origin, "secret_ends": row.secret_ends}
    return said
