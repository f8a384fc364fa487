"""The worked example of the documentation, docs/examples/support-chat.yaml, keeps its sentences."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.databases import ROOT
from tests.flow.client import Answer, Client, Json, called
from tests.processes import Mock, Server, server_maker

EXAMPLE = ROOT / "docs/examples/support-chat.yaml"
ORIGINS = {
    "https://api.openai.com/v1": "{mock}/openai/v1",
    "https://api.anthropic.com": "{mock}/anthropic",
    "http://127.0.0.1:8080/v1": "{mock}/local/v1",
}
REGULAR = "How do I change my password?"
DISPUTE = "I was charged twice, please help."
PERSONAL = "Write to ana.lopez@example.com when my parcel is there."
STRICT = "Answer only from the customer's billing facts."


def policy() -> str:
    """The example, with its providers at the scripted ones."""
    text = EXAMPLE.read_text()
    for origin, scripted in ORIGINS.items():
        assert origin in text
        text = text.replace(origin, scripted)
    return text


@pytest.fixture(scope="module")
def support_server(
    providers: Mock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, str]]:
    """A server that decides by the example, and a key for it."""
    with server_maker(providers, tmp_path_factory.mktemp("policy")) as make:
        server = make()
        server.start()
        server.apply(policy())
        yield server, server.create_key("--scopes", "generate,read,decide")


@pytest.fixture
def support(support_server: tuple[Server, str], mock: Mock) -> Iterator[Client]:
    with Client(*support_server) as client:
        yield client


def ask(support: Client, text: str, **fields: Any) -> Answer:
    return support.generate("support-chat", text, **{"plan": "free", "task": "chat"} | fields)


def why(trace: Json) -> dict[str, list[str]]:
    """The reason codes of every candidate that left."""
    return {
        candidate["deployment"]: [reason["code"] for reason in candidate["reasons"]]
        for candidate in trace["candidates"]
        if not candidate["eligible"]
    }


# --------------------------------------------------------------------------- the file


def test_the_example_applies_and_exports_equal(support: Client) -> None:
    server = support.server
    exported = server.manage("export_config")
    again = server.manage("apply_config", "-f", "-", "--dry-run", stdin=exported)
    original = policy().replace("{mock}", server.mock.url)
    assert server.manage("apply_config", "-f", "-", "--dry-run", stdin=original) == again == ""


# --------------------------------------------------------------------------- its sentences


@pytest.mark.parametrize("plan", ["free", "pro"])
def test_a_regular_question_goes_to_the_cheap_model(plan: str, support: Client, mock: Mock) -> None:
    answer = ask(support, REGULAR, plan=plan)
    assert answer.json()["status"] == "succeeded"
    [call] = mock.calls()
    assert call["model"] == "gpt-4o-mini-2024-07-18"
    assert STRICT not in str(call["body"])


@pytest.mark.parametrize("text", [DISPUTE, "A REFUND, now!", "Again a double-charge on my card"])
def test_a_billing_dispute_goes_to_the_strong_model_with_the_strict_prompt(
    text: str, support: Client, mock: Mock
) -> None:
    answer = ask(support, text)
    assert answer.json()["status"] == "succeeded"
    [call] = mock.calls()
    assert call["model"] == "claude-sonnet-4-20250514"
    assert STRICT in str(call["body"]["system"])
    assert support.trace(answer)["route"] == "billing-disputes"


def test_a_dispute_falls_back_to_the_cheap_model_with_the_strict_prompt(
    support: Client, mock: Mock
) -> None:
    ask(support, f"{DISPUTE} [mock only=anthropic status=503]")
    assert called(mock) == ["anthropic", "openai"]
    assert STRICT in str(mock.calls()[1]["body"]["messages"][0])


def test_europe_stays_in_europe(support: Client, mock: Mock) -> None:
    answer = ask(support, REGULAR, residency="eu")
    assert called(mock) == ["local"]
    assert why(support.trace(answer)) == {"openai/small": ["gate:europe-stays-in-europe"]}


def test_europe_stays_in_europe_when_its_only_provider_fails(support: Client, mock: Mock) -> None:
    answer = ask(support, f"{REGULAR} [mock status=503]", residency="eu")
    assert answer.status_code == 502
    assert set(called(mock)) == {"local"}


def test_an_e_mail_address_makes_a_request_personal(support: Client, mock: Mock) -> None:
    answer = ask(support, PERSONAL)
    assert called(mock) == ["openai"], "its agreement is signed"
    told = support.server.manage("explain", answer.headers["x-trace-id"])
    assert "Sensitivity: pii" in told


def test_a_prompt_with_a_key_in_it_is_stopped_before_any_call(support: Client, mock: Mock) -> None:
    answer = ask(support, "Why is sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2 refused?")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "safety_blocked")
    assert answer.json()["status"] == "blocked"
    assert [flag.partition(":")[0] for flag in answer.json()["safety_flags"]] == ["no-secrets"]
    assert not mock.calls()
    trace = support.trace(answer)
    assert (trace["status"], trace["error_code"]) == ("blocked", "safety_blocked")
    assert "sk-proj" not in str(trace)


def test_gates_that_leave_nobody_block_and_say_why_of_everybody(
    support: Client, mock: Mock
) -> None:
    answer = ask(support, DISPUTE, residency="eu")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "policy_blocked")
    assert not mock.calls()
    trace = support.trace(answer)
    assert (trace["status"], trace["finish_status"]) == ("blocked", "blocked")
    gate = "gate:europe-stays-in-europe"
    assert why(trace) == {"anthropic/strong": [gate], "openai/small": [gate]}


def test_candidates_gone_for_other_reasons_are_nobody_eligible(support: Client, mock: Mock) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://images.example/receipt.png"}}
    body = {
        "task": "chat", "plan": "free", "max_cost_usd": "0.000001",
        "messages": [{"role": "user", "content": [picture]}],
    }  # fmt: skip
    answer = support.post("/v1/generate", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "no_eligible_deployment")
    assert not mock.calls()
    assert why(support.trace(answer)) == {
        "openai/small": ["over_cost_ceiling"], "local/mini": ["capability_missing"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "request_",
    [
        {"input": REGULAR},
        {"input": DISPUTE},
        {"input": PERSONAL, "plan": "pro"},
        {"input": REGULAR, "residency": "eu"},
        {"input": DISPUTE, "residency": "eu"},
        {"input": REGULAR, "max_cost_usd": "0.000001"},
        {"input": "Summarise this: it went well.", "task": "summary", "user": "u_1"},
        {"input": "token sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2"},
    ],
    ids=["regular", "dispute", "personal", "europe", "blocked", "cheap", "summary", "secret"],
)
def test_the_decision_told_beforehand_is_the_one_that_is_made(
    request_: Json, support: Client, mock: Mock
) -> None:
    body = {"feature": "support-chat", "plan": "free", "task": "chat"} | request_
    told = support.post("/api/v1/route", body)
    assert told.status_code == 200
    assert not mock.calls()
    answer = support.post("/v1/generate", body)
    trace = support.trace(answer)
    foretold = told.json()
    chosen = foretold["chosen"]
    if body["task"] == "chat":  # the weights of everything else are drawn for each request
        assert (chosen and chosen["deployment"]) == trace["deployment"]
        assert foretold["candidates"] == trace["candidates"]
    assert (foretold["route"], foretold["revision"]) == (trace["route"], trace["revision"])
    refusal = foretold["refusal"]
    assert (refusal and refusal["code"]) == trace["error_code"]


# --------------------------------------------------------------------------- another day


def test_personal_data_never_goes_to_a_provider_without_an_agreement(
    support: Client, mock: Mock
) -> None:
    """Changes the policy: the last test of this file."""
    unsigned = policy().replace("dpa_signed: true, soc2: true", "dpa_signed: false, soc2: true", 1)
    support.server.apply(unsigned)
    answer = ask(support, PERSONAL)
    assert called(mock) == ["local"]
    gate = "gate:personal-data-needs-a-dpa"
    assert why(support.trace(answer)) == {"openai/small": [gate]}
    mock.forget()
    failed = ask(support, f"{PERSONAL} [mock status=503]")
    assert failed.status_code == 502
    assert set(called(mock)) == {"local"}, "no fallback leaves the gate"
    mock.forget()
    ask(support, REGULAR)
    assert called(mock) == ["openai"]
