"""The test call of a deployment: a dialog or a page that makes one real call and shows it."""

import time

from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from apps.accounts.permissions import Action, requires
from apps.catalog.models import Deployment
from apps.dashboards.respond import page
from apps.policies.trying import PROMPT, TOTAL_MS, Tried, try_deployment

CALLS_A_MINUTE = 6
"""For each person: it costs money, and it must not become a way to wear out a provider."""
_MINUTE_S = 60


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.EDIT_PROVIDERS)
def deployment_call(request: HttpRequest, slug: str) -> HttpResponse:
    deployment = Deployment.objects.filter(slug=slug).select_related("provider").first()
    if deployment is None:
        raise Http404
    tried: Tried | None = None
    too_many = request.method == "POST" and not _allowed(request)
    if request.method == "POST" and not too_many:
        tried = try_deployment(slug)
    context = {
        "deployment": deployment,
        "tried": tried,
        "prompt": PROMPT,
        "seconds": TOTAL_MS // 1000,
        "too_many": too_many,
    }
    return page(request, "objects/call", context, status=429 if too_many else 200)


def _allowed(request: HttpRequest) -> bool:
    """Whether the person has calls left in this minute; this one is taken from them."""
    key, now = f"test-calls:{request.user.pk}", time.time()
    recent = [at for at in cache.get(key, ()) if now - at < _MINUTE_S]
    if len(recent) >= CALLS_A_MINUTE:
        return False
    cache.set(key, [*recent, now], _MINUTE_S)
    return True
