"""Every page that people can open, with a fortnight's traces behind it."""

from __future__ import annotations

import time

from apps.traces.filters import STATUSES
from tests.apps.traces.stored import keep
from tests.browser.gallery import GALLERY, at
from tests.browser.screenshots import addresses, object_addresses
from tests.demo.lived import Lived


def paths(past: Lived) -> dict[str, str]:
    """Those that are looked at, and the lists as they are used on a bad day; by name. The gallery's
    traces are kept beside the fortnight's, so that the last hour has some at any time."""
    now_ms = time.time_ns() // 1_000_000
    shown = {
        name: at(make(), now_ms - minutes * 60_000)
        for minutes, (name, make) in enumerate(GALLERY.items(), start=1)
    }
    keep(*shown.values())
    of = {status: past.trace_of(status) for status in STATUSES}
    gallery = {name: trace.trace_id for name, trace in shown.items()} | of
    return (
        addresses(gallery)
        | object_addresses()
        | {
            "traces of a week": "/traces?from=now-7d",
            "traces of a tenant": "/traces?tenant=mirabell",
            "traces of a feature": "/traces?feature=theme-code&status=succeeded",
            "traces that failed": "/traces?status=failed",
            "traces with a call to a provider": "/traces?provider=basement&from=now-14d",
            "traces that took long": "/traces?min_latency_ms=2000&from=now-14d",
            "traces of long ago": f"/traces?cursor={_old(past)}",
            "search by id": f"/search?q={of['failed']}",
            "api docs": "/api/docs/",
        }
    )


def _old(past: Lived) -> str:
    [(trace_id,)] = past.rows(
        "SELECT trace_id FROM ledger_trace ORDER BY trace_id LIMIT 1 OFFSET 60"
    )
    return str(trace_id)
