"""The control door, below /api/. Slugs have slashes and stand unescaped in paths."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView

from apps.api.changes import LogView
from apps.api.decide import DecideView
from apps.api.docs import ReferenceView, docs
from apps.api.door import NothingHere
from apps.api.health import HealthView
from apps.api.invoices import InvoicesView, InvoiceView
from apps.api.keys import KeysView, KeyView, RotateView
from apps.api.object_urls import object_urls
from apps.api.prices import ApproveView, PricesView, ProposalsView, ProposalView, RejectView
from apps.api.spend import SpendView
from apps.api.traces import TracesView, TraceView

urlpatterns = [
    path("v1/route", DecideView.as_view()),
    path("v1/traces", TracesView.as_view()),
    path("v1/traces/<str:trace_id>", TraceView.as_view()),
    path("v1/deployments/<path:slug>/health", HealthView.as_view()),
    path("v1/keys", KeysView.as_view()),
    path("v1/keys/<str:prefix>", KeyView.as_view()),
    path("v1/keys/<str:prefix>/rotate", RotateView.as_view()),
    path("v1/log", LogView.as_view()),
    path("v1/spend", SpendView.as_view()),
    path("v1/invoices", InvoicesView.as_view()),
    path("v1/invoices/<int:number>", InvoiceView.as_view()),
    path("v1/prices", PricesView.as_view()),
    path("v1/prices/proposals", ProposalsView.as_view()),
    path("v1/prices/proposals/<int:number>", ProposalView.as_view()),
    path("v1/prices/proposals/<int:number>/approve", ApproveView.as_view()),
    path("v1/prices/proposals/<int:number>/reject", RejectView.as_view()),
    *object_urls(),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", docs, name="docs"),
    path("docs/reference/", ReferenceView.as_view(), name="reference"),
    re_path(r"^v1(?:/.*)?$", NothingHere.as_view()),
]
