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


def error_words(health: DeploymentHealth) -> str:
    """`1.2 % errors` of the calls of late."""
    return f"{health.error_permille / 10:.1f} % errors" if health.error_permille else "no errors"
