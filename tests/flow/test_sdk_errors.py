"""What goes wrong raises the exceptions that users of the SDKs already catch, and is not asked
again when asking again cannot help."""

from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest

from tests.flow.client import Client, called
from tests.flow.conftest import BOTH_WAYS
from tests.processes import Mock, Server

Key = Callable[..., str]

# What is done wrong, and the code and the two SDKs' exceptions that follow.
WRONGS: dict[str, tuple[dict[str, Any], str, type[Exception], type[Exception]]] = {
    "a-made-up-key": (
        {"api_key": "rk_dev_aaaaaaaa_0000"},
        "auth_failed", openai.AuthenticationError, anthropic.AuthenticationError,
    ),
    "a-key-that-may-only-read": (
        {"scopes": "read"},
        "forbidden", openai.PermissionDeniedError, anthropic.PermissionDeniedError,
    ),
    "a-real-model": (
        {"model": "gpt-4o"},
        "model_not_selectable", openai.BadRequestError, anthropic.BadRequestError,
    ),
    "an-unknown-feature": (
        {"model": "feature:nobody-knows"},
        "invalid_request", openai.BadRequestError, anthropic.BadRequestError,
    ),
    "a-key-in-the-text": (
        {"text": "My key is sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2"},
        "safety_blocked", openai.PermissionDeniedError, anthropic.PermissionDeniedError,
    ),
    "an-impossible-wish": (
        {"extra_headers": {"X-Max-Cost-USD": "0.000000001"}},
        "no_eligible_deployment",
        openai.UnprocessableEntityError, anthropic.UnprocessableEntityError,
    ),
    "what-the-model-will-not-say": (
        {"text": "[mock status=400 code=content_policy_violation]"},
        "content_refused", openai.UnprocessableEntityError, anthropic.UnprocessableEntityError,
    ),
    "too-long-for-the-model": (
        {"text": "[mock status=400 code=context_length_exceeded]"},
        "context_too_long", openai.APIStatusError, anthropic.RequestTooLargeError,
    ),
    "too-large-for-us": (
        {"text": "a" * 20 * 1024 * 1024},
        "body_too_large", openai.APIStatusError, anthropic.RequestTooLargeError,
    ),
    "too-often": (
        {"text": "[mock status=429 retry_after=7]"},
        "provider_rate_limited", openai.RateLimitError, anthropic.RateLimitError,
    ),
    "a-provider-down": (
        {"text": "[mock status=503]"},
        "provider_error", openai.InternalServerError, anthropic.InternalServerError,
    ),
    "a-provider-asleep": (
        {"model": "feature:hurried", "text": "[mock silent]"},
        "provider_timeout", openai.InternalServerError, anthropic.APIStatusError,
    ),
}  # fmt: skip
EVERY_WRONG = pytest.mark.parametrize("wrong", WRONGS)


def ask_openai(server: Server, key: Key, retries: int, **wrong: Any) -> Any:
    gpt = openai.OpenAI(
        api_key=_api_key(key, wrong), base_url=f"{server.url}/v1", max_retries=retries
    )
    return gpt.chat.completions.create(**_request(wrong))


def ask_anthropic(server: Server, key: Key, retries: int, **wrong: Any) -> Any:
    claude = anthropic.Anthropic(
        api_key=_api_key(key, wrong), base_url=server.url, max_retries=retries
    )
    return claude.messages.create(max_tokens=300, **_request(wrong))


def _api_key(key: Key, wrong: dict[str, Any]) -> str:
    made_up: str | None = wrong.get("api_key")
    return made_up or (key("--scopes", wrong["scopes"]) if "scopes" in wrong else key())


def _request(wrong: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": wrong.get("model", "feature:one"),
        "messages": [{"role": "user", "content": wrong.get("text", "Hello")}],
        "stream": wrong.get("stream", False),
        "extra_headers": wrong.get("extra_headers", {}),
    }


@EVERY_WRONG
def test_openai_raises_its_usual_exception(
    wrong: str, client: Client, shared_server: Server, key: Key
) -> None:
    how, code, usual, _ = WRONGS[wrong]
    with pytest.raises(usual) as caught:
        ask_openai(shared_server, key, 0, **how)
    assert isinstance(caught.value, openai.APIStatusError)
    assert caught.value.code == code


@EVERY_WRONG
def test_anthropic_raises_its_usual_exception(
    wrong: str, client: Client, shared_server: Server, key: Key
) -> None:
    how, code, _, usual = WRONGS[wrong]
    with pytest.raises(usual) as caught:
        ask_anthropic(shared_server, key, 0, **how)
    assert isinstance(caught.value, anthropic.APIStatusError)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["code"] == code


@pytest.mark.parametrize("ask", [ask_openai, ask_anthropic], ids=["openai", "anthropic"])
@BOTH_WAYS
@pytest.mark.parametrize(
    ("fault", "asked"), [("status=503", 2), ("status=429", 1), ("status=400", 1)]
)
def test_a_final_failure_is_not_multiplied_by_the_sdks_own_retries(
    ask: Callable[..., Any], stream: bool, fault: str, asked: int,
    shared_server: Server, key: Key, mock: Mock,
) -> None:  # fmt: skip
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)):
        ask(shared_server, key, 2, text=f"[mock {fault}]", stream=stream)
    assert called(mock) == ["first"] * asked


def test_another_request_with_the_same_idempotency_key_is_a_conflict(
    shared_server: Server, key: Key, mock: Mock
) -> None:
    once = {"extra_headers": {"Idempotency-Key": "a-key-of-an-sdk"}}
    ask_openai(shared_server, key, 0, **once)
    with pytest.raises(openai.ConflictError) as caught:
        ask_openai(shared_server, key, 2, text="Something else.", **once)
    assert caught.value.code == "idempotency_conflict"
    assert called(mock) == ["first"]


@pytest.mark.parametrize("fault", ["cut=7", "error_after=7"])
def test_an_error_within_a_stream_is_raised(
    fault: str, client: Client, shared_server: Server, key: Key
) -> None:
    text = f"[mock words=30 {fault}]"
    with pytest.raises(openai.APIError, match="provider"):
        list(ask_openai(shared_server, key, 2, text=text, stream=True))
    with pytest.raises(anthropic.APIStatusError, match="provider"):
        list(ask_anthropic(shared_server, key, 2, text=text, stream=True))
