"""API keys at the control door: `Authorization: Bearer rk_…`, checked against a key ring."""

import threading
from typing import cast
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.accounts.keys import KeyRing
from apps.accounts.tenants import ANY
from routerctl.engine.errors import RouterError
from routerctl.wire.types import KeyFacts


class _Ring:
    """This process's key ring, read again as soon as any key has changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version: UUID | None = None
        self._ring = KeyRing((), b"")

    def current(self) -> KeyRing:
        # The version is read before the keys: a change in between is read again next time.
        version = KeyRing.version()
        with self._lock:
            if version != self._version:
                self._ring, self._version = KeyRing.load(), version
            return self._ring


_ring = _Ring()


class KeyAuthentication(BaseAuthentication):
    """Raises RouterError auth_failed without a live key: nothing here is public."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, KeyFacts]:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        facts = None
        if kind.lower() == "bearer":
            facts = _ring.current().authenticate(token.strip().encode())
        if facts is None:
            raise RouterError("auth_failed")
        return AnonymousUser(), facts


class HasScope(BasePermission):
    """The scope which the view asks for the method must be among the key's."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        scope: str = view.scope_for(request.method)  # type: ignore[attr-defined]  # a ControlView
        if scope not in cast("KeyFacts", request.auth).scopes:
            raise RouterError("forbidden", f"This API key lacks the scope {scope}.")
        return True


class OfAnyTenant(BasePermission):
    """What the whole organisation shares is for keys that speak for all of it."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002  # its signature
        if cast("KeyFacts", request.auth).tenant != ANY:
            raise RouterError("forbidden", "This takes an API key of every tenant (*).")
        return True


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its metaclass
    """How the schema describes it."""

    target_class = KeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # noqa: ARG002  # the framework's signature
        return {"type": "http", "scheme": "bearer", "bearerFormat": "rk_…"}
