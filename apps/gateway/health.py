"""How the deployments have done of late, in this process's memory.

Latency is a moving average that forgets half of what it knew every ten calls or so; it is what
`fastest` and `score` rank by. Whether a deployment is left alone is its breaker's business. The
decision gets a frozen copy: figures at most a quarter of a second old, breakers as they are.
"""

from collections.abc import Iterable, Mapping, Sequence

from apps.gateway.breakers import WARNED_MS, Breaker
from apps.gateway.live import Endpoint
from routerctl.engine.types import Candidate, DeploymentHealth, Step
from routerctl.providers.errors import RULES

_WEIGHT = 0.07
_COPY_MS = 250
_NEVER = float("inf")

_WORDS = {
    "connect": "it could not be reached",
    "server": "it failed",
    "overloaded": "it was overloaded",
    "timeout": "it did not answer in time",
    "stalled": "it fell silent",
    "truncated": "it broke its answer off",
    "malformed": "it sent something unreadable",
    "quota": "it had no quota left",
    "auth": "it rejected our credentials",
    "model_gone": "it no longer has the model",
}
"""What a failure was, for people."""


class _Seen:
    __slots__ = ("breaker", "errors", "first_token_ms", "latency_ms", "samples")

    def __init__(self) -> None:
        self.breaker = Breaker()
        self.latency_ms = 0.0
        self.first_token_ms = 0.0
        self.errors = 0.0
        self.samples = 0


