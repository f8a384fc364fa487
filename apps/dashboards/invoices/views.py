"""The views of invoices: the list, the import, and one beside what was settled."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.accounts.permissions import Action, requires
from apps.dashboards.download import csv_download
from apps.dashboards.invoices.forms import InvoiceForm
from apps.dashboards.respond import done, page
from apps.policies import invoices
from apps.policies.models import Invoice

_FIELDS = {"unknown_time_zone": "time_zone"}
"""Which field a refusal is about; the file for all others."""


@require_safe
@requires(Action.READ_INVOICES)
def listed(request: HttpRequest) -> HttpResponse:
    """The newest invoices."""
    return page(request, "invoices/list", {"invoices": invoices.invoices()})


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.IMPORT_INVOICES)
def new(request: HttpRequest) -> HttpResponse:
    """Import one; its comparison is what is shown next."""
    if request.method != "POST":
        return page(request, "invoices/new", {"form": InvoiceForm()})
    form = InvoiceForm(request.POST, request.FILES)
    made = _stored(form, request) if form.is_valid() else None
    if made is None:
        return page(request, "invoices/new", {"form": form}, status=422)
    return done(request, "Imported. This is what differs.", "invoice", made.pk)


@require_safe
@requires(Action.READ_INVOICES)
def one(request: HttpRequest, number: int) -> HttpResponse:
    """Each billed class beside what was settled."""
    found = _found(number)
    said = Invoice.history.select_related("history_user").get(id=number)
    context = {"invoice": found, "said": said, "told": invoices.compare(found)}
    return page(request, "invoices/one", context)


@require_safe
@requires(Action.READ_INVOICES)
def one_csv(request: HttpRequest, number: int) -> HttpResponseBase:
    """The same as a file."""
    told = invoices.compare(_found(number))
    return csv_download(request, f"invoice-{number}", iter([invoices.comparison_csv(told)]))


def _stored(form: InvoiceForm, request: HttpRequest) -> Invoice | None:
    """None when it could not be stored, and the form says why."""
    assert isinstance(request.user, User)
    reason = form.cleaned_data["reason"]
    try:
        return invoices.store(form.given(), person=request.user, source="page", reason=reason)
    except invoices.Unreadable as wrong:
        for problem in wrong.problems:
            form.add_error("file", f"{str(problem)[0].upper()}{str(problem)[1:]}.")
    except invoices.Refused as refused:
        form.add_error(_FIELDS.get(refused.code, "file"), str(refused))
    return None


def _found(number: int) -> Invoice:
    found = invoices.invoice(number)
    if found is None:
        raise Http404
    return found
