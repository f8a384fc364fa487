"""What a person must be allowed to do for an edit, by what the edit changes."""

from apps.accounts.permissions import Action
from apps.policies.export import Entry

_EDIT = {
    "providers": Action.EDIT_PROVIDERS,
    "deployments": Action.EDIT_PROVIDERS,
    "tasks": Action.EDIT_POLICY,
    "plans": Action.EDIT_POLICY,
    "features": Action.EDIT_POLICY,
    "prompts": Action.EDIT_POLICY,
    "flags": Action.SWITCH,
    "checks": Action.EDIT_GATES,
    "gates": Action.EDIT_GATES,
    "routes": Action.EDIT_POLICY,
    "caps": Action.EDIT_CAPS,
    "rate_limits": Action.EDIT_POLICY,
}

_APART = {
    ("deployments", "prices"): Action.EDIT_PRICES,
    ("routes", "enabled"): Action.SWITCH,
}
"""Fields that are somebody else's."""


def needs(kind: str, before: Entry | None, after: Entry | None) -> frozenset[Action]:
    """The actions which it takes to make `after` of `before`; None for what is not there.

    To leave a thing as it is takes none.
    """
    old, new = before or {}, after or {}
    changed = {field for field in old | new if old.get(field) != new.get(field)}
    apart = {_APART[kind, field] for field in changed if (kind, field) in _APART}
    own = {_EDIT[kind] for field in changed if (kind, field) not in _APART}
    return frozenset(own | apart)


def needs_to_move(kind: str) -> frozenset[Action]:
    """The actions which it takes to give an object another place in its list."""
    return frozenset({_EDIT[kind]})
