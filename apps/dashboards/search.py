"""Everything that somebody may see and that goes by what was typed into the search box."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Value
from django.urls import reverse

from apps.accounts import keys, people
from apps.accounts.models import User
from apps.accounts.permissions import Action, may, tenants_of
from apps.accounts.tenants import ANY, Tenants
from apps.dashboards import clock
from apps.dashboards.find import pasted_trace_id
from apps.dashboards.places import place_of
from apps.policies.editing.kinds import MODELS
from apps.traces import filters, finding
from apps.traces.selectors import find_trace

MOST_TRACES = 20
LONGEST = 256


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found: `kind` is the group it is listed in."""

    kind: str
    title: str
    note: str
    href: str


def search_all(person: User, text: str) -> list[Hit]:
    """What goes by `text`, for the eyes of `person`; a trace ID in it hides all else."""
    tenants = tenants_of(person)
    trace_id = pasted_trace_id(text)
    if trace_id is not None:
        found = find_trace(str(trace_id), tenants=tenants)
        return [_trace(found.trace_id, "by its ID")] if found else []
    if not text or len(text) > LONGEST or "\0" in text:
        return []
    hits = [*_by_other_ids(text, tenants), *_names(text, tenants), *_objects(text)]
    if "@" in text and may(person, Action.READ_PEOPLE):
        hits += _people(text, tenants)
    return list(dict.fromkeys(hits))


def _by_other_ids(text: str, tenants: Tenants) -> Iterator[Hit]:
    for trace_id in finding.by_provider_request(text, tenants=tenants, most=MOST_TRACES):
        yield _trace(trace_id, "the provider's ID of a call")
    for trace_id in finding.by_request_id(text, tenants=tenants, most=MOST_TRACES):
        yield _trace(trace_id, "the caller's X-Request-Id")
    known = [
        name
        for tenant, prefix in keys.visible(tenants).values_list("tenant", "prefix")
        for name in (tenant, prefix)
        if name != ANY
    ]
    for trace_id in finding.by_idempotency_key(
        text, tenants=tenants, known=known, now_ms=clock.now_ms()
    ):
        yield _trace(trace_id, "its Idempotency-Key")


def _names(text: str, tenants: Tenants) -> Iterator[Hit]:
    if keys.visible(tenants).filter(prefix=text).exists():
        yield Hit("API keys", text, "requests sent with it", _traces(key=text))
    if finding.is_a_tenant(text, tenants=tenants):
        yield Hit("Tenants", text, "its requests", _traces(tenant=text))
    told = finding.of_session_or_user(text, tenants=tenants, now_ms=clock.now_ms())
    session, user = told or (False, False)
    if session:
        yield Hit("Sessions", text, "its requests", _traces(session=text))
    if user:
        yield Hit("Users", text, "their requests", _traces(user=text))


def _objects(text: str) -> Iterator[Hit]:
    """Objects of the configuration by their slug, whose page or, without one, whose requests."""
    first, *others = (
        model.objects.filter(slug=text).order_by().values_list(Value(kind), "slug")
        for kind, model in MODELS.items()
    )
    for kind, slug in first.union(*others, all=True):
        one = kind.removesuffix("s")
        href = place_of(one, slug)
        if not href and one in filters.WORDS:
            href = _traces(**{one: slug})
        if href:
            yield Hit(kind.capitalize(), slug, "", href)


def _people(text: str, tenants: Tenants) -> Iterator[Hit]:
    for one in people.visible(tenants).filter(email=text.lower()):
        yield Hit("People", one.email, one.get_role_display(), reverse("person", args=[one.pk]))


def _trace(trace_id: str, note: str) -> Hit:
    return Hit("Traces", trace_id, note, reverse("trace", args=[trace_id]))


def _traces(**query: str) -> str:
    return f"{reverse('traces')}?{urlencode(query)}"
