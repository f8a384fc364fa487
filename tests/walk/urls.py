"""Every URL that Django knows."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver


def every_pattern() -> dict[str, URLPattern]:
    """By its name, or by its whole pattern when it has none."""
    return {pattern.name or route: pattern for route, pattern in _walk(get_resolver(), "")}


def _walk(resolver: URLResolver, before: str) -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, route)
        else:
            yield route, entry
