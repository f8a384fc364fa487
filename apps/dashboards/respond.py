"""The one way a page is rendered: whole, or only the region that htmx asked for."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers, patch_vary_headers


def page(
    request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Template `traces/list` in full, or `traces/_list`, its region, for htmx.

    Pages hold what not everybody may see: no cache keeps them.
    """
    folder, _, leaf = name.rpartition("/")
    template = f"{folder}/_{leaf}.html" if _wants_region(request) else f"{folder}/{leaf}.html"
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ("HX-Request",))
    add_never_cache_headers(response)
    return response


def _wants_region(request: HttpRequest) -> bool:
    htmx = request.htmx  # type: ignore[attr-defined]  # HtmxMiddleware
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request
