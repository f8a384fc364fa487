"""All that the page of the system shows, as it is at this moment."""

import platform
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import django
from django.conf import settings

from apps.dashboards import clock
from apps.dashboards.facts import Fact
from apps.dashboards.figures import counted
from apps.dashboards.story import Result
from apps.dashboards.system.servers import Database, Valkey, database, valkey
from apps.ledger.processes import Process, processes
from apps.ledger.storage import Storage, storage
from apps.policies import live
from apps.policies.models import Revision

_NEWEST = Result("ok", "circle-check", "Newest")
_BEHIND = Result("warn", "clock", "Behind")
_NOTHING = Result("", "circle-minus", "None yet")
_UP = Result("ok", "circle-check", "Serving")
_SILENT = Result("error", "circle-x", "Silent")
_UNHEARD = Result("warn", "triangle-alert", "Not heard")
_NO_LEASE = Result("warn", "triangle-alert", "No lease")


@dataclass(frozen=True, slots=True)
class Line:
    """A process with what can be said of it: its state, and that of its revision."""

    process: Process
    state: Result
    revision: Result
    since_ms: int | None
    """When the revision that it runs was made."""


def system_page() -> dict[str, Any]:
    """The template's context."""
    newest, held, cache, kept = live.latest(), database(), valkey(), storage()
    lines = _lines(cache, newest)
    return {
        "now_ms": clock.now_ms(),
        "newest": newest,
        "lines": lines,
        "wrong": list(_wrong(held, cache, kept, lines)),
        "valkey": cache,
        "versions": _versions(held, cache),
        "database_facts": _database(held),
        "valkey_facts": _valkey(cache),
        "storage": kept,
        "storage_facts": _storage(kept),
        "settings_facts": _settings(),
    }


def _lines(cache: Valkey, newest: tuple[int, str] | None) -> list[Line]:
    found = processes(cache.beats)
    ids = {p.beat.revision[0] for p in found if p.beat is not None and p.beat.revision}
    made = {
        pk: int(at.timestamp() * 1000)
        for pk, at in Revision.objects.filter(pk__in=ids).values_list("pk", "created_at")
    }
    now_ms = clock.now_ms()
    return [
        Line(
            one,
            _state(one, now_ms),
            _revision(one, newest),
            made.get(one.beat.revision[0]) if one.beat and one.beat.revision else None,
        )
        for one in found
    ]


def _state(process: Process, now_ms: int) -> Result:
    if process.beat is None:
        return _UNHEARD
    if process.beat.is_silent(now_ms):
        return _SILENT
    return _UP if process.beat.ledger_open else _NO_LEASE


def _revision(process: Process, newest: tuple[int, str] | None) -> Result:
    if process.beat is None or process.beat.revision is None:
        return _NOTHING
    return _NEWEST if newest is not None and process.beat.revision[0] == newest[0] else _BEHIND


def _wrong(held: Database, cache: Valkey, kept: Storage, lines: list[Line]) -> Any:
    """What asks for somebody, one sentence each."""
    if held.unapplied:
        yield f"{counted(len(held.unapplied), 'migration')} to apply: {', '.join(held.unapplied)}."
    if cache.trouble:
        yield f"Valkey is away: {cache.trouble} Processes cannot say what they run."
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    if kept.days and not kept.covers(tomorrow):
        yield f"There is no partition for {tomorrow} yet; a serving process makes it."
    for line in lines:
        beat = line.process.beat
        if beat is not None and line.state is not _UP:
            name = f"{beat.host}, process {beat.pid}"
            yield f"{name}: {line.state.word.lower()} since {clock.local(beat.at_ms):%H:%M:%S}."


def _versions(held: Database, cache: Valkey) -> list[Fact]:
    return [
        Fact("routerctl", str(settings.SPECTACULAR_SETTINGS["VERSION"])),
        Fact("Python", platform.python_version()),
        Fact("Django", django.get_version()),
        Fact("PostgreSQL", held.version),
        Fact(cache.product or "Valkey", cache.version, why_unknown="It is away"),
    ]


def _database(held: Database) -> list[Fact]:
    return [
        Fact("Where", held.where),
        Fact("Size", _megabytes(held.size_bytes)),
        Fact("Connections", f"{held.connections} of at most {held.most_connections}"),
        Fact("Migrations", ", ".join(held.unapplied) or "All applied"),
    ]


def _valkey(cache: Valkey) -> list[Fact]:
    away = "Valkey is away"
    known = not cache.trouble
    return [
        Fact("Where", cache.where),
        Fact("Memory", _megabytes(cache.memory_bytes) if known else "", why_unknown=away),
        Fact(
            "Errand workers",
            (", ".join(cache.errand_workers) or "None running") if known else "",
            why_unknown=away,
        ),
        Fact("Errands waiting", counted(cache.queue, "errand") if known else "", why_unknown=away),
    ]


def _storage(kept: Storage) -> list[Fact]:
    days = f"{len(kept.days)}: {kept.days[0]} to {kept.days[-1]}" if kept.days else ""
    return [
        Fact("Partitions", days, why_unknown="None was made yet"),
        Fact(
            "Traces",
            "" if kept.traces is None else f"about {kept.traces:,}",
            why_unknown="The database has not counted them yet",
        ),
        Fact("Oldest", _moment(kept.oldest_ms), why_unknown="There is no trace yet"),
        Fact("Newest", _moment(kept.newest_ms), why_unknown="There is no trace yet"),
    ]


def _settings() -> list[Fact]:
    """What an operator chose, without anything that is secret."""
    env = settings.ENV
    return [
        Fact("ROUTERCTL_ENV", "production" if env.production else "development"),
        Fact("ROUTERCTL_ROLE", env.role),
        Fact("ROUTERCTL_ALLOWED_HOSTS", ", ".join(env.allowed_hosts)),
        Fact("ROUTERCTL_PRIVATE_ORIGINS", ", ".join(map(str, env.private_origins)) or "none"),
        Fact("ROUTERCTL_TRUSTED_PROXIES", ", ".join(env.trusted_proxies) or "none"),
        Fact("ROUTERCTL_MAX_BODY_BYTES", f"{env.max_body_bytes:,}"),
        Fact("ROUTERCTL_LOG_LEVEL", env.log_level),
        Fact("Encryption keys", counted(len(env.encryption_keys), "key")),
    ]


def _moment(moment_ms: int | None) -> str:
    if moment_ms is None:
        return ""
    at = clock.local(moment_ms)
    return f"{at.day} {at:%b %Y, %H:%M:%S %Z}"


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"
