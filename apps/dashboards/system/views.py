"""The system: what runs, in which version, on which revision."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.accounts.permissions import Action, requires
from apps.dashboards.respond import page
from apps.dashboards.system.page import system_page


@require_safe
@requires(Action.READ_SYSTEM)
def system(request: HttpRequest) -> HttpResponse:
    return page(request, "system/system", system_page())
