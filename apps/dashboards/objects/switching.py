"""The switch of a flag: on or off, for which share, and why. A dialog, or a page of its own."""

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

_FLAGS = KINDS["flags"]


class SwitchForm(ReasonedForm):
    """`version` is that of what was looked at."""

    state = forms.ChoiceField(
        choices=[("on", "On"), ("off", "Off")], widget=forms.RadioSelect, label="The flag is"
    )
    percent = forms.IntegerField(
        label="Share", min_value=0, max_value=100, help_text="At 0 % it is on for nobody."
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    field_order = ("state", "percent", "reason")

    @classmethod
    def of(cls, held: Held, data: Any = None) -> "SwitchForm":
        """Unless something is typed, the other state than the flag has."""
        state = "off" if held.entry["enabled"] else "on"
        said = {"state": state, "percent": held.entry["percent"], "version": held.version}
        return cls(data, initial=said)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.SWITCH)
def flag_switch(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        held = editing.entry("flags", slug)
    except NotThere:
        raise Http404 from None
    form = SwitchForm.of(held, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        status = 422 if form.is_bound else 200
        return page(request, "objects/switch", {"held": held, "form": form}, status=status)
    try:
        _switch(request, slug, form.cleaned_data)
    except Conflict as found:
        return conflict(request, _FLAGS, found)
    return done(request, f"Flag {slug} is {form.cleaned_data['state']}.", "flags")


def _switch(request: HttpRequest, slug: str, said: dict[str, Any]) -> None:
    assert isinstance(request.user, User)
    editing.amend(
        "flags",
        slug,
        {"enabled": said["state"] == "on", "percent": said["percent"]},
        expected=said["version"],
        person=request.user,
        source="page",
        reason=said["reason"],
    )
