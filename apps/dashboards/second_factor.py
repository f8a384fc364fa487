"""One's own second factors: an authenticator app, passkeys, recovery codes.

Adding and removing asks for the password or a code once more (`again`), unless that was done in
the last five minutes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from allauth.account.decorators import reauthentication_required
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal import flows as recovery
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.totp.internal import flows as totp_flows
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.mfa.webauthn.internal import flows as webauthn_flows
from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.dashboards.page_form import PageForm
from apps.dashboards.passkey_forms import AddPasskey
from apps.dashboards.respond import done, page

View = TypeVar("View", bound=Callable[..., HttpResponse])

get_or_post = require_http_methods(["GET", "HEAD", "POST"])


def again(view: View) -> View:
    """Guards a view: who did not prove lately that it is them is asked to."""
    return cast("View", reauthentication_required(app="allauth.mfa")(view))


class AppForm(PageForm, ActivateTOTPForm):  # type: ignore[misc]  # allauth has no types
    """The first code of an authenticator app proves that it has the secret."""

    code = forms.CharField(
        label="Code from the app",
        max_length=12,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person has. `codes_left` is None as long as there are no recovery codes."""

    app: Authenticator | None
    passkeys: list[Authenticator]
    codes_left: int | None


def factors(person: User) -> Factors:
    kept = list(Authenticator.objects.filter(user_id=person.pk).order_by("created_at"))
    by_kind = {kind: [one for one in kept if one.type == kind] for kind in Authenticator.Type}
    codes = by_kind[Authenticator.Type.RECOVERY_CODES]
    return Factors(
        app=next(iter(by_kind[Authenticator.Type.TOTP]), None),
        passkeys=by_kind[Authenticator.Type.WEBAUTHN],
        codes_left=len(codes[0].wrap().get_unused_codes()) if codes else None,
    )


# ------------------------------------------------------------------------ authenticator app


@get_or_post
@again
def add_app(request: HttpRequest) -> HttpResponse:
    """Scan the picture or type the secret, then prove it with a code."""
    if Authenticator.objects.filter(user=request.user, type=Authenticator.Type.TOTP).exists():
        return redirect("account")
    form = AppForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        _, new_codes = totp_flows.activate_totp(request, form)
        return _added(request, "Your authenticator app is set up.", new_codes)
    secret = " ".join(form.secret[at : at + 4] for at in range(0, len(form.secret), 4))
    context = {"form": form, "secret": secret}
    return page(request, "account/app", context, status=422 if form.errors else 200)


@require_safe
def app_picture(request: HttpRequest) -> HttpResponse:
    """The QR code of the secret that `add_app` is about to set up."""
    secret = request.session.get(totp.SECRET_SESSION_KEY)
    if not secret:
        raise Http404("no authenticator app is being set up")
    url = get_adapter().build_totp_url(request.user, secret)
    response = HttpResponse(get_adapter().build_totp_svg(url), content_type="image/svg+xml")
    add_never_cache_headers(response)
    return response


@get_or_post
@again
def remove_app(request: HttpRequest) -> HttpResponse:
    kept = get_object_or_404(Authenticator, user=request.user, type=Authenticator.Type.TOTP)
    if request.method == "POST":
        totp_flows.deactivate_totp(request, kept)
        return done(request, "Your authenticator app is removed.", "account")
    return _confirm(
        request, "Remove your authenticator app?", "Its codes stop working.", "Remove it"
    )


# ------------------------------------------------------------------------ passkeys


@get_or_post
@again
def add_passkey(request: HttpRequest) -> HttpResponse:
    """The browser makes the passkey and posts its public half."""
    form = AddPasskey(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        _, new_codes = webauthn_flows.add_authenticator(
            request, name=form.cleaned_data["name"], credential=form.cleaned_data["credential"]
        )
        return _added(request, "Your passkey is added.", new_codes)
    context = {"form": form, "options": webauthn.begin_registration(request.user, False)}
    return page(request, "account/passkey", context, status=422 if form.errors else 200)


@get_or_post
@again
def remove_passkey(request: HttpRequest, passkey_id: int) -> HttpResponse:
    kept = get_object_or_404(
        Authenticator, user=request.user, type=Authenticator.Type.WEBAUTHN, pk=passkey_id
    )
    if request.method == "POST":
        webauthn_flows.remove_authenticator(request, kept)
        return done(request, "The passkey is removed.", "account")
    return _confirm(request, f"Remove “{kept}”?", "You can no longer sign in with it.", "Remove it")


# ------------------------------------------------------------------------ recovery codes


@require_safe
@again
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """The codes, the first time they are looked at and never again."""
    kept, shown = recovery.view_recovery_codes(request)
    if kept is None:
        raise Http404("there are no recovery codes")
    codes = "\n".join(kept.get_unused_codes()) if shown else ""
    return page(request, "account/recovery_codes", {"codes": codes})


@get_or_post
@again
def new_recovery_codes(request: HttpRequest) -> HttpResponse:
    if not recovery.can_generate_recovery_codes(request.user):
        raise Http404("recovery codes stand in for a second factor, and there is none")
    if request.method == "POST":
        recovery.generate_recovery_codes(request)
        return redirect("recovery_codes")
    return _confirm(
        request, "Make new recovery codes?", "The ones you have stop working.", "Make new ones"
    )


def _added(request: HttpRequest, said: str, new_codes: Any) -> HttpResponse:
    """Recovery codes that came with the first factor are shown at once."""
    return done(request, said, "recovery_codes" if new_codes else "account")


def _confirm(request: HttpRequest, question: str, consequence: str, button: str) -> HttpResponse:
    context = {"question": question, "consequence": consequence, "button": button}
    return page(request, "account/confirm", context)
