"""The first page."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.accounts.permissions import Action, requires, tenants_of
from apps.dashboards.overview import overview_page
from apps.dashboards.overview.ranges import RANGES, RangeForm, today
from apps.dashboards.respond import page


@require_safe
@requires(Action.READ_TRACES)
def overview(request: HttpRequest) -> HttpResponse:
    """Of the range in the address, today by default."""
    person = request.user
    assert isinstance(person, User)  # `requires` lets nobody else in
    form = RangeForm(request.GET)
    valid = form.is_valid()
    asked = form.range() if valid else today()
    context = overview_page(person.role, asked, tenants=tenants_of(person))
    context |= {"form": form, "ranges": RANGES}
    context["origin"] = request.build_absolute_uri("/").rstrip("/")
    return page(request, "overview/overview", context, status=200 if valid else 422)
