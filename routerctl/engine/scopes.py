"""Which rules count a request, by what their scopes name.

Rules are found by what they name, never by going through all of them: those that name the same
things (plan and feature, say) share one table, and a request looks into each table once.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

from routerctl.engine.types import RoutingRequest

Scope = Mapping[str, str | tuple[str, ...]]


class _Spec(Protocol):
    @property
    def slug(self) -> str: ...

    @property
    def scope(self) -> Scope: ...


class Scoped(Protocol):
    """A compiled rule; `position` is its place in the file's list."""

    @property
    def position(self) -> int: ...

    @property
    def spec(self) -> Any: ...


Rule = TypeVar("Rule", bound=Scoped)


class ScopeIndex(Generic[Rule]):
    """All rules of one kind in a revision, `named` by their slugs. Frozen once made.

    `dimensions` says how to read of a request what a scope may name of it; what a scope names
    beside them is for the rule itself to look at.
    """

    __slots__ = ("_tables", "named")

    def __init__(
        self, rules: Iterable[Rule], dimensions: Mapping[str, Callable[..., str | None]]
    ) -> None:
        self.named: dict[str, Rule] = {}
        tables: dict[tuple[str, ...], dict[tuple[str | None, ...], list[Rule]]] = {}
        for rule in rules:
            spec: _Spec = rule.spec
            self.named[spec.slug] = rule
            scope = {name: words(value) for name, value in spec.scope.items()}
            named = tuple(name for name in dimensions if name in scope)
            table = tables.setdefault(named, {})
            for wanted in product(*(scope[name] for name in named)):
                table.setdefault(wanted, []).append(rule)
        self._tables = [
            (tuple(dimensions[name] for name in named), table) for named, table in tables.items()
        ]

    def __bool__(self) -> bool:
        return bool(self.named)

    def counting(self, *seen: Any) -> list[Rule]:
        """The rules whose scope the request is in, as they are written; `seen` is what the
        dimensions read."""
        found: list[Rule] = []
        for dimensions, table in self._tables:
            rules = table.get(tuple([value(*seen) for value in dimensions]))
            if rules:
                found += rules
        if len(self._tables) > 1:
            found.sort(key=_position)
        return found


_position = attrgetter("position")


def words(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def values_of(per: tuple[str, ...], request: RoutingRequest) -> tuple[str, ...]:
    """What `request` has of each thing that a rule is split by; "" where it has it not."""
    return tuple([_value(name, request) for name in per])


def _value(name: str, request: RoutingRequest) -> str:
    if name.startswith("metadata."):
        return request.metadata.get(name.removeprefix("metadata."), "")
    value: str | None = getattr(request, name)
    return value or ""
