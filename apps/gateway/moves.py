"""After an error: ask the same deployment once more, go on to another one, or end.

What an error means stands in `providers.errors.RULES`; here it meets what this request may still
do.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from apps.gateway.live import Endpoint
from routerctl.engine.types import Step
from routerctl.providers.errors import ProviderError

TOO_LATE_MS = 25
"""With less than this left of the total nobody is asked: timers are not exact either."""

SOON_S = 2.0
"""A provider that says to come back within this is waited for."""

_JITTER_S = 0.25
_LEAST_BACKOFF_S, _MOST_BACKOFF_S = 0.25, 4.0

_SHARE = 5
_ALWAYS = 3


class Retries:
    """How many requests of this process ask a deployment again just now: at most a fifth of those
    in flight, so that a provider in trouble is not asked more because of it, but always three."""

    __slots__ = ("_in_flight", "under_way")

    def __init__(self, in_flight: Callable[[], int]) -> None:
        self._in_flight = in_flight
        self.under_way = 0

    def take(self) -> bool:
        """One more, if there may be; `give_back` when its attempt has ended."""
        if self.under_way >= max(_ALWAYS, self._in_flight() // _SHARE):
            return False
        self.under_way += 1
        return True

    def give_back(self) -> None:
        self.under_way -= 1


class Move(Struct, frozen=True):
    """On to the step at `position`; `again` when it is the same one, after `wait_s`."""

    position: int
    again: bool = False
    wait_s: float = 0.0


Fits = Callable[[int], bool]
"""Whether the step at a position can do what is to be done."""


def anyone(_position: int) -> bool:
    return True


class Moves(Struct, frozen=True):
    """What one request may do. `rests` says whether a deployment is left alone just now."""

    steps: Sequence[Step]
    endpoints: Mapping[str, Endpoint]
    rests: Callable[[str], bool]
    retries: Retries
    chance: Callable[[], float]
    refusals_elsewhere: bool = False
    """The route asks another provider what a vendor's content policy refused."""

    def after(
        self,
        error: ProviderError,
        position: int,
        fits: Fits = anyone,
        *,
        retried: bool,
        left_ms: int,
        first: bool = True,
    ) -> Move | None:
        """Where to go when the step at `position` ended with `error`; None when that was all.
        `first`: nobody was asked before it. `retried`: it was asked again already. A move that is
        `again` has taken from `retries`."""
        left_ms -= TOO_LATE_MS
        if left_ms < 0:
            return None
        further = self._further(error, position, fits)
        wait_s = None
        if not retried and fits(position) and not self.rests(self.steps[position].deployment):
            wait_s = self._wait_s(error, alone=first and further is None)
        if wait_s is not None and wait_s * 1000 <= left_ms and self.retries.take():
            return Move(position, again=True, wait_s=wait_s)
        return None if further is None else Move(further)

    def _wait_s(self, error: ProviderError, *, alone: bool) -> float | None:
        """How long to wait before the same deployment is asked again; None if it is not. Always
        somewhat by chance, so that not everybody comes back at once."""
        again, told_s = error.rule.again, error.retry_after_s
        if again == "once":
            return self.chance() * _JITTER_S
        if again == "soon" and told_s is not None and told_s <= SOON_S:
            return told_s + self.chance() * _JITTER_S
        if again == "alone" and alone and (told_s or 0) <= _MOST_BACKOFF_S:
            least_s = max(told_s or 0, _LEAST_BACKOFF_S)
            return least_s + self.chance() * (_MOST_BACKOFF_S - least_s)
        return None

    def _further(self, error: ProviderError, position: int, fits: Fits) -> int | None:
        """The next step that may do better than the one which failed."""
        rule = error.rule
        if rule.fall_back == "no" or (rule.fall_back == "asked" and not self.refusals_elsewhere):
            return None
        apart = rule.breaker == "provider" or rule.fall_back == "asked"
        failed = self.endpoints[self.steps[position].deployment].deployment
        for later in range(position + 1, len(self.steps)):
            other = self.endpoints[self.steps[later].deployment].deployment
            if rule.fall_back == "larger" and other.context_window <= failed.context_window:
                continue
            if apart and other.provider == failed.provider:
                continue
            if fits(later) and not self.rests(other.slug):
                return later
        return None
