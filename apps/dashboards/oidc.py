"""Signing in elsewhere: to the organisation's identity provider and back."""

import structlog
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.openid_connect import views as allauth
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe
from requests import RequestException

from apps.dashboards.identity import refuse
from apps.dashboards.respond import page

log = structlog.get_logger(__name__)

_NO_SENSE = (KeyError, TypeError, ValueError)


@require_POST
@login_not_required
def leave(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Off to the provider. By a page that leads there and not by a redirect, which the content
    policy would not let a form follow."""
    if settings.ENV.oidc is None or provider_id != settings.OIDC_PROVIDER_ID:
        raise Http404("no such identity provider")
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    try:
        provider = get_adapter().get_provider(request, provider_id)
        answer = provider.redirect(request, process="login", next_url=back if safe else None)
    except (RequestException, *_NO_SENSE) as error:
        log.warning("oidc.unreachable", error=type(error).__name__)
        return refuse(request, f"{settings.ENV.oidc.name} cannot be reached.", status=502)
    return page(request, "account/leaving", {"url": answer["Location"], "name": provider.name})


@require_safe
@login_not_required
def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Back with a code, which allauth trades for claims; `accounts.oidc` decides."""
    if settings.ENV.oidc is None or provider_id != settings.OIDC_PROVIDER_ID:
        raise Http404("no such identity provider")
    try:
        response: HttpResponse = allauth.callback(request, provider_id)
    except _NO_SENSE as error:
        log.warning("oidc.senseless", error=type(error).__name__)
        return refuse(request, f"{settings.ENV.oidc.name} answered something else.", status=502)
    return response
