"""The simulator: who would answer this request, and why."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import replace_url

from apps.accounts.permissions import Action, may, requires, tenants_of
from apps.dashboards.respond import page
from apps.dashboards.simulate.form import MESSAGE, SimulateForm
from apps.dashboards.simulate.page import curl, simulate
from apps.policies import live
from apps.policies.compiled import current_revision
from apps.traces.selectors import find_trace
from apps.traces.values import StoredTrace


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.SIMULATE)
def simulator(request: HttpRequest) -> HttpResponse:
    """Decides for what the address, or a post with the message, says; and changes nothing."""
    if live.latest() is None:
        return page(request, "simulate/simulate", {"nothing_published": True})
    form = SimulateForm(_said(request), current_revision(), tenants_of(request.user))
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        context["found"] = simulate(form, current_revision(), _trace(request, form))
    address = f"{reverse('simulate')}?{form.query()}".rstrip("?")
    context["link"] = request.build_absolute_uri(address)
    if form.errors:
        return page(request, "simulate/simulate", context, status=422)
    context["curl"] = curl(form, request.build_absolute_uri("/").rstrip("/"))
    return replace_url(page(request, "simulate/simulate", context), address)


def _said(request: HttpRequest) -> QueryDict:
    """A message in an address is not read, so that nobody makes a habit of it."""
    if request.method == "POST":
        return request.POST
    said = request.GET.copy()
    said.pop(MESSAGE, None)
    return said


def _trace(request: HttpRequest, form: SimulateForm) -> StoredTrace | None:
    """The trace to decide again, for those who may read what was found in its text."""
    wanted = form.cleaned_data["trace"]
    if not wanted:
        return None
    found = None
    if may(request.user, Action.READ_DECISIONS):
        found = find_trace(wanted, tenants=tenants_of(request.user))
    if found is None:
        form.add_error(None, f"There is no trace {wanted} here.")
    return found
