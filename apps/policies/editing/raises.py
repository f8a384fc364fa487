"""Which edits of a cap let more pass than one person alone may allow.

More than `SHARE` above what held at any time of the last 24 hours takes two, so that several small
raises do not add up to a great one; what a second person confirmed since counts from there. What
cannot be compared (other requests, another unit or period) counts as a raise, and so does deletion.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.accounts.chain import kind_of
from apps.policies.editing.past import entries_about
from apps.policies.models import Cap, WaitingEdit

SHARE = 20
"""In percent."""
LOOKS_BACK = timedelta(hours=24)

LIMITS = ("limit_nano_usd", "limit_tokens", "limit_requests")
_COUNTED = {
    "scope": "It counts other requests than before.",
    "per": "It has a window for each of something else than before.",
    "missing": "It treats requests without its key in another way.",
    "period": "It counts over another period.",
}


def why_two(old: Cap, new: Cap | None) -> str | None:
    """Why it takes two people to make `new` (None: nothing) of the cap `old`; None: one will do."""
    if new is None:
        return "Without the cap nothing holds what it counts."
    for field, why in _COUNTED.items():
        if getattr(old, field) != getattr(new, field):
            return why
    if old.mode == "closed" and new.mode == "open":
        return "It may be overshot while the database is away."
    unit = _unit(new)
    if _unit(old) != unit:
        return "It counts in another unit."
    least = min(_limits_of_late(old, unit), default=0)
    if max(getattr(new, unit), _raised_to(new, old)) * 100 > least * (100 + SHARE):
        return f"The limit rises by more than {SHARE} percent of what it was in the last 24 hours."
    return None


def _raised_to(new: Cap, old: Cap) -> int:
    """To what an edit raises the limit for a while; what was so already is no raise, unless it
    shall last longer."""
    if new.raised_to is None or new.raised_until is None:
        return 0
    if old.raised_to is None or old.raised_until is None:
        return new.raised_to
    is_less = new.raised_to <= old.raised_to and new.raised_until <= old.raised_until
    return 0 if is_less else new.raised_to


def _unit(cap: Cap | Mapping[str, Any]) -> str:
    said = cap if isinstance(cap, Mapping) else vars(cap)
    return next(unit for unit in LIMITS if said.get(unit) is not None)


def _limits_of_late(cap: Cap, unit: str) -> Iterator[int]:
    """The limits, in `unit`, that held at some time since it all began to count."""
    yield getattr(cap, unit)
    since = _since(cap.slug)
    entries = entries_about("caps", [cap.slug]).filter(kind=kind_of(Cap)).order_by("-pk")
    for entry in entries.only("at", "content", "what"):
        if entry.what != "deleted" and entry.content.get(unit) is not None:
            yield entry.content[unit]
        if entry.at <= since:
            return


def _since(slug: str) -> datetime:
    """The last 24 hours, or less if a second person has looked at it since."""
    since = timezone.now() - LOOKS_BACK
    confirmed = WaitingEdit.objects.filter(kind="caps", slug=slug, state="confirmed")
    newest = confirmed.order_by("-decided_at").values_list("decided_at", flat=True).first()
    return max(since, newest) if newest else since
