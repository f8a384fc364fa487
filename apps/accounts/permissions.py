"""Who may do what: one table, asked by pages, templates, commands and tests.

What does not stand in the table is denied, to everybody. Adding an action is one member and one
line. What the whole organisation shares is read by everybody whose role reads it, and changed by
those alone who are given every tenant. API keys have scopes instead of roles; the doors check
those.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from apps.accounts.models import Role, User
from apps.accounts.tenants import NO_TENANT, Tenants

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


class Action(StrEnum):
    READ_TRACES = "read_traces"
    """The list, and of one trace its facts, attempts and cost."""
    READ_DECISIONS = "read_decisions"
    """Of one trace the verdict, and every candidate with its reasons."""
    EXPORT_TRACES = "export_traces"
    READ_CONFIGURATION = "read_configuration"
    """Providers without their secrets, deployments, policy and its vocabulary, flags."""
    EDIT_PROVIDERS = "edit_providers"
    """Providers and deployments; a secret can be set and replaced, never read."""
    EDIT_POLICY = "edit_policy"
    """Routes, prompts, tasks, plans and features."""
    EDIT_GATES = "edit_gates"
    """Gates and checks: what keeps personal data where it belongs."""
    SWITCH = "switch"
    """Flags, and the kill switches of routes."""
    SIMULATE = "simulate"
    READ_PRICES = "read_prices"
    EDIT_PRICES = "edit_prices"
    READ_SPEND = "read_spend"
    EXPORT_SPEND = "export_spend"
    READ_INVOICES = "read_invoices"
    """What providers bill beside what every tenant's calls cost."""
    IMPORT_INVOICES = "import_invoices"
    READ_CAPS = "read_caps"
    EDIT_CAPS = "edit_caps"
    READ_KEYS = "read_keys"
    EDIT_KEYS = "edit_keys"
    READ_PEOPLE = "read_people"
    EDIT_PEOPLE = "edit_people"
    """Everybody but oneself."""
    READ_LOG = "read_log"
    """Changes of what one may read."""
    EXPORT_LOG = "export_log"
    READ_SYSTEM = "read_system"


_EVERYBODY = frozenset(Role)
_BUILDERS = frozenset({Role.ENGINEER, Role.ADMIN})
_OVERSEERS = frozenset({Role.AUDITOR, Role.ADMIN})

GRANTS: dict[str, frozenset[Role]] = {
    Action.READ_TRACES: _EVERYBODY,
    Action.READ_DECISIONS: _EVERYBODY - {Role.FINANCE},
    Action.EXPORT_TRACES: _EVERYBODY - {Role.SUPPORT, Role.PRODUCT},
    Action.READ_CONFIGURATION: _EVERYBODY,
    Action.EDIT_PROVIDERS: _BUILDERS,
    Action.EDIT_POLICY: _BUILDERS | {Role.PRODUCT},
    Action.EDIT_GATES: _BUILDERS,
    Action.SWITCH: _BUILDERS | {Role.PRODUCT},
    Action.SIMULATE: _EVERYBODY,
    Action.READ_PRICES: _EVERYBODY - {Role.SUPPORT},
    Action.EDIT_PRICES: frozenset({Role.FINANCE, Role.ADMIN}),
    Action.READ_SPEND: _EVERYBODY - {Role.SUPPORT},
    Action.EXPORT_SPEND: frozenset({Role.FINANCE, Role.AUDITOR, Role.ADMIN}),
    Action.READ_INVOICES: frozenset({Role.FINANCE, Role.AUDITOR, Role.ADMIN}),
    Action.IMPORT_INVOICES: frozenset({Role.FINANCE, Role.ADMIN}),
    Action.READ_CAPS: _EVERYBODY,
    Action.EDIT_CAPS: frozenset({Role.FINANCE, Role.ADMIN}),
    Action.READ_KEYS: _BUILDERS | _OVERSEERS,
    Action.EDIT_KEYS: _BUILDERS,
    Action.READ_PEOPLE: _OVERSEERS,
    Action.EDIT_PEOPLE: frozenset({Role.ADMIN}),
    Action.READ_LOG: _EVERYBODY,
    Action.EXPORT_LOG: _OVERSEERS,
    Action.READ_SYSTEM: _EVERYBODY,
}


ORGANISATION_WIDE = frozenset(
    {
        Action.EDIT_PROVIDERS,
        Action.EDIT_POLICY,
        Action.EDIT_GATES,
        Action.SWITCH,
        Action.EDIT_PRICES,
        Action.EDIT_CAPS,
        Action.READ_INVOICES,
        Action.IMPORT_INVOICES,
    }
)
"""Changes that every tenant feels, and sums over all tenants."""

CHANGES = (ORGANISATION_WIDE - {Action.READ_INVOICES}) | {Action.EDIT_KEYS, Action.EDIT_PEOPLE}


def may(person: AbstractBaseUser | AnonymousUser, action: str) -> bool:
    """Whether `person` may do `action`. An unknown action is nobody's."""
    if not isinstance(person, User) or not person.is_active:
        return False
    if action in ORGANISATION_WIDE and not tenants_of(person).every:
        return False
    return person.role in GRANTS.get(action, frozenset())


def writes(role: str) -> bool:
    """Whether `role` may change anything but its own account: such a role needs a second factor
    in production."""
    return any(role in GRANTS[action] for action in CHANGES)


def tenants_of(person: AbstractBaseUser | AnonymousUser) -> Tenants:
    """Whose traces, keys and people `person` sees."""
    if not isinstance(person, User) or not person.is_active:
        return NO_TENANT
    return Tenants.of(person.tenants)


def requires(action: Action) -> Callable[[View[P]], View[P]]:
    """Guards a view: who is not signed in is asked to, who may not gets a 403."""

    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not may(request.user, action):
                raise PermissionDenied(f"{request.user.role} may not {action}")
            return view(request, *args, **kwargs)

        return guarded

    return guard
