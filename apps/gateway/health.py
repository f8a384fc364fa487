"""How the deployments have done of late, in this process's memory.

Latency is a moving average that forgets half of what it knew every ten calls or so; it is what
`fastest` and `score` rank by. The decision gets a frozen copy, at most a quarter of a second old.
"""

from routerctl.engine.types import DeploymentHealth

_WEIGHT = 0.07
_COPY_MS = 250


class _Seen:
    __slots__ = ("errors", "first_token_ms", "latency_ms", "samples")

    def __init__(self) -> None:
        self.latency_ms = 0.0
        self.first_token_ms = 0.0
        self.errors = 0.0
        self.samples = 0


class HealthBook:
    """`note` after every attempt; `facts` before every decision."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._copy: dict[str, DeploymentHealth] = {}
        self._copied_ms = 0
        self._changed = False

    def note(
        self, deployment: str, *, failed: bool, latency_ms: int, first_token_ms: int | None
    ) -> None:
        """One attempt ended. A failed one says nothing about speed."""
        seen = self._seen.get(deployment)
        if seen is None:
            seen = self._seen[deployment] = _Seen()
        seen.errors += (float(failed) - seen.errors) * _WEIGHT
        if not failed:
            weight = max(_WEIGHT, 1 / (seen.samples + 1))
            seen.latency_ms += (latency_ms - seen.latency_ms) * weight
            if first_token_ms is not None:
                seen.first_token_ms += (first_token_ms - seen.first_token_ms) * weight
        seen.samples += 1
        self._changed = True

    def facts(self, moment_ms: int) -> dict[str, DeploymentHealth]:
        """The health of every deployment that was called; nobody may change the answer."""
        if self._changed and moment_ms - self._copied_ms >= _COPY_MS:
            self._copy = {slug: _frozen(seen) for slug, seen in self._seen.items()}
            self._copied_ms, self._changed = moment_ms, False
        return self._copy


def _frozen(seen: _Seen) -> DeploymentHealth:
    return DeploymentHealth(
        latency_ms=round(seen.latency_ms) if seen.latency_ms else None,
        first_token_ms=round(seen.first_token_ms) if seen.first_token_ms else None,
        error_permille=round(seen.errors * 1000),
        samples=seen.samples,
    )
