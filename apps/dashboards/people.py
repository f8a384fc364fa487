"""Pages about people: the list, one person, and what an administrator does to an account."""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts import invitations, people, second_factors, sessions
from apps.accounts.models import Role, User
from apps.accounts.permissions import Action, requires, tenants_of
from apps.accounts.tenants import ANY
from apps.dashboards.account import myself
from apps.dashboards.page_form import ReasonedForm
from apps.dashboards.people_forms import PeopleFilters, PersonForm
from apps.dashboards.respond import done, page

PAGE_SIZE = 50
get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact about a person that is not what it was, in words."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One row of a person's history; without differences something else was done."""

    row: Any
    differences: list[Difference]


@require_safe
@requires(Action.READ_PEOPLE)
def people_list(request: HttpRequest) -> HttpResponse:
    """Who may come in, and who is invited."""
    form = PeopleFilters(request.GET)
    tenants = tenants_of(request.user)
    context: dict[str, Any] = {"form": form, "invitations": invitations.visible(tenants)}
    if not form.is_valid():
        return page(request, "people/list", context, status=422)
    said = {name: value for name, value in form.cleaned_data.items() if value}
    found = list(_matching(people.visible(tenants), said)[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    factors = second_factors.factors_of(person.pk for person in shown)
    context |= {
        "rows": [(person, factors.get(person.pk, [])) for person in shown],
        "next": shown[-1].email if len(found) > PAGE_SIZE else None,
        "filtered": bool(said),
    }
    return page(request, "people/list", context)


@require_safe
@requires(Action.READ_PEOPLE)
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    """One person: what they may, how they sign in, what was changed and why."""
    found = _find(request, person_id)
    context = {
        "person": found,
        "itself": found.pk == request.user.pk,
        "factors": second_factors.factors_of([found.pk]).get(found.pk, []),
        "sessions": sessions.sessions_of(found, None),
        "changes": list(_changes(found)),
    }
    return page(request, "people/person", context)


@get_or_post
@requires(Action.EDIT_PEOPLE)
def edit_person(request: HttpRequest, person_id: int) -> HttpResponse:
    """Role, tenants, and whether they may sign in; never one's own."""
    found = _somebody_else(request, person_id)
    form = _person_form(request, found)
    if request.method == "POST" and form.is_valid():
        try:
            people.change(found, by=myself(request), **form.cleaned_data)
            return done(request, f"{found.get_full_name()} is changed.", "person", found.pk)
        except ValidationError as error:
            form.add_error(None, error)
        except people.Outdated as outdated:
            return _conflict(request, form.cleaned_data, outdated.current)
    status = 422 if form.errors else 200
    return page(request, "people/edit", {"form": form, "person": found}, status=status)


@get_or_post
@requires(Action.EDIT_PEOPLE)
def end_person_sessions(request: HttpRequest, person_id: int) -> HttpResponse:
    found = _somebody_else(request, person_id)
    form = ReasonedForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        people.sign_out(found, by=myself(request), reason=form.cleaned_data["reason"])
        return done(request, f"{found.get_full_name()} is signed out.", "person", found.pk)
    question = f"Sign {found.get_full_name()} out everywhere?"
    return _ask(request, form, question, "They can sign in again at once.", "Sign out", found)


@get_or_post
@requires(Action.EDIT_PEOPLE)
def remove_factors(request: HttpRequest, person_id: int) -> HttpResponse:
    found = _somebody_else(request, person_id)
    form = ReasonedForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        by, reason = myself(request), form.cleaned_data["reason"]
        second_factors.remove_all(found, by=by, reason=reason)
        return done(request, "Their second factors are removed.", "person", found.pk)
    question = f"Remove the second factors of {found.get_full_name()}?"
    consequence = (
        "For whoever lost phone and recovery codes. Be sure that it is them who asks: until they "
        "set up a new one, their password alone signs in."
    )
    return _ask(request, form, question, consequence, "Remove them", found)


# ------------------------------------------------------------------------ what they share


def _find(request: HttpRequest, person_id: int) -> User:
    """Raises Http404 for nobody, and for people of other tenants."""
    return get_object_or_404(people.visible(tenants_of(request.user)), pk=person_id)


def _somebody_else(request: HttpRequest, person_id: int) -> User:
    found = _find(request, person_id)
    if found.pk == request.user.pk:
        raise PermissionDenied("nobody administers themselves")
    return found


def _matching(everybody: QuerySet[User], said: dict[str, str]) -> QuerySet[User]:
    """Those who fit the filters, by their addresses."""
    has_factor = Exists(
        Authenticator.objects.filter(user=OuterRef("pk"), type__in=second_factors.FACTORS)
    )
    conditions: dict[str, Callable[[str], Q]] = {
        "q": lambda text: Q(email__icontains=text) | Q(name__icontains=text),
        "role": lambda role: Q(role=role),
        "status": lambda status: Q(is_active=status == "active"),
        "factor": lambda wanted: Q(has_factor) if wanted == "yes" else ~Q(has_factor),
        "after": lambda email: Q(email__gt=email),
    }
    for name, value in said.items():
        everybody = everybody.filter(conditions[name](value))
    return everybody.order_by("email")


def _changes(found: User) -> Iterator[Change]:
    """The newest first."""
    rows = list(found.history.select_related("history_user").order_by("-history_id")[:200])
    for row, before in zip(rows, [*rows[1:], None], strict=True):
        yield Change(row, _differences(before, row) if before else [])


def _differences(before: Any, after: Any) -> list[Difference]:
    """Of two things that have a person's facts: history rows, people."""
    old, new = _in_words(before), _in_words(after)
    return [Difference(label, old[label], new[label]) for label in old if old[label] != new[label]]


def _in_words(facts: Any) -> dict[str, str]:
    return {
        "E-mail": facts.email,
        "Name": facts.name or "none",
        "Role": Role(facts.role).label,
        "Tenants": "every one" if ANY in facts.tenants else ", ".join(facts.tenants) or "none",
        "May sign in": "yes" if facts.is_active else "no",
    }


def _person_form(request: HttpRequest, found: User) -> PersonForm:
    initial = {
        "role": found.role,
        "tenants": ", ".join(found.tenants),
        "is_active": found.is_active,
        "seen": people.version_of(found),
    }
    posted = request.POST if request.method == "POST" else None
    return PersonForm(posted, initial=initial, giver=tenants_of(request.user))


def _conflict(request: HttpRequest, wanted: dict[str, Any], current: User) -> HttpResponse:
    """What was posted stays in the form; saving it again means it."""
    posted = {**request.POST.dict(), "seen": str(people.version_of(current))}
    as_wanted = copy(current)
    for name in ("role", "tenants", "is_active"):
        setattr(as_wanted, name, wanted[name])
    context = {
        "form": PersonForm(posted, giver=tenants_of(request.user)),
        "person": current,
        "differences": _differences(current, as_wanted),
        "newest": current.history.select_related("history_user").first(),
    }
    return page(request, "people/edit", context, status=409)


def _ask(
    request: HttpRequest,
    form: ReasonedForm,
    question: str,
    consequence: str,
    button: str,
    found: User,
) -> HttpResponse:
    context = {
        "form": form,
        "question": question,
        "consequence": consequence,
        "button": button,
        "person": found,
    }
    return page(request, "people/ask", context, status=422 if form.errors else 200)
