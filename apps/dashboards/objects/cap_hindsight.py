"""What a drafted cap would have done of late, in words, below the difference that it makes."""

from collections.abc import Iterator
from typing import Any

from apps.accounts.models import User
from apps.accounts.permissions import tenants_of
from apps.dashboards.figures import counted
from apps.dashboards.objects.cap_words import amount
from apps.policies.export import Entry
from apps.policies.hindsight import Hindsight, hindsight
from apps.policies.specs import cap_spec
from routerctl.engine.errors import RouterError

_WOULD = {
    "moved": "would have gone to {deployment}",
    "refused": "would have been refused",
    "shortened": "would have been sent without their oldest turns",
    "limited": "would have been answered shorter",
    "warned": "would have carried its warning",
    "unknown": "would have met it, and what then is not known",
}


def foreseen(entry: Entry, person: User) -> dict[str, Any]:
    try:
        found = hindsight(cap_spec(entry), tenants=tenants_of(person))
    except RouterError:  # nothing was ever published, so nobody was ever asked
        return {}
    return {"hindsight": found, "hindsight_words": list(words(found)) if found else []}


def words(found: Hindsight) -> Iterator[str]:
    """`It would have tripped 4 times.`, `1,203 requests would have gone to openai/small.`"""
    if not found.requests:
        yield "It would have counted no request."
        return
    took = "" if found.unit == "requests" else f", which took {amount(found.unit, found.taken)}"
    yield f"It would have counted {counted(found.requests, 'request')}{took}."
    if found.full:
        yield f"It would have tripped {counted(found.full, 'time')}, in {_windows(found)}."
    else:
        yield f"It would never have been full, in {_windows(found)}."
    for one in found.would:
        did = _WOULD[one.did].format(deployment=one.deployment)
        yield f"{counted(one.requests, 'request')} {did}."


def _windows(found: Hindsight) -> str:
    return counted(found.windows, "window")
