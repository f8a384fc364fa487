"""The change log: every change of what the reader may read."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.accounts.permissions import Action, requires
from apps.dashboards.download import csv_download
from apps.dashboards.log.form import LogFilters
from apps.dashboards.log.page import days
from apps.dashboards.respond import page
from apps.policies.log import changes, log_csv, newest_entry, sight_of

PAGE_SIZE = 50


@require_safe
@requires(Action.READ_LOG)
def log(request: HttpRequest) -> HttpResponse:
    """Newest first. Its state is its URL."""
    form = _form(request)
    context: dict[str, Any] = {"form": form, "head": newest_entry()}
    if not form.is_valid():
        return page(request, "log/log", context, status=422)
    cursor = form.cleaned_data["cursor"] or None
    try:
        found = changes(
            form.log_filter(), sight_of(_person(request)), cursor=cursor, limit=PAGE_SIZE
        )
    except ValueError:
        form.add_error(None, "This address is not one of a page of this log.")
        return page(request, "log/log", context, status=422)
    context |= {"days": days(found.changes), "found": found}
    return page(request, "log/log", context)


@require_safe
@requires(Action.EXPORT_LOG)
def csv(request: HttpRequest) -> HttpResponseBase:
    """What the log's filters find, as a file."""
    form = _form(request)
    if not form.is_valid():
        return page(request, "log/log", {"form": form}, status=422)
    return csv_download(request, "log", log_csv(form.log_filter(), sight_of(_person(request))))


def _form(request: HttpRequest) -> LogFilters:
    return LogFilters(request.GET, sight_of(_person(request)))


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
