"""The file is the whole truth: what it says is there, what it does not say is gone."""

from pathlib import Path
from typing import Any, Protocol

import pytest
from django.core.management import call_command

from apps.accounts import keys, people
from apps.accounts.models import ApiKey, User
from apps.catalog.models import Deployment, Price, Provider, prices_in_force
from apps.policies.apply import apply, difference
from apps.policies.models import Cap, Flag, Prompt, Revision, Route, Task
from apps.policies.schema import BadConfiguration
from tests.apps.policies.files import EXAMPLE, Apply, deployment, price, route, small


def test_the_example_is_stored_as_it_is_written(applied: Apply) -> None:
    applied(EXAMPLE.read_bytes())
    assert list(Task.objects.values_list("slug", flat=True))[:2] == ["chat", "summary"]
    assert [row.slug for row in Route.objects.all()] == [
        "billing-disputes",
        "chat-free",
        "chat",
        "everything-else",
    ]
    assert Deployment.objects.get(slug="openai/small").quality == {"default": 700, "coding": 600}
    assert prices_in_force().get(deployment="openai/small").input_nano_usd_per_mtok == 150_000_000
    assert Cap.objects.get(slug="free-tenants-daily").limit_nano_usd == 10**9


def test_applying_the_same_file_again_changes_nothing(applied: Apply) -> None:
    assert applied()
    revision = Revision.objects.get()
    assert not applied()
    assert Revision.objects.get() == revision
    assert Route.history.count() == 1


def test_what_the_file_no_longer_names_is_deleted(applied: Apply) -> None:
    applied()
    assert applied(b"version: 1\n")
    for model in (Provider, Deployment, Task, Prompt, Flag, Route, Cap):
        assert not model.objects.exists()
    assert not prices_in_force().exists()


def test_references_may_be_replaced_in_one_step(applied: Apply) -> None:
    applied()
    moved = deployment(slug="other/small", provider="other")
    other = {"slug": "other", "adapter": "anthropic", "base_url": "https://other.example",
             "attributes": {"dpa_signed": True}}  # fmt: skip
    applied(
        small(providers=[other], deployments=[moved], routes=[route(candidates=["other/small"])])
    )
    assert Deployment.objects.get().provider_id == "other"


def test_people_and_keys_are_not_touched(applied: Apply) -> None:
    people.create(
        email="a@example.com", role="admin", tenants=["*"], password="correct horse", reason="test"
    )
    keys.create(name="app", tenant="acme", reason="test")
    applied()
    applied(b"version: 1\n")
    assert User.objects.count() == 1
    assert ApiKey.objects.count() == 1


@pytest.mark.django_db
def test_a_wrong_file_changes_nothing(applied: Apply) -> None:
    applied()
    with pytest.raises(BadConfiguration):
        applied(small(flags=[], routes=[route(), route(slug="B A D")]))
    assert Flag.objects.exists()
    assert Revision.objects.count() == 1


def test_a_new_first_route_leaves_the_others_alone(applied: Apply) -> None:
    routes = [route(slug=slug) for slug in ("a", "b", "c")]
    applied(small(routes=routes))
    changes = applied(small(routes=[route(slug="new"), *routes]))
    assert [(change.kind, change.name) for change in changes.saves] == [("route", "new")]
    assert [row.slug for row in Route.objects.all()] == ["new", "a", "b", "c"]


def test_a_route_that_moves_is_told_and_moved(applied: Apply) -> None:
    routes = [route(slug=slug) for slug in ("a", "b", "c")]
    applied(small(routes=routes))
    changes = applied(small(routes=[routes[2], *routes[:2]]))
    assert str(changes) == "~ route c\n    moved"
    assert [row.slug for row in Route.objects.all()] == ["c", "a", "b"]


def test_the_difference_shows_what_was_and_what_will_be(applied: Apply) -> None:
    applied()
    planned = difference(
        small(
            flags=[{"slug": "new", "enabled": True, "percent": 60}],
            caps=[],
            routes=[route(limits={"total_ms": 5000})],
            plans=["free", "pro", "gold"],
        )
    )
    assert str(planned).splitlines() == [
        "+ plan gold",
        "~ flag new",
        "    percent: 50 → 60",
        "~ route all",
        "    limits.total_ms: (none) → 5000",
        "- cap daily",
    ]
    assert Flag.objects.get().percent == 50


