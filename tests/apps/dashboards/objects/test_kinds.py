"""What is each kind's own: its columns, its facts, its form."""

import pytest

from apps.dashboards.objects.registry import KINDS
from apps.policies import editing
from apps.policies.apply import apply
from tests.apps.dashboards.objects.conftest import hidden, save
from tests.apps.policies.files import EXAMPLE, deployment, price, route, small

EVERY_KIND = EXAMPLE.read_bytes() + (
    b"\nrate_limits:\n  - {slug: free, scope: {plan: [free]}, per: [tenant, user], burst: 9, "
    b"limit_requests: 60, period: minute, reserved: {plan: [pro], percent: 25}}\n"
)
"""The worked example, and what it has none of."""

FORMS = [kind for kind in KINDS.values() if not kind.only_a_name]


def text(answer):
    return answer.content.decode()


def as_posted(form):
    """What a browser sends when nobody touches the form."""
    sent = {}
    for field in form:
        value = field.value()
        if hasattr(field.field, "columns"):
            for place, row in enumerate(value or []):
                sent |= {f"{field.html_name}-{place}-{name}": row[name] for name in row}
        elif value is not None and value is not False:
            sent[field.html_name] = value
    return sent


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_its_pages(admin, name):
    apply(EVERY_KIND, reason="the worked example")
    kind = KINDS[name]
    held = editing.entries(name)[0]
    for path in (kind.list_url, kind.new_url, kind.url(held.slug), kind.url(held.slug, "delete")):
        assert admin.get(path).status_code == 200, path
    for tab in ("history", "yaml"):
        assert admin.get(f"{kind.url(held.slug)}?tab={tab}").status_code == 200


@pytest.mark.parametrize("kind", FORMS, ids=lambda kind: kind.name)
def test_a_form_that_nobody_touched_changes_nothing(admin, kind):
    apply(EVERY_KIND, reason="the worked example")
    for held in editing.entries(kind.name):
        form = admin.get(kind.url(held.slug, "edit")).context["form"]
        looked = admin.post(kind.url(held.slug, "edit"), {**as_posted(form), "step": "review"})
        assert looked.status_code == 200, (held.slug, looked.context["form"].errors)
        assert "Nothing differs" in text(looked), held.slug


# --------------------------------------------------------------------------- vocabulary, prompts


def test_a_word_is_created_and_deleted(admin):
    assert save(admin, "/tasks/-/new", slug="coding").status_code == 303
    assert "no use" not in text(admin.get("/tasks/coding?tab=history"))
    version = hidden(admin.get("/tasks/-/delete/coding"), "version")
    path, said = "/tasks/-/delete/coding", {"version": version, "reason": "no use"}
    assert admin.post(path, said).status_code == 303
    assert [held.slug for held in editing.entries("tasks")] == ["chat", "summary"]


def test_a_prompt_keeps_its_lines_and_blanks(admin):
    written = "  Be strict.\r\n\r\nAnd kind.\r\n"
    assert save(admin, "/prompts/-/edit/strict", system=written).status_code == 303
    assert editing.entry("prompts", "strict").entry["system"] == "  Be strict.\n\nAnd kind.\n"
    form = admin.get("/prompts/-/edit/strict").context["form"]
    assert form["system"].value() == "  Be strict.\n\nAnd kind.\n"


# --------------------------------------------------------------------------- deployments


MINI = {
    "slug": "vendor/mini",
    "provider": "vendor",
    "model": "mini-1",
    "region": "eu",
    "context_window": "8000",
    "max_output_tokens": "1000",
    "capabilities": ["streaming", "tools"],
    "quality-0-name": "default",
    "quality-0-value": "0.55",
    "limits__total_ms": "20000",
    "enabled": "on",
}


def test_a_deployment_is_created_from_its_fields(admin):
    assert save(admin, "/deployments/-/new", **MINI).status_code == 303
    assert editing.entry("deployments", "vendor/mini").entry == {
        "slug": "vendor/mini",
        "provider": "vendor",
        "model": "mini-1",
        "region": "eu",
        "context_window": 8000,
        "max_output_tokens": 1000,
        "capabilities": ["streaming", "tools"],
        "quality": {"default": "0.55"},
        "limits": {"total_ms": 20000},
    }


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"limits__total_ms": "0"}, "limits__total_ms", "at least 1"),
        ({"context_window": "many"}, "context_window", "whole number"),
        ({"quality-0-value": "1.5"}, "quality", "1.5 is more than 1"),
        ({"provider": "nobody"}, "provider", "not one of the available choices"),
    ],
)
def test_a_wrong_value_of_a_deployment_is_told_at_its_field(admin, typed, field, said):
    answer = admin.post("/deployments/-/new", {**MINI, **typed})
    assert answer.status_code == 422
    assert said in " ".join(answer.context["form"].errors[field])


