"""Invoices of providers, beside what was settled."""
