"""Which caps count a request, how full they are, and what that does to it.

Caps are found by what they name, never by going through all of them: those that name the same
things (plan and feature, say) share one table, and a request looks into each table once.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from operator import attrgetter

from msgspec import UNSET, Struct

from routerctl.engine.case import Case
from routerctl.engine.types import CapSpec, CapUse

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


class CapIndex:
    """All caps of a revision, `named` by their slugs. Frozen once made."""

    __slots__ = ("_tables", "named")

    def __init__(self, caps: Iterable[Cap]) -> None:
        self.named: dict[str, Cap] = {}
        tables: dict[tuple[str, ...], dict[tuple[str | None, ...], list[Cap]]] = {}
        for cap in caps:
            self.named[cap.slug] = cap
            scope = {name: _words(value) for name, value in cap.spec.scope.items()}
            named = tuple(name for name in _DIMENSIONS if name in scope)
            table = tables.setdefault(named, {})
            for words in product(*(scope[name] for name in named)):
                table.setdefault(words, []).append(cap)
        self._tables = [
            (tuple(_DIMENSIONS[name] for name in named), table) for named, table in tables.items()
        ]

    def __bool__(self) -> bool:
        return bool(self.named)

    def counting(self, case: Case, route: str) -> list[Cap]:
        """The caps whose scope the request is in, as they are written; those which name
        deployments among them, whoever will be asked."""
        found: list[Cap] = []
        for dimensions, table in self._tables:
            caps = table.get(tuple([value(case, route) for value in dimensions]))
            if caps:
                found += caps
        if len(self._tables) > 1:
            found.sort(key=_position)
        return found


_position = attrgetter("position")

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


def compile_caps(specs: Iterable[CapSpec]) -> CapIndex:
    return CapIndex(_compiled(position, spec) for position, spec in enumerate(specs))


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
        deployments=None if deployments is None else frozenset(_words(deployments)),
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


def _words(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


# --------------------------------------------------------------------------- windows


def key_of(cap: Cap, case: Case) -> tuple[str, ...] | None:
    """The values which choose the cap's window, in the order of its `per`; "" for one that the
    request does not have. None when such a request is not counted."""
    per = cap.spec.per
    if not per:
        return ()
    values = tuple([_value(name, case) for name in per])
    if cap.spec.missing == "skip" and "" in values:
        return None
    return values


def _value(name: str, case: Case) -> str:
    request = case.request
    if name.startswith("metadata."):
        return request.metadata.get(name.removeprefix("metadata."), "")
    value: str | None = getattr(request, name)
    return value or ""


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
