"""A request's money: what each step would hold of which windows, what an attempt used of them,
and what is said when there is no room."""

from collections.abc import Sequence
from datetime import UTC, datetime

from apps.gateway.surroundings import Books, Purse
from apps.ledger.ids import epoch_ms
from apps.ledger.records import AttemptRecord, Claim
from routerctl.engine.caps import Cap
from routerctl.engine.errors import RouterError
from routerctl.engine.revision import Revision
from routerctl.engine.sentences import dollars
from routerctl.engine.types import Decision, Step


class Claims:
    """What the steps of one decision hold. Mutable: a request is counted once, whichever of its
    attempts was answered or billed."""

    __slots__ = ("_caps", "_counted", "_steps", "_windows")

    def __init__(
        self, steps: Sequence[Step], caps: Sequence[Cap] = (), windows: Sequence[int] = ()
    ) -> None:
        self._steps = steps
        self._caps = {window: cap for window, cap in zip(windows, caps, strict=True) if window}
        self._windows = windows
        self._counted: set[int] = set()

    @classmethod
    async def of(cls, decision: Decision, revision: Revision, books: Books) -> "Claims":
        """Raises LedgerAway when a window must be opened and the database is away."""
        if not decision.caps:
            return cls(decision.steps)
        caps = [revision.caps.named[use.cap] for use in decision.caps]
        windows = await books.windows(caps, [use.key for use in decision.caps])
        return cls(decision.steps, caps, windows)

    def since(self, position: int) -> tuple[Claim, ...]:
        """The claims of the steps from `position` on."""
        return tuple([self._claim(step) for step in self._steps[position:]])

    def _claim(self, step: Step) -> Claim:
        if not self._caps:
            return Claim(step.cost_bound_nano_usd)
        held = [
            (window, amount)
            for window, amount in zip(self._windows, step.amounts, strict=True)
            if amount and window and window not in self._counted
        ]
        return Claim(
            step.cost_bound_nano_usd,
            tuple([window for window, _ in held]),
            tuple([amount for _, amount in held]),
        )

    def used(self, claim: Claim, record: AttemptRecord) -> tuple[int, ...]:
        """What the attempt took of the windows of its `claim`."""
        return tuple([self._used(window, record) for window in claim.windows])

    def _used(self, window: int, record: AttemptRecord) -> int:
        unit = self._caps[window].unit
        if unit == "nano_usd":
            return record.cost_nano_usd
        if unit == "tokens":
            return record.input_tokens + record.output_tokens
        if record.outcome != "succeeded" and not record.cost_nano_usd:
            return 0
        self._counted.add(window)
        return 1

    def cap(self, window: int) -> Cap:
        return self._caps[window]


def told(error: RouterError, claims: Claims, books: Purse) -> RouterError:
    """The ledger's `error` in words. Of a cap without room: which, whom it counts, what is left
    and until when."""
    if error.code != "cap_reached":
        return error
    window = books.window(error.details["window"])
    cap = claims.cap(error.details["window"])
    ends_at_ms = None if window is None else window.ends_at_ms
    resets_at = None if ends_at_ms is None else iso(ends_at_ms)
    left_s = None if ends_at_ms is None else max(1, (ends_at_ms - epoch_ms()) // 1000)
    until = "" if resets_at is None else f" It resets at {resets_at}."
    return RouterError(
        "cap_reached",
        f"Cap {cap.slug} has no room for this request: {_amount(cap, error.details['room'])} of"
        f" {_amount(cap, cap.limit_at(epoch_ms()))} is left.{until}",
        details={
            "cap": cap.slug,
            "scope": cap.spec.scope,
            "key": dict(zip(cap.spec.per, window.key, strict=True)) if window else {},
            "resets_at": resets_at,
        },
        retry_after_s=left_s,
    )


def _amount(cap: Cap, amount: int) -> str:
    amount = max(0, amount)
    return dollars(amount) if cap.unit == "nano_usd" else f"{amount} {cap.unit}"


def iso(moment_ms: int) -> str:
    return f"{datetime.fromtimestamp(moment_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
