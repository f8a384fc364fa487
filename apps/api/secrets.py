"""PUT /api/v1/providers/{slug}/secret: given and taken away, never read."""

from drf_spectacular.utils import extend_schema
from msgspec import Struct
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.permissions import Action
from apps.api.bodies import body_of
from apps.api.objects import ObjectAnswer, ObjectView
from apps.api.refusals import refusals
from apps.api.schema import answers, asks
from apps.policies import editing, services


class SecretBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`secret`: `env:NAME`, the secret itself, which is kept encrypted, or null for none."""

    secret: str | None
    reason: str = ""


class SecretView(ObjectView):
    """A provider's secret, bound to the origin at which the provider is now. It is never read
    back: the provider tells whether there is one, and its last characters."""

    kind = "providers"

    @extend_schema(
        operation_id="set_secret",
        summary="Give a provider its secret, or take it away",
        request=asks(SecretBody),
        responses=answers(ObjectAnswer, 400, 401, 403, 404, 413),
    )
    def put(self, request: Request, slug: str) -> Response:
        self.require(Action.EDIT_PROVIDERS)
        body = body_of(request, SecretBody)
        said = self.because(request, body.reason)
        with refusals():
            editing.entry(self.kind, slug)
            services.set_secret(provider=slug, secret=body.secret, **said)
            return self.answer(slug)
