"""The living page of the design system: every part in every state. Development only."""

from collections.abc import Callable
from functools import wraps

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.permissions import Action, requires
from apps.dashboards.page_form import PageForm, ReasonedForm
from apps.dashboards.respond import done, page

View = Callable[[HttpRequest], HttpResponse]


class Fields(PageForm):
    """One field of each kind."""

    name = forms.CharField(help_text="Small letters, digits and dashes.")
    limit = forms.DecimalField(
        label="Limit per day", widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    share = forms.IntegerField(required=False)
    period = forms.ChoiceField(choices=[("day", "Day"), ("month", "Month")])
    owner = forms.CharField(disabled=True, help_text="Only an admin can change the owner.")
    until = forms.ChoiceField(
        widget=forms.RadioSelect,
        choices=[("tonight", "Tonight only"), ("always", "From now on")],
    )
    warn = forms.BooleanField(label="Warn the owner at 80 %", required=False)
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}))


def _in_development(view: View) -> View:
    @wraps(view)
    def shown(request: HttpRequest) -> HttpResponse:
        if settings.ENV.production:
            raise Http404
        return view(request)

    return shown


@require_safe
@requires(Action.READ_SYSTEM)
@_in_development
def design(request: HttpRequest) -> HttpResponse:
    said = {"name": "search-answers-daily", "limit": "12,5O", "period": "day", "until": "tonight"}
    # The dialog beside it has a reason, too, and an id stands in a page once.
    form = Fields(said, initial={"owner": "Jonas Weber"}, auto_id="example_%s")
    return page(request, "system/design", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.READ_SYSTEM)
@_in_development
def dialog(request: HttpRequest) -> HttpResponse:
    """A dialog that is a page as well; it changes nothing."""
    form = ReasonedForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return done(request, "Nothing was switched off: this is an example.", "design")
    return page(request, "system/dialog", {"form": form}, status=422 if form.errors else 200)
