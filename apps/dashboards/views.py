"""The pages' views: fetch, validate, ask one selector, render."""

from typing import Any

import msgspec
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import people
from apps.accounts.models import User
from apps.accounts.permissions import Action, may, requires, tenants_of
from apps.dashboards.download import csv_download
from apps.dashboards.find import pasted_trace_id
from apps.dashboards.forms import RANGES, TraceFilters
from apps.dashboards.respond import page
from apps.dashboards.search import search_all
from apps.dashboards.secrets_said import said_a_secret, without_secrets
from apps.dashboards.trace_csv import MOST_ROWS, csv_lines
from apps.dashboards.trace_list import trace_list
from apps.dashboards.trace_page import changes_around, trace_page
from apps.traces.finding import SEARCHED_DAYS
from apps.traces.public import detail
from apps.traces.selectors import every_trace, find_trace

sign_out = login_not_required(LogoutView.as_view(next_page="account_login"))


@require_safe
@requires(Action.READ_TRACES)
def traces(request: HttpRequest) -> HttpResponse:
    """The list, newest first. Its state is its URL."""
    if said_a_secret(request.GET):
        return redirect(without_secrets(request))
    form = TraceFilters(request.GET)
    context: dict[str, Any] = {"form": form, "ranges": RANGES}
    if not form.is_valid():
        return page(request, "traces/list", context, status=422)
    context |= trace_list(form, tenants=tenants_of(request.user))
    context["origin"] = request.build_absolute_uri("/").rstrip("/")
    return page(request, "traces/list", context)


@require_safe
@requires(Action.EXPORT_TRACES)
def traces_csv(request: HttpRequest) -> HttpResponseBase:
    """What the list's filters find, as a file."""
    form = TraceFilters(request.GET)
    if not form.is_valid():
        return page(request, "traces/list", {"form": form, "ranges": RANGES}, status=422)
    wanted, tenants = form.trace_filter(), tenants_of(request.user)
    found = every_trace(wanted, tenants=tenants, most=MOST_ROWS)
    return csv_download(request, "traces", csv_lines(found))


@require_safe
@requires(Action.READ_TRACES)
def trace(request: HttpRequest, trace_id: str) -> HttpResponse:
    """Everything about one request: the page that support answers from."""
    stored = find_trace(trace_id, tenants=tenants_of(request.user))
    if stored is None:
        return _not_found(request, trace_id)
    if stored.trace_id != trace_id:
        return redirect("trace", stored.trace_id)
    url = request.build_absolute_uri(request.path)
    in_full = may(request.user, Action.READ_DECISIONS)
    context = trace_page(stored, url, in_full=in_full) | {"changes": changes_around(stored)}
    return page(request, "traces/trace", context)


@require_safe
@requires(Action.READ_DECISIONS)
def trace_json(request: HttpRequest, trace_id: str) -> HttpResponse:
    """A trace as the API answers it, to read and to attach."""
    stored = find_trace(trace_id, tenants=tenants_of(request.user))
    if stored is None:
        return _not_found(request, trace_id)
    body = msgspec.json.format(msgspec.json.encode(detail(stored)), indent=2)
    return HttpResponse(
        body, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


@require_safe
@requires(Action.READ_TRACES)
def search(request: HttpRequest) -> HttpResponse:
    """What was pasted: straight to the one thing that it names, or to choose among several."""
    if said_a_secret(request.GET):
        return redirect(without_secrets(request))
    person = request.user
    assert isinstance(person, User)  # `requires` lets nobody else in
    pasted = request.GET.get("q", "").strip()
    hits = search_all(person, pasted)
    if not hits:
        return _not_found(request, pasted)
    if len(hits) == 1:
        return redirect(hits[0].href)
    return page(request, "search/results", {"searched": pasted, "hits": hits})


def _not_found(request: HttpRequest, searched: str) -> HttpResponse:
    looked_up = pasted_trace_id(searched)
    context = {"searched": searched[:200], "looked_up": looked_up, "days": SEARCHED_DAYS}
    return page(request, "traces/not_found", context, status=404)


@require_POST
def appearance(request: HttpRequest) -> HttpResponse:
    """Theme and density, kept with the person; back to where they were chosen."""
    person = request.user
    assert isinstance(person, User)  # SignInRequired lets nobody else in
    theme = request.POST.get("theme", person.theme)
    density = request.POST.get("density", person.density)
    try:
        people.choose_appearance(person, theme=theme, density=density)
    except ValidationError:
        return HttpResponseBadRequest("Unknown theme or density")
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back if safe else "home")
