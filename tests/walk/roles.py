"""What each role may do, as the security design has it: written out a second time, on purpose.

The walk judges pages by this table and not by the one in the code, so a grant that is changed
there by mistake fails here. `S F P E U A` are support, finance, product, engineer, auditor, admin.
"""

from apps.accounts.permissions import Action

LETTERS = {
    "support": "S",
    "finance": "F",
    "product": "P",
    "engineer": "E",
    "auditor": "U",
    "admin": "A",
}

MATRIX: dict[str, str] = {
    Action.READ_TRACES: "SFPEUA",
    Action.READ_DECISIONS: "S PEUA",
    Action.EXPORT_TRACES: " F EUA",
    Action.READ_CONFIGURATION: "SFPEUA",
    Action.EDIT_PROVIDERS: "   E A",
    Action.EDIT_POLICY: "  PE A",
    Action.EDIT_GATES: "   E A",
    Action.SWITCH: "  PE A",
    Action.SIMULATE: "SFPEUA",
    Action.READ_PRICES: " FPEUA",
    Action.EDIT_PRICES: " F   A",
    Action.READ_SPEND: " FPEUA",
    Action.EXPORT_SPEND: " F  UA",
    Action.READ_INVOICES: " F  UA",
    Action.IMPORT_INVOICES: " F   A",
    Action.READ_CAPS: "SFPEUA",
    Action.EDIT_CAPS: " F   A",
    Action.READ_KEYS: "   EUA",
    Action.EDIT_KEYS: "   E A",
    Action.READ_PEOPLE: "    UA",
    Action.EDIT_PEOPLE: "     A",
    Action.READ_LOG: "SFPEUA",
    Action.EXPORT_LOG: "    UA",
    Action.READ_SYSTEM: "SFPEUA",
}

FELT_BY_EVERY_TENANT = {
    *(Action.EDIT_PROVIDERS, Action.EDIT_POLICY, Action.EDIT_GATES, Action.SWITCH),
    *(Action.EDIT_PRICES, Action.EDIT_CAPS),
    *(Action.READ_INVOICES, Action.IMPORT_INVOICES),
}
"""Only for those who are given every tenant."""


def allowed(role: str, action: str, *, every_tenant: bool) -> bool:
    """Whether the design lets `role` do `action`."""
    if action in FELT_BY_EVERY_TENANT and not every_tenant:
        return False
    return LETTERS[role] in MATRIX[action]
