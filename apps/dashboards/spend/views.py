"""The page of what was spent."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from apps.accounts.permissions import Action, requires, tenants_of
from apps.dashboards import clock
from apps.dashboards.download import csv_download
from apps.dashboards.overview.ranges import RANGES, Range, RangeForm, today
from apps.dashboards.respond import page
from apps.dashboards.spend.page import csv_rows, found, spend_page
from apps.traces.spend import GROUPINGS
from routerctl.sheets import csv_text

DEFAULT = ("now-7d", "")


@require_safe
@requires(Action.READ_SPEND)
def spend(request: HttpRequest) -> HttpResponse:
    """Of the range in the address, 7 days by default, by what it says, or by feature."""
    form, asked, by = _asked(request)
    context = spend_page(asked, by, tenants=tenants_of(request.user))
    context |= {"form": form, "ranges": RANGES}
    return page(request, "spend/spend", context, status=422 if form.errors else 200)


@require_safe
@requires(Action.EXPORT_SPEND)
def spend_csv(request: HttpRequest) -> HttpResponseBase:
    """The same as a file, every row of it."""
    form, asked, by = _asked(request)
    _, told = found(asked, by, tenants_of(request.user))
    if form.errors or told is None:
        return page(request, "spend/spend", {"form": form, "range": asked, "too_much": True,
                                             "ranges": RANGES, "by": by}, status=422)  # fmt: skip
    head = f"From {clock.written(asked.from_ms)} to {clock.written(asked.to_ms)}, {clock.zone()}"
    return csv_download(request, f"spend-by-{by}", iter([csv_text([(head,), *csv_rows(told)])]))


def _asked(request: HttpRequest) -> tuple[RangeForm, Range, str]:
    form = RangeForm(request.GET, DEFAULT)
    asked = form.range() if form.is_valid() else today()
    by = request.GET.get("by", "")
    return form, asked, by if by in GROUPINGS else "feature"