def test_a_deployment_tells_its_price_only_to_those_who_may_know(act_as):
    sides = (
        "/deployments",
        "/deployments/vendor/small",
        "/deployments/vendor/small?tab=history",
        "/deployments/vendor/small?tab=yaml",
    )
    readers = act_as("finance")
    assert all("1.00" in text(readers.get(path)) for path in sides)
    others = act_as("support")
    assert not any("1.00" in text(others.get(path)) for path in sides)


def test_of_a_deployment_that_was_never_called_nothing_is_known(admin):
    assert "Not called yet" in text(admin.get("/deployments"))
    assert "nothing is known" in text(admin.get("/deployments/vendor/small"))


# --------------------------------------------------------------------------- prices


PRICE = {"day": "2030-01-01", "input_usd_per_mtok": "2", "output_usd_per_mtok": "8"}
PAGE = "/deployments/-/price/vendor/small"


def prices():
    return editing.entry("deployments", "vendor/small").entry.get("prices", [])


def test_finance_adds_a_price_and_the_old_one_stays(act_as):
    tier = {"above-0-input_tokens": "100000", "above-0-input_usd_per_mtok": "4"}
    assert save(act_as("finance"), PAGE, **PRICE, **tier, request_usd="0.01").status_code == 303
    assert [one["from"] for one in prices()] == ["2025-01-01", "2030-01-01"]
    assert prices()[1] == {
        "from": "2030-01-01",
        "input_usd_per_mtok": "2.00",
        "output_usd_per_mtok": "8.00",
        "request_usd": "0.01",
        "above": [{"input_tokens": 100000, "input_usd_per_mtok": "4.00"}],
    }


def test_a_price_of_the_same_day_corrects_it(act_as):
    save(act_as("finance"), PAGE, **{**PRICE, "day": "2025-01-01"})
    assert [one["input_usd_per_mtok"] for one in prices()] == ["2.00"]
    page = text(act_as("admin").get("/deployments/vendor/small?tab=history"))
    assert "1.00" in page
    assert "2.00" in page


def test_a_price_is_withdrawn_by_its_day(act_as):
    apply(small(deployments=[deployment(prices=[price(), price("2030-01-01")])]), reason="two")
    answer = save(act_as("finance"), PAGE, day="2030-01-01", withdraw="on")
    assert answer.status_code == 303
    assert [one["from"] for one in prices()] == ["2025-01-01"]


def test_a_wrong_price_is_told_at_its_field(act_as):
    answer = act_as("finance").post(PAGE, {**PRICE, "cached_input_usd_per_mtok": "3"})
    assert answer.status_code == 422
    assert "no more than input" in " ".join(
        answer.context["form"].errors["cached_input_usd_per_mtok"]
    )


# --------------------------------------------------------------------------- flags


def flag():
    return editing.entry("flags", "new").entry


def switched(client, **said):
    version = hidden(client.get("/flags/-/switch/new"), "version")
    typed = {"state": "off", "percent": "50", "reason": "because", "version": version}
    return client.post("/flags/-/switch/new", {**typed, **said})


def test_product_switches_a_flag_with_a_reason(act_as):
    client = act_as("product")
    assert switched(client, reason="").status_code == 422
    assert flag()["enabled"]
    assert switched(client, reason="It answers nonsense.")["Location"] == "/flags"
    assert not flag()["enabled"]
    assert "Flag new is off." in text(client.get("/flags"))
    assert "It answers nonsense." in text(client.get("/flags/new?tab=history"))


def test_a_switch_changes_the_share_too(act_as):
    assert switched(act_as("product"), state="on", percent="75").status_code == 303
    assert flag() == {"slug": "new", "enabled": True, "percent": 75, "sticky_by": "tenant"}
    assert switched(act_as("admin"), percent="101").status_code == 422


def test_a_switch_that_comes_too_late_is_a_conflict(act_as):
    client = act_as("product")
    version = editing.entry("flags", "new").version
    switched(client, percent="60")
    answer = switched(client, percent="70", version=version)
    assert answer.status_code == 409
    assert "Somebody else changed new" in text(answer)
    assert flag()["percent"] == 60


def test_a_list_of_flags_says_who_asks_for_them_and_for_whom_they_are_on(admin):
    apply(small(routes=[route(when={"flag": "new"})]), reason="asked for")
    page = text(admin.get("/flags"))
    assert "50 % of tenants" in page
    assert ">all<" in page.replace("\n", "").replace(" ", "")
    assert "Nothing matches" in text(admin.get("/flags?state=off"))


def test_who_may_not_switch_sees_the_state_and_no_switch(act_as):
    page = text(act_as("support").get("/flags"))
    assert 'role="switch"' not in page
    assert "On" in page
