"""What needs somebody, in the order in which somebody of a role wants it."""

from apps.accounts.models import Role
from apps.accounts.tenants import Tenants
from apps.dashboards.overview.findings import Finding
from apps.dashboards.overview.from_configuration import from_configuration
from apps.dashboards.overview.from_traffic import from_traffic

_FIRST: dict[str, tuple[str, ...]] = {
    Role.SUPPORT: ("spike", "failing"),
    Role.FINANCE: ("waiting", "unpriced", "spike"),
    Role.PRODUCT: ("switched_off", "spike"),
    Role.ENGINEER: ("failing", "secret", "stale"),
    Role.AUDITOR: ("switched_off", "stale"),
    Role.ADMIN: ("failing", "stale", "waiting", "secret"),
}
"""Which kinds a role sees first; the others follow, errors before warnings."""


def needs_attention(role: str, now_ms: int, *, tenants: Tenants) -> list[Finding]:
    """The findings at `now_ms`, those that are `role`'s own first."""
    first = _FIRST.get(role, ())

    def place(one: Finding) -> tuple[int, bool]:
        return (first.index(one.kind) if one.kind in first else len(first)), one.tone != "error"

    found = [
        *from_traffic(now_ms, tenants=tenants),
        *from_configuration(now_ms, tenants=tenants),
    ]
    return sorted(found, key=place)
