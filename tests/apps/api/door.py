"""Knocking at the control door."""

import json
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


def send(
    client: Client, method: str, path: str, token: str, body: Any = None, **headers: str
) -> Answer:
    """A request with a JSON body; `if_match="..."` is the header If-Match."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.generic(
        method,
        path,
        b"" if body is None else json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}", **named},
    )
