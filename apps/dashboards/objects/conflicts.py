"""Somebody else was quicker: the page that shows both, and loses nothing that was typed."""

from django.http import HttpRequest, HttpResponse

from apps.accounts.models import User
from apps.dashboards.objects import sight
from apps.dashboards.objects.kind import Kind
from apps.dashboards.respond import page
from apps.policies.editing import Conflict

_OURS = ("csrfmiddlewaretoken", "version", "reviewed", "step", "add")


def conflict(request: HttpRequest, kind: Kind, found: Conflict) -> HttpResponse:
    """A 409 with what they changed and what was wanted. What was typed is in the page, to be
    saved over theirs or looked at once more; neither happens by itself."""
    assert isinstance(request.user, User)
    if found.now is None:
        return gone(request, kind, found.slug)
    context = {
        "kind": kind,
        "slug": found.slug,
        "action": request.path,
        "now": found.now,
        "fields": sight.readable(kind.name, found.fields, request.user),
        "removing": found.wanted is None,
        "typed": _typed(request),
    }
    return page(request, "objects/conflict", context, status=409)


def gone(request: HttpRequest, kind: Kind, slug: str) -> HttpResponse:
    """A 409 for the edit of what was deleted meanwhile: it can be created anew as typed."""
    typed = [*_typed(request), ("slug", slug)]
    context = {"kind": kind, "slug": slug, "action": kind.new_url, "typed": typed}
    return page(request, "objects/conflict", context, status=409)


def _typed(request: HttpRequest) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, values in request.POST.lists()
        if name not in _OURS
        for value in values
    ]
