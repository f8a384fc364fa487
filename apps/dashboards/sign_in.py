"""Signing in: e-mail and password or a passkey, a second step for who has one, and once more
before what is dangerous. allauth's forms, stages and limits; our pages."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm
from allauth.account.views import LoginView, ReauthenticateView
from allauth.mfa.base import views as codes
from allauth.mfa.webauthn import views as passkeys
from allauth.mfa.webauthn.internal import auth
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import add_never_cache_headers

from apps.dashboards.passkey_forms import PasskeyAgain, PasskeyAsSecondStep, SignInByPasskey


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth has no types
    def clean(self) -> Any:
        """Who left is told what a stranger is told; allauth would lead to a page of its own."""
        cleaned = super().clean()
        if self.user is not None and not self.user.is_active:
            raise get_adapter().validation_error("email_password_mismatch")
        return cleaned


class OurForm:
    """allauth's view with a page of ours: 422 when the form must be corrected, never cached."""

    http_method_names = ("get", "head", "post", "options")

    def form_invalid(self, form: Any) -> HttpResponse:
        context = self.get_context_data(form=form)  # type: ignore[attr-defined]  # allauth's
        return self.render_to_response(context, status=422)

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().render_to_response(context, **kwargs)  # type: ignore[misc]
        add_never_cache_headers(response)
        return response


class SignIn(OurForm, LoginView):  # type: ignore[misc]
    template_name = "account/sign_in.html"
    form_class = SignInForm


class SecondStep(OurForm, codes.AuthenticateView):  # type: ignore[misc]
    """After the password: a code of the authenticator app, a recovery code, or a passkey."""

    template_name = "account/second_step.html"
    webauthn_form_class = PasskeyAsSecondStep


class PasskeySignIn(OurForm, passkeys.LoginWebAuthnView):  # type: ignore[misc]
    """A passkey alone. The browser fetches a challenge and posts what the passkey answers."""

    template_name = "account/sign_in.html"
    form_class = SignInByPasskey

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # noqa: ARG002
        response = JsonResponse(auth.begin_authentication(user=None))
        add_never_cache_headers(response)
        return response


class AgainByPassword(OurForm, ReauthenticateView):  # type: ignore[misc]
    template_name = "account/again.html"


class AgainByCode(OurForm, codes.ReauthenticateView):  # type: ignore[misc]
    template_name = "account/again.html"


class AgainByPasskey(OurForm, passkeys.ReauthenticateWebAuthnView):  # type: ignore[misc]
    template_name = "account/again.html"
    form_class = PasskeyAgain
