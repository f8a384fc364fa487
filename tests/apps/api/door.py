"""Knocking at the control door."""

from typing import Any

from django.http import HttpResponse
from django.test import Client

from apps.accounts import keys


def make_key(*scopes: str, tenant: str = "*", **facts: Any) -> str:
    """A new key's token."""
    defaults = {"name": "test", "tenant": tenant, "scopes": scopes, "reason": "test"}
    return keys.create(**defaults | facts)[1]


def get(client: Client, path: str, token: str) -> HttpResponse:
    return client.get(path, headers={"Authorization": f"Bearer {token}"})