class HealthBook:
    """`note` after every attempt; `configured` and `facts` before every decision, `chosen` after
    it, `ended` when the request has. With `breaks` off nobody is ever left alone."""

    def __init__(self, *, breaks: bool = True) -> None:
        self._breaks = breaks
        self._seen: dict[str, _Seen] = {}
        self._endpoints: Mapping[str, Endpoint] = {}
        self._due: set[str] = set()
        self._probes: dict[str, list[str]] = {}
        """By trace id, the deployments which that request may try."""
        self._copy: dict[str, DeploymentHealth] = {}
        self._copied_ms = 0
        self._stale_ms: float = 0

    # ------------------------------------------------------------------ around a decision

    def configured(self, endpoints: Mapping[str, Endpoint]) -> None:
        """`endpoints` are those in force. One that is called in another way than before (a new
        secret, another address or model) is not blamed for what the old one did."""
        if endpoints is self._endpoints:
            return
        for slug, before in self._endpoints.items():
            now = endpoints.get(slug)
            if slug in self._seen and (now is None or now.target != before.target):
                del self._seen[slug]
                self._stale_ms = 0
        self._endpoints = endpoints

    def facts(self, moment_ms: int) -> dict[str, DeploymentHealth]:
        """The health of every deployment that was called; nobody may change the answer."""
        if moment_ms >= self._stale_ms:
            seen = self._seen
            self._due = {slug for slug, one in seen.items() if one.breaker.is_due(moment_ms)}
            self._copy = {
                slug: _frozen(one, moment_ms, due=slug in self._due)
                for slug, one in seen.items()
                if one.samples or one.breaker.since_ms is not None
            }
            self._copied_ms = moment_ms
            self._stale_ms = min(
                (one.breaker.changes_ms(moment_ms) for one in seen.values()), default=_NEVER
            )
        return self._copy

    def chosen(self, trace_id: str, steps: Iterable[Step], moment_ms: int) -> None:
        """A decision was made from the facts of this moment. Those of `steps` that rested long
        enough are tried by this request and, until it has learnt how they are, by no other."""
        if not self._due:
            return
        for slug in self._due.intersection([step.deployment for step in steps]):
            self._seen[slug].breaker.try_it(trace_id, moment_ms)
            self._probes.setdefault(trace_id, []).append(slug)
            self._stale_ms = 0

    def hasten(self, candidates: Iterable[Candidate], moment_ms: int) -> bool:
        """Nobody of `candidates` may serve. When some only rest, the oldest of them may be tried
        now: True, and the facts are no longer what they were."""
        resting = [
            self._seen[one.deployment].breaker
            for one in candidates
            if [reason.code for reason in one.reasons] == ["unhealthy"]
            and one.deployment in self._seen
        ]
        oldest = min(resting, key=lambda one: one.since_ms or moment_ms, default=None)
        if oldest is None or not oldest.hasten(moment_ms):
            return False
        self._stale_ms = 0
        return True

    def rests(self, trace_id: str, deployment: str) -> bool:
        """Whether `trace_id` leaves `deployment` alone: it rests, and this is not its probe."""
        seen = self._seen.get(deployment)
        return (
            seen is not None
            and seen.breaker.since_ms is not None
            and seen.breaker.probe != trace_id
        )

    def ended(self, trace_id: str) -> None:
        """The request ended. What it was to try and did not, the next one may."""
        for slug in self._probes.pop(trace_id, ()):
            if slug in self._seen and self._seen[slug].breaker.give_up(trace_id):
                self._stale_ms = 0

    # ------------------------------------------------------------------ between processes

    def resting(self) -> tuple[str, ...]:
        """Whom this process leaves alone."""
        return tuple(slug for slug, one in self._seen.items() if one.breaker.since_ms is not None)

    def warn(self, deployments: Iterable[str], moment_ms: int) -> None:
        """Other processes leave `deployments` alone. That is no reason to believe them, but to
        believe the first failure."""
        if self._breaks:
            for slug in deployments:
                self._of(slug).breaker.warned_until_ms = moment_ms + WARNED_MS

    # ------------------------------------------------------------------ what calls teach

    def note(
        self,
        deployment: str,
        moment_ms: int,
        *,
        error_class: str | None,
        latency_ms: int,
        first_token_ms: int | None,
        retry_after_s: float | None = None,
    ) -> None:
        """One attempt ended, with an error of `error_class` or without. A failed one says
        nothing about speed."""
        seen = self._of(deployment)
        failed = error_class is not None
        seen.errors += (float(failed) - seen.errors) * _WEIGHT
        if not failed:
            weight = max(_WEIGHT, 1 / (seen.samples + 1))
            seen.latency_ms += (latency_ms - seen.latency_ms) * weight
            if first_token_ms is not None:
                seen.first_token_ms += (first_token_ms - seen.first_token_ms) * weight
        seen.samples += 1
        self._stale_ms = min(self._stale_ms, self._copied_ms + _COPY_MS)
        if self._breaks:
            self._teach(deployment, seen.breaker, moment_ms, error_class, retry_after_s)

    def _teach(
        self,
        deployment: str,
        breaker: Breaker,
        moment_ms: int,
        error_class: str | None,
        retry_after_s: float | None,
    ) -> None:
        said = RULES[error_class].breaker if error_class else ""
        what = _WORDS.get(error_class or "", "it failed")
        if said in ("deployment", "provider"):
            because = f"{deployment} was called, and {what}."
            for slug in self._siblings(deployment) if said == "provider" else (deployment,):
                self._of(slug).breaker.refused(moment_ms, because)
            self._stale_ms = 0
            return
        if said == "saturated":
            breaker.saturated(moment_ms, retry_after_s)
            self._stale_ms = 0
        # An answer that limits, or finds fault with the request, is an answer: it is there.
        if breaker.call_ended(moment_ms, failed=said == "failure", what=what):
            self._stale_ms = 0

    def _siblings(self, deployment: str) -> Sequence[str]:
        """The deployments of the same provider, which share its credentials and its quota."""
        mine = self._endpoints.get(deployment)
        if mine is None:
            return (deployment,)
        provider = mine.deployment.provider
        return [s for s, one in self._endpoints.items() if one.deployment.provider == provider]

    def _of(self, deployment: str) -> _Seen:
        seen = self._seen.get(deployment)
        if seen is None:
            seen = self._seen[deployment] = _Seen()
        return seen


def _frozen(seen: _Seen, moment_ms: int, *, due: bool) -> DeploymentHealth:
    breaker = seen.breaker
    rests = breaker.since_ms is not None
    saturated = breaker.saturated_until_ms > moment_ms
    if rests:
        reason, until_ms = breaker.why, breaker.until_ms
    else:
        reason, until_ms = "", breaker.saturated_until_ms if saturated else 0
    return DeploymentHealth(
        available=due or not rests,
        reason=reason,
        latency_ms=round(seen.latency_ms) if seen.latency_ms else None,
        first_token_ms=round(seen.first_token_ms) if seen.first_token_ms else None,
        error_permille=round(seen.errors * 1000),
        samples=seen.samples,
        saturated=saturated,
        since_ms=breaker.since_ms,
        until_ms=until_ms or None,
    )


def rested_in_s(candidates: Iterable[Candidate], moment_ms: int) -> int | None:
    """In how many seconds the first of `candidates` has rested long enough; None if none rests."""
    until_ms = [
        one.health.until_ms
        for one in candidates
        if one.health is not None and not one.health.available and one.health.until_ms is not None
    ]
    return max(1, (min(until_ms) - moment_ms + 999) // 1000) if until_ms else None
