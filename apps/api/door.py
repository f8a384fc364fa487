"""What all views of the control door share: a scope, a request id, errors in one shape."""

import re
from typing import Any, ClassVar, cast
from uuid import uuid4

from django.http import HttpRequest
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.authentication import HasScope, KeyAuthentication
from apps.api.errors import ExceptionHandler, answer_error
from routerctl.wire.types import KeyFacts

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


class ControlView(APIView):
    """A resource which takes a key of `scope`. Every answer carries an X-Request-Id: the
    caller's own if it is a plain word, a new one otherwise."""

    authentication_classes = (KeyAuthentication,)
    permission_classes: tuple[type[BasePermission], ...] = (HasScope,)
    scope: ClassVar[str]
    request_id = ""

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


class NothingHere(ControlView):
    """Every other path below /api/v1/: even that there is nothing, only a key is told."""

    permission_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound("There is no such path here.")
