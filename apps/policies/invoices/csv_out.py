"""A comparison as a file."""

from apps.policies import amounts
from apps.policies.invoices.comparing import Comparison, Row
from routerctl.sheets import csv_text

_HEAD = (
    *("provider", "model", "token_class", "state", "billed_quantity", "recorded_quantity"),
    *("billed_usd", "settled_usd", "difference_nano_usd", "difference_percent"),
)


def comparison_csv(told: Comparison) -> str:
    """Every row, then the total; the first line names the period and its zone."""
    period = f"{told.provider}, {told.from_day} to {told.to_day}, {told.time_zone}"
    return csv_text([(period,), _HEAD, *(_cells(told, row) for row in (*told.rows, told.whole))])


def _cells(told: Comparison, row: Row) -> tuple[str | int, ...]:
    return (
        told.provider,
        row.model,
        row.token_class,
        row.state,
        row.billed_quantity,
        row.recorded_quantity,
        amounts.written(row.billed_nano_usd, amounts.NANO),
        amounts.written(row.settled_nano_usd, amounts.NANO),
        row.difference_nano_usd,
        row.percent,
    )
