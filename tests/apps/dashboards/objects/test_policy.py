"""Routes, gates and checks: in words, by form, in their order, switched off."""

import re
from html import unescape

import pytest
from django.utils.html import strip_tags

from apps.dashboards.objects.policy_fields import WhenField
from apps.dashboards.objects.policy_words import (
    check_words,
    gate_words,
    sentence_of_route,
    shadowed_by,
)
from apps.policies import editing
from apps.policies.apply import apply
from routerctl.engine.conditions import CONDITIONS
from tests.apps.dashboards.objects.conftest import hidden, save
from tests.apps.policies.files import EXAMPLE


@pytest.fixture
def example(admin):
    """The worked example, in an admin's eyes."""
    apply(EXAMPLE.read_bytes(), reason="the worked example")
    return admin


def shown(answer):
    text = unescape(strip_tags(answer.content.decode().replace("<", " <")))
    return re.sub(r"\s+([:,.)])", r"\1", " ".join(text.split()))


def order():
    return [held.slug for held in editing.entries("routes")]


# --------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            {"when": {"task": "chat"}, "strategy": "priority", "candidates": ["a", "b"]},
            "When task is chat: ask a, then b.",
        ),
        (
            {"strategy": "cheapest", "candidates": ["a", "b"], "fallback": ["c", "d"]},
            "For every request: ask the cheapest of a and b; fall back to c, then d.",
        ),
        (
            {"strategy": "weighted", "candidates": [{"deployment": "a", "weight": 9}, "b"]},
            "For every request: share them out by weight: a 9 and b 1.",
        ),
    ],
)
def test_a_route_is_told_in_a_sentence(entry, words):
    assert sentence_of_route(entry) == words


def test_a_gate_and_a_check_are_told_in_a_sentence():
    gate = {"require": {"provider.dpa_signed": True}, "forbid": {"region": ["us", "cn"]}}
    assert gate_words({**gate, "otherwise": "local"}) == (
        "Only where the provider's dpa signed is true and never where region is us or cn;"
        " if that leaves nobody, any local deployment that passes every gate may answer"
    )
    check = {"match": ["secrets", "Initech", "re:a+"], "do": "block"}
    assert check_words(check) == (
        "Looks for secrets, “Initech” or /a+/; if found, the request is stopped"
    )


def test_a_route_is_shadowed_by_an_earlier_one_that_takes_all_of_its_requests():
    routes = [
        {"slug": "chat", "when": {"task": ["chat", "summary"]}},
        {"slug": "free-chat", "when": {"task": "chat", "plan": "free"}},
        {"slug": "free", "when": {"plan": "free"}},
        {"slug": "all", "when": {}},
        {"slug": "late", "when": {"tenant": "acme"}},
    ]
    assert shadowed_by(routes) == {"free-chat": "chat", "late": "all"}


# --------------------------------------------------------------------------- forms


def test_every_condition_of_the_engine_is_offered():
    offered = {name for name, _ in WhenField().columns["name"].choices}
    assert offered == {"", *CONDITIONS}


def test_conditions_are_rows_and_rows_of_one_condition_are_any_of_its_values(example):
    said = {
        "slug": "vip",
        "strategy": "weighted",
        "when-0-name": "plan",
        "when-0-value": "free",
        "when-1-name": "metadata",
        "when-1-key": "ticket",
        "when-1-value": "one, with a comma",
        "when-2-name": "plan",
        "when-2-value": "pro",
        "candidates-0-deployment": "openai/small",
        "candidates-0-weight": "9",
        "candidates-1-deployment": "local/mini",
        "fallback-0-word": "anthropic/strong",
        "limits__total_ms": "9000",
    }
    assert save(example, "/routes/-/new", **said).status_code == 303
    entry = editing.entry("routes", "vip").entry
    assert entry["when"] == {"plan": ["free", "pro"], "metadata.ticket": "one, with a comma"}
    assert entry["candidates"] == [
        {"deployment": "openai/small", "weight": 9},
        {"deployment": "local/mini", "weight": 1},
    ]
    assert entry["fallback"] == ["anthropic/strong"]
    assert entry["limits"] == {"total_ms": 9000}


def test_what_is_wrong_with_a_condition_is_said_at_the_conditions(example):
    said = {
        "slug": "vip",
        "strategy": "priority",
        "when-0-name": "task",
        "when-0-value": "cooking",
        "candidates-0-deployment": "openai/small",
    }
    answer = example.post("/routes/-/new", {**said, "step": "review"})
    assert answer.status_code == 422
    assert "cooking is not listed" in shown(answer)


def test_a_gate_says_whom_it_turns_away_now(example):
    said = {"person": None, "source": "command", "reason": "stricter"}
    gate = "personal-data-needs-a-dpa"
    editing.amend("gates", gate, {"require": {"deployment": "openai/small"}}, **said)
    words = shown(example.get(f"/gates/{gate}"))
    assert "anthropic/strong Gate personal-data-needs-a-dpa: deployment must be" in words
    assert "anthropic/strong" in shown(example.get("/gates"))


# --------------------------------------------------------------------------- order and switch


def test_a_route_is_moved_with_a_reason(example):
    before = order()
    last, first = before[-1], before[0]
    path = f"/routes/-/move/{last}"
    version = hidden(example.get(path), "version")
    assert example.post(path, {"before": first, "version": version}).status_code == 422
    said = {"before": first, "version": version, "reason": "It is for everybody now"}
    assert example.post(path, said).status_code == 303
    assert order() == [last, *before[:-1]]
    assert f"never reached: {last} takes it all" in shown(example.get("/routes"))


def test_a_route_is_switched_off_by_typing_its_name_and_on_by_a_reason(example):
    path = "/routes/-/switch/chat"
    said = {"version": hidden(example.get(path), "version"), "reason": "It answers nonsense"}
    wrong = example.post(path, {**said, "slug": "caht"})
    assert wrong.status_code == 422
    assert "Type chat to switch it off." in shown(wrong)
    assert example.post(path, {**said, "slug": "chat"}).status_code == 303
    assert not editing.entry("routes", "chat").entry["enabled"]
    assert "no: its requests are refused" in shown(example.get("/routes/chat"))
    said["version"] = hidden(example.get(path), "version")
    assert example.post(path, said).status_code == 303
    assert editing.entry("routes", "chat").entry.get("enabled", True)


def test_what_somebody_else_changed_meanwhile_is_a_conflict(example):
    path = "/routes/-/switch/chat"
    said = {"version": hidden(example.get(path), "version"), "slug": "chat", "reason": "now"}
    amended = {"person": None, "source": "command", "reason": "meanwhile"}
    editing.amend("routes", "chat", {"quality_floor": "0.6"}, **amended)
    assert example.post(path, said).status_code == 409
    assert editing.entry("routes", "chat").entry.get("enabled", True)
