"""Configuration as code: a file in, the difference out, or everything that is wrong with it."""

from typing import TYPE_CHECKING

from apps.catalog.models import Provider
from apps.policies.lint import Finding, lint_text
from apps.policies.plan import ChangePlan, plan
from apps.policies.publishing import change
from apps.policies.rows import rows_of
from apps.policies.schema import parse

if TYPE_CHECKING:
    from apps.accounts.models import User


def difference(text: bytes) -> ChangePlan:
    """What applying the file `text` would do. Raises `schema.BadConfiguration`."""
    stored = _with_secrets()
    return plan(rows_of(parse(text, _origins(stored)), stored))


def findings(text: bytes) -> list[Finding]:
    """What the file `text` probably does not mean. Raises `schema.BadConfiguration`."""
    return lint_text(text, _origins(_with_secrets()))


def _with_secrets() -> dict[str, Provider]:
    return {row.slug: row for row in Provider.objects.exclude(secret_ciphertext=None)}


def _origins(stored: dict[str, Provider]) -> dict[str, str]:
    return {slug: row.secret_origin for slug, row in stored.items()}


def apply(
    text: bytes, *, reason: str, person: "User | None" = None, source: str = "code"
) -> tuple[ChangePlan, str]:
    """Make the file `text` the whole configuration and publish it, in one transaction.

    Returns what was done and the hash of the revision in force. API keys and people are not
    touched. Raises `schema.BadConfiguration`, and then nothing was changed.
    """
    with change(person=person, source=source, reason=reason) as changing:
        planned = difference(text)
        for to_save in planned.saves:
            changing.save(to_save.row)
        for to_delete in planned.deletes:
            changing.delete(to_delete.row)
    return planned, changing.revision.hash
