"""Caps' windows of now, filled as a test wants them."""

from typing import Any

import msgspec
from django.db import connection

from apps.ledger.models import CapWindow, Trace
from apps.ledger.windows import key_hash
from apps.traces.values import StoredTrace
from tests.apps.traces.stored import keep


def filled(cap: str, *, settled: int = 0, held: int = 0, **facts: Any) -> int:
    """The id of a window of `cap`; `facts` are its unit, period, time_zone and key."""
    daily = {"unit": "nano_usd", "period": "day", "time_zone": "UTC", "key": {}}
    wanted: dict[str, Any] = {"cap": cap, **daily, **facts}
    wanted["key_hash"] = key_hash(tuple(wanted["key"].values()))
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_open_windows(%s)", [msgspec.json.encode([wanted]).decode()])
        [[window, *_]] = msgspec.json.decode(cursor.fetchone()[0])
    CapWindow.objects.filter(id=window).update(settled=settled, held=held)
    return int(window)


def took(trace: StoredTrace, **windows: int) -> None:
    """Keep `trace`, which took so much of each window: `w7=1_000`."""
    keep(trace)
    ids = [int(name.removeprefix("w")) for name in windows]
    own = Trace.objects.filter(trace_id=trace.trace_id)
    own.update(windows=ids, spent=list(windows.values()))
