from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import RequestFactory

from apps.accounts.models import Role, User
from apps.accounts.permissions import GRANTS, ORGANISATION_WIDE, Action, may, requires, tenants_of
from apps.accounts.tenants import EVERY_TENANT, NO_TENANT, Tenants


def person(role: str, tenants: tuple[str, ...] = ("*",), **facts: Any) -> User:
    return User(email=f"{role}@example.com", role=role, tenants=list(tenants), **facts)


@pytest.mark.parametrize("role", Role.values)
def test_everybody_who_signs_in_reads_traces(role: str) -> None:
    assert may(person(role), Action.READ_TRACES)


@pytest.mark.parametrize("role", Role.values)
def test_everybody_but_finance_reads_decisions(role: str) -> None:
    assert may(person(role), Action.READ_DECISIONS) == (role != "finance")


@pytest.mark.parametrize("role", [*Role.values, "", "superuser"])
def test_what_is_not_in_the_table_is_nobodys(role: str) -> None:
    assert not may(person(role), "delete_everything")


def test_every_action_stands_in_the_table() -> None:
    assert set(GRANTS) == set(Action)


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("action", Action)
def test_who_is_given_some_tenants_changes_nothing_that_all_of_them_share(
    role: str, action: Action
) -> None:
    allowed = role in GRANTS[action] and action not in ORGANISATION_WIDE
    assert may(person(role, ("acme",)), action) == allowed
    assert may(person(role), action) == (role in GRANTS[action])


def test_whose_traces_a_person_sees() -> None:
    assert tenants_of(person("support")) == EVERY_TENANT
    assert tenants_of(person("support", ("acme",))) == Tenants.of(["acme"])
    assert tenants_of(person("support", ())) == NO_TENANT
    assert tenants_of(User(role="admin")) == NO_TENANT
    assert tenants_of(person("support", is_active=False)) == NO_TENANT
    assert tenants_of(AnonymousUser()) == NO_TENANT


def test_who_left_may_nothing() -> None:
    assert not may(person("admin", is_active=False), Action.READ_TRACES)


def test_who_is_not_signed_in_may_nothing() -> None:
    assert not may(AnonymousUser(), Action.READ_TRACES)


def test_templates_ask_the_same_table() -> None:
    page = Template("{% load permissions %}{% if who|may:'read_decisions' %}why{% endif %}")
    assert page.render(Context({"who": person("support")})) == "why"
    assert page.render(Context({"who": person("finance")})) == ""


@requires(Action.READ_DECISIONS)
def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("why")


def test_a_guarded_view_asks_strangers_to_sign_in(rf: RequestFactory) -> None:
    request = rf.get("/t/1?x=2")
    request.user = AnonymousUser()
    answer = page(request)
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?next=/t/1%3Fx%3D2")


def test_a_guarded_view_turns_away_roles_without_the_grant(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = person("finance")
    with pytest.raises(PermissionDenied):
        page(request)


def test_a_guarded_view_opens_for_roles_with_the_grant(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = person("support")
    assert page(request).status_code == 200
