"""A key's second one for a rotation, what a key may hand on, and lists of keys."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.accounts import keys, people
from apps.accounts.grants import beyond
from apps.accounts.keys import KeyRing
from apps.accounts.models import ApiKey
from apps.accounts.rotation import rotate
from apps.accounts.tenants import EVERY_TENANT, Tenants
from routerctl.wire.types import KeyFacts

pytestmark = pytest.mark.django_db

BY: Any = {"person": None, "source": "page", "reason": "yearly"}


def make(**facts: Any) -> tuple[ApiKey, str]:
    return keys.create(**{"name": "k", "tenant": "acme", "reason": "test", **facts})


def in_days(days: float) -> datetime:
    return timezone.now() + timedelta(days=days)


# --------------------------------------------------------------------------- rotation


def test_a_successor_may_do_the_same_while_the_old_key_ends_by_itself() -> None:
    old, old_token = make(plan="pro", feature="f", app="a", scopes=["read"], disclose="route")
    ends_at = in_days(1)
    new, token = rotate(old, ends_at=ends_at, **BY)
    ring, now_ms = KeyRing.load(), int(ends_at.timestamp() * 1000)
    facts = [ring.authenticate(each.encode(), now_ms - 1) for each in (old_token, token)]
    assert facts[0] is not None
    assert facts[1] is not None
    for name in ("tenant", "plan", "feature", "app", "scopes", "disclose", "legacy"):
        assert getattr(facts[0], name) == getattr(facts[1], name), name
    assert ring.authenticate(old_token.encode(), now_ms) is None
    assert (new.replaces, new.expires_at) == (old, None)
    assert [row.history_change_reason for row in old.history.all()] == ["yearly", "test"]


def test_at_most_two_keys_of_a_line_are_live() -> None:
    old, _ = make()
    new, _ = rotate(old, ends_at=in_days(1), **BY)
    for key in (old, new):
        with pytest.raises(ValidationError, match="Two keys are live already"):
            rotate(key, ends_at=in_days(1), **BY)
    old.refresh_from_db()
    keys.revoke(old, **BY)
    third, _ = rotate(new, ends_at=in_days(1), **BY)
    assert third.replaces == new
    keys.revoke(third, **BY)
    new.refresh_from_db()
    assert rotate(new, ends_at=in_days(1), **BY)[0].replaces == new


def test_a_key_that_is_not_live_has_no_successor() -> None:
    revoked, expired = make()[0], make(expires_at=in_days(-1))[0]
    keys.revoke(revoked, **BY)
    for key, state in ((revoked, "revoked"), (expired, "expired")):
        with pytest.raises(ValidationError, match=f"is {state}"):
            rotate(key, ends_at=in_days(1), **BY)
    assert ApiKey.objects.count() == 2


def test_a_key_made_for_a_time_has_a_successor_for_as_long_and_never_lasts_longer_itself() -> None:
    old, _ = make(expires_at=in_days(2))
    ApiKey.objects.filter(pk=old.pk).update(created_at=in_days(-8))
    new, _ = rotate(old, ends_at=in_days(20), **BY)
    assert new.expires_at is not None
    assert in_days(9) < new.expires_at < in_days(11)
    old.refresh_from_db()
    assert old.expires_at is not None
    assert old.expires_at < in_days(3)


@pytest.mark.parametrize("days", [-0.01, 31])
def test_the_old_key_ends_soon_but_not_in_the_past(days: float) -> None:
    with pytest.raises(ValidationError, match="within 30 days"):
        rotate(make()[0], ends_at=in_days(days), **BY)
    assert ApiKey.objects.count() == 1


def test_who_has_other_tenants_rotates_nothing() -> None:
    who = people.create(
        email="e@example.com", role="engineer", tenants=["globex"], password="correct horse",
        reason="test",
    )  # fmt: skip
    key, _ = make()
    with pytest.raises(ValidationError):
        rotate(key, ends_at=in_days(1), person=who, source="page", reason="x")
    key.refresh_from_db()
    assert key.expires_at is None


# --------------------------------------------------------------------------- handing on

ASKED: dict[str, Any] = {"tenant": "acme", "plan": "", "feature": "", "app": "",
                         "scopes": ["read"], "disclose": "none", "legacy": False,
                         "expires_at": None}  # fmt: skip


def refused(grantor: dict[str, Any], **asked: Any) -> list[str]:
    facts = KeyFacts(1, "abcdefgh", **{"tenant": "*", "scopes": frozenset({"read"}), **grantor})
    return [field for field, _ in beyond(facts, **ASKED | asked)]


@pytest.mark.parametrize(
    ("grantor", "asked"),
    [
        ({}, {}),
        ({}, {"tenant": "*"}),
        ({"tenant": "acme"}, {}),
        ({"scopes": frozenset({"read", "write"})}, {"scopes": ["write", "read"]}),
        ({"plan": "pro"}, {"plan": "pro"}),
        ({}, {"plan": "pro", "feature": "f", "app": "a"}),
        ({"disclose": "deployment"}, {"disclose": "deployment"}),
        ({"legacy": True}, {"legacy": True}),
        ({"expires_at_ms": 2000}, {"expires_at": datetime.fromtimestamp(2, UTC)}),
    ],
)
def test_a_key_hands_on_what_it_has(grantor: dict[str, Any], asked: dict[str, Any]) -> None:
    assert refused(grantor, **asked) == []


@pytest.mark.parametrize(
    ("grantor", "asked", "field"),
    [
        ({"tenant": "acme"}, {"tenant": "globex"}, "tenant"),
        ({"tenant": "acme"}, {"tenant": "*"}, "tenant"),
        ({}, {"scopes": ["read", "write"]}, "scopes"),
        ({"plan": "free"}, {"plan": "pro"}, "plan"),
        ({"plan": "free"}, {}, "plan"),
        ({"feature": "f"}, {"feature": "g"}, "feature"),
        ({"app": "a"}, {}, "app"),
        ({}, {"disclose": "route"}, "disclose"),
        ({"disclose": "route"}, {"disclose": "deployment"}, "disclose"),
        ({}, {"legacy": True}, "legacy"),
        ({"expires_at_ms": 2000}, {}, "expires_at"),
        ({"expires_at_ms": 2000}, {"expires_at": datetime.fromtimestamp(3, UTC)}, "expires_at"),
    ],
)
def test_a_key_hands_on_nothing_that_it_has_not(
    grantor: dict[str, Any], asked: dict[str, Any], field: str
) -> None:
    assert refused(grantor, **asked) == [field]


# --------------------------------------------------------------------------- lists


def test_keys_are_listed_newest_first_in_pages() -> None:
    made = [make(name=str(number))[0].pk for number in range(5)][::-1]
    first = keys.listed(EVERY_TENANT, limit=3)
    second = keys.listed(EVERY_TENANT, limit=3, cursor=first.next)
    assert [key.pk for key in (*first.keys, *second.keys)] == made
    assert second.next is None


def test_a_tenants_keys_are_listed_for_those_alone_who_see_it() -> None:
    ours, _ = make()
    make(tenant="globex")
    make(tenant="*")
    assert [key.pk for key in keys.listed(Tenants.of(["acme"])).keys] == [ours.pk]


def test_a_key_says_whether_it_is_live() -> None:
    now = timezone.now()
    live, expired, revoked = make()[0], make(expires_at=now)[0], make()[0]
    keys.revoke(revoked, **BY)
    assert [key.state(now) for key in (live, expired, revoked)] == ["live", "expired", "revoked"]
