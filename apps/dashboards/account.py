"""One's own account: name, password, where one is signed in, how pages look."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from allauth.account.internal.flows.password_change import finalize_password_change
from allauth.decorators import rate_limit
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import people, second_factors, sessions
from apps.accounts.models import User
from apps.dashboards.page_form import PageForm
from apps.dashboards.respond import done, page
from apps.dashboards.second_factor import factors

View = TypeVar("View", bound=Callable[..., HttpResponse])

get_or_post = require_http_methods(["GET", "HEAD", "POST"])


class NameForm(PageForm):
    name = forms.CharField(max_length=120, required=False, strip=True)


class PasswordForm(PageForm):
    """The password one has, and the new one. Never filled in again after a mistake."""

    old = forms.CharField(
        label="Current password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label="New password",
        strip=False,
        help_text="At least 10 characters; nothing that many others use.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_old(self) -> str:
        old: str = self.cleaned_data["old"]
        if not self.person.check_password(old):
            raise forms.ValidationError("This is not your current password.")
        return old

    def clean_new(self) -> str:
        new: str = self.cleaned_data["new"]
        validate_password(new, self.person)
        return new


def limited(view: View) -> View:
    """Guards a view against whoever guesses the password from an open session."""
    return cast("View", rate_limit(action="change_password")(view))


def myself(request: HttpRequest) -> User:
    """Who asks; SignInRequired lets nobody else in."""
    assert isinstance(request.user, User)
    return request.user


@get_or_post
def account(request: HttpRequest) -> HttpResponse:
    """Everything about oneself; a post changes the name."""
    me = myself(request)
    form = NameForm(request.POST if request.method == "POST" else None, initial={"name": me.name})
    if request.method == "POST" and form.is_valid():
        people.rename(me, form.cleaned_data["name"])
        return done(request, "Your name is changed.", "account")
    context = {
        "form": form,
        "factors": factors(me),
        "must_have_factor": second_factors.lacks_one(me),
        "sessions": sessions.sessions_of(me, request.session.session_key),
    }
    return page(request, "account/account", context, status=422 if form.errors else 200)


@get_or_post
@limited
def password(request: HttpRequest) -> HttpResponse:
    """A new password. It ends one's other sessions."""
    form = PasswordForm(request.POST if request.method == "POST" else None, person=myself(request))
    if request.method == "POST" and form.is_valid():
        people.set_password(myself(request), form.cleaned_data["new"])
        finalize_password_change(request, request.user)
        return done(request, "Your password is changed; your other sessions have ended.", "account")
    return page(request, "account/password", {"form": form}, status=422 if form.errors else 200)


@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """End the session of that id, or all but this one."""
    me, which = myself(request), request.POST.get("session", "")
    if which.isascii() and which.isdigit():
        sessions.end(me, int(which))
        return done(request, "That session has ended.", "account")
    sessions.end_all(me, but=request.session.session_key)
    return done(request, "Your other sessions have ended.", "account")
