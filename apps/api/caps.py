"""GET /api/v1/caps/{slug}: a cap as it is defined, and its windows. It is changed as any object."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from msgspec import UNSET, Struct, convert
from msgspec.structs import asdict
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.tenants import ANY, Tenants
from apps.api.authentication import HasScope
from apps.api.bodies import body_of, etag
from apps.api.objects import ObjectView, OneObjectView, WaitingAnswer, waiting_answer
from apps.api.refusals import refusals
from apps.api.schema import answers, asks
from apps.ledger.forecast import Forecast, before, forecast, key_of
from apps.ledger.ids import epoch_ms
from apps.ledger.spending import Spending, current_period, windows_of
from apps.policies import editing
from apps.policies.amounts import NANO, written
from apps.policies.compiled import current_revision
from apps.policies.hindsight import hindsight
from apps.policies.specs import cap_spec
from routerctl.engine.caps import limit_at
from routerctl.engine.errors import RouterError
from routerctl.engine.specs import CapSpec, RaisedLimit
from routerctl.wire.types import KeyFacts


class CapForecast(Struct, frozen=True):
    """What will be taken of a window by its end, in the window's unit: by the average, the slowest
    and the quickest of so many `periods` before it. `runs_out_at` is None if the limit will do."""

    expected: int
    least: int
    most: int
    periods: int
    runs_out_at: str | None


class CapWindow(Struct, frozen=True):
    """One period of a cap, for one value of what it is `per`. `unit` is nano_usd, tokens or
    requests; moments are ISO 8601. `forecast` is None for a window that is over, that never ends,
    or that too few went before."""

    key: dict[str, str]
    starts_at: str
    ends_at: str | None
    limit: int
    settled: int
    held: int
    unit: str
    forecast: CapForecast | None = None


class RaisedAnswer(Struct, frozen=True):
    """A higher limit, in the cap's unit (nano_usd, tokens, requests), that holds before `until`."""

    to: int
    until: str


class CapAnswer(Struct, frozen=True):
    """A cap in the configuration file's spelling; one of the three limits is set. `windows` are
    the current ones first; a tenant's key sees its own."""

    slug: str
    scope: dict[str, str | tuple[str, ...]]
    per: tuple[str, ...]
    missing: str
    period: str
    time_zone: str
    limit_usd: str | None
    limit_tokens: int | None
    limit_requests: int | None
    mode: str
    actions: tuple[dict[str, str | int], ...]
    raised: RaisedAnswer | None = None
    windows: tuple[CapWindow, ...] = ()
    waiting: WaitingAnswer | None = None
    """What a second person has to confirm before it is in force; shown to keys of all tenants."""


class CapView(OneObjectView):
    """A cap as it is defined, and what its windows hold. A tenant's key sees the caps which can
    concern it, and changes none."""

    kind = "caps"

    def get_permissions(self) -> Sequence[Any]:
        return [HasScope()] if self.request.method == "GET" else super().get_permissions()

    @extend_schema(
        operation_id="cap",
        summary="A cap and its windows",
        responses=answers(CapAnswer, 401, 403, 404, 503),
    )
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002  # the framework's signature
        for cap in current_revision().document.caps:
            if cap.slug == slug and _concerns(cap, self.key):
                with refusals():
                    version = editing.entry("caps", slug).version
                answer = _answer(cap, _windows(cap, self.key), _waiting(cap, self.key))
                return Response(answer, headers=etag(version))
        raise NotFound(f"There is no cap {slug} here.")


def _concerns(cap: CapSpec, key: KeyFacts) -> bool:
    """A cap of other tenants alone does not exist for a tenant's key."""
    tenants = cap.scope.get("tenant")
    if key.tenant == "*" or tenants is None:
        return True
    return key.tenant in ((tenants,) if isinstance(tenants, str) else tenants)


def _waiting(cap: CapSpec, key: KeyFacts) -> WaitingAnswer | None:
    asked = editing.waiting("caps", [cap.slug]) if key.tenant == "*" else []
    return waiting_answer(asked[0]) if asked else None