def test_every_change_says_who_when_from_where_and_why(applied: Apply) -> None:
    applied(reason="first")
    applied(small(routes=[route(enabled=False)]), reason="too dear")
    created, changed = Route.history.order_by("history_id")
    assert (created.history_type, created.history_change_reason) == ("+", "first")
    assert (changed.history_type, changed.history_change_reason) == ("~", "too dear")
    assert changed.source == "code"
    assert changed.history_user is None
    assert changed.history_date > created.history_date
    assert (created.enabled, changed.enabled) == (True, False)
    applied(small(routes=[]), reason="gone")
    assert Route.history.first().history_type == "-"
    assert Revision.objects.latest("id").reason == "gone"


# --------------------------------------------------------------------------- prices


def prices(*listed: dict[str, Any]) -> bytes:
    return small(deployments=[deployment(prices=list(listed))])


def in_force() -> list[tuple[str, int]]:
    return [(str(p.starts_on), p.input_nano_usd_per_mtok // 10**9) for p in prices_in_force()]


def test_a_later_price_is_added_beside_the_earlier(applied: Apply) -> None:
    applied(prices(price("2025-01-01", "1")))
    applied(prices(price("2025-01-01", "1"), price("2025-06-01", "2")))
    assert in_force() == [("2025-01-01", 1), ("2025-06-01", 2)]
    assert Price.objects.count() == 2


def test_a_correction_is_a_new_row_and_the_old_one_stays(applied: Apply) -> None:
    applied(prices(price(usd="1")))
    changes = applied(prices(price(usd="3")))
    assert 'input_usd_per_mtok: "1.00" → "3.00"' in str(changes)
    assert in_force() == [("2025-01-01", 3)]
    assert Price.objects.count() == 2


def test_a_price_left_out_is_withdrawn_and_can_come_back(applied: Apply) -> None:
    applied(prices(price("2025-01-01", "1"), price("2025-06-01", "2")))
    applied(prices(price("2025-01-01", "1")))
    assert in_force() == [("2025-01-01", 1)]
    applied(prices(price("2025-01-01", "1"), price("2025-06-01", "2")))
    assert in_force() == [("2025-01-01", 1), ("2025-06-01", 2)]


def test_a_price_undone_gives_the_old_revision_again(applied: Apply) -> None:
    hashes = [apply(prices(price(usd=usd)), reason="test")[1] for usd in ("1", "3", "1")]
    assert hashes[0] == hashes[2] != hashes[1]
    assert Revision.objects.count() == 3


# --------------------------------------------------------------------------- the commands


class Run(Protocol):
    """Run a command; its exit status, standard output and standard error."""

    def __call__(
        self, name: str, *arguments: str, file: bytes | None = None
    ) -> tuple[object, str, str]: ...


@pytest.fixture
def command(db: None, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    def run(name: str, *arguments: str, file: bytes | None = None) -> tuple[object, str, str]:
        if file is not None:
            path = tmp_path / "config.yaml"
            path.write_bytes(file)
            arguments = ("-f", str(path), *arguments)
        status: object = 0
        try:
            call_command(name, *arguments)
        except SystemExit as stopped:
            status = stopped.code
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run


def test_a_dry_run_says_2_and_the_difference_and_changes_nothing(command: Run) -> None:
    without_findings = small(prompts=[], flags=[])
    status, out, err = command("apply_config", "--dry-run", file=without_findings)
    assert status == 2
    assert out.startswith("+ provider vendor\n")
    assert err == ""
    assert not Revision.objects.exists()


def test_a_dry_run_without_a_difference_says_0_and_nothing(command: Run) -> None:
    assert command("apply_config", file=small())[0] == 0
    assert command("apply_config", "--dry-run", file=small())[:2] == (0, "")


def test_applying_prints_the_difference_alone_on_standard_output(command: Run) -> None:
    status, out, err = command("apply_config", file=b"version: 1\ntasks: [chat]\n")
    assert (status, out) == (0, "+ task chat\n")
    assert err.startswith("Applied; revision ")
    status, out, err = command("apply_config", file=b"version: 1\ntasks: [chat]\n")
    assert (status, out) == (0, "")
    assert err.startswith("Nothing to do; revision ")


def test_an_export_goes_to_standard_output_alone(command: Run) -> None:
    command("apply_config", file=small())
    status, out, err = command("export_config")
    assert (status, err) == (0, "")
    assert command("apply_config", "--dry-run", file=out.encode())[0] == 0
