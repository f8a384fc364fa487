"""GET /api/v1/log: every change that the key may read of, newest first."""

from datetime import UTC, datetime

from drf_spectacular.utils import OpenApiParameter, extend_schema
from msgspec import Struct
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.audit import SOURCES
from apps.accounts.models import User
from apps.accounts.tenants import ANY, Tenants
from apps.api.door import ControlView
from apps.api.queries import invalid, known_only, moment, number
from apps.api.schema import answers
from apps.policies.log import KEY, PEOPLE, READS, WORDS, LogFilter, Sight, changes
from apps.policies.trail import Change
from routerctl.wire.types import KeyFacts


class FieldAnswer(Struct, frozen=True):
    """A field that differs; each side is the value as JSON, null where it is not stated."""

    field: str
    before: str | None
    after: str | None


class ChangeAnswer(Struct, frozen=True):
    """One change. `part` is the day of a price. `what` is created, changed or deleted; without
    `fields` it was moved in its list, or stated anew."""

    number: int
    at: str
    person: str | None
    source: str
    reason: str
    kind: str
    object: str
    part: str
    what: str
    moved: bool
    fields: tuple[FieldAnswer, ...]


class LogAnswer(Struct, frozen=True):
    """Newest first. `next` continues where this page ends; null on the last one."""

    results: tuple[ChangeAnswer, ...]
    next: str | None


_PARAMETERS = {
    "kind": f"Of this kind of thing: {', '.join(WORDS)}",
    "object": "Of the thing with this slug, or the key of this prefix",
    "person": "Made by the person with this e-mail address",
    "source": f"Made through one of {', '.join(SOURCES)}",
    "from": "Not before this moment: ISO 8601 or now-6h",
    "to": "Before this moment",
    "cursor": "What `next` of the page before said",
    "limit": "1 to 200, 50 when left out",
}


class LogView(ControlView):
    """Changes, newest first. Needs a key of scope `read`. One of every tenant reads all but what
    concerns people; a tenant's key reads what was done to that tenant's keys."""

    scope = "read"

    @extend_schema(
        operation_id="log",
        summary="Changes, newest first",
        parameters=[OpenApiParameter(n, str, description=d) for n, d in _PARAMETERS.items()],
        responses=answers(LogAnswer, 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        query = known_only(request.query_params.dict(), _PARAMETERS)
        wanted, limit = _filter(query), number(query, "limit", 1, 200) or 50
        try:
            page = changes(wanted, _sight(self.key), cursor=query.get("cursor"), limit=limit)
        except ValueError:
            raise invalid("cursor", "This is not what `next` said.") from None
        return Response(LogAnswer(tuple(map(told, page.changes)), page.next))


def told(change: Change) -> ChangeAnswer:
    return ChangeAnswer(
        number=change.number,
        at=change.at.isoformat(),
        person=change.person.email if change.person else None,
        source=change.source,
        reason=change.reason,
        kind=READS[change.kind][0],
        object=change.object,
        part=change.part,
        what=change.what,
        moved=change.moved,
        fields=tuple(FieldAnswer(f.field, f.before, f.after) for f in change.fields),
    )


def _sight(key: KeyFacts) -> Sight:
    if key.tenant == ANY:
        return Sight(frozenset(READS) - PEOPLE)
    return Sight(frozenset({KEY}), Tenants.of((key.tenant,)))


def _filter(query: dict[str, str]) -> LogFilter:
    kind, person = query.get("kind"), query.get("person")
    if kind is not None and kind not in WORDS:
        raise invalid("kind", f"A kind is one of {', '.join(WORDS)}.")
    return LogFilter(
        kind=kind,
        object=query.get("object"),
        person=None if person is None else _id_of(person),
        source=query.get("source"),
        from_at=_moment(query, "from"),
        to_at=_moment(query, "to"),
    )


def _id_of(email: str) -> int:
    """0, which is nobody's, for an address that is not known."""
    found = User.objects.filter(email=email.lower()).values_list("pk", flat=True).first()
    return found or 0


def _moment(query: dict[str, str], name: str) -> datetime | None:
    at_ms = moment(query, name)
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC)