def _windows(cap: CapSpec, key: KeyFacts) -> tuple[CapWindow, ...]:
    """What the key may see: of a cap that counts several tenants together, nothing but for a key
    of all tenants. A cap without `per` always has a current window, if only with zeros."""
    unit, limit = limit_at(cap, epoch_ms())
    if cap.period == "request":
        return ()
    own = None
    if key.tenant != "*" and "tenant" not in cap.scope:
        if "tenant" not in cap.per:
            return ()
        own = (key.tenant,)
    found = windows_of(cap.slug, unit=unit, period=cap.period, tenants=own)
    starts_at, ends_at = current_period(cap.period, cap.time_zone)
    if not cap.per and not any(window.starts_at == starts_at for window in found):
        found.insert(0, Spending({}, starts_at, ends_at, 0, 0))
    now = datetime.now(UTC)
    current = [window for window in found if window.starts_at == starts_at]
    earlier = before(cap, unit, current)

    def foretold(window: Spending) -> CapForecast | None:
        if window.starts_at != starts_at:
            return None
        told = forecast(window, earlier[key_of(window, cap.per)], cap.period, limit, now)
        return _forecast(told) if isinstance(told, Forecast) else None

    return tuple(
        CapWindow(
            key=window.key,
            starts_at=_iso(window.starts_at),
            ends_at=None if window.ends_at is None else _iso(window.ends_at),
            limit=limit,
            settled=window.settled,
            held=window.held,
            unit=unit,
            forecast=foretold(window),
        )
        for window in found
    )


def _raised(raised: RaisedLimit) -> RaisedAnswer:
    return RaisedAnswer(raised.to, _iso(datetime.fromtimestamp(raised.until_ms / 1000, UTC)))


def _forecast(told: Forecast) -> CapForecast:
    return CapForecast(
        told.expected,
        told.least,
        told.most,
        told.periods,
        None if told.runs_out_at is None else _iso(told.runs_out_at),
    )


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _answer(
    cap: CapSpec, windows: tuple[CapWindow, ...], waiting: WaitingAnswer | None
) -> CapAnswer:
    limit = cap.limit_nano_usd
    return CapAnswer(
        slug=cap.slug,
        scope=cap.scope,
        per=cap.per,
        missing=cap.missing,
        period=cap.period,
        time_zone=cap.time_zone,
        limit_usd=None if limit is None else written(limit, NANO),
        limit_tokens=cap.limit_tokens,
        limit_requests=cap.limit_requests,
        mode=cap.mode,
        actions=cap.actions,
        raised=None if cap.raised is UNSET else _raised(cap.raised),
        windows=windows,
        waiting=waiting,
    )


class PreviewBody(Struct, frozen=True, forbid_unknown_fields=True):
    entry: dict[str, Any]


class WouldAnswer(Struct, frozen=True):
    """`requests` to which the same would have happened: `did` is moved (`deployment` would have
    answered instead), refused, shortened, limited, warned or unknown."""

    did: str
    requests: int
    deployment: str


class PreviewAnswer(Struct, frozen=True):
    """What the cap would have done to the requests of the last `days`, were it as the entry says:
    how many it counts, what they took in its `unit`, how many of its `windows` were `full`. By what
    each request really cost."""

    days: int
    requests: int
    taken: int
    unit: str
    windows: int
    full: int
    would: tuple[WouldAnswer, ...]


class PreviewView(ObjectView):
    """What a cap would have done of late, before it is saved."""

    kind = "caps"

    @extend_schema(
        operation_id="preview_cap",
        summary="What a cap would have done in the last 30 days",
        request=asks(PreviewBody),
        responses=answers(PreviewAnswer, 400, 401, 403, 413, 503),
    )
    def post(self, request: Request, slug: str) -> Response:
        body = body_of(request, PreviewBody)
        with refusals():
            known = any(held.slug == slug for held in editing.entries("caps"))
            drafted = editing.preview("caps", slug if known else None, body.entry)
        found = hindsight(cap_spec(drafted.entry), tenants=Tenants.of([ANY]))
        if found is None:
            raise RouterError("overloaded", "Looking back took too long.", retry_after_s=60)
        return Response(convert(asdict(found), PreviewAnswer))
