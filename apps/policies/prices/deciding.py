"""Proposals read and decided. Approving goes through the one way of editing; rejecting changes
nothing but the proposal."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from msgspec import convert

from apps.accounts.models import User
from apps.accounts.permissions import Action, may
from apps.policies import editing
from apps.policies.export import Entry
from apps.policies.models import PriceProposal
from apps.policies.prices.dated import in_force, with_item
from apps.policies.prices.values import HAND, Content, Item, NotYours, Proposal, Refused, Stale


def proposals(*, open_only: bool = False, limit: int = 50) -> list[Proposal]:
    """Newest first."""
    rows = PriceProposal.objects.select_related("person", "decided_by")
    return [_value(row) for row in (rows.filter(state="open") if open_only else rows)[:limit]]


def proposal(number: int) -> Proposal | None:
    """One of them; None when there is none such."""
    row = PriceProposal.objects.select_related("person", "decided_by").filter(pk=number).first()
    return None if row is None else _value(row)


def approve(
    number: int, chosen: Iterable[int], *, person: User | None, source: str, reason: str
) -> Proposal:
    """Put the `chosen` items (by their places) in force, as one change; the others are left.

    Raises Refused when nothing is chosen or what is chosen cannot be, NotYours when some of it is
    odd and of the same person, Stale when the prices or the proposal were changed meanwhile,
    editing.Conflict and editing.Invalid as every edit, PermissionDenied, ValueError without a
    reason.
    """
    _permit(person)
    places = tuple(sorted(set(chosen)))
    with transaction.atomic():
        row = _undecided(number)
        content = convert(row.content, Content)
        items = _chosen(content, places)
        _second_person(row, items, person)
        editing.amend_all(
            "deployments",
            _amendments(items),
            person=person,
            source=source,
            reason=_full_reason(row, reason),
        )
        _decide(row, "approved", person, reason, places)
    return _value(row)


def reject(number: int, *, person: User | None, reason: str) -> Proposal:
    """Close a proposal without a change; it stays to be read. Raises Stale, PermissionDenied,
    and ValueError without a reason."""
    _permit(person)
    with transaction.atomic():
        row = _undecided(number)
        _decide(row, "rejected", person, reason, ())
    return _value(row)


def takes_another(found: Proposal, item: Item, person: User | None) -> bool:
    """Whether somebody other than `person` has to approve `item`: it is odd, and they proposed it.
    Keys and commands of nobody are one and the same nobody."""
    return item.odd and _pk(found.person) == _pk(person)


# --------------------------------------------------------------------------- the steps


def _pk(person: User | None) -> int | None:
    return person.pk if person else None


def _second_person(row: PriceProposal, items: list[Item], person: User | None) -> None:
    odd = [item.deployment for item in items if item.odd]
    if odd and row.person_id == _pk(person):
        said = "its price is odd, and somebody other than whoever proposed it approves it."
        raise NotYours(f"{odd[0]}: {said}")


def _permit(person: User | None) -> None:
    if person is not None and not may(person, Action.EDIT_PRICES):
        raise PermissionDenied(f"{person.role} may not {Action.EDIT_PRICES}")


def _undecided(number: int) -> PriceProposal:
    row = PriceProposal.objects.select_for_update().filter(pk=number).first()
    if row is None:
        raise Refused(f"There is no proposal {number}.")
    if row.state != "open":
        raise Stale(f"Proposal {number} was {row.state} already.")
    return row


def _chosen(content: Content, places: tuple[int, ...]) -> list[Item]:
    if not places:
        raise Refused("Choose at least one price.")
    if not all(0 <= place < len(content.items) for place in places):
        raise Refused("There is no such price in the proposal.")
    items = [content.items[place] for place in places]
    for item in items:
        for mark in item.marks:
            if mark.refused:
                raise Refused(f"{item.deployment}: {mark.sentence}")
    return items


def _amendments(items: list[Item]) -> list[editing.Amendment]:
    """One for each deployment, with all of its items, provided that each still comes after the
    price that it was compared with."""
    now: dict[str, Any] = {}
    for item in items:
        if item.deployment not in now:
            now[item.deployment] = editing.entry("deployments", item.deployment)
        if _price_then(now[item.deployment].entry, item) != item.before:
            raise Stale(f"The price of {item.deployment} was changed meanwhile; propose it again.")
    wanted = {slug: held.entry.get("prices", []) for slug, held in now.items()}
    for item in items:
        wanted[item.deployment] = with_item(wanted[item.deployment], item)
    return [
        editing.Amendment(slug, {"prices": prices}, now[slug].version)
        for slug, prices in wanted.items()
    ]


def _price_then(entry: Entry, item: Item) -> Entry | None:
    return in_force(entry.get("prices", []), item.starts_on)


def _full_reason(row: PriceProposal, reason: str) -> str:
    if not reason.strip():
        raise ValueError("a change needs a reason")
    return reason if row.feed == HAND else f"From {row.feed} {row.version}: {reason}"


def _decide(
    row: PriceProposal, state: str, person: User | None, reason: str, applied: tuple[int, ...]
) -> None:
    if not reason.strip():
        raise ValueError("a decision needs a reason")
    row.state, row.applied, row.reason = state, list(applied), reason
    row.decided_by, row.decided_at = person, timezone.now()
    row.save(update_fields=["state", "applied", "reason", "decided_by", "decided_at"])


def _value(row: PriceProposal) -> Proposal:
    return Proposal(
        id=row.pk,
        feed=row.feed,
        version=row.version,
        content=convert(row.content, Content),
        person=row.person,
        source=row.source,
        made_at=row.made_at,
        state=row.state,
        applied=tuple(row.applied),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        reason=row.reason,
    )
