"""The two ways a view ends: a page, whole or only the region that htmx asked for, and the move to
another page once something was done."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect


def page(
    request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Template `traces/list` in full, or for htmx its region `traces/_list` if it has one.

    Pages hold what not everybody may see: no cache keeps them.
    """
    folder, _, leaf = name.rpartition("/")
    templates = [f"{folder}/{leaf}.html"]
    if _wants_region(request):
        templates.insert(0, f"{folder}/_{leaf}.html")
    response = render(request, templates, context, status=status)
    patch_vary_headers(response, ("HX-Request",))
    add_never_cache_headers(response)
    return response


def done(request: HttpRequest, said: str, to: str, *arguments: Any) -> HttpResponse:
    """After a change: on to the page `to` (a URL or its name), which tells what was `said`."""
    messages.success(request, said)
    url = resolve_url(to, *arguments)
    if request.htmx:  # type: ignore[attr-defined]  # HtmxMiddleware
        return HttpResponseClientRedirect(url)
    return HttpResponseRedirect(url, status=303)


def _wants_region(request: HttpRequest) -> bool:
    htmx = request.htmx  # type: ignore[attr-defined]  # HtmxMiddleware
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request
