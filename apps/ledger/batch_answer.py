"""What a batch of holds asks of the database beside its rows, and what it is told."""

from collections.abc import Iterable, Mapping
from typing import Self

import msgspec
from msgspec import Struct

from apps.ledger.records import Admitted, Hold
from routerctl.engine.errors import RouterError


class _Taken(Struct):
    """A request whose idempotency key was used before."""

    trace_id: str
    same_body: bool
    earlier_trace_id: str

    def error(self) -> RouterError:
        code = "answer_expired" if self.same_body else "idempotency_conflict"
        return RouterError(code, details={"earlier_trace_id": self.earlier_trace_id})


class _Full(Struct):
    """A request none of whose claims finds room, and the window that was too full for the first."""

    trace_id: str
    window: int
    room: int

    def error(self) -> RouterError:
        return RouterError("cap_reached", details={"window": self.window, "room": self.room})


class _Told(Struct):
    taken: list[_Taken] = []
    stopped: list[str] = []
    refused: list[_Full] = []
    steps: dict[str, Admitted] = {}


_decoder = msgspec.json.Decoder(_Told)
_FIRST = Admitted()


class BatchAnswer:
    """Who was refused, by trace id and with the error, and which claim the others got."""

    __slots__ = ("_steps", "errors")

    def __init__(self, errors: Mapping[str, RouterError], steps: Mapping[str, Admitted]) -> None:
        self.errors = errors
        self._steps = steps

    @classmethod
    def read(cls, told: bytes | None) -> Self:
        """Nothing is told when everybody got the first claim."""
        if not told:
            return cls({}, {})
        answer = _decoder.decode(told)
        errors = {trace_id: RouterError("budget_unavailable") for trace_id in answer.stopped}
        errors |= {one.trace_id: one.error() for one in answer.taken}
        errors |= {one.trace_id: one.error() for one in answer.refused}
        return cls(errors, answer.steps)

    def admitted(self, trace_id: str) -> Admitted:
        return self._steps.get(trace_id, _FIRST)


def windows_of(
    batch: Iterable[tuple[Hold, tuple[int, ...]]],
) -> tuple[bytes | None, bytes | None]:
    """All windows that a batch may take from, in order, and what its first claims take of each.

    Each hold comes with the windows of the hold in whose place it comes. Both are arrays for the
    database, or None when no cap counts anybody.
    """
    needed: dict[int, int] = {}
    for hold, had in batch:
        for window in had:
            needed.setdefault(window, 0)
        first, *others = hold.claims
        for window, amount in zip(first.windows, first.amounts, strict=True):
            needed[window] = needed.get(window, 0) + amount
        for claim in others:
            for window in claim.windows:
                needed.setdefault(window, 0)
    if not needed:
        return None, None
    windows = sorted(needed)
    return _array(windows), _array([needed[window] for window in windows])


def _array(numbers: list[int]) -> bytes:
    return b"{%b}" % b",".join([b"%d" % number for number in numbers])
