"""What is done with a route besides editing it: its kill switch, and its place in the order.
Each is a dialog, or a page of its own."""

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.accounts.permissions import Action, requires
from apps.dashboards.objects.conflicts import conflict
from apps.dashboards.objects.registry import KINDS
from apps.dashboards.page_form import ReasonedForm
from apps.dashboards.respond import done, page
from apps.policies import editing
from apps.policies.editing import Conflict, Held, NotThere

_ROUTES = KINDS["routes"]
_LAST = "-"
"""Where no route follows; no slug begins with it."""


class KillForm(ReasonedForm):
    """To switch a route off takes typing its slug; on, a reason is enough."""

    slug = forms.CharField(label="Its name, typed", max_length=128)
    version = forms.IntegerField(widget=forms.HiddenInput)

    field_order = ("slug", "reason")

    def __init__(self, held: Held, data: Any = None) -> None:
        super().__init__(data, initial={"version": held.version})
        self._held = held
        if not held.entry.get("enabled", True):
            del self.fields["slug"]

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug != self._held.slug:
            raise forms.ValidationError(f"Type {self._held.slug} to switch it off.")
        return slug


class MoveForm(ReasonedForm):
    """`before` is the route before which it shall stand."""

    before = forms.ChoiceField(label="Its place")
    version = forms.IntegerField(widget=forms.HiddenInput)

    field_order = ("before", "reason")

    def __init__(self, held: Held, data: Any = None, before: str = "") -> None:
        """`before` is a place that was pointed at already, by dragging or with the keyboard."""
        order = [one.slug for one in editing.entries("routes")]
        at = order.index(held.slug)
        following = order[at + 1] if at + 1 < len(order) else _LAST
        others = [(slug, f"before {slug}") for slug in order if slug != held.slug]
        place = before if before in (_LAST, *dict(others)) else following
        super().__init__(data, initial={"version": held.version, "before": place})
        field = self.fields["before"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [*others, (_LAST, "last")]


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.SWITCH)
def route_switch(request: HttpRequest, slug: str) -> HttpResponse:
    """While a route is off, its requests are refused."""
    held = _held(slug)
    form = KillForm(held, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _asked(request, "objects/route_switch", held, form)
    off = held.entry.get("enabled", True)
    try:
        editing.amend(
            "routes",
            slug,
            {"enabled": not off},
            expected=form.cleaned_data["version"],
            person=_person(request),
            source="page",
            reason=form.cleaned_data["reason"],
        )
    except Conflict as found:
        return conflict(request, _ROUTES, found)
    return done(request, f"Route {slug} is {'off' if off else 'on'}.", _ROUTES.url(slug))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.EDIT_POLICY)
def route_move(request: HttpRequest, slug: str) -> HttpResponse:
    """The order decides: the first route that matches takes a request."""
    held = _held(slug)
    pointed_at = request.GET.get("before", "")
    form = MoveForm(held, request.POST if request.method == "POST" else None, pointed_at)
    if not form.is_valid():
        return _asked(request, "objects/route_move", held, form)
    before = form.cleaned_data["before"]
    try:
        editing.move(
            "routes",
            slug,
            before=None if before == _LAST else before,
            expected=form.cleaned_data["version"],
            person=_person(request),
            source="page",
            reason=form.cleaned_data["reason"],
        )
    except Conflict as found:
        return conflict(request, _ROUTES, found)
    return done(request, f"Route {slug} has its new place.", _ROUTES.list_url)


def _asked(request: HttpRequest, template: str, held: Held, form: ReasonedForm) -> HttpResponse:
    context = {"held": held, "form": form, "on": held.entry.get("enabled", True)}
    return page(request, template, context, status=422 if form.is_bound else 200)


def _held(slug: str) -> Held:
    try:
        return editing.entry("routes", slug)
    except NotThere:
        raise Http404 from None


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
