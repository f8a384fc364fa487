"""What vendors' error answers mean, from answers as they were seen in the wild."""

import time
from email.utils import formatdate
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerctl.providers import ADAPTERS
from routerctl.providers.errors import RULES
from routerctl.providers.vendor_errors import retry_after_s


def openai(message: str, kind: str = "invalid_request_error", code: str | None = None) -> bytes:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return msgspec.json.encode({"error": error})


def google(code: int, status: str, message: str, *details: object) -> bytes:
    error = {"code": code, "message": message, "status": status, "details": details}
    return msgspec.json.encode({"error": error})


class Seen(msgspec.Struct):
    """A line of `vendor_errors.jsonl`: an answer, and the class that it means."""

    adapter: str
    status: int
    means: str
    body: str


_LINES = Path(__file__).with_name("vendor_errors.jsonl").read_text().splitlines()
SEEN = [msgspec.json.decode(line, type=Seen) for line in _LINES]


@pytest.mark.parametrize(
    "seen", SEEN, ids=lambda seen: f"{seen.adapter}-{seen.status}-{seen.means}"
)
def test_an_error_answer_has_a_class(seen: Seen) -> None:
    error = ADAPTERS[seen.adapter].error(seen.status, {}, seen.body.encode())
    assert error.error_class == seen.means
    assert error.http_status == seen.status
    assert 0 < len(error.message) <= 300


@given(
    st.sampled_from(sorted(ADAPTERS)),
    st.integers(100, 999),
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["error", "message", "code", "type", "details", "metadata", "raw"]
                    ),
                    inner,
                    max_size=4,
                )
            ),
        ).map(msgspec.json.encode),
    ),
)
def test_no_answer_is_too_strange_to_be_an_error(adapter: str, status: int, body: bytes) -> None:
    assert ADAPTERS[adapter].error(status, {}, body).error_class in RULES


def test_a_body_of_endless_brackets_is_an_error_too() -> None:
    for adapter in ADAPTERS.values():
        assert adapter.error(500, {}, b"[" * 200_000).error_class == "server"
        assert adapter.error(500, {}, b'{"error":' * 100_000).error_class == "server"


def test_the_message_is_one_short_line_without_secrets_and_personal_data() -> None:
    key = "sk-proj-" + "aB3dE5gH7jK9" * 4
    body = openai(f"Incorrect API key\nprovided: {key}. Mail bob@example.com\x07 " + "x" * 900)
    message = ADAPTERS["openai"].error(401, {}, body).message
    assert key not in message
    assert "bob@example.com" not in message
    assert "\n" not in message
    assert "\x07" not in message
    assert len(message) <= 300


def test_the_vendors_request_id_is_kept() -> None:
    for name in ("x-request-id", "request-id", "apim-request-id", "cf-ray"):
        assert ADAPTERS["openai"].error(500, {name: "req_1"}, b"").provider_request_id == "req_1"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "1e300"}, 86400.0),
        ({"retry-after": "inf"}, 86400.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 99 Oct 2015 07:28:00 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_or_left(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers) == expected


def test_retry_after_may_be_a_date() -> None:
    wait = retry_after_s({"retry-after": formatdate(time.time() + 30, usegmt=True)})
    assert wait is not None
    assert 28 <= wait <= 31


def test_gemini_says_when_to_retry_in_the_body() -> None:
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
    body = google(429, "RESOURCE_EXHAUSTED", "quota", detail)
    assert ADAPTERS["gemini"].error(429, {}, body).retry_after_s == 34.5
    assert ADAPTERS["gemini"].error(429, {}, b"[" + body + b"]").retry_after_s == 34.5
