"""Which price of a feed is a deployment's, and what is no price of a feed at all."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from routerctl.feeds import Order, Reading, Unreadable, Wanted, read

TODAY = date(2026, 11, 25)
FLASH = Wanted("f", "gemini-2.5-flash", "gemini", "https://generativelanguage.googleapis.com")


def asked(*wanted: Wanted, feed: str = "genai-prices", text: str = "", url: str = "") -> Reading:
    return read(Order(feed, TODAY, wanted, text, url))


def litellm(**said: Any) -> Reading:
    model = {"litellm_provider": "gemini", "input_cost_per_token": 1e-6, **said}
    return asked(FLASH, feed="litellm", text=json.dumps({"gemini/gemini-2.5-flash": model}))


# --------------------------------------------------------------------------- whose price it is


def test_the_vendor_is_the_one_that_is_stated_then_that_of_the_address_then_of_the_format() -> None:
    mini = ("gpt-4o-mini-2024-07-18", "openai")
    stated = Wanted("stated", *mini, "http://127.0.0.1:8100/v1", vendor="openai")
    address = Wanted("address", *mini, "https://api.openai.com/v1")
    spoken = Wanted("format", "gemini-2.5-flash", "gemini", "https://models.example/gemini")
    reading = asked(stated, address, spoken)
    assert {q.deployment: q.model for q in reading.quotes} == {
        "stated": "openai/gpt-4o-mini",
        "address": "openai/gpt-4o-mini",
        "format": "google/gemini-2.5-flash",
    }
    assert reading.version


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Wanted("x", "qwen3-8b", "openai", "http://10.0.0.1/v1", local=True), "your own ground"),
        (Wanted("x", "gpt-5", "openai", "https://proxy.example/v1"), "no vendor has"),
        (Wanted("x", "gpt-5", "openai", "https://a.example", vendor="acme"), "no vendor acme"),
        (Wanted("x", "gpt-0", "openai", "https://api.openai.com/v1"), "openai has no model gpt-0"),
        (Wanted("x", "deepseek-chat", "openai", "https://api.deepseek.com"), "time of day"),
    ],
)
def test_a_deployment_without_a_match_says_why(wanted: Wanted, reason: str) -> None:
    reading = asked(wanted)
    assert reading.quotes == ()
    assert reason in reading.unmatched["x"]


def test_a_fee_for_each_request_is_read() -> None:
    sonar = Wanted("s", "sonar", "openai", "https://api.perplexity.ai")
    assert asked(sonar).quotes[0].request_nano_usd == 12_000_000


# --------------------------------------------------------------------------- LiteLLM's format


def test_the_noise_of_floats_is_no_part_of_a_price() -> None:
    assert (
        litellm(input_cost_per_token=8.999999999999999e-08).quotes[0].rates["input"] == 90_000_000
    )


def test_other_service_tiers_and_caches_for_an_hour_are_left_alone() -> None:
    quote = litellm(
        output_cost_per_token=2e-6,
        output_cost_per_token_priority=9e-6,
        input_cost_per_token_above_200k_tokens_batches=9e-6,
        cache_creation_input_token_cost_above_1hr=9e-6,
        cache_creation_input_token_cost_above_1hr_above_200k_tokens=9e-6,
    ).quotes[0]
    assert quote.rates == {"input": 10**9, "output": 2 * 10**9}
    assert quote.above == ()


def test_reasoning_at_the_price_of_output_is_not_a_price_of_its_own() -> None:
    quote = litellm(output_cost_per_token=2e-6, output_cost_per_reasoning_token=2e-6).quotes[0]
    assert "reasoning" not in quote.rates


def test_what_cannot_be_said_here_is_noted() -> None:
    assert litellm(input_cost_per_image_token=1e-5).quotes[0].notes == (
        "the file prices input_cost_per_image_token apart",
        "the file states no price for output",
    )


@pytest.mark.parametrize("amount", ["1e-6", True, -1e-6, 1e30, None])
def test_what_is_no_amount_is_no_price(amount: Any) -> None:
    reading = litellm(input_cost_per_token=amount)
    assert reading.quotes == ()
    assert reading.unmatched["f"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"a": {"b": 1}}', "[" * 100_000])
def test_what_is_no_file_of_prices_is_refused(text: str) -> None:
    with pytest.raises(Unreadable, match="The file is"):
        asked(FLASH, feed="litellm", text=text)


# --------------------------------------------------------------------------- the network


@contextmanager
def served(body: bytes, status: int = 200) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/data.json"
    finally:
        server.shutdown()
        server.server_close()


NEWEST = [
    {
        "id": "google",
        "name": "Google",
        "api_pattern": "https://(.*\\.)?googleapis\\.com",
        "models": [
            {
                "id": "gemini-2.5-flash",
                "match": {"equals": "gemini-2.5-flash"},
                "prices": [
                    {"prices": {"input_mtok": 0.3, "output_mtok": 2.5}},
                    {
                        "constraint": {"start_date": "2026-12-01"},
                        "prices": {"input_mtok": 0.4, "output_mtok": 2.5},
                    },
                ],
            }
        ],
    }
]


def test_the_newest_data_is_fetched_where_that_was_asked_for() -> None:
    with served(json.dumps(NEWEST).encode()) as url:
        reading = asked(FLASH, url=url)
    assert reading.version.startswith("fetched 20")
    assert [(str(q.starts_on), q.rates["input"]) for q in reading.quotes] == [
        ("2026-11-25", 300_000_000),
        ("2026-12-01", 400_000_000),
    ]


@pytest.mark.parametrize(("body", "status"), [(b"", 200), (b"{}", 200), (b"[]", 500)])
def test_a_feed_that_cannot_be_fetched_is_told(body: bytes, status: int) -> None:
    with served(body, status) as url, pytest.raises(Unreadable, match="could not be fetched"):
        asked(FLASH, url=url)
