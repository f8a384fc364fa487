"""Each finding where it should be, and none where it should not."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.policies.lint import MOST_ROUTES, SEVERITIES, lint, lint_text
from apps.policies.schema import parse
from tests.apps.policies.files import EXAMPLE, deployment, price, route, text

VENDOR = {"slug": "vendor", "adapter": "openai", "base_url": "https://api.example.com/v1"}


def file(**sections: Any) -> bytes:
    clean = {
        "version": 1,
        "providers": [VENDOR],
        "deployments": [deployment(prices=[price()])],
        "tasks": ["chat", "coding"],
        "plans": ["free", "pro"],
        "routes": [route(when={})],
    }
    return text({**clean, **sections})


GATE = {"slug": "g", "when": {"residency": "eu"}, "require": {"region": "us"}}
BOTH = [deployment(prices=[price()]), deployment(slug="vendor/us", region="us", prices=[price()])]
BROKEN: dict[str, dict[str, Any]] = {
    "route_unreachable": {"routes": [route(slug="a", when={}), route(slug="b", when={})]},
    "route_shadowed": {
        "routes": [
            route(slug="a", when={"plan": ["free", "pro"]}),
            route(slug="b", when={"plan": "free", "task": "chat"}),
        ]
    },
    "gate_unsatisfiable": {"gates": [GATE]},
    "route_emptied_by_gate": {"gates": [GATE], "deployments": BOTH},
    "chain_of_one_provider": {"providers": [VENDOR, {**VENDOR, "slug": "other"}]},
    "price_missing": {"deployments": [deployment(prices=[])]},
    "flag_unused": {"flags": [{"slug": "f", "enabled": True}]},
    "prompt_unused": {"prompts": [{"slug": "p", "system": "Be kind."}]},
    "too_many_routes": {
        "routes": [route(slug=f"r{i}", when={"tenant": f"t{i}"}) for i in range(MOST_ROUTES + 1)]
    },
}


def codes(content: bytes) -> list[str]:
    return [finding.code for finding in lint_text(content)]


def test_a_clean_file_has_no_finding() -> None:
    assert codes(file()) == []


@pytest.mark.parametrize("code", SEVERITIES)
def test_each_mistake_is_found_alone(code: str) -> None:
    assert codes(file(**BROKEN[code])) == [code]
    assert [finding.code for finding in lint(parse(file(**BROKEN[code])))] == [code]


def test_a_gate_for_other_requests_does_not_empty_a_route() -> None:
    content = file(gates=[GATE], deployments=BOTH, routes=[route(when={"residency": "us"})])
    assert codes(content) == []


def test_a_narrow_route_before_a_wide_one_hides_nothing() -> None:
    assert codes(file(routes=[route(slug="a", when={"plan": "free"}), route(when={})])) == []


def test_the_example_has_its_one_finding_with_its_line() -> None:
    content = EXAMPLE.read_bytes()
    (found,) = lint_text(content)
    assert (found.code, found.path) == ("route_emptied_by_gate", "routes[0].candidates")
    assert found.line is not None
    assert "candidates: [anthropic/strong" in content.decode().splitlines()[found.line - 1]
    assert "billing-disputes has nobody left when residency is eu" in found.sentence


WORDS = {
    "task": ["chat", "coding"],
    "plan": ["free", "pro"],
    "tenant": ["a", "b", "c"],
    "residency": ["eu", "us"],
}
WHENS = st.fixed_dictionaries(
    {},
    optional={
        key: st.one_of(st.sampled_from(words), st.lists(st.sampled_from(words), min_size=1))
        for key, words in WORDS.items()
    },
)


def matches(when: dict[str, Any], request: dict[str, str]) -> bool:
    return all(
        request[key] in (value if isinstance(value, list) else [value])
        for key, value in when.items()
    )


@given(st.lists(WHENS.map(lambda when: {k: _once(v) for k, v in when.items()}), max_size=6))
def test_a_route_said_to_be_hidden_is_taken_by_no_request(whens: list[dict[str, Any]]) -> None:
    content = file(routes=[route(slug=f"r{i}", when=when) for i, when in enumerate(whens)])
    hidden = {finding.path for finding in lint_text(content)}
    for values in itertools.product(*WORDS.values()):
        request = dict(zip(WORDS, values, strict=True))
        taken = next((i for i, when in enumerate(whens) if matches(when, request)), None)
        assert f"routes[{taken}]" not in hidden


def _once(value: Any) -> Any:
    return list(dict.fromkeys(value)) if isinstance(value, list) else value
