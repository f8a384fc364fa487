"""What stands in the query of a URL, checked. Every function raises RouterError invalid_request
with the parameter that is wrong."""

import time
from collections.abc import Collection, Mapping

from apps.traces.moments import parse_moment
from routerctl.engine.errors import RouterError


def known_only(query: dict[str, str], names: Collection[str]) -> dict[str, str]:
    """`query`, which has no parameter but `names`."""
    for name, value in query.items():
        if name not in names:
            raise invalid(name, f"There is no parameter {name}.")
        if "\0" in value:
            raise invalid(name, f"{name} has a character that no value has.")
    return query


def moment(query: Mapping[str, str], name: str) -> int | None:
    """A moment in milliseconds since the Unix epoch."""
    text = query.get(name)
    if text is None:
        return None
    try:
        return parse_moment(text, time.time_ns() // 1_000_000)
    except ValueError:
        raise invalid(name, "Write a moment like 2026-01-31T12:00:00Z or now-6h.") from None


def number(query: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not digits or not least <= int(text) <= most:
        raise invalid(name, f"{name} is a number from {least} to {most}.")
    return int(text)


def invalid(parameter: str, message: str) -> RouterError:
    return RouterError("invalid_request", message, details={"parameter": parameter})
