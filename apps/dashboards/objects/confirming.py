"""An edit of a cap that waits for a second person: confirmed or withdrawn, with a reason. A dialog,
or a page of its own."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.accounts.permissions import Action, requires
from apps.dashboards.objects.conflicts import conflict
from apps.dashboards.objects.registry import KINDS
from apps.dashboards.page_form import ReasonedForm
from apps.dashboards.respond import done, page
from apps.policies import editing
from apps.policies.difference import changes_between
from apps.policies.editing import Conflict, Decided, NotThere, NotYours, Waiting

_CAPS = KINDS["caps"]


class DecisionForm(ReasonedForm):
    """`number` is that of the edit which was looked at."""

    number = forms.IntegerField(widget=forms.HiddenInput)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.EDIT_CAPS)
def cap_confirm(request: HttpRequest, slug: str) -> HttpResponse:
    """Make it so. Never by whoever asked for it."""
    return _decided(request, slug, "confirm")


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.EDIT_CAPS)
def cap_withdraw(request: HttpRequest, slug: str) -> HttpResponse:
    return _decided(request, slug, "withdraw")


def _decided(request: HttpRequest, slug: str, verb: str) -> HttpResponse:
    person = request.user
    assert isinstance(person, User)
    asked = next(iter(editing.waiting("caps", [slug])), None)
    if asked is None:
        raise Http404
    if verb == "confirm" and asked.person == person:
        raise PermissionDenied("somebody else confirms what you asked for")
    initial = {"number": asked.id}
    form = DecisionForm(request.POST if request.method == "POST" else None, initial=initial)
    if not form.is_valid():
        status = 422 if form.is_bound else 200
        return page(request, "objects/confirm", _context(asked, form, verb), status=status)
    number, reason = form.cleaned_data["number"], form.cleaned_data["reason"]
    try:
        said = _do(verb, number, person, reason)
    except Conflict as found:
        return conflict(request, _CAPS, found)
    except (Decided, NotThere, NotYours) as refused:
        form.add_error(None, str(refused))
        return page(request, "objects/confirm", _context(asked, form, verb), status=409)
    return done(request, said, _CAPS.list_url if asked.entry is None else _CAPS.url(slug))


def _do(verb: str, number: int, person: User, reason: str) -> str:
    if verb == "confirm":
        revision = editing.confirm(number, person=person, reason=reason)
        return f"Confirmed: revision {revision.pk}."
    editing.withdraw(number, person=person, reason=reason)
    return "Withdrawn. Nothing was changed."


def _context(asked: Waiting, form: DecisionForm, verb: str) -> dict[str, Any]:
    return {"asked": asked, "form": form, "verb": verb, "fields": _fields(asked)}


def _fields(asked: Waiting) -> Any:
    """How what was asked for differs from what stands there."""
    return changes_between(editing.entry(asked.kind, asked.slug).entry, asked.entry)
