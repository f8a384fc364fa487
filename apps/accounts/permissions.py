"""Who may do what: one table, asked by pages, templates, commands and tests.

What does not stand in the table is denied, to everybody. Adding an action is one member and one
line. API keys have scopes instead of roles; the doors check those.
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

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


class Action(StrEnum):
    READ_TRACES = "read_traces"
    """The list, and of one trace its facts, attempts and cost."""
    READ_DECISIONS = "read_decisions"
    """Of one trace the verdict, and every candidate with its reasons."""


_EVERYBODY = frozenset(Role)

GRANTS: dict[str, frozenset[Role]] = {
    Action.READ_TRACES: _EVERYBODY,
    Action.READ_DECISIONS: _EVERYBODY - {Role.FINANCE},
}


def may(person: AbstractBaseUser | AnonymousUser, action: str) -> bool:
    """Whether `person` may do `action`. An unknown action is nobody's."""
    if not isinstance(person, User) or not person.is_active:
        return False
    return person.role in GRANTS.get(action, frozenset())


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
