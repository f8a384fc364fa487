"""Which caps count a request, how full they are, and what that does to it.

`scopes` finds them by what they name.
"""

from collections.abc import Callable, Iterable, Mapping

from msgspec import UNSET, Struct

from routerctl.engine.case import Case
from routerctl.engine.scopes import ScopeIndex, values_of, words
from routerctl.engine.specs import CapSpec
from routerctl.engine.types import CapUse

PERMILLE = 1000


class Action(Struct, frozen=True):
    """What a cap does once `at_permille` of it is used; `tokens` is the amount of those actions
    which have one, otherwise 0."""

    at_permille: int
    do: str
    tokens: int


class Cap(Struct, frozen=True):
    """A compiled cap. `unit` is nano_usd, tokens or requests, `limit` is in it. `deployments`
    are those it counts, None for all. `actions`: the lowest threshold first."""

    position: int
    slug: str
    code: str
    """The reason code of its rejections."""
    spec: CapSpec
    unit: str
    limit: int
    """Its own; see `limit_at` for the one of a moment."""
    deployments: frozenset[str] | None
    actions: tuple[Action, ...]

    def counts(self, deployment: str) -> bool:
        return self.deployments is None or deployment in self.deployments

    def limit_at(self, moment_ms: int) -> int:
        """The limit that holds at a moment: the cap's own, or for a while a higher one."""
        return limit_at(self.spec, moment_ms)[1]

    @property
    def has_window(self) -> bool:
        """A cap per request looks at each request alone and remembers nothing."""
        return self.spec.period != "request"


_DIMENSIONS: dict[str, Callable[[Case, str], str | None]] = {
    "feature": lambda case, _route: case.request.feature,
    "plan": lambda case, _route: case.request.plan,
    "tenant": lambda case, _route: case.request.tenant,
    "task": lambda case, _route: case.task,
    "route": lambda _case, route: route,
    "key": lambda case, _route: case.request.key,
    "app": lambda case, _route: case.request.app,
}
"""What a scope may name of a request. It may also name deployments, of which a request has
several, so those are looked at step by step."""


CapIndex = ScopeIndex[Cap]
"""All caps of a revision; `counting(case, route)` finds those that name deployments too, whoever
will be asked."""


def compile_caps(specs: Iterable[CapSpec]) -> CapIndex:
    caps = (_compiled(position, spec) for position, spec in enumerate(specs))
    return ScopeIndex(caps, _DIMENSIONS)


def _compiled(position: int, spec: CapSpec) -> Cap:
    unit, limit = limit_of(spec)
    deployments = spec.scope.get("deployment")
    actions = [Action(int(a["at_percent"]) * 10, str(a["do"]), _tokens(a)) for a in spec.actions]
    return Cap(
        position=position,
        slug=spec.slug,
        code=f"cap:{spec.slug}",
        spec=spec,
        unit=unit,
        limit=limit,
        deployments=None if deployments is None else frozenset(words(deployments)),
        actions=tuple(sorted(actions, key=lambda action: action.at_permille)),
    )


def limit_of(spec: CapSpec) -> tuple[str, int]:
    """The unit of the cap's limit, and the limit."""
    limits = {
        "nano_usd": spec.limit_nano_usd,
        "tokens": spec.limit_tokens,
        "requests": spec.limit_requests,
    }
    return next((unit, limit) for unit, limit in limits.items() if limit is not None)


def limit_at(spec: CapSpec, moment_ms: int) -> tuple[str, int]:
    """The unit of the cap's limit, and the limit that holds at a moment."""
    unit, limit = limit_of(spec)
    raised = spec.raised
    return unit, limit if raised is UNSET or moment_ms >= raised.until_ms else raised.to


def _tokens(action: Mapping[str, str | int]) -> int:
    return int(action.get("input_tokens", action.get("max_output_tokens", 0)))


# --------------------------------------------------------------------------- windows


def key_of(cap: Cap, case: Case) -> tuple[str, ...] | None:
    """The values which choose the cap's window, in the order of its `per`; "" for one that the
    request does not have. None when such a request is not counted."""
    per = cap.spec.per
    if not per:
        return ()
    values = values_of(per, case.request)
    if cap.spec.missing == "skip" and "" in values:
        return None
    return values


def balance_of(cap: str, key: tuple[str, ...]) -> str:
    """The name of a window in `Facts.balances`."""
    return "\0".join((cap, *key)) if key else cap


def use_of(cap: Cap, key: tuple[str, ...], used_permille: int) -> CapUse:
    """How full the window of `key` is, and which actions that brings about.

    What is due at the limit itself is not among them, except a warning: at the limit the ledger
    decides, exactly and for every step, and it alone.
    """
    due = [
        action.do
        for action in cap.actions
        if action.at_permille <= used_permille
        and (action.at_permille < PERMILLE or action.do == "warn")
    ]
    return CapUse(cap.slug, key, used_permille, tuple(due))
