"""While the database is away, what ended is on disk, and whoever starts next stores it."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.ledger.batcher import Ledger
from apps.ledger.records import LedgerAway, Unheld
from apps.ledger.spool import Record, Spool, ended
from apps.ledger.windows import wanted
from routerctl.engine.caps import compile_caps
from routerctl.engine.specs import CapSpec
from tests.apps.ledger import made
from tests.apps.ledger.conftest import MakeLedger
from tests.apps.ledger.stored import Stored
from tests.apps.ledger.wire import Wire

ROW = (b"settle", ("0199-a", b'{"trace_id": "0199-a"}'))
OTHER = (b"refuse", ("0199-b", b'{"trace_id": "0199-b"}'))
DAILY = compile_caps([CapSpec(slug="daily", limit_requests=5, mode="open")]).named["daily"]


async def _until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 (files and another task tell nobody)
            await asyncio.sleep(0.02)


def _lines(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.spool"))


def _unheld(used: int = 1) -> Unheld:
    known = made.head()
    return Unheld(
        head=known,
        outcome=made.settlement(known).outcome,
        attempts=(made.attempt(),),
        counted=(wanted(DAILY, ()),),
        used=(used,),
    )


# --------------------------------------------------------------------------- the files


def test_what_the_dead_left_is_the_next_ones(tmp_path: Path) -> None:
    dead = Spool(tmp_path)
    dead.add([ROW, OTHER])
    dead.close(empty=False)

    heir = Spool(tmp_path)

    assert heir.adopt() == [ROW, OTHER]
    assert _lines(tmp_path) == 2
    heir.close(empty=False)
    assert Spool(tmp_path).adopt() == [ROW, OTHER]


def test_the_file_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    living = Spool(tmp_path)
    living.add([ROW])

    assert Spool(tmp_path).adopt() == []


def test_a_line_that_a_crash_cut_off_is_no_record(tmp_path: Path) -> None:
    dead = Spool(tmp_path)
    dead.add([ROW])
    dead.close(empty=False)
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes() + b'settle 0199-c {"trace_i')

    assert Spool(tmp_path).adopt() == [ROW]


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    Spool(tmp_path / "spool")
    [path] = (tmp_path / "spool").iterdir()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_what_had_only_begun_ends_as_it_said_last() -> None:
    first, last, end = (
        (b"begun", ("a", b"1")),
        (b"begun", ("a", b"2")),
        (b"settle_unheld", ("b", b"3")),
    )
    assert ended([first, (b"begun", ("b", b"0")), last, end, ROW]) == [
        end, ROW, (b"settle_unheld", ("a", b"2"))]  # fmt: skip


# --------------------------------------------------------------------------- with a ledger


async def test_settlements_of_a_process_that_died_meanwhile_are_stored_by_the_next(
    make_ledger: MakeLedger, wire: Wire, stored: Stored, tmp_path: Path
) -> None:
    ledger = await make_ledger(wire.url, spool=tmp_path)
    heads = [made.head() for _ in range(30)]
    await asyncio.gather(*(ledger.reserve(made.hold(known)) for known in heads))
    wire.cut()
    for known in heads:
        ledger.settle(made.settlement(known, made.attempt()))
    await _until(lambda: _lines(tmp_path) == len(heads))
    await ledger.stop()  # it lets go of its file, as a killed process would
    assert stored.traces() == set()

    heir = await make_ledger(spool=tmp_path)

    assert await heir.drain(10)
    assert stored.traces() == {known.trace_id for known in heads}
    assert stored.holds() == []
    await _until(lambda: _lines(tmp_path) == 0)


async def test_the_disk_is_empty_again_when_all_is_stored(
    make_ledger: MakeLedger, wire: Wire, stored: Stored, tmp_path: Path
) -> None:
    ledger = await make_ledger(wire.url, spool=tmp_path)
    known = made.head()
    await ledger.reserve(made.hold(known))
    wire.cut()
    ledger.settle(made.settlement(known, made.attempt()))
    await _until(lambda: _lines(tmp_path) == 1)

    await wire.mend()

    assert await ledger.drain(10)
    await _until(lambda: _lines(tmp_path) == 0)
    assert stored.traces() == {known.trace_id}


# --------------------------------------------------------------------------- without a hold


async def test_who_was_never_asked_for_is_told_from_who_may_be_held(
    make_ledger: MakeLedger, wire: Wire
) -> None:
    ledger = await make_ledger(wire.url)
    wire.cut()
    await _until(lambda: not ledger.is_open)
    with pytest.raises(LedgerAway):
        await ledger.reserve(made.hold(made.head()))


async def test_what_went_on_without_a_hold_is_counted_once_however_often_it_is_stored(
    ledger: Ledger, make_ledger: MakeLedger, stored: Stored, tmp_path: Path
) -> None:
    spooling = await make_ledger(spool=tmp_path)
    ends = [_unheld(), _unheld()]
    for _ in range(2):
        for end in ends:
            spooling.settle_unheld(end)
        assert await spooling.drain(10)

    [window] = stored.all("SELECT cap, settled, held FROM ledger_capwindow")
    assert (window["cap"], window["settled"], window["held"]) == ("daily", 2, 0)
    assert stored.traces() == {end.head.trace_id for end in ends}
    assert stored.holds() == []
    assert len(stored.attempts(ends[0].head.trace_id)) == 1


async def test_it_is_counted_by_the_window_of_its_own_time(
    make_ledger: MakeLedger, stored: Stored, tmp_path: Path
) -> None:
    ledger = await make_ledger(spool=tmp_path)
    end = _unheld()
    ledger.settle_unheld(end)
    assert await ledger.drain(10)

    [window] = stored.all("SELECT starts_at, ends_at FROM ledger_capwindow")
    began_s = end.head.started_at_ms / 1000
    assert window["starts_at"].timestamp() <= began_s < window["ends_at"].timestamp()


async def test_without_a_place_on_disk_nothing_goes_on_unheld(
    ledger: Ledger, make_ledger: MakeLedger, tmp_path: Path
) -> None:
    assert not ledger.keeps_unheld
    assert (await make_ledger(spool=tmp_path)).keeps_unheld


async def test_a_full_disk_allowance_ends_it(
    make_ledger: MakeLedger, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.ledger.settlements.SPOOL_BYTES", 4_000)
    ledger = await make_ledger(wire.url, spool=tmp_path)
    wire.cut()
    while ledger.keeps_unheld:
        ledger.settle_unheld(_unheld())
    assert 1 < ledger.pending < 10
    await wire.mend()
    assert await ledger.drain(10)
    assert ledger.keeps_unheld


async def test_a_request_without_a_hold_leaves_a_trace_though_its_process_dies(
    make_ledger: MakeLedger, wire: Wire, stored: Stored, tmp_path: Path
) -> None:
    ledger = await make_ledger(wire.url, spool=tmp_path)
    wire.cut()
    lost, over = _unheld(used=2), _unheld()
    await ledger.begin_unheld(lost)
    await ledger.begin_unheld(over)
    assert _lines(tmp_path) == 2
    ledger.settle_unheld(over)
    await _until(lambda: _lines(tmp_path) == 3)
    await ledger.stop()

    heir = await make_ledger(spool=tmp_path)

    assert await heir.drain(10)
    assert stored.traces() == {lost.head.trace_id, over.head.trace_id}
    [window] = stored.all("SELECT settled FROM ledger_capwindow WHERE cap = 'daily'")
    assert window["settled"] == 3
    await _until(lambda: _lines(tmp_path) == 0)


async def test_the_disk_keeps_what_is_under_way_when_the_rest_is_stored(
    make_ledger: MakeLedger, wire: Wire, stored: Stored, tmp_path: Path
) -> None:
    ledger = await make_ledger(wire.url, spool=tmp_path)
    wire.cut()
    under_way, over = _unheld(), _unheld()
    await ledger.begin_unheld(under_way)
    await ledger.begin_unheld(over)
    ledger.settle_unheld(over)
    await wire.mend()

    assert await ledger.drain(10)
    assert stored.traces() == {over.head.trace_id}
    assert _lines(tmp_path) > 0
    ledger.settle_unheld(under_way)
    assert await ledger.drain(10)
    await _until(lambda: _lines(tmp_path) == 0)


async def test_what_is_stored_before_it_reached_the_disk_does_not_stay_there(
    make_ledger: MakeLedger,
    wire: Wire,
    stored: Stored,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = await make_ledger(wire.url, spool=tmp_path)
    under_way, add = _unheld(), Spool.add
    await ledger.begin_unheld(under_way)

    def slow_disk(self: Spool, records: list[Record]) -> None:
        time.sleep(0.5)
        add(self, records)

    monkeypatch.setattr(Spool, "add", slow_disk)
    ledger.settle_unheld(under_way)
    assert await ledger.drain(10)
    assert stored.traces() == {under_way.head.trace_id}
    await asyncio.sleep(0.6)
    await _until(lambda: _lines(tmp_path) == 0)


async def test_a_disk_that_takes_nothing_lets_nothing_begin(
    make_ledger: MakeLedger, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await make_ledger(wire.url, spool=tmp_path)

    def full(_records: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Spool, "add", lambda _self, records: full(records))
        with pytest.raises(LedgerAway):
            await ledger.begin_unheld(_unheld())
