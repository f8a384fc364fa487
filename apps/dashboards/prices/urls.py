"""Slugs have slashes, so what is no deployment's name stands behind a dash."""

from django.urls import path

from apps.dashboards.prices import views

urlpatterns = [
    path("prices", views.catalog, name="prices"),
    path("prices/-/propose", views.propose, name="price_propose"),
    path("prices/-/import", views.from_feed, name="price_import"),
    path("prices/-/proposals/<int:number>", views.proposal, name="price_proposal"),
    path("prices/-/proposals/<int:number>/decide", views.decide, name="price_decide"),
    path("prices/<path:slug>", views.deployment, name="price"),
]
