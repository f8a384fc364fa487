"""/api/v1/keys: API keys, made and rotated by keys. None hands on more than it has.

A key of one tenant sees and makes that tenant's keys alone.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec
from drf_spectacular.utils import OpenApiParameter, extend_schema
from msgspec import Struct
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import keys
from apps.accounts.grants import beyond
from apps.accounts.models import ApiKey
from apps.accounts.permissions import Action
from apps.accounts.rotation import rotate
from apps.accounts.tenants import Tenants
from apps.api.bodies import body_of, reason_of
from apps.api.door import EditingView
from apps.api.objects import HISTORY_PARAMETERS, ReasonBody
from apps.api.queries import known_only, number
from apps.api.refusals import refusals
from apps.api.schema import answers, asks
from routerctl.engine.errors import RouterError


class KeyAnswer(Struct, frozen=True):
    """What may be told of a key; the token is told once, when it is made. `state` is live, expired
    or revoked; `replaces` is the prefix of the key whose place it takes in a rotation."""

    prefix: str
    name: str
    tenant: str
    plan: str
    feature: str
    app: str
    scopes: tuple[str, ...]
    disclose: str
    legacy: bool
    state: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    replaces: str | None


class NewKeyAnswer(Struct, frozen=True):
    """`token` is shown here and never again."""

    token: str
    key: KeyAnswer


class KeyList(Struct, frozen=True):
    """Newest first. `next` continues where this page ends; null on the last one."""

    results: tuple[KeyAnswer, ...]
    next: int | None


class KeyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What is given is pinned. `tenant` "*" may speak for any; the scope is `generate` when left
    out, `disclose` none, route or deployment."""

    name: str
    tenant: str
    plan: str = ""
    feature: str = ""
    app: str = ""
    scopes: tuple[str, ...] = ("generate",)
    disclose: str = "none"
    legacy: bool = False
    expires_at: datetime | None = None
    reason: str = ""


class RotateBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`ends_at`: when the old key ends, within 30 days."""

    ends_at: datetime
    reason: str = ""


class KeysView(EditingView):
    """API keys, newest first. A tenant's key sees and makes that tenant's alone, and none can make
    a key that may do more than itself."""

    @extend_schema(
        operation_id="list_keys",
        summary="API keys",
        parameters=[OpenApiParameter(n, str, description=d) for n, d in HISTORY_PARAMETERS.items()],
        responses=answers(KeyList, 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        query = known_only(request.query_params.dict(), HISTORY_PARAMETERS)
        page = keys.listed(
            Tenants.of((self.key.tenant,)),
            cursor=number(query, "cursor", 1, 10**18),
            limit=number(query, "limit", 1, 200) or 50,
        )
        return Response(KeyList(tuple(map(_told, page.keys)), page.next))

    @extend_schema(
        operation_id="create_key",
        summary="Make an API key; its token is shown once",
        request=asks(KeyBody),
        responses=answers(NewKeyAnswer, 400, 401, 403, 413, success=201),
    )
    def post(self, request: Request) -> Response:
        self.require(Action.EDIT_KEYS)
        body = body_of(request, KeyBody)
        reason = reason_of(request, self.key, body.reason)
        facts = {name: value for name, value in _facts(body).items() if name != "reason"}
        _must_have(self, **{name: facts[name] for name in facts if name != "name"})
        with refusals():
            key, token = keys.create(**facts, person=self.maker, source="api", reason=reason)
        return Response(NewKeyAnswer(token, _told(key)), status=status.HTTP_201_CREATED)


class KeyView(EditingView):
    """One API key, by its prefix."""

    @extend_schema(
        operation_id="get_key", summary="An API key", responses=answers(KeyAnswer, 401, 403, 404)
    )
    def get(self, request: Request, prefix: str) -> Response:  # noqa: ARG002  # its signature
        return Response(_told(_found(self, prefix)))

    @extend_schema(
        operation_id="revoke_key",
        summary="End an API key now, everywhere within 2 s",
        request=asks(ReasonBody),
        responses=answers(KeyAnswer, 400, 401, 403, 404),
    )
    def delete(self, request: Request, prefix: str) -> Response:
        self.require(Action.EDIT_KEYS)
        key = _found(self, prefix)
        reason = reason_of(request, self.key, body_of(request, ReasonBody).reason)
        keys.revoke(key, person=self.maker, source="api", reason=reason)
        return Response(_told(key))


class RotateView(EditingView):
    """A successor of an API key, which may do the same; the old key ends by itself. Who asks must
    have all that the key has."""

    @extend_schema(
        operation_id="rotate_key",
        summary="Make a key's successor; its token is shown once",
        request=asks(RotateBody),
        responses=answers(NewKeyAnswer, 400, 401, 403, 404, success=201),
    )
    def post(self, request: Request, prefix: str) -> Response:
        self.require(Action.EDIT_KEYS)
        key = _found(self, prefix)
        body = body_of(request, RotateBody)
        reason = reason_of(request, self.key, body.reason)
        _must_have(self, **{name: getattr(key, name) for name in _HANDED_ON})
        with refusals():
            made, token = rotate(
                key, ends_at=_aware(body.ends_at), person=self.maker, source="api", reason=reason
            )
        return Response(NewKeyAnswer(token, _told(made)), status=status.HTTP_201_CREATED)


_HANDED_ON = ("tenant", "plan", "feature", "app", "scopes", "disclose", "legacy", "expires_at")


def _found(view: EditingView, prefix: str) -> ApiKey:
    seen = keys.visible(Tenants.of((view.key.tenant,)))
    found = seen.filter(prefix=prefix).first() if prefix.isalnum() else None
    if found is None:
        raise NotFound(f"There is no API key {prefix} here.")
    return found


def _must_have(view: EditingView, **facts: Any) -> None:
    """Raises RouterError forbidden when the asking key has less than these facts."""
    problems = [{"path": field, "message": said} for field, said in beyond(view.key, **facts)]
    if problems:
        raise RouterError("forbidden", problems[0]["message"], details={"problems": problems})


def _facts(body: KeyBody) -> dict[str, Any]:
    facts = msgspec.structs.asdict(body)
    return {**facts, "expires_at": None if body.expires_at is None else _aware(body.expires_at)}


def _aware(moment: datetime) -> datetime:
    """Without a zone it is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _told(key: ApiKey) -> KeyAnswer:
    return KeyAnswer(
        prefix=key.prefix,
        name=key.name,
        tenant=key.tenant,
        plan=key.plan,
        feature=key.feature,
        app=key.app,
        scopes=tuple(key.scopes),
        disclose=key.disclose,
        legacy=key.legacy,
        state=key.state(datetime.now(UTC)),
        created_at=key.created_at.isoformat(),
        expires_at=key.expires_at.isoformat() if key.expires_at else None,
        revoked_at=key.revoked_at.isoformat() if key.revoked_at else None,
        replaces=key.replaces.prefix if key.replaces else None,
    )
