"""People are made here, by an administrator's command or, later, an administrator's page."""

from collections.abc import Iterable

from django.contrib.auth.password_validation import validate_password

from apps.accounts.audit import save_with_reason
from apps.accounts.models import User
from apps.accounts.tenants import parse_tenants

_APPEARANCE = ("theme", "density")


def create(
    *,
    email: str,
    role: str,
    tenants: Iterable[str],
    password: str,
    name: str = "",
    person: User | None = None,
    source: str = "command",
    reason: str,
) -> User:
    """A person who can sign in and sees what belongs to `tenants`, "*" for all of them, nothing
    of a tenant when it is empty. `person` is who made them.

    Raises ValidationError for a bad or taken address, an unknown role, a nameless tenant or a
    weak password.
    """
    given = parse_tenants(tenants).listed()
    user = User(email=email.lower(), role=role, tenants=given, name=name)
    validate_password(password, user)
    user.set_password(password)
    user.full_clean()
    save_with_reason(user, person=person, source=source, reason=reason)
    return user


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
