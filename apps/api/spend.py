"""GET /api/v1/spend: what was spent in a range, by one thing. A tenant's key sees its own."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from msgspec import Struct
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.tenants import Tenants
from apps.api.door import ControlView
from apps.api.queries import invalid, known_only, moment
from apps.api.schema import answers
from apps.ledger.ids import epoch_ms
from apps.traces.bounded import if_quick
from apps.traces.spend import GROUPINGS, Spend, Spending, spending
from routerctl.engine.errors import RouterError

DAY_MS = 86_400_000
LONGEST_MS = 31 * DAY_MS
WITHIN_MS = 4_000


class SpendRow(Struct, frozen=True):
    """The value `name` ("": none). `answered` brought an answer; `wasted_nano_usd` was paid for
    calls that brought none; `before_nano_usd` is the cost in the same span before. `input_tokens`
    include the cached ones."""

    name: str
    requests: int
    answered: int
    cost_nano_usd: int
    wasted_nano_usd: int
    nano_usd_for_each_answer: int | None
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    before_nano_usd: int


class SpendAnswer(Struct, frozen=True):
    """Cost most first; `whole` is the sum of the rows. By deployment, provider and model it is
    calls that are counted, not requests."""

    by: str
    results: tuple[SpendRow, ...]
    whole: SpendRow


_PARAMETERS = {
    "by": f"One of {', '.join(GROUPINGS)}; feature when left out",
    "from": "From this moment on: ISO 8601 or now-6h; now-7d when left out",
    "to": "Before this moment; now when left out. At most 31 days after `from`",
}


class SpendView(ControlView):
    scope = "read"

    @extend_schema(
        operation_id="spend",
        summary="What was spent, by feature, tenant, model, ...",
        parameters=[OpenApiParameter(name, str, description=said)
                    for name, said in _PARAMETERS.items()],
        responses=answers(SpendAnswer, 400, 401, 403, 503),
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        query = known_only(request.query_params.dict(), _PARAMETERS)
        by, now = query.get("by", "feature"), epoch_ms()
        if by not in GROUPINGS:
            raise invalid("by", f"It is one of {', '.join(GROUPINGS)}.")
        to = min(moment(query, "to") or now, now)
        begin = moment(query, "from")
        begin = to - 7 * DAY_MS if begin is None else begin
        if not 0 < to - begin <= LONGEST_MS:
            raise invalid("from", "The range ends after it began, and has at most 31 days.")
        told = self._told(by, begin, to)
        return Response(SpendAnswer(by, tuple(map(_row, told.rows)), _row(told.whole)))

    def _told(self, by: str, begin: int, to: int) -> Spending:
        days = max(1, -(-(to - begin) // DAY_MS))

        def add_up() -> Spending:
            return spending(begin, to, [begin], by=by, earlier_by_ms=days * DAY_MS,
                            tenants=Tenants.of((self.key.tenant,)))  # fmt: skip

        told = if_quick(add_up, within_ms=WITHIN_MS)
        if told is None:
            message = "To add it up took too long; ask for a shorter range."
            raise RouterError("overloaded", message, retry_after_s=60)
        return told


def _row(one: Spend) -> SpendRow:
    return SpendRow(
        name=one.name,
        requests=one.requests,
        answered=one.answered,
        cost_nano_usd=one.cost_nano_usd,
        wasted_nano_usd=one.wasted_nano_usd,
        nano_usd_for_each_answer=one.for_each_answer,
        input_tokens=one.input_tokens,
        cached_input_tokens=one.cached_input_tokens,
        output_tokens=one.output_tokens,
        before_nano_usd=one.before_nano_usd,
    )
