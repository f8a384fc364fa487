"""Signing in with e-mail and password: allauth's form and its limits, our page."""

from allauth.account.forms import LoginForm
from allauth.account.views import LoginView
from django.http import HttpResponse


class SignIn(LoginView):  # type: ignore[misc]  # allauth has no types
    template_name = "account/sign_in.html"

    def form_invalid(self, form: LoginForm) -> HttpResponse:
        """422, as every form here that must be corrected."""
        return self.render_to_response(self.get_context_data(form=form), status=422)
