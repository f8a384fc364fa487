"""What providers bill, beside what was settled here.

An invoice is one provider's, for one period, as a CSV file with the columns of `parsing.COLUMNS`.
It is stored once and never changed; the comparison is made anew each time it is looked at.
"""

from apps.policies.invoices.comparing import Comparison, Row, compare
from apps.policies.invoices.csv_out import comparison_csv
from apps.policies.invoices.parsing import COLUMNS, MAX_BYTES, Problem, Unreadable
from apps.policies.invoices.storing import File, Refused, invoice, invoices, store

__all__ = [
    "COLUMNS",
    "MAX_BYTES",
    "Comparison",
    "File",
    "Problem",
    "Refused",
    "Row",
    "Unreadable",
    "compare",
    "comparison_csv",
    "invoice",
    "invoices",
    "store",
]
