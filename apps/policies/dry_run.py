"""What would be decided for a call now, and what it would cost: by the live revision and what this
process knows of health, and how full the caps are. Calls nobody, spends nothing, stores nothing.

A process that also serves the machine door lends its knowledge of health (`learn_from`, called
where the doors are put together) and of what requests usually come to; any other knows nothing.
"""

import time
from collections.abc import Callable, Mapping

from apps.ledger.spending import Balances
from apps.policies.assumed import Assumed, with_full
from routerctl.engine.decide import decide
from routerctl.engine.revision import Revision
from routerctl.engine.types import (
    Candidate,
    Decision,
    DeploymentHealth,
    Facts,
    History,
    RoutingRequest,
    TextReading,
    no_history,
)
from routerctl.redaction.reading import read_text
from routerctl.wire.types import ParsedCall

Source = Callable[[int], Mapping[str, DeploymentHealth]]

_sources: list[Source] = []
_histories: list[History] = []


def learn_from(source: Source, history: History) -> None:
    """From now on `source(moment_ms)` says how the deployments do, and `history` what is usual."""
    _sources[:] = [source]
    _histories[:] = [history]


def known_health(moment_ms: int) -> dict[str, DeploymentHealth]:
    """What this process knows at that moment; deployments it never called are left out."""
    return {slug: health for source in _sources for slug, health in source(moment_ms).items()}


def read_call(call: ParsedCall, revision: Revision) -> TextReading:
    """What `revision` wants to know of the call's text."""
    return read_text(call.request, revision, call.texts, call.last_user)


def dry_run(
    request: RoutingRequest,
    reading: TextReading,
    revision: Revision,
    *,
    cap: str = "",
    used_permille: int = 0,
) -> Decision:
    """What would be decided for `request` at this moment; were a `cap` so full, if one is named."""
    now_ms = time.time_ns() // 1_000_000
    balances: Mapping[str, int] = Balances(revision.caps)
    if cap:
        balances = Assumed(balances, cap, used_permille)
        revision = with_full(revision, cap, used_permille)
    history = _histories[0] if _histories else no_history
    facts = Facts(now_ms, known_health(now_ms), balances, history)
    return decide(request, reading, revision, facts)


def first_choice(decision: Decision) -> Candidate | None:
    """The candidate that would be asked first; None when nobody would."""
    if not decision.steps:
        return None
    first = decision.steps[0].deployment
    return next(one for one in decision.candidates if one.deployment == first)
