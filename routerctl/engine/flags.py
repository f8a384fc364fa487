"""Which flags are on for one request."""

from collections.abc import Iterable

from routerctl.engine.draws import draw
from routerctl.engine.specs import FlagSpec
from routerctl.engine.types import RoutingRequest

SUBJECTS = ("tenant", "user", "session", "key", "app")
"""What a flag may stick to. A request without that value draws for itself alone."""


def flag_states(
    request: RoutingRequest, flags: Iterable[FlagSpec]
) -> tuple[dict[str, bool], dict[str, int]]:
    """The state of each flag for `request`, and the draws that decided any of them."""
    states: dict[str, bool] = {}
    draws: dict[str, int] = {}
    for flag in flags:
        if not flag.enabled or flag.percent <= 0:
            states[flag.slug] = False
        elif flag.percent >= 100:
            states[flag.slug] = True
        else:
            name = f"flag:{flag.slug}"
            subject = getattr(request, flag.sticky_by, None) or request.draw
            draws[name] = part = draw(name, subject)
            states[flag.slug] = part < flag.percent * 100
    return states, draws
