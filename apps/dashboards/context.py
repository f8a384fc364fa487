"""What the frame around every page needs. Functions are called only by templates that use them."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from apps.dashboards import clock
from apps.dashboards.navigation import sidebar
from apps.policies import live


def frame(request: HttpRequest) -> dict[str, Any]:
    return {
        "environment": "Production" if settings.ENV.production else "Development",
        "sidebar": lambda: sidebar(request.user),
        "revision": live.latest,
        "zone": clock.zone,
        "identity_provider": settings.ENV.oidc.name if settings.ENV.oidc else "",
    }
