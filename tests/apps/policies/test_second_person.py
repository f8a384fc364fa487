"""A cap raised by over 20 percent waits for somebody else; nobody gets around it in small steps."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from apps.accounts import people
from apps.accounts.audit import dated
from apps.accounts.models import User
from apps.policies import editing
from apps.policies.apply import apply
from apps.policies.editing import Conflict, Decided, NotYours, TakesTwo, Waiting
from tests.apps.policies.files import small

pytestmark = pytest.mark.django_db

CAP = {"slug": "daily", "period": "day", "limit_usd": "100.00", "scope": {"plan": "free"}}


@pytest.fixture(autouse=True)
def _capped() -> None:
    with dated(datetime.now(UTC) - timedelta(days=3)):
        apply(small(caps=[CAP]), reason="a cap")


@pytest.fixture
def ann() -> User:
    return person("ann")


@pytest.fixture
def bob() -> User:
    return person("bob", role="admin")


def person(name: str, role: str = "finance") -> User:
    return people.create(
        email=f"{name}@example.com", role=role, tenants=["*"], password="correct horse",
        reason="test",
    )  # fmt: skip


def put(by: User, **fields: Any) -> None:
    entry = {**editing.entry("caps", "daily").entry, **fields}
    entry = {name: value for name, value in entry.items() if value is not None}
    editing.put("caps", "daily", entry, person=by, source="page", reason="more is needed")


def asked(by: User, **fields: Any) -> Waiting:
    with pytest.raises(TakesTwo) as needed:
        put(by, **fields)
    return editing.ask(needed.value, person=by, source="page", reason="more is needed")


def limit() -> str:
    said: str = editing.entry("caps", "daily").entry["limit_usd"]
    return said


@pytest.mark.parametrize("usd", ["0", "1.00", "100.00", "120.00"])
def test_lowering_and_a_small_raise_act_at_once(ann: User, usd: str) -> None:
    put(ann, limit_usd=usd)
    assert limit() == usd


@pytest.mark.parametrize(
    "fields",
    [
        {"limit_usd": "120.000000001"},
        {"limit_usd": None, "limit_requests": 5},
        {"period": "hour"},
        {"scope": {"plan": "free", "tenant": "acme"}},
        {"per": ["tenant"]},
        {"missing": "skip"},
        {"mode": "open"},
    ],
)
def test_what_lets_more_pass_waits(ann: User, fields: dict[str, Any]) -> None:
    before = editing.entry("caps", "daily")
    assert asked(ann, **fields).why
    assert editing.entry("caps", "daily") == before


UNTIL = {"until": "2099-12-31T00:00:00Z"}


def test_to_raise_it_by_a_lot_for_a_while_waits_too(ann: User) -> None:
    asked(ann, raised={"limit_usd": "130.00", **UNTIL})
    put(ann, raised={"limit_usd": "120.00", **UNTIL})
    assert editing.entry("caps", "daily").entry["raised"] == {"limit_usd": "120.00", **UNTIL}


def test_a_raise_for_a_while_is_ended_or_shortened_alone_and_prolonged_by_two(
    ann: User, bob: User
) -> None:
    waits = asked(ann, raised={"limit_usd": "500.00", **UNTIL})
    editing.confirm(waits.id, person=bob, reason="yes")
    put(ann, raised={"limit_usd": "400.00", "until": "2099-12-30T00:00:00Z"})
    asked(ann, raised={"limit_usd": "400.00", **UNTIL})
    put(ann, raised=None)
    assert "raised" not in editing.entry("caps", "daily").entry


def test_small_raises_do_not_add_up_to_a_great_one(ann: User) -> None:
    put(ann, limit_usd="115.00")
    put(ann, limit_usd="120.00")
    with pytest.raises(TakesTwo, match="20 percent of what it was in the last 24 hours"):
        put(ann, limit_usd="121.00")


def test_what_was_lowered_a_moment_ago_is_not_raised_back_alone(ann: User) -> None:
    put(ann, limit_usd="10.00")
    with pytest.raises(TakesTwo):
        put(ann, limit_usd="100.00")


def test_a_day_later_the_new_limit_is_what_counts(ann: User) -> None:
    with dated(datetime.now(UTC) - timedelta(hours=25)):
        put(ann, limit_usd="120.00")
    put(ann, limit_usd="144.00")
    assert limit() == "144.00"


def test_a_second_person_makes_it_so_and_both_stand_in_the_log(ann: User, bob: User) -> None:
    waits = asked(ann, limit_usd="500.00")
    editing.confirm(waits.id, person=bob, reason="agreed with the board")
    assert limit() == "500.00"
    newest = editing.history("caps", "daily").changes[0]
    assert newest.person == bob
    for said in ("more is needed", "ann@example.com", "agreed with the board"):
        assert said in newest.reason
    assert [(one.before, one.after) for one in newest.fields] == [('"100.00"', '"500.00"')]
    assert editing.waiting("caps") == []


def test_after_that_the_confirmed_limit_is_what_counts(ann: User, bob: User) -> None:
    editing.confirm(asked(ann, limit_usd="500.00").id, person=bob, reason="yes")
    put(ann, limit_usd="600.00")
    with pytest.raises(TakesTwo):
        put(ann, limit_usd="601.00")


def test_nobody_confirms_their_own(ann: User) -> None:
    waits = asked(ann, limit_usd="500.00")
    with pytest.raises(NotYours):
        editing.confirm(waits.id, person=ann, reason="sure")
    assert limit() == "100.00"


@pytest.mark.parametrize("role", ["support", "product", "engineer", "auditor"])
def test_whoever_may_not_edit_caps_confirms_none(ann: User, role: str) -> None:
    waits = asked(ann, limit_usd="500.00")
    with pytest.raises(PermissionDenied):
        editing.confirm(waits.id, person=person(role, role), reason="sure")
    with pytest.raises(PermissionDenied):
        editing.withdraw(waits.id, person=person(f"another-{role}", role), reason="no")


def test_what_was_asked_anew_replaces_what_waited(ann: User, bob: User) -> None:
    first, second = asked(ann, limit_usd="500.00"), asked(ann, limit_usd="300.00")
    assert [one.id for one in editing.waiting("caps")] == [second.id]
    with pytest.raises(Decided):
        editing.confirm(first.id, person=bob, reason="yes")
    editing.confirm(second.id, person=bob, reason="yes")
    assert limit() == "300.00"


def test_asking_for_what_another_asked_for_takes_a_third_look(ann: User, bob: User) -> None:
    asked(ann, limit_usd="500.00")
    own = asked(bob, limit_usd="500.00")
    with pytest.raises(NotYours):
        editing.confirm(own.id, person=bob, reason="yes")


def test_what_was_made_of_an_older_version_is_not_confirmed(ann: User, bob: User) -> None:
    waits = asked(ann, limit_usd="500.00")
    put(bob, limit_usd="50.00")
    with pytest.raises(Conflict):
        editing.confirm(waits.id, person=bob, reason="yes")
    assert limit() == "50.00"
    editing.withdraw(waits.id, person=bob, reason="it is not like that any more")
    assert editing.waiting("caps") == []


def test_a_cap_is_not_deleted_alone(ann: User, bob: User) -> None:
    with pytest.raises(TakesTwo) as needed:
        editing.remove("caps", "daily", person=ann, source="page", reason="away with it")
    waits = editing.ask(needed.value, person=ann, source="page", reason="away with it")
    assert editing.entries("caps")
    editing.confirm(waits.id, person=bob, reason="yes")
    assert editing.entries("caps") == []


def test_a_file_is_applied_as_it_is() -> None:
    apply(small(caps=[{**CAP, "limit_usd": "9000.00"}]), reason="by the server's own command")
    assert limit() == "9000.00"
