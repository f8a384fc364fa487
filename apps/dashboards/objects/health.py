"""How a deployment does, in the words of the pages: as far as the process that answers knows."""

from apps.dashboards.objects.kind import Cell
from apps.policies.editing import Held
from routerctl.engine.types import DeploymentHealth


def state_cell(held: Held, health: DeploymentHealth | None) -> Cell:
    """Off, unknown, resting, limiting or available, with the share of errors among recent calls."""
    if not held.entry.get("enabled", True):
        return Cell("Off", tone="", icon="unplug")
    if health is None:
        return Cell("Not called yet", tone="", icon="circle", sub="by this process")
    told = error_words(health)
    if not health.available:
        return Cell("Resting", tone="error", icon="plug-zap", sub=health.reason or told)
    if health.since_ms is not None:
        return Cell("To be tried", tone="warn", icon="plug-zap", sub=health.reason or told)
    if health.saturated:
        return Cell("Limiting", tone="warn", icon="gauge", sub="asked after all others")
    return Cell("Available", tone="ok", icon="circle-check", sub=told)


def health_words(health: DeploymentHealth | None, now_ms: int) -> str:
    """Why a deployment is left alone and what ends that, for whoever asks; empty when it is not."""
    if health is None:
        return ""
    if health.since_ms is None:
        if not health.saturated:
            return ""
        left = _left(health, now_ms)
        return f"It said that we ask too often. For {left} it is asked only after all others."
    why = f"{health.reason} It has rested for {_about(now_ms - health.since_ms)}."
    if health.available:
        return f"{why} The next request that wants it tries it: an answer ends the rest."
    return (
        f"{why} Requests go to the next candidate of their route meanwhile. In"
        f" {_left(health, now_ms)} one request may try it: an answer ends the rest, another failure"
        " makes it longer."
    )


def _left(health: DeploymentHealth, now_ms: int) -> str:
    return _about((health.until_ms or now_ms) - now_ms)


def _about(ms: int) -> str:
    """`12 s`, `4 min`."""
    seconds = max(1, round(ms / 1000))
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"


def error_words(health: DeploymentHealth) -> str:
    """`1.2 % errors` of the calls of late."""
    return f"{health.error_permille / 10:.1f} % errors" if health.error_permille else "no errors"
