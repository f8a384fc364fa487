"""Moments as pages show them: in the reporting zone, with its name, and how long ago."""

from datetime import UTC, datetime

from django.utils import timezone

_STEPS = (("day", 86_400), ("hour", 3600), ("minute", 60))


def local(moment_ms: int) -> datetime:
    """The moment in the zone that the page reports in."""
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    return moment.astimezone(timezone.get_current_timezone())


def zone() -> str:
    """The reporting zone's name now, `UTC` or `CET`."""
    return local(now_ms()).strftime("%Z")


def now_ms() -> int:
    return int(timezone.now().timestamp() * 1000)


def iso(moment_ms: int) -> str:
    """ISO 8601 in UTC, what is copied and what machines read."""
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def written(moment_ms: int) -> str:
    """A moment in an address, `2026-11-18T14:00Z`: edges of a chart are whole minutes."""
    return iso(moment_ms).replace(":00.000Z", "Z")


def ago(moment_ms: int, now_ms: int) -> str:
    """`just now`, `1 minute ago`, `3 days ago`; a moment ahead of our clock is just now."""
    seconds = (now_ms - moment_ms) // 1000
    for noun, length in _STEPS:
        if seconds >= length:
            number = seconds // length
            return f"{number:,} {noun}{'' if number == 1 else 's'} ago"
    return "just now"


def of_day(moment_ms: int, now_ms: int) -> str:
    """`14:31:52`; with its day when that is not today: `17 Nov 14:31:52`."""
    moment, now = local(moment_ms), local(now_ms)
    if moment.date() == now.date():
        return f"{moment:%H:%M:%S}"
    day = f"{moment.day} {moment:%b}"
    return f"{day} {moment:%H:%M:%S}" if moment.year == now.year else f"{day} {moment.year}"
