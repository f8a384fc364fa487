"""What all views of the control door share: a scope, a request id, errors in one shape."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, cast
from uuid import uuid4

import msgspec
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from rest_framework.exceptions import NotFound
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.keys import maker_of
from apps.accounts.models import User
from apps.accounts.permissions import Action, may
from apps.api.authentication import HasScope, KeyAuthentication
from apps.api.errors import ExceptionHandler, answer_error
from routerctl.wire.types import KeyFacts

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


class StructRenderer(BaseRenderer):
    """Answers are typed values, and the schema is made from their types."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,  # noqa: ARG002  # the framework's signature
        renderer_context: Mapping[str, Any] | None = None,  # noqa: ARG002  # the framework's signature
    ) -> bytes:
        return msgspec.json.encode(data)


class ControlView(APIView):
    """A resource which takes a key of `scope`. Every answer carries an X-Request-Id: the
    caller's own if it is a plain word, a new one otherwise."""

    renderer_classes = (StructRenderer,)
    authentication_classes = (KeyAuthentication,)
    permission_classes: tuple[type[BasePermission], ...] = (HasScope,)
    scope: ClassVar[str]
    request_id = ""

    def scope_for(self, method: str) -> str:  # noqa: ARG002  # most need one for all
        """The scope that a key needs for `method`."""
        return self.scope

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        given = request.headers.get("X-Request-Id", "")
        self.request_id = given if _SANE_REQUEST_ID.fullmatch(given) else uuid4().hex
        return super().initialize_request(request, *args, **kwargs)

    def get_exception_handler(self) -> ExceptionHandler:
        return answer_error

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["X-Request-Id"] = self.request_id
        return answer

    @property
    def key(self) -> KeyFacts:
        """The key that asks."""
        return cast("KeyFacts", self.request.auth)


class EditingView(ControlView):
    """A resource which is read with a key of scope `read` and changed with one of scope `write`.
    What a person's key changes, that person must be allowed to change."""

    def scope_for(self, method: str) -> str:
        return "read" if method in SAFE_METHODS else "write"

    @cached_property
    def maker(self) -> User | None:
        """Who made the key, and stands in the change log for what it does; None for a command."""
        return maker_of(self.key)

    def require(self, action: Action) -> None:
        """Raises PermissionDenied when the key's maker may not do `action`."""
        if self.maker is not None and not may(self.maker, action):
            raise PermissionDenied(f"Whoever made this API key may not {action}.")


class NothingHere(ControlView):
    """Every other path below /api/v1/: even that there is nothing, only a key is told."""

    permission_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound("There is no such path here.")
