"""GET /api/v1/traces and /api/v1/traces/{id}: reading back what happened.

A tenant's key sees that tenant's traces alone; another's is a 404, as if it were not there.
"""

from collections.abc import Mapping
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from msgspec import Struct
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.tenants import Tenants
from apps.api.door import ControlView
from apps.api.queries import invalid, known_only, moment, number
from apps.api.schema import answers
from apps.traces.filters import STATUSES, WORDS, TraceFilter
from apps.traces.ids import parse_trace_id
from apps.traces.public import TraceDetail, TraceSummary, detail, summary
from apps.traces.selectors import find_trace, list_traces
from routerctl.wire.types import KeyFacts

_DEFAULT_LIMIT = 50
_MOST = 1000


class TraceList(Struct, frozen=True):
    """Newest first. `next` continues where this page ends; null on the last one."""

    results: tuple[TraceSummary, ...]
    next: str | None


_PARAMETERS = {
    "from": "Not before this moment: ISO 8601 or now-6h",
    "to": "Before this moment",
    "status": f"One of {', '.join(STATUSES)}",
    "feature": "Of this feature",
    "task": "Of this task",
    "plan": "Of this plan",
    "route": "Taken by this route",
    "tenant": "Of this tenant; a tenant's key sees its own alone",
    "app": "Sent by this app",
    "app_version": "Sent by this version of an app",
    "deployment": "With a call to this deployment, answered or not",
    "provider": "With a call to this provider, answered or not",
    "error_code": "Ended with this error code",
    "degraded_action": "Degraded in this way, such as fallback",
    "cap": "Refused or lessened by this cap",
    "key": "Sent with the API key of this prefix",
    "session": "Of this session",
    "user": "Of this user",
    "min_latency_ms": "Took at least so many milliseconds",
    "cursor": "What `next` of the page before said",
    "limit": f"1 to {_MOST}, {_DEFAULT_LIMIT} when left out",
}


class TracesView(ControlView):
    """Traces, newest first, without candidates and attempts. Needs a key of scope `read`; a
    tenant's key sees that tenant's alone."""

    scope = "read"

    @extend_schema(
        operation_id="traces",
        summary="Traces, newest first",
        parameters=[OpenApiParameter(n, str, description=d) for n, d in _PARAMETERS.items()],
        responses=answers(TraceList, 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        query = known_only(request.query_params.dict(), _PARAMETERS)
        page = list_traces(
            _filter(query),
            tenants=_tenants(self.key),
            cursor=_cursor(query.get("cursor")),
            limit=number(query, "limit", 1, _MOST) or _DEFAULT_LIMIT,
        )
        rows = TraceList(tuple(summary(trace) for trace in page.traces), page.next)
        return Response(rows)


class TraceView(ControlView):
    """One trace: the verdict, every candidate with its reasons, every attempt, the cost. Needs a
    key of scope `read`; another tenant's trace is a 404."""

    scope = "read"

    @extend_schema(
        operation_id="trace",
        summary="One trace: what happened, why, and what it cost",
        responses=answers(TraceDetail, 401, 403, 404),
    )
    def get(self, request: Request, trace_id: str) -> Response:  # noqa: ARG002  # the framework's signature
        trace = find_trace(trace_id, tenants=_tenants(self.key))
        if trace is None:
            raise NotFound(f"There is no trace {trace_id} here.")
        return Response(detail(trace))


def _tenants(key: KeyFacts) -> Tenants:
    """Whose traces the key reads: its tenant's, or everybody's."""
    return Tenants.of((key.tenant,))


# --------------------------------------------------------------------------- the query


def _filter(query: Mapping[str, str]) -> TraceFilter:
    status = query.get("status")
    if status is not None and status not in STATUSES:
        raise invalid("status", f"A status is one of {', '.join(STATUSES)}.")
    return TraceFilter(
        from_ms=moment(query, "from"),
        to_ms=moment(query, "to"),
        min_latency_ms=number(query, "min_latency_ms", 0, 10**9),
        **{name: query.get(name) for name in WORDS},
    )


def _cursor(text: str | None) -> UUID | None:
    if text is None:
        return None
    cursor = parse_trace_id(text)
    if cursor is None:
        raise invalid("cursor", "This is not what `next` said.")
    return cursor
