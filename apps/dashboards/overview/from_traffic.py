"""What traffic says needs somebody: deployments that fail, features that do worse than usual.

The thresholds are low enough to be early, and high enough that a quiet day shows nothing.
"""

from collections.abc import Iterator

from apps.accounts.tenants import Tenants
from apps.dashboards.figures import counted, percent
from apps.dashboards.overview.findings import Finding, traces_address
from apps.dashboards.story import FAILED_AS
from apps.traces.calls import Calls, FeatureHour, calls_by_deployment, features_at_this_hour

RECENT_MS = 15 * 60_000

_FEWEST_FAILURES = 3
_DEGRADED_FROM = 0.1
_FAILING_FROM = 0.5
_SPIKE_FROM = 0.05
_SPIKE_TIMES = 3
_FEWEST_REQUESTS = 10


def from_traffic(now_ms: int, *, tenants: Tenants) -> Iterator[Finding]:
    """Two queries: the calls of the last 15 minutes, and this hour beside the days before."""
    for calls in calls_by_deployment(now_ms - RECENT_MS, now_ms, tenants=tenants):
        if calls.failed >= _FEWEST_FAILURES and calls.failed >= calls.calls * _DEGRADED_FROM:
            yield _failing(calls)
    for hour in features_at_this_hour(now_ms, tenants=tenants):
        yield from _spikes(hour)


def _failing(calls: Calls) -> Finding:
    gone = calls.failed >= calls.calls * _FAILING_FROM
    word = FAILED_AS.get(calls.failed_most_as or "", "failed").lower()
    return Finding(
        kind="failing",
        tone="error" if gone else "warn",
        icon="plug-zap",
        strong=f"{calls.deployment} {'is failing' if gone else 'fails at times'}.",
        text=f"{calls.failed:,} of {counted(calls.calls, 'call')} failed in the last 15 minutes,"
        f" most of them as “{word}”.",
        since_ms=calls.failed_first_ms,
        href=traces_address(deployment=calls.deployment, since="now-15m"),
        link="See requests",
    )


def _spikes(hour: FeatureHour) -> Iterator[Finding]:
    for verb, now, before, since_ms, tone, query in (
        ("fails", hour.now.failed, hour.before.failed, hour.failed_first_ms, "error",
         {"status": "failed"}),
        ("falls back", hour.now.fallbacks, hour.before.fallbacks, hour.fell_back_first_ms, "warn",
         {"degraded_action": "fallback"}),
    ):  # fmt: skip
        requests, usual = hour.now.requests, before / max(hour.before.requests, 1)
        share = now / requests
        if requests < _FEWEST_REQUESTS or now < _FEWEST_FAILURES or share < _SPIKE_FROM:
            continue
        if share >= usual * _SPIKE_TIMES:
            yield Finding(
                kind="spike",
                tone=tone,
                icon="triangle-alert",
                strong=f"{hour.feature} {verb} more than usual.",
                text=f"{now:,} of {counted(requests, 'request')} in the last hour,"
                f" {percent(now, requests)}; {_usual(before, hour.before.requests)}.",
                since_ms=since_ms,
                href=traces_address(feature=hour.feature, **query, since="now-1h"),
                link="See requests",
            )


def _usual(part: int, whole: int) -> str:
    if whole == 0:
        return "nothing to compare it with at this hour of the 7 days before"
    return f"{percent(part, whole)} at this hour of the 7 days before"
