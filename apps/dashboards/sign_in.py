"""Signing in with e-mail and password: allauth's form and its limits, our page."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm
from allauth.account.views import LoginView
from django.http import HttpResponse


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth has no types
    def clean(self) -> Any:
        """Who left is told what a stranger is told; allauth would lead to a page of its own."""
        cleaned = super().clean()
        if self.user is not None and not self.user.is_active:
            raise get_adapter().validation_error("email_password_mismatch")
        return cleaned


class SignIn(LoginView):  # type: ignore[misc]
    template_name = "account/sign_in.html"
    form_class = SignInForm
    http_method_names = ["get", "head", "post", "options"]

    def form_invalid(self, form: SignInForm) -> HttpResponse:
        """422, as every form here that must be corrected."""
        context = self.get_context_data(form=form)
        response: HttpResponse = self.render_to_response(context, status=422)
        return response
