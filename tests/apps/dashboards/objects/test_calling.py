"""The test call: a real call to a scripted provider over a socket."""

import pytest

from apps.policies.apply import apply
from tests.apps.policies.files import deployment, price, small

PAGE = "/deployments/-/call/vendor/small"


def text(answer):
    return answer.content.decode()


@pytest.fixture
def at(mock):
    """Puts the provider `vendor` at the scripted one, whose script stands in the model's name."""

    def put(script="", base_url=f"{mock.url}/openai/v1", **fields):
        providers = [{"slug": "vendor", "adapter": "openai", "base_url": base_url}]
        model = deployment(model=f"small-1{script}", prices=[price()], **fields)
        apply(small(providers=providers, deployments=[model], gates=[]), reason="at the mock")

    return put


def test_a_test_call_is_answered_with_tokens_cost_and_time(admin, at, mock):
    at()
    page = text(admin.post(PAGE))
    for said in ("Answered", "in,", "out", "Cost, est.", "$0.0", "Took"):
        assert said in page
    (call,) = mock.calls()
    assert call["model"] == "small-1"


def test_looking_at_the_page_calls_nobody(admin, at, mock):
    at()
    assert "Sends “Answer with the single word: pong”" in text(admin.get(PAGE))
    assert mock.calls() == []


@pytest.mark.parametrize(
    ("script", "error_class"),
    [("~status=500", "server"), ("~status=429", "rate_limited"), ("~status=401", "auth")],
)
def test_a_call_that_fails_says_how(admin, at, script, error_class):
    at(script)
    page = text(admin.post(PAGE))
    assert "Failed" in page
    assert f">{error_class}<" in page


def test_a_test_call_goes_to_no_address_that_a_request_may_not_go_to(admin, at):
    at(base_url="http://169.254.169.254/v1")
    assert ">blocked_origin<" in text(admin.post(PAGE))


def test_a_secret_that_is_refused_is_not_sent(admin, at, mock):
    at()
    providers = [
        {
            "slug": "vendor",
            "adapter": "openai",
            "base_url": f"{mock.url}/openai/v1",
            "secret": "env:NOWHERE_TO_BE_FOUND",
        }
    ]
    apply(small(providers=providers, gates=[]), reason="a reference")
    page = text(admin.post(PAGE))
    assert ">auth<" in page
    assert "NOWHERE_TO_BE_FOUND is not set" in page
    assert mock.calls() == []


def test_what_a_provider_says_is_text_and_its_quotes_hold_no_secret(admin, at, mock, monkeypatch):
    monkeypatch.setenv("VENDOR_KEY", "sk-canary-7f3a9c0d5e1b24680aceXYZW")
    providers = [
        {
            "slug": "vendor",
            "adapter": "openai",
            "base_url": f"{mock.url}/openai/v1",
            "secret": "env:VENDOR_KEY",
        }
    ]
    model = deployment(model="small-1~status=400~quote")
    apply(small(providers=providers, deployments=[model], gates=[]), reason="quotes")
    page = text(admin.post(PAGE))
    assert "Failed" in page
    assert "sk-canary" not in page


def test_an_embedding_deployment_is_asked_for_a_vector(admin, at):
    at(capabilities=["embeddings"])
    assert "A vector of" in text(admin.post(PAGE))


def test_a_person_has_six_calls_a_minute(admin, at, mock):
    at()
    for _ in range(6):
        assert admin.post(PAGE).status_code == 200
    answer = admin.post(PAGE)
    assert answer.status_code == 429
    assert "six test calls" in text(answer)
    assert len(mock.calls()) == 6
