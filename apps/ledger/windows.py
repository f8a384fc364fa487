"""Which window of a cap is open now, and how full those are that this process uses.

A window is asked for once in its period and remembered until it ends, by the database's clock.
Balances are looked up a few times a second, off the path of requests; they only shape what is
asked for. Whether there is room is decided under the tick's locks, and nowhere else.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

import msgspec
import structlog
from msgspec import Struct

from apps.ledger.line import CallFailed, Line, LineLost
from apps.ledger.records import LedgerAway, Wanted
from routerctl.engine.caps import Cap, balance_of

log = structlog.get_logger(__name__)

_CALLS = {
    "open_windows": "(jsonb) AS SELECT ledger_open_windows($1)",
    "balances": "(bigint[]) AS SELECT jsonb_agg(jsonb_build_array(w.id, w.settled + w.held))"
    " FROM ledger_capwindow w WHERE w.id = ANY ($1)",
}
_ANSWER_WITHIN_S = 0.9
_LOOK_EVERY_S = 0.5
_IN_USE_S = 600.0
"""Balances are followed of windows that were used in the last ten minutes."""
_MOST_FOLLOWED = 5_000


class Window(Struct):
    """An open window. `ends_s` is by this process's monotonic clock, `ends_at_ms` the same since
    the epoch; both are None for a total."""

    id: int
    cap: str
    key: tuple[str, ...]
    unit: str
    ends_s: float | None
    ends_at_ms: int | None
    used_s: float


_Name = tuple[str, str, str, str, tuple[str, ...]]
_opened = msgspec.json.Decoder(list[tuple[int, int | None, int | None]])
_balances = msgspec.json.Decoder(list[tuple[int, int]] | None)


class Windows:
    """Of one process. `balances` are permille used, by `caps.balance_of`."""

    def __init__(self, dsn: str, limits: Callable[[], Mapping[str, int]]) -> None:
        """`limits` tells each cap's limit, in its unit, as this process knows it."""
        self.balances: dict[str, int] = {}
        self._line = Line(dsn, _CALLS, answer_within_s=_ANSWER_WITHIN_S, on_lost=_lost)
        self._limits = limits
        self._open: dict[_Name, Window] = {}
        self._by_id: dict[int, Window] = {}
        self._opening: dict[_Name, asyncio.Future[None]] = {}

    def of(self, window: int) -> Window | None:
        """What is known of a window by its id."""
        return self._by_id.get(window)

    async def find(self, caps: Sequence[Cap], keys: Sequence[tuple[str, ...]]) -> list[int]:
        """The id of each cap's open window for its key; 0 for a cap without windows.

        Raises LedgerAway when one must be opened and the database is away.
        """
        now_s = time.monotonic()
        found: list[int] = []
        missing: dict[_Name, Wanted] = {}
        for cap, key in zip(caps, keys, strict=True):
            if not cap.has_window:
                found.append(0)
                continue
            name = _name(cap, key)
            window = self._open.get(name)
            if window is None or (window.ends_s is not None and window.ends_s <= now_s):
                missing[name] = wanted(cap, key)
            else:
                window.used_s = now_s
                found.append(window.id)
        if missing:
            await self._make(missing)
            return await self.find(caps, keys)
        return found

    async def _make(self, missing: dict[_Name, Wanted]) -> None:
        """Open what nobody is opening already, and wait for the rest."""
        others = [self._opening[name] for name in missing if name in self._opening]
        mine = {name: named for name, named in missing.items() if name not in self._opening}
        if mine:
            opening = asyncio.get_running_loop().create_future()
            self._opening |= dict.fromkeys(mine, opening)
            try:
                await self._ask(mine)
            finally:
                for name in mine:
                    del self._opening[name]
                opening.set_result(None)
        for other in others:
            await asyncio.shield(other)

    async def _ask(self, missing: dict[_Name, Wanted]) -> None:
        asked_s = time.monotonic()
        try:
            await self._line.open()
            told = await self._line.call(
                b"open_windows", msgspec.json.encode(list(missing.values()))
            )
        except (LineLost, CallFailed) as error:
            log.warning("windows_not_opened", why=str(error))
            raise LedgerAway from None
        assert told is not None
        for name, (id_, left_ms, ends_at_ms) in zip(missing, _opened.decode(told), strict=True):
            ends_s = None if left_ms is None else asked_s + left_ms / 1000
            window = Window(id_, name[0], name[4], name[1], ends_s, ends_at_ms, asked_s)
            self._open[name] = self._by_id[id_] = window

    # ------------------------------------------------------------------ balances

    async def run(self) -> None:
        """Follow the balances of windows in use. Runs until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            self._forget()
            if not self._by_id:
                self.balances = {}
                continue
            try:
                await self._line.open()
                await self._look()
            except (LineLost, CallFailed) as error:
                log.warning("balances_unknown", why=str(error))

    async def _look(self) -> None:
        ids = b"{%b}" % b",".join([b"%d" % id_ for id_ in self._by_id])
        told = await self._line.call(b"balances", ids)
        limits = self._limits()
        balances = {}
        for id_, used in (told and _balances.decode(told)) or ():
            window = self._by_id.get(id_)
            limit = limits.get(window.cap) if window else None
            if window and limit is not None:
                permille = used * 1000 // limit if limit else 1000
                balances[balance_of(window.cap, window.key)] = permille
        self.balances = balances

    def _forget(self) -> None:
        """Windows that ended or were not used for long; the longest unused when there are many."""
        now_s = time.monotonic()
        kept = [
            (name, window)
            for name, window in self._open.items()
            if now_s - window.used_s < _IN_USE_S
            and (window.ends_s is None or window.ends_s > now_s)
        ]
        if len(kept) == len(self._open) <= _MOST_FOLLOWED:
            return
        kept.sort(key=lambda item: item[1].used_s)
        self._open = dict(kept[-_MOST_FOLLOWED:])
        self._by_id = {window.id: window for window in self._open.values()}

    def close(self) -> None:
        self._line.close()


def _name(cap: Cap, key: tuple[str, ...]) -> _Name:
    return (cap.slug, cap.unit, cap.spec.period, cap.spec.time_zone, key)


def wanted(cap: Cap, key: tuple[str, ...]) -> Wanted:
    """What names the window of `cap` for `key`, at any moment."""
    return Wanted(
        cap=cap.slug,
        unit=cap.unit,
        period=cap.spec.period,
        time_zone=cap.spec.time_zone,
        key_hash=key_hash(key),
        key=dict(zip(cap.spec.per, key, strict=True)),
    )


def key_hash(key: Sequence[str]) -> str:
    """What tells windows of one cap apart; empty for a cap that is per nothing."""
    return sha256("\0".join(key).encode("utf-8", "replace")).hexdigest() if key else ""


def _lost(why: str) -> None:
    log.info("ledger_line_lost", line="windows", why=why)
