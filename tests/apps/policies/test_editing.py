"""Single edits: checked as the file is, audited and published in one transaction."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from apps.accounts import people
from apps.accounts.models import User
from apps.catalog.models import Deployment, Price, Provider
from apps.policies import editing, live, services
from apps.policies.editing import Conflict, Invalid, NotThere
from apps.policies.export import document, export
from apps.policies.models import Cap, Flag, Revision, Route, Task
from tests.apps.policies.files import EXAMPLE, Apply, deployment, in_force, price, route, small

pytestmark = pytest.mark.django_db

BY: Any = {"person": None, "source": "page", "reason": "test"}


@pytest.fixture(autouse=True)
def _small(applied: Apply) -> None:
    applied()


def person(role: str) -> User:
    return people.create(
        email=f"{role}@example.com",
        role=role,
        tenants=["*"],
        password="correct horse",
        reason="test",
    )


def problems(kind: str, slug: str | None, entry: Any) -> list[str]:
    with pytest.raises(Invalid) as refused:
        editing.put(kind, slug, entry, **BY)
    return [str(problem) for problem in refused.value.problems]


# --------------------------------------------------------------------------- reading


def test_every_object_of_the_worked_example_reads_as_the_file_has_it(applied: Apply) -> None:
    applied(EXAMPLE.read_bytes())
    data = document()
    for kind in editing.KINDS:
        told = [held.entry for held in editing.entries(kind)]
        written = [{"slug": said} if isinstance(said, str) else said for said in data[kind]]
        assert told == written, kind


def test_every_object_can_be_put_as_it_is_and_nothing_changes(applied: Apply) -> None:
    applied(EXAMPLE.read_bytes())
    revision, versions = live.latest(), _versions()
    for kind in editing.KINDS:
        for held in editing.entries(kind):
            editing.put(kind, held.slug, held.entry, expected=held.version, **BY)
    assert (live.latest(), _versions()) == (revision, versions)


def _versions() -> dict[tuple[str, str], int]:
    return {(k, held.slug): held.version for k in editing.KINDS for held in editing.entries(k)}


def test_an_object_says_who_saved_it_last_and_why() -> None:
    who = person("product")
    editing.amend("flags", "new", {"percent": 80}, person=who, source="page", reason="going well")
    saved = editing.entry("flags", "new").saved
    assert saved is not None
    assert (saved.person, saved.source, saved.reason) == (who, "page", "going well")


def test_what_is_not_there_is_told() -> None:
    with pytest.raises(NotThere, match="there is no route none"):
        editing.entry("routes", "none")
    with pytest.raises(NotThere, match="there is no kind of object spoons"):
        editing.entries("spoons")
    with pytest.raises(NotThere):
        editing.amend("routes", "none", {"enabled": False}, **BY)
    for kind in ("spoons", "version"):
        with pytest.raises(NotThere):
            editing.put(kind, None, {"slug": "x"}, **BY)


def test_a_provider_tells_of_its_secret_only_where_it_was_given_for() -> None:
    held = editing.entry("providers", "vendor")
    assert held.entry["secret"] == "env:VENDOR_KEY"
    assert held.secret == editing.SecretFacts("https://vendor.example:443", "", usable=True)
    services.set_secret(provider="vendor", secret="sk-canary-0123456789-abcd", **BY)
    held = editing.entry("providers", "vendor")
    assert (held.entry["secret"], held.secret and held.secret.ends) == ("stored", "abcd")
    assert "canary" not in repr(held)


# --------------------------------------------------------------------------- saving


def test_an_edit_is_in_the_next_revision_with_who_and_why() -> None:
    who = person("product")
    entry = {"slug": "new", "enabled": True, "percent": 80}
    revision = editing.put("flags", "new", entry, person=who, source="page", reason="going well")
    assert live.latest() == (revision.pk, revision.hash)
    assert in_force().flags[0].percent == 80
    assert (revision.person, revision.reason) == (who, "going well")
    row = Flag.history.first()
    assert (row.history_user, row.source, row.history_change_reason) == (who, "page", "going well")
    assert row.prev_record.percent == 50


def test_an_edit_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        editing.amend("flags", "new", {"percent": 1}, person=None, source="page", reason=" ")
    with pytest.raises(ValueError, match="comes from one of"):
        editing.amend("flags", "new", {"percent": 1}, person=None, source="gossip", reason="x")


def test_a_kill_switch_is_published_exported_and_undone() -> None:
    _, before = live.latest() or (0, "")
    editing.amend("routes", "all", {"enabled": False}, **BY)
    assert not in_force().routes[0].enabled
    assert "enabled: false" in export()
    after = editing.amend("routes", "all", {"enabled": None}, **BY)
    assert after.hash == before


def test_what_is_created_stands_last_or_before_another() -> None:
    editing.put("routes", None, route(slug="last"), **BY)
    editing.put("routes", None, route(slug="first"), before="all", **BY)
    assert [r.slug for r in in_force().routes] == ["first", "all", "last"]
    assert Route.history.filter(slug="all").count() == 1
    with pytest.raises(NotThere):
        editing.put("routes", None, route(slug="x"), before="none", **BY)


def test_a_word_of_the_vocabulary_is_created_and_removed() -> None:
    editing.put("tasks", None, {"slug": "code"}, **BY)
    assert in_force().tasks == ("chat", "summary", "code")
    editing.remove("tasks", "code", **BY)
    assert in_force().tasks == ("chat", "summary")
    assert problems("tasks", None, {"slug": "Code", "owner": "x"}) == [
        "owner: unknown key",
        "slug: 'Code' is no slug: a-z, 0-9 and . _ / - after a letter or digit",
    ]


def test_prices_are_added_and_withdrawn_never_changed() -> None:
    dearer = [price(), price("2026-01-01", "9")]
    editing.amend("deployments", "vendor/small", {"prices": dearer}, **BY)
    listed = in_force().deployments[0].prices
    assert [row.input_nano_usd_per_mtok for row in listed] == [10**9, 9 * 10**9]
    assert Price.objects.count() == 2
    assert Deployment.history.count() == 1
    editing.amend("deployments", "vendor/small", {"prices": [price(usd="2.00")]}, **BY)
    assert [row.input_nano_usd_per_mtok for row in in_force().deployments[0].prices] == [2 * 10**9]
    assert Price.objects.count() == 4


def test_an_edit_leaves_everything_else_as_it_is(applied: Apply) -> None:
    applied(EXAMPLE.read_bytes())
    versions = _versions()
    slug = Cap.objects.values_list("slug", flat=True)[0]
    editing.amend("caps", slug, {"time_zone": "Asia/Tokyo"}, **BY)
    changed = {key for key, version in _versions().items() if versions[key] != version}
    assert changed == {("caps", slug)}


# --------------------------------------------------------------------------- what is refused


def test_every_problem_of_an_entry_is_told_with_its_path() -> None:
    wrong = route(candidates=["vendor/small", {"deployment": "none", "weight": -1}], colour="red",
                  quality_floor=0.5, limits={"total_ms": 0})  # fmt: skip
    assert problems("routes", "all", wrong) == [
        "candidates.1.deployment: there is no deployment none",
        "candidates.1.weight: must be at least 0",
        'quality_floor: must be an amount as text, such as "0.15"',
        "limits.total_ms: must be at least 1",
        "colour: unknown key",
    ]
    assert Revision.objects.count() == 1


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (None, "must be a mapping"),
        ("all", "must be a mapping"),
        ([], "must be a mapping"),
        ({}, "slug: is missing"),
        ({"slug": 1}, "slug: must be text"),
        (route(prompt="a\0b"), "holds a character which text cannot have"),
        (route(when={"\ud800": "x"}), "holds a character which text cannot have"),
    ],
)
def test_what_is_no_entry_at_all_is_refused(entry: Any, said: str) -> None:
    assert said in problems("routes", None, entry)
    assert said in problems("routes", "all", entry)


def test_nesting_has_an_end() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    assert problems("routes", "all", route(when={"task": deep})) == ["nested deeper than 32"]


def test_a_slug_is_taken_once_and_never_changed() -> None:
    assert problems("routes", None, route()) == ["slug: there is a route all already"]
    said = "slug: stays all: traces and the history know it by that name"
    assert problems("routes", "all", route(slug="other")) == [said]


def test_what_would_be_wrong_elsewhere_is_told_there() -> None:
    provider = {**editing.entry("providers", "vendor").entry, "attributes": {}}
    editing.put("gates", None, {"slug": "no", "forbid": {"provider.dpa_signed": False}}, **BY)
    assert problems("providers", "vendor", provider) == [
        "gate no: no provider states this attribute: nothing is forbidden"
    ]


def test_a_fault_that_stands_elsewhere_already_stands_in_nobodys_way() -> None:
    services.set_secret(provider="vendor", secret="sk-canary-0123456789-abcd", **BY)
    Provider.objects.update(base_url="https://attacker.example")
    editing.amend("flags", "new", {"percent": 7}, **BY)
    assert Flag.objects.get().percent == 7


def test_a_preview_says_what_would_be_and_changes_nothing() -> None:
    seen = editing.preview("flags", "new", {"slug": "new", "enabled": True, "percent": 80})
    assert seen.entry == {"slug": "new", "enabled": True, "percent": 80, "sticky_by": "tenant"}
    assert [(f.field, f.before, f.after) for f in seen.fields] == [("percent", "50", "80")]
    assert Flag.objects.get().percent == 50
    with pytest.raises(Invalid):
        editing.preview("flags", None, {"slug": "new"})


# --------------------------------------------------------------------------- removing


def test_what_is_referred_to_is_not_removed_and_says_by_whom() -> None:
    told = editing.consequences("deployments", "vendor/small")
    assert [(p.kind, p.slug, p.path) for p in told] == [("routes", "all", "candidates.0")]
    with pytest.raises(Invalid) as refused:
        editing.remove("deployments", "vendor/small", **BY)
    assert refused.value.problems == tuple(told)
    assert str(refused.value) == "route all: there is no deployment vendor/small"
    assert [str(p) for p in editing.consequences("providers", "vendor")] == [
        "deployment vendor/small: there is no provider vendor"
    ]


def test_words_of_the_vocabulary_are_missed_wherever_they_are_used(applied: Apply) -> None:
    applied(
        small(
            deployments=[deployment(quality={"chat": "0.5"})],
            routes=[route(when={"task": "chat", "plan": "pro", "flag": "new"})],
            caps=[{"slug": "c", "scope": {"plan": ["free", "pro"]}, "period": "day",
                   "limit_requests": 1}],
        )
    )  # fmt: skip
    missed = {
        (kind, slug): [(p.kind, p.slug, p.path) for p in editing.consequences(kind, slug)]
        for kind, slug in (("tasks", "chat"), ("plans", "pro"), ("flags", "new"))
    }
    assert missed == {
        ("tasks", "chat"): [
            ("deployments", "vendor/small", "quality.chat"),
            ("routes", "all", "when.task"),
        ],
        ("plans", "pro"): [("routes", "all", "when.plan"), ("caps", "c", "scope.plan")],
        ("flags", "new"): [("routes", "all", "when.flag")],
    }


def test_a_removed_deployment_leaves_its_history_and_takes_its_prices_along() -> None:
    editing.remove("routes", "all", **BY)
    editing.remove("deployments", "vendor/small", **BY)
    assert in_force().deployments == ()
    assert Price.objects.count() == 2
    changes = editing.history("deployments", "vendor/small").changes
    assert [change.what for change in changes] == ["deleted", "changed", "changed", "created"]
    editing.put("deployments", None, deployment(), **BY)
    assert in_force().deployments[0].prices == ()


def test_what_is_not_there_is_not_removed() -> None:
    with pytest.raises(NotThere):
        editing.remove("caps", "none", **BY)


# --------------------------------------------------------------------------- order


def test_an_object_is_moved_before_another_or_to_the_end() -> None:
    for slug in ("b", "c"):
        editing.put("routes", None, route(slug=slug), **BY)
    editing.move("routes", "c", before="all", **BY)
    assert [r.slug for r in in_force().routes] == ["c", "all", "b"]
    editing.move("routes", "c", before=None, **BY)
    assert [r.slug for r in in_force().routes] == ["all", "b", "c"]
    editing.move("routes", "all", before=None, **BY)
    assert [r.slug for r in in_force().routes] == ["b", "c", "all"]
    moved = {slug: Route.history.filter(slug=slug).count() - 1 for slug in ("all", "b", "c")}
    assert moved == {"all": 1, "b": 0, "c": 2}
    assert editing.history("routes", "c").changes[0].moved


def test_to_move_where_it_stands_changes_nothing() -> None:
    revision = live.latest()
    editing.move("routes", "all", before=None, **BY)
    assert live.latest() == revision
    with pytest.raises(NotThere):
        editing.move("routes", "all", before="all", **BY)


# --------------------------------------------------------------------------- several editors


def test_who_saw_an_older_state_is_told_what_was_changed_meanwhile() -> None:
    seen = editing.entry("flags", "new")
    editing.amend("flags", "new", {"percent": 60, "sticky_by": "user"}, **BY)
    with pytest.raises(Conflict) as refused:
        editing.put("flags", "new", {**seen.entry, "percent": 70}, expected=seen.version, **BY)
    conflict = refused.value
    assert conflict.seen == seen.entry
    assert conflict.now == editing.entry("flags", "new")
    assert [(f.field, f.seen, f.now, f.wanted) for f in conflict.fields] == [
        ("percent", "50", "60", "70"),
        ("sticky_by", '"tenant"', '"user"', '"tenant"'),
    ]
    assert Flag.objects.get().percent == 60


def test_a_new_price_is_a_new_version_and_the_old_one_is_remembered() -> None:
    seen = editing.entry("deployments", "vendor/small")
    prices = [price(), price("2026-01-01", "9")]
    editing.amend("deployments", "vendor/small", {"prices": prices}, **BY)
    editing.amend("deployments", "vendor/small", {"region": "us"}, **BY)
    with pytest.raises(Conflict) as refused:
        editing.amend("deployments", "vendor/small", {"region": "ch"}, expected=seen.version, **BY)
    assert refused.value.seen == seen.entry
    assert [f.field for f in refused.value.fields] == [
        "region",
        "prices.2026-01-01.input_usd_per_mtok",
        "prices.2026-01-01.output_usd_per_mtok",
    ]


def test_what_was_removed_meanwhile_is_a_conflict_with_nothing() -> None:
    seen = editing.entry("caps", "daily")
    editing.remove("caps", "daily", confirmed=True, **BY)
    with pytest.raises(Conflict) as refused:
        editing.amend("caps", "daily", {"limit_usd": "9.00"}, expected=seen.version, **BY)
    assert (refused.value.now, refused.value.seen) == (None, seen.entry)
    with pytest.raises(Conflict):
        editing.remove("caps", "daily", expected=seen.version, **BY)


def test_the_same_change_in_other_spelling_is_no_difference() -> None:
    seen = editing.entry("routes", "all")
    editing.amend("routes", "all", {"enabled": False}, **BY)
    wanted = route(candidates=[{"deployment": "vendor/small", "weight": 1}], fallback=[])
    with pytest.raises(Conflict) as refused:
        editing.put("routes", "all", wanted, expected=seen.version, **BY)
    assert [f.field for f in refused.value.fields] == ["enabled"]


# --------------------------------------------------------------------------- secrets


def test_a_provider_that_moves_to_another_origin_leaves_its_secret_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VENDOR_KEY", "sk-vendor")
    editing.amend("providers", "vendor", {"base_url": "https://vendor.example/v2"}, **BY)
    assert live.load_secrets() == {"vendor": "sk-vendor"}
    elsewhere = {**editing.entry("providers", "vendor").entry, "base_url": "https://a.example/v1"}
    seen = editing.preview("providers", "vendor", elsewhere)
    assert seen.notes == ("The secret was given for https://vendor.example:443; it is forgotten.",)
    editing.put("providers", "vendor", elsewhere, **BY)
    assert live.load_secrets() == {"vendor": None}
    assert Provider.objects.get().secret_reference == ""
    assert {f.field: f.after for f in editing.history("providers", "vendor").changes[0].fields} == {
        "base_url": '"https://a.example/v1"',
        "secret": None,
        "secret_origin": None,
        "secret_ends": None,
    }


def test_a_stored_secret_stays_behind_too_and_none_is_made_of_a_word() -> None:
    services.set_secret(provider="vendor", secret="sk-canary-0123456789-abcd", **BY)
    held = editing.entry("providers", "vendor")
    editing.put("providers", "vendor", held.entry, expected=held.version, **BY)
    assert live.load_secrets() == {"vendor": "sk-canary-0123456789-abcd"}
    editing.amend("providers", "vendor", {"base_url": "https://a.example"}, **BY)
    assert Provider.objects.get().secret_ciphertext is None
    with pytest.raises(Invalid, match="no secret is stored"):
        editing.amend("providers", "vendor", {"secret": "stored"}, **BY)
    with pytest.raises(Invalid, match="a secret itself never stands in a file"):
        editing.amend("providers", "vendor", {"secret": "sk-canary"}, **BY)


def test_a_reference_changed_behind_our_back_is_not_bound_anew_by_another_edit() -> None:
    Provider.objects.update(base_url="https://attacker.example")
    editing.amend("flags", "new", {"percent": 7}, **BY)
    assert Provider.objects.get().secret_origin == "https://vendor.example:443"
    secret = editing.entry("providers", "vendor").secret
    assert secret is not None
    assert not secret.usable
    editing.amend("providers", "vendor", {"attributes": {"dpa_signed": True, "x": "y"}}, **BY)
    assert Provider.objects.get().secret_origin == ""


# --------------------------------------------------------------------------- who may


@pytest.mark.parametrize(
    ("role", "kind", "slug", "fields"),
    [
        ("product", "routes", "all", {"enabled": False}),
        ("product", "flags", "new", {"percent": 1}),
        ("finance", "caps", "daily", {"limit_usd": "5.50"}),
        ("finance", "deployments", "vendor/small", {"prices": [price(usd="2")]}),
        ("engineer", "deployments", "vendor/small", {"region": "us"}),
        ("engineer", "gates", "dpa", {"otherwise": "local"}),
    ],
)
def test_a_person_edits_what_is_theirs(role: str, kind: str, slug: str, fields: Any) -> None:
    editing.amend(kind, slug, fields, person=person(role), source="page", reason="test")


@pytest.mark.parametrize(
    ("role", "kind", "slug", "fields"),
    [
        ("support", "flags", "new", {"percent": 1}),
        ("product", "gates", "dpa", {"otherwise": "local"}),
        ("finance", "deployments", "vendor/small", {"region": "us"}),
        ("engineer", "deployments", "vendor/small", {"prices": [price(usd="2")]}),
        ("engineer", "deployments", "vendor/small", {"region": "us", "prices": []}),
        ("engineer", "caps", "daily", {"limit_usd": "5.50"}),
        ("auditor", "routes", "all", {"enabled": False}),
    ],
)
def test_a_person_does_not_edit_what_is_others(
    role: str, kind: str, slug: str, fields: Any
) -> None:
    who = person(role)
    held = editing.entry(kind, slug)
    with pytest.raises(PermissionDenied):
        editing.amend(kind, slug, fields, person=who, source="page", reason="test")
    assert editing.entry(kind, slug) == held


def test_removing_and_moving_are_edits_too() -> None:
    who = person("support")
    with pytest.raises(PermissionDenied):
        editing.remove("routes", "all", person=who, source="page", reason="test")
    with pytest.raises(PermissionDenied):
        editing.move("routes", "all", before=None, person=who, source="page", reason="test")
    with pytest.raises(PermissionDenied):
        editing.put("tasks", None, {"slug": "x"}, person=who, source="page", reason="test")


# --------------------------------------------------------------------------- history


def test_the_history_of_an_object_says_what_differs_newest_first() -> None:
    editing.amend("flags", "new", {"percent": 80}, person=None, source="page", reason="more")
    editing.remove("flags", "new", person=None, source="api", reason="done")
    editing.put("flags", None, {"slug": "new"}, person=None, source="page", reason="again")
    told = editing.history("flags", "new").changes
    assert [(c.what, c.source, c.reason) for c in told] == [
        ("created", "page", "again"),
        ("deleted", "api", "done"),
        ("changed", "page", "more"),
        ("created", "code", "test"),
    ]
    assert [(f.field, f.before, f.after) for f in told[2].fields] == [("percent", "50", "80")]
    assert [(f.field, f.before, f.after) for f in told[0].fields][1:3] == [
        ("enabled", None, "false"),
        ("percent", None, "100"),
    ]
    assert {f.after for f in told[1].fields} == {None}


def test_a_long_history_comes_in_parts() -> None:
    for percent in range(5):
        editing.amend("flags", "new", {"percent": percent}, **BY)
    first = editing.history("flags", "new", limit=4)
    second = editing.history("flags", "new", limit=4, cursor=first.next)
    assert (len(first.changes), len(second.changes), second.next) == (4, 2, None)
    assert [c.what for c in second.changes] == ["changed", "created"]


def test_a_correction_of_a_price_says_what_it_was() -> None:
    editing.amend("deployments", "vendor/small", {"prices": [price(usd="2.00")]}, **BY)
    [newest, *_] = editing.history("deployments", "vendor/small").changes
    assert [(f.field, f.before, f.after) for f in newest.fields] == [
        ("prices.2025-01-01.input_usd_per_mtok", '"1.00"', '"2.00"')
    ]


def test_an_unknown_object_has_no_history() -> None:
    assert editing.history("routes", "none").changes == ()
    assert Task.objects.count() == 2
