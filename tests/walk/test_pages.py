"""Every page by method by role by tenant, as `table.PAGES` says it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import reverse

from apps.accounts.permissions import GRANTS, ORGANISATION_WIDE
from tests.walk.roles import FELT_BY_EVERY_TENANT, LETTERS, MATRIX, allowed
from tests.walk.table import CONTROL, METHODS, PAGES, Ask, Line
from tests.walk.urls import every_pattern
from tests.walk.world import World

EVERY_METHOD = {("admin", "every"), ("support", "another"), ("auditor", "owner")}
"""Methods that a page does not take are refused before anybody's role is asked for, so that these
try them for all: who may the most, the least, and only read."""

FORMS = [name for name, line in PAGES.items() if "POST" in line.asks]


def test_every_url_of_the_project_stands_in_the_table() -> None:
    for name, pattern in every_pattern().items():
        assert name in PAGES or name in CONTROL, (
            f"The walk does not know the URL {name!r} ({pattern.pattern}). Add a line for it to "
            f'PAGES in tests/walk/table.py, such as\n    "{name}": page(GET(Action.READ_TRACES)),\n'
            "with the action that each of its methods needs and example arguments."
        )


def test_nothing_in_the_table_is_gone() -> None:
    assert set(PAGES) | set(CONTROL) <= set(every_pattern())


@pytest.mark.parametrize("action", GRANTS)
def test_the_grants_are_those_of_the_design(action: str) -> None:
    assert action in MATRIX, f"Add a line for {action!r} to MATRIX in tests/walk/roles.py."
    assert {LETTERS[role] for role in GRANTS[action]} == set(MATRIX[action]) - {" "}
    assert ORGANISATION_WIDE == FELT_BY_EVERY_TENANT


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_to_those_alone_who_may(name: str, world: World) -> None:
    line = PAGES[name]
    path = reverse(name, kwargs=line.resolved(world))
    expected, got = {}, {}
    for (role, reach), person in world.people.items():
        client = Client()
        with taken_back():
            client.force_login(person)
            for method in METHODS if (role, reach) in EVERY_METHOD else line.asks:
                at = f"{method} as {role} of {reach}"
                expected[at] = _expected(line, method, role, reach)
                got[at] = _status(client, method, path, line.asks.get(method), world)
    assert got == expected


@pytest.mark.parametrize("name", PAGES)
def test_who_is_not_signed_in_is_sent_to_sign_in(name: str, world: World) -> None:
    line = PAGES[name]
    path = reverse(name, kwargs=line.resolved(world))
    for method in METHODS:
        with taken_back():
            answer = Client().generic(method, path)
        if line.stranger:
            assert answer.status_code == line.stranger.get(method, 405), method
        else:
            assert answer.status_code == 302, method
            assert answer["Location"].startswith("/sign-in/?next="), method


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["form", "htmx"])
def test_a_form_that_was_forged_elsewhere_is_refused(
    name: str, headers: dict[str, str], world: World
) -> None:
    line = PAGES[name]
    path = reverse(name, kwargs=line.resolved(world))
    strict = Client(enforce_csrf_checks=True)
    with taken_back():
        if not line.stranger:
            strict.force_login(world.people["admin", "every"])
        answer = strict.post(path, line.asks["POST"].data, headers=headers)
    assert answer.status_code == 403
    assert "This form is out of date" in answer.content.decode()


@contextmanager
def taken_back() -> Iterator[None]:
    """Undo whatever happens in here, and count it against no limit."""
    cache.clear()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _expected(line: Line, method: str, role: str, reach: str) -> int:
    ask = line.asks.get(method)
    if ask is None:
        return line.other_methods
    if ask.action is not None and not allowed(role, ask.action, every_tenant=reach == "every"):
        return 403
    if line.of_tenant and reach == "another":
        return 404
    return ask.status


def _status(client: Client, method: str, path: str, ask: Ask | None, world: World) -> int:
    data = {} if ask is None else _data(ask, world)
    with taken_back():
        if method in ("GET", "POST"):
            return int(getattr(client, method.lower())(path, data).status_code)
        return int(client.generic(method, path).status_code)


def _data(ask: Ask, world: World) -> dict[str, Any]:
    return {name: value(world) if callable(value) else value for name, value in ask.data.items()}
