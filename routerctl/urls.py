"""Every URL of the people's and the control door. `/v1/...` never gets here: see asgi.py."""

from django.urls import include, path

urlpatterns = [
    path("api/", include("apps.api.urls")),
    path("", include("apps.dashboards.urls")),
]

handler500 = "apps.dashboards.errors.server_error"
