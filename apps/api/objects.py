"""/api/v1/{kind}: every object of the configuration, one resource for each kind.

Reading needs the scope `read`, changing `write`, and both a key of every tenant, as they concern
the whole organisation. An object is its entry in the configuration file's spelling, beside its
version, which is also its ETag.
"""

from typing import Any, ClassVar

from msgspec import Struct
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.authentication import HasScope, OfAnyTenant
from apps.api.bodies import body_of, etag, expected_version, reason_of
from apps.api.changes import ChangeAnswer, told
from apps.api.door import EditingView
from apps.api.queries import known_only, number
from apps.api.refusals import refusals
from apps.policies import editing
from apps.policies.editing import Held, TakesTwo, Waiting

HISTORY_PARAMETERS = {
    "cursor": "What `next` of the page before said",
    "limit": "1 to 200, 50 when left out",
}


class LastSaved(Struct, frozen=True):
    """Who saved it last (an e-mail address; null: a file, a command or a key), whence and why."""

    at: str
    person: str | None
    source: str
    reason: str


class SecretAnswer(Struct, frozen=True):
    """What may be told of a provider's secret, which nobody ever reads back."""

    origin: str
    ends: str
    usable: bool


class ObjectAnswer(Struct, frozen=True):
    """`entry` is the object as the configuration file writes it; tasks and plans have a slug
    alone. `version` changes with every save."""

    kind: str
    slug: str
    version: int
    entry: dict[str, Any]
    saved: LastSaved | None
    secret: SecretAnswer | None


class WaitingAnswer(Struct, frozen=True):
    """An edit that is not in force: a second person confirms it on the object's page. `entry` is
    what shall stand there, null: nothing any more; `why` says why it takes two."""

    kind: str
    slug: str
    entry: dict[str, Any] | None
    version: int
    why: str
    person: str | None
    reason: str
    at: str


class ObjectList(Struct, frozen=True):
    """All of a kind, in the order of their list."""

    results: tuple[ObjectAnswer, ...]


class HistoryAnswer(Struct, frozen=True):
    """Newest first. `next` continues where this page ends; null on the last one."""

    results: tuple[ChangeAnswer, ...]
    next: int | None


class CreateBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`before`: the slug of the object before which it comes in the list; last when left out."""

    entry: dict[str, Any]
    before: str | None = None
    reason: str = ""


class PutBody(Struct, frozen=True, forbid_unknown_fields=True):
    entry: dict[str, Any]
    reason: str = ""


class MoveBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`before`: the slug of the object before which it comes; null: it comes last."""

    before: str | None
    reason: str = ""


class ReasonBody(Struct, frozen=True, forbid_unknown_fields=True):
    reason: str = ""


class ObjectView(EditingView):
    """What all views of objects share. `kind` is set for each kind by `object_urls`."""

    permission_classes = (HasScope, OfAnyTenant)
    kind: ClassVar[str]

    def because(self, request: Request, stated: str) -> dict[str, Any]:
        """Who, from where and why."""
        reason = reason_of(request, self.key, stated)
        return {"person": self.maker, "source": "api", "reason": reason}

    def answer(self, slug: str, code: int = status.HTTP_200_OK) -> Response:
        """The object as it stands now."""
        held = editing.entry(self.kind, slug)
        return Response(object_answer(held), status=code, headers=etag(held.version))


class ObjectsView(ObjectView):
    def get(self, request: Request) -> Response:
        known_only(request.query_params.dict(), ())
        return Response(ObjectList(tuple(map(object_answer, editing.entries(self.kind)))))

    def post(self, request: Request) -> Response:
        body = body_of(request, CreateBody)
        said = self.because(request, body.reason)
        with refusals():
            editing.put(self.kind, None, body.entry, before=body.before, **said)
            return self.answer(body.entry["slug"], status.HTTP_201_CREATED)


class OneObjectView(ObjectView):
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002  # the framework's signature
        with refusals():
            return self.answer(slug)

    def put(self, request: Request, slug: str) -> Response:
        body = body_of(request, PutBody)
        said = self.because(request, body.reason)
        with refusals():
            try:
                editing.put(self.kind, slug, body.entry, expected=expected_version(request), **said)
            except TakesTwo as needed:
                return _asked(needed, said)
            return self.answer(slug)

    def delete(self, request: Request, slug: str) -> Response:
        body = body_of(request, ReasonBody)
        said = self.because(request, body.reason)
        with refusals(invalid_status=status.HTTP_409_CONFLICT):
            try:
                editing.remove(self.kind, slug, expected=expected_version(request), **said)
            except TakesTwo as needed:
                return _asked(needed, said)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MoveView(ObjectView):
    def post(self, request: Request, slug: str) -> Response:
        body = body_of(request, MoveBody)
        said = self.because(request, body.reason)
        with refusals():
            expected = expected_version(request)
            editing.move(self.kind, slug, before=body.before, expected=expected, **said)
            return self.answer(slug)


class HistoryView(ObjectView):
    def get(self, request: Request, slug: str) -> Response:
        query = known_only(request.query_params.dict(), HISTORY_PARAMETERS)
        past = editing.history(
            self.kind,
            slug,
            cursor=number(query, "cursor", 1, 10**18),
            limit=number(query, "limit", 1, 200) or 50,
        )
        if not past.changes and "cursor" not in query:
            with refusals():
                editing.entry(self.kind, slug)
        return Response(HistoryAnswer(tuple(map(told, past.changes)), past.next))


def _asked(needed: TakesTwo, said: dict[str, Any]) -> Response:
    return Response(waiting_answer(editing.ask(needed, **said)), status=status.HTTP_202_ACCEPTED)


def waiting_answer(asked: Waiting) -> WaitingAnswer:
    return WaitingAnswer(
        kind=asked.kind,
        slug=asked.slug,
        entry=asked.entry,
        version=asked.version,
        why=asked.why,
        person=asked.person.email if asked.person else None,
        reason=asked.reason,
        at=asked.made_at.isoformat(),
    )


def object_answer(held: Held) -> ObjectAnswer:
    saved, secret = held.saved, held.secret
    return ObjectAnswer(
        kind=held.kind,
        slug=held.slug,
        version=held.version,
        entry=held.entry,
        saved=None
        if saved is None
        else LastSaved(
            saved.at.isoformat(),
            saved.person.email if saved.person else None,
            saved.source,
            saved.reason,
        ),
        secret=None if secret is None else SecretAnswer(secret.origin, secret.ends, secret.usable),
    )
