"""The people's door. Every view but sign-in and sign-out needs a signed-in person (middleware)."""

from django.urls import path
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView

from apps.dashboards import design, views
from apps.dashboards.sign_in import SignIn

urlpatterns = [
    path("", require_safe(RedirectView.as_view(pattern_name="traces")), name="home"),
    path("search", views.search, name="search"),
    path("traces", views.traces, name="traces"),
    path("t/<str:trace_id>", views.trace, name="trace"),
    path("appearance", views.appearance, name="appearance"),
    path("system/design", design.design, name="design"),
    path("system/design/dialog", design.dialog, name="design_dialog"),
    # The name is the one that allauth looks for.
    path("sign-in/", SignIn.as_view(), name="account_login"),
    path("sign-out/", views.sign_out, name="sign_out"),
]
