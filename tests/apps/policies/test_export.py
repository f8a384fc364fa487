"""The same file back."""

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.policies.apply import difference
from apps.policies.export import _yaml, document, export
from apps.policies.schema import parse
from apps.policies.yaml12 import read
from tests.apps.policies.files import EXAMPLE, Apply, deployment, price, route, small, text


def test_the_example_comes_back_as_it_was(applied: Apply) -> None:
    applied(EXAMPLE.read_bytes())
    assert yaml.safe_load(export()) == yaml.safe_load(EXAMPLE.read_text())
    assert parse(export().encode()) == parse(EXAMPLE.read_bytes())


def test_exporting_and_applying_changes_nothing_and_exports_the_same(applied: Apply) -> None:
    applied(EXAMPLE.read_bytes())
    exported = export()
    assert not applied(exported.encode())
    assert export() == exported


EVERYTHING = {
    "version": 1,
    "providers": [
        {
            "slug": "v",
            "adapter": "openai",
            "base_url": "http://127.0.0.1:1/v1",
            "secret": "env:V_KEY",
            "attributes": {"local": False, "api_version": "2024-10-21", "on": "on"},
        }
    ],
    "deployments": [
        deployment(
            slug="v/1.5-a_b",
            provider="v",
            capabilities=["logprobs", "embeddings"],
            quality={"default": "0.555", "on": "1.00"},
            limits={"first_token_ms": 60000, "total_ms": 600000, "max_output_tokens": 32000},
            prices=[
                price("2024-07-18", "0.000000001"),
                price("2025-01-01", "0.15", cache_write_usd_per_mtok="3.75"),
                price(
                    "2026-01-01",
                    reasoning_usd_per_mtok="3.00",
                    request_usd="0.005",
                    above=[
                        {"input_tokens": 128000, "output_usd_per_mtok": "8.00"},
                        {"input_tokens": 200000, "input_usd_per_mtok": "2.00"},
                    ],
                ),
            ],
            enabled=False,
        )
    ],
    "tasks": ["on", "1", "1e3", "2024-07-18", "0x1f"],
    "plans": ["null", "yes"],
    "features": [{"slug": "f", "owner": "o", "quality_floor": "0.5"}],
    "prompts": [{"slug": "p", "system": "One\n  two: [x] #\n\n\"three\" 'four'  \n"}],
    "flags": [{"slug": "t", "enabled": True, "percent": 7, "sticky_by": "user"}],
    "checks": [
        {
            "slug": "c",
            "when": {"flag": "t"},
            "match": ["re:a{2}", "personal_data", "x: y"],
            "do": "redact",
        }
    ],
    "gates": [
        {
            "slug": "g",
            "when": {"metadata.team": ["a", "b"], "app_version": "<2.4"},
            "require": {"region": ["eu", "us"], "capability": "embeddings"},
            "forbid": {"deployment": "v/1.5-a_b", "provider.local": True},
            "otherwise": "local",
        }
    ],
    "routes": [
        route(
            slug="r",
            when={"input_tokens": ">50000", "has": ["tools", "code"], "task": "on"},
            strategy="score",
            weights={"cost": "0.4", "reliability": "2.25"},
            candidates=[{"deployment": "v/1.5-a_b", "weight": 3}],
            prompt="p",
            quality_floor="0.25",
            stream_recovery="continue",
            on_refusal="other_provider",
            limits={"attempts": 2, "max_input_tokens": 1000},
            enabled=False,
        )
    ],
    "caps": [
        {
            "slug": "k",
            "scope": {"route": ["r"], "key": "abc", "app": ["ios", "web"]},
            "per": ["tenant", "metadata.ticket"],
            "missing": "skip",
            "period": "month",
            "time_zone": "Europe/Berlin",
            "limit_tokens": 1000,
            "mode": "open",
            "actions": [
                {"at_percent": 50, "do": "limit_output", "max_output_tokens": 100},
                {"at_percent": 90, "do": "shorten", "input_tokens": 4000},
                {"at_percent": 100, "do": "cheaper"},
            ],
        }
    ],
}


def test_every_key_of_the_format_survives_the_journey(applied: Apply) -> None:
    applied(text(EVERYTHING))
    assert parse(export().encode()) == parse(text(EVERYTHING))
    assert not difference(export().encode())


def test_words_that_some_reader_would_convert_are_quoted(applied: Apply) -> None:
    applied(text(EVERYTHING))
    assert yaml.safe_load(export())["tasks"] == EVERYTHING["tasks"]
    assert read(export().encode()).data["tasks"] == EVERYTHING["tasks"]


def test_nothing_gives_an_empty_file_that_can_be_applied(applied: Apply) -> None:
    applied(b"version: 1\n")
    assert export() == "version: 1\n"


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=60)
)
def test_any_text_is_read_back_as_it_was_written(words: str) -> None:
    assert read(_yaml({"system": words, "in": [words]}).encode()).data == {
        "system": words,
        "in": [words],
    }


def test_a_file_as_small_as_it_can_be_comes_back_so(applied: Apply) -> None:
    applied(small())
    exported = export()
    applied(b"version: 1\n")
    assert applied(exported.encode())
    assert export() == exported


def test_a_cap_that_is_raised_for_a_while_comes_back_as_it_was(applied: Apply) -> None:
    until = "2026-12-01T01:00:00+01:00"
    for limit in ({"limit_usd": "5.00"}, {"limit_tokens": 5}, {"limit_requests": 5}):
        [(name, said)] = limit.items()
        more = "60.00" if name == "limit_usd" else 60
        raised = {name: more, "until": until}
        applied(small(caps=[{"slug": "daily", "period": "day", name: said, "raised": raised}]))
        [cap] = document()["caps"]
        assert cap["raised"] == {name: more, "until": "2026-12-01T00:00:00Z"}
        before = export()
        applied(before.encode())
        assert export() == before
