"""The pages of invoices."""

from django.urls import path

from apps.dashboards.invoices import views

urlpatterns = [
    path("invoices", views.listed, name="invoices"),
    path("invoices/new", views.new, name="invoice_new"),
    path("invoices/<int:number>", views.one, name="invoice"),
    path("invoices/<int:number>.csv", views.one_csv, name="invoice_csv"),
]
