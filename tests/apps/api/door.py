"""Knocking at the control door."""

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.test import Client

from apps.accounts import keys

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

    Answer = _MonkeyPatchedWSGIResponse
else:
    Answer = HttpResponse


def make_key(*scopes: str, tenant: str = "*", **facts: Any) -> str:
    """A new key's token."""
    defaults = {"name": "test", "tenant": tenant, "scopes": scopes, "reason": "test"}
    return keys.create(**defaults | facts)[1]


def get(client: Client, path: str, token: str) -> Answer:
    return client.get(path, headers={"Authorization": f"Bearer {token}"})
