"""What allauth asks when somebody comes back from the identity provider."""

from typing import Any, Never

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.http import HttpRequest, HttpResponse

from apps.accounts import oidc
from apps.dashboards.respond import page


class IdentityAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """`accounts.oidc` says who comes in; nobody signs up, and every error is a page of ours."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:  # noqa: ARG002
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        try:
            sociallogin.user = oidc.person_for(sociallogin.account)
        except oidc.NotLetIn as refused:
            raise ImmediateHttpResponse(refuse(request, str(refused))) from None

    def on_authentication_error(self, request: HttpRequest, *_: Any, **__: Any) -> Never:
        why = f"Signing in with {oidc.provider().name} did not work, or it took too long."
        raise ImmediateHttpResponse(refuse(request, why))


def refuse(request: HttpRequest, why: str, *, status: int = 403) -> HttpResponse:
    return page(request, "account/refused", {"why": why}, status=status)
