"""/api/v1/invoices: what providers bill, imported by keys and compared with what was settled."""

from drf_spectacular.utils import extend_schema
from msgspec import Struct
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.permissions import Action
from apps.api.authentication import HasScope, OfAnyTenant
from apps.api.bodies import body_of, reason_of
from apps.api.door import EditingView
from apps.api.queries import known_only
from apps.api.refusals import Refused
from apps.api.schema import answers, asks
from apps.policies import invoices
from apps.policies.models import Invoice

REFUSED_AS = {
    "duplicate_file": status.HTTP_409_CONFLICT,
    "period_overlaps": status.HTTP_409_CONFLICT,
}


class InvoiceBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`file` is the CSV itself; its days are days of `time_zone`."""

    file_name: str
    file: str
    time_zone: str = "UTC"
    reason: str = ""


class InvoiceAnswer(Struct, frozen=True):
    """One stored file; both days are within the period. `sha256` is the file's."""

    id: int
    provider: str
    from_day: str
    to_day: str
    time_zone: str
    file_name: str
    sha256: str


class InvoiceList(Struct, frozen=True):
    """The 100 newest, newest first."""

    results: tuple[InvoiceAnswer, ...]


class VarianceRow(Struct, frozen=True):
    """A class of a model; `state` is within, over, unknown or not_billed. `difference_*` is above
    0 where more was billed; `difference_percent` is of what was settled, null where it was 0."""

    model: str
    token_class: str
    state: str
    billed_quantity: int
    recorded_quantity: int
    difference_quantity: int
    billed_nano_usd: int
    settled_nano_usd: int
    difference_nano_usd: int
    difference_percent: str | None


class VarianceAnswer(Struct, frozen=True):
    """An invoice beside what was settled; `whole` is the money of all rows."""

    invoice: InvoiceAnswer
    rows: tuple[VarianceRow, ...]
    whole: VarianceRow
    flagged: int


class InvoicesView(EditingView):
    """Invoices of providers. For keys of every tenant."""

    permission_classes = (HasScope, OfAnyTenant)

    @extend_schema(
        operation_id="list_invoices",
        summary="Invoices, newest first",
        responses=answers(InvoiceList, 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        known_only(request.query_params.dict(), ())
        self.require(Action.READ_INVOICES)
        return Response(InvoiceList(tuple(map(_invoice, invoices.invoices()))))

    @extend_schema(
        operation_id="import_invoice",
        summary="Import a provider's invoice",
        request=asks(InvoiceBody),
        responses=answers(InvoiceAnswer, 400, 401, 403, 409, 413, success=201),
    )
    def post(self, request: Request) -> Response:
        self.require(Action.IMPORT_INVOICES)
        body = body_of(request, InvoiceBody)
        reason = reason_of(request, self.key, body.reason)
        return Response(_invoice(self._stored(body, reason)), status=status.HTTP_201_CREATED)

    def _stored(self, body: InvoiceBody, reason: str) -> Invoice:
        file = invoices.File(body.file_name, body.file.encode(), body.time_zone)
        try:
            return invoices.store(file, person=self.maker, source="api", reason=reason)
        except invoices.Unreadable as wrong:
            told = [{"line": one.line, "message": one.message} for one in wrong.problems]
            raise Refused(400, f"It is no invoice: {wrong}.", {"problems": told}) from None
        except invoices.Refused as refused:
            answered = REFUSED_AS.get(refused.code, status.HTTP_400_BAD_REQUEST)
            raise Refused(answered, str(refused), {"code": refused.code}) from None


class InvoiceView(EditingView):
    """One invoice. For keys of every tenant."""

    permission_classes = (HasScope, OfAnyTenant)

    @extend_schema(
        operation_id="get_invoice",
        summary="An invoice beside what was settled",
        responses=answers(VarianceAnswer, 401, 403, 404),
    )
    def get(self, request: Request, number: int) -> Response:  # noqa: ARG002  # its signature
        self.require(Action.READ_INVOICES)
        found = invoices.invoice(number)
        if found is None:
            raise NotFound(f"There is no invoice {number}.")
        told = invoices.compare(found)
        rows = tuple(map(_row, told.rows))
        return Response(VarianceAnswer(_invoice(found), rows, _row(told.whole), told.flagged))


def _invoice(row: Invoice) -> InvoiceAnswer:
    return InvoiceAnswer(
        id=row.pk,
        provider=row.provider,
        from_day=row.from_day.isoformat(),
        to_day=row.to_day.isoformat(),
        time_zone=row.time_zone,
        file_name=row.file_name,
        sha256=row.sha256,
    )


def _row(row: invoices.Row) -> VarianceRow:
    return VarianceRow(
        model=row.model,
        token_class=row.token_class,
        state=row.state,
        billed_quantity=row.billed_quantity,
        recorded_quantity=row.recorded_quantity,
        difference_quantity=row.difference_quantity,
        billed_nano_usd=row.billed_nano_usd,
        settled_nano_usd=row.settled_nano_usd,
        difference_nano_usd=row.difference_nano_usd,
        difference_percent=row.percent or None,
    )
