"""People: how they come to be, who sees them, what others and what they themselves may change.

Nobody gives more than they have: a role is given by those who edit people, and only tenants that
they are given themselves.
"""

from collections.abc import Iterable

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from apps.accounts import sessions
from apps.accounts.audit import save_with_reason
from apps.accounts.models import Role, User
from apps.accounts.permissions import Action, may, tenants_of
from apps.accounts.tenants import Tenants, parse_tenants

_APPEARANCE = ("theme", "density")


class Outdated(Exception):
    """Somebody else changed the person since they were looked at. `current` is how they are."""

    def __init__(self, current: User) -> None:
        super().__init__(current.email)
        self.current = current


def create(
    *,
    email: str,
    role: str,
    tenants: Iterable[str],
    password: str | None,
    name: str = "",
    person: User | None = None,
    source: str = "command",
    reason: str,
) -> User:
    """A person who can sign in and sees what belongs to `tenants`, "*" for all of them, nothing
    of a tenant when it is empty. `person` is who made them. Without a password they sign in with
    a passkey or elsewhere.

    Raises ValidationError for a bad or taken address, an unknown role, a nameless tenant or a
    weak password.
    """
    given = parse_tenants(tenants).listed()
    user = User(email=email.lower(), role=role, tenants=given, name=name)
    if password is not None:
        validate_password(password, user)
    user.set_password(password)
    user.full_clean()
    save_with_reason(user, person=person, source=source, reason=reason)
    return user


def visible(tenants: Tenants) -> QuerySet[User]:
    """The people who see nothing beyond `tenants`; others are seen by those alone who see more."""
    if tenants.every:
        return User.objects.all()
    within = User.objects.filter(tenants__contained_by=sorted(tenants.names))
    return within.exclude(tenants=[])


def version_of(person: User) -> int:
    """Changes with every change that is told of."""
    newest = person.history.order_by("-history_id").first()
    return newest.history_id if newest else 0


@transaction.atomic
def change(
    person: User,
    *,
    role: str,
    tenants: Iterable[str],
    is_active: bool,
    by: User,
    seen: int,
    reason: str,
) -> User:
    """Let `person`, as they were at version `seen`, have another role, other tenants, or leave;
    whoever leaves is signed out everywhere.

    Raises Outdated, and ValidationError for one's own account, for what `by` may not give, and
    for an unknown role.
    """
    # Administrators are locked together: two of them cannot remove each other at once.
    admins = User.objects.select_for_update().filter(role=Role.ADMIN, is_active=True)
    acting = next((admin for admin in admins.order_by("pk") if admin.pk == by.pk), None)
    changed = User.objects.select_for_update().get(pk=person.pk)
    if acting is None or not may(acting, Action.EDIT_PEOPLE):
        raise ValidationError("You may no longer change people.")
    if changed.pk == acting.pk:
        raise ValidationError("Nobody changes their own role, tenants or status.")
    if version_of(changed) != seen:
        raise Outdated(changed)
    _check_grant(acting, Tenants.of(changed.tenants))
    given = parse_tenants(tenants)
    _check_grant(acting, given)
    changed.role, changed.tenants, changed.is_active = role, given.listed(), is_active
    changed.full_clean()
    save_with_reason(changed, person=by, source="page", reason=reason)
    if not is_active:
        sessions.end_all(changed)
    return changed


@transaction.atomic
def sign_out(person: User, *, by: User, reason: str) -> int:
    """End every session of `person`; how many there were."""
    told = f"ended their sessions: {reason}"
    save_with_reason(person, person=by, source="page", reason=told)
    return sessions.end_all(person)


def _check_grant(by: User, tenants: Tenants) -> None:
    if not tenants.within(tenants_of(by)):
        raise ValidationError("You can give only tenants that you have yourself.", code="tenants")


def rename(person: User, name: str) -> None:
    """What `person` is called, chosen by themselves. Raises ValidationError."""
    changed = User.objects.get(pk=person.pk)
    changed.name = name.strip()
    changed.full_clean()
    save_with_reason(changed, person=changed, source="page", reason="changed their own name")


def set_password(person: User, password: str) -> None:
    """A new password, chosen by `person`; their other sessions end with the old one."""
    person.set_password(password)
    # A request's person is a stand-in, which audit cannot write on.
    changed = User.objects.get(pk=person.pk)
    changed.password = person.password
    save_with_reason(changed, person=changed, source="page", reason="changed their own password")


def choose_appearance(person: User, *, theme: str, density: str) -> None:
    """How pages look to `person`; a taste, so it has no history. Raises ValidationError."""
    person.theme, person.density = theme, density
    person.clean_fields(exclude=[f.name for f in User._meta.fields if f.name not in _APPEARANCE])
    person.save(update_fields=_APPEARANCE)
