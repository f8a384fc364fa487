"""The worked example: a support chat's policy, and the sentences it promises."""

from typing import Any

import pytest
from msgspec.structs import replace

from routerctl.engine.decide import decide
from routerctl.engine.revision import compile_revision
from routerctl.engine.specs import (
    CandidateSpec,
    CheckSpec,
    DeploymentSpec,
    FeatureSpec,
    GateSpec,
    Limits,
    PromptSpec,
    ProviderSpec,
    RevisionDocument,
    RouteSpec,
)
from routerctl.engine.types import Decision, Facts, RoutingRequest
from routerctl.redaction.reading import read_text
from tests.engine.builders import NOW_MS, chain, codes, deployment, price, route

SIGNED: dict[str, bool | str] = {"dpa_signed": True, "soc2": True, "trains_on_data": False}


def _provider(slug: str, **attributes: bool | str) -> ProviderSpec:
    return ProviderSpec(slug, "openai", "https://api.example.com", SIGNED | attributes)


def _deployments() -> tuple[DeploymentSpec, ...]:
    hosted = ("streaming", "tools", "schema", "images")
    return (
        deployment(
            "openai/small", "openai", capabilities=hosted, quality={"default": 700, "coding": 600},
            prices=(price(0.15, 0.60, id=1),),
        ),
        deployment(
            "anthropic/strong", "anthropic", context_window=200_000, capabilities=hosted,
            quality={"default": 900}, prices=(price(3, 15, id=2),),
        ),
        deployment(
            "local/mini", "local", region="eu", context_window=32_000, max_output_tokens=4_096,
            capabilities=("streaming",), quality={"default": 550}, prices=(price(0, 0, id=3),),
        ),
    )  # fmt: skip


def _routes() -> tuple[RouteSpec, ...]:
    disputes = ("charged twice", "refund", "re:double[- ]charge")
    return (
        route(
            "anthropic/strong", "openai/small", slug="billing-disputes", prompt="strict-support",
            when={"task": "chat", "feature": "support-chat", "text_matches": disputes},
        ),
        route(
            "openai/small", "local/mini", slug="chat-free", when={"task": "chat", "plan": "free"},
            limits=Limits(attempts=3, total_ms=30_000, max_output_tokens=400),
        ),
        route(
            "openai/small", "anthropic/strong", "local/mini", slug="chat", when={"task": "chat"},
            strategy="score", weights={"cost": 400, "latency": 200, "quality": 400},
        ),
        route(
            CandidateSpec("openai/small", 90), CandidateSpec("local/mini", 10),
            slug="everything-else", strategy="weighted", fallback=("anthropic/strong",),
        ),
    )  # fmt: skip


POLICY = RevisionDocument(
    tasks=("chat", "summary", "extraction", "classification", "coding", "reasoning"),
    plans=("free", "pro", "enterprise"),
    features=(FeatureSpec("support-chat", quality_floor=500), FeatureSpec("search-answers")),
    prompts=(PromptSpec("strict-support", "Answer only from the customer's billing facts."),),
    checks=(CheckSpec("no-secrets", {}, ("secrets",), "block"),),
    gates=(
        GateSpec(
            "personal-data-needs-a-dpa",
            when={"sensitivity": ("pii", "regulated")},
            require={"provider.dpa_signed": True, "provider.trains_on_data": False},
        ),
        GateSpec("europe-stays-in-europe", when={"residency": "eu"}, require={"region": "eu"}),
    ),
    routes=_routes(),
    providers=(_provider("openai"), _provider("anthropic"), _provider("local")),
    deployments=_deployments(),
)


def ask(text: str, policy: RevisionDocument = POLICY, **changes: Any) -> Decision:
    given: dict[str, Any] = {"feature": "support-chat", "plan": "free", "draw": "trace-1"}
    request = RoutingRequest(text_bytes=len(text.encode()), **(given | changes))
    revision = compile_revision(policy)
    reading = read_text(request, revision, (text,), text)
    return decide(request, reading, revision, Facts(NOW_MS))


@pytest.mark.parametrize("plan", ["free", "pro"])
def test_a_regular_question_goes_to_the_cheap_model(plan: str) -> None:
    decision = ask("How do I change my password?", plan=plan)
    assert chain(decision)[0] == "openai/small"
    assert decision.prompt is None


@pytest.mark.parametrize(
    "text", ["I was charged twice!", "I want a REFUND", "Another double-charge on my card"]
)
def test_a_billing_dispute_goes_to_the_strong_one_with_the_strict_prompt(text: str) -> None:
    decision = ask(text)
    assert chain(decision)[0] == "anthropic/strong"
    assert (decision.route, decision.prompt) == ("billing-disputes", "strict-support")


def test_personal_data_never_goes_to_a_provider_without_a_dpa() -> None:
    unsigned = replace(
        POLICY,
        providers=(_provider("openai", dpa_signed=False), *POLICY.providers[1:]),
    )
    decision = ask("My address is ana@example.com, where is my parcel?", unsigned)
    assert decision.sensitivity == "pii"
    assert chain(decision) == ["local/mini"]
    assert codes(decision, "openai/small") == ["gate:personal-data-needs-a-dpa"]
    assert chain(ask("Where is my parcel?", unsigned))[0] == "openai/small"


def test_european_requests_stay_in_europe() -> None:
    assert chain(ask("Where is my parcel?", residency="eu")) == ["local/mini"]
    assert chain(ask("Where is my parcel?", residency="eu", task="summary")) == ["local/mini"]


def test_when_gates_leave_nobody_it_is_blocked_and_every_candidate_says_why() -> None:
    decision = ask("I was charged twice!", residency="eu")
    assert decision.refusal is not None
    assert decision.refusal.code == "policy_blocked"
    for slug in ("anthropic/strong", "openai/small"):
        assert codes(decision, slug) == ["gate:europe-stays-in-europe"]


def test_when_candidates_are_gone_for_other_reasons_nobody_is_eligible() -> None:
    off = tuple(replace(one, enabled=False) for one in POLICY.deployments)
    decision = ask("Where is my parcel?", replace(POLICY, deployments=off))
    assert decision.refusal is not None
    assert decision.refusal.code == "no_eligible_deployment"
    assert {codes(decision, slug)[0] for slug in ("openai/small", "local/mini")} == {"disabled"}


def test_a_message_with_a_key_in_it_is_stopped_before_any_call() -> None:
    decision = ask("My key is sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2, does it work?")
    assert decision.refusal is not None
    assert decision.refusal.code == "safety_blocked"


def test_everything_else_is_shared_out_by_weight() -> None:
    first = [chain(ask("Summarise this.", plan="pro", draw=f"trace-{n}"))[0] for n in range(200)]
    assert set(first) == {"openai/small", "local/mini"}
    assert first.count("openai/small") > 150
