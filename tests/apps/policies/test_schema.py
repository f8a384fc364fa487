"""A wrong file is told everything that is wrong with it, each thing with its path and line."""

from typing import Any

import pytest

from apps.policies.schema import BadConfiguration, File, parse
from tests.apps.policies.files import EXAMPLE, deployment, price, route, small, text


def problems(file: bytes, stored: dict[str, str] | None = None) -> dict[str, str]:
    """What is wrong with `file`, by path."""
    with pytest.raises(BadConfiguration) as caught:
        parse(file, stored)
    return {problem.path: problem.message for problem in caught.value.problems}


def provider(**fields: Any) -> dict[str, Any]:
    return {"slug": "vendor", "adapter": "openai", "base_url": "https://vendor.example", **fields}


def cap(**fields: Any) -> dict[str, Any]:
    return {"slug": "daily", "period": "day", "limit_usd": "5.00", **fields}


def rate_limit(**fields: Any) -> dict[str, Any]:
    return {"slug": "each-key", "limit_requests": 60, "period": "minute", **fields}


def gate(**fields: Any) -> dict[str, Any]:
    return {"slug": "dpa", "require": {"provider.dpa_signed": True}, **fields}


def test_the_worked_example_is_right() -> None:
    assert isinstance(parse(EXAMPLE.read_bytes()), File)


def test_every_list_may_be_left_out_or_empty_or_have_nothing_after_its_colon() -> None:
    assert parse(b"version: 1") == parse(b"version: 1\nroutes: []\nproviders:\n")


def test_a_deployment_may_have_no_prices() -> None:
    assert parse(small(deployments=[deployment(prices=[])])).deployments[0].prices == []


BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    # shapes
    "an unknown list": ({"router": []}, "router", "unknown key"),
    "another version": ({"version": 2}, "version", "must be 1"),
    "a list that is a mapping": ({"routes": {}}, "routes", "must be a list"),
    "an entry that is a word": ({"flags": ["x"]}, "flags[0]", "must be a mapping"),
    "an unknown key": ({"routes": [route(model="x")]}, "routes[0].model", "unknown key"),
    "a later issue's key": ({"routes": [route(escalate={})]}, "routes[0].escalate", "unknown key"),
    "a missing key": ({"routes": [{"slug": "x", "strategy": "priority"}]},
                      "routes[0].candidates", "is missing"),
    "a number that is text": ({"flags": [{"slug": "x", "percent": "5"}]},
                              "flags[0].percent", "must be a whole number"),
    "a word for a truth": ({"flags": [{"slug": "x", "enabled": "on"}]},
                           "flags[0].enabled", "must be true or false"),
    "a slug with capitals": ({"tasks": ["Chat"]}, "tasks[0]", "is no slug"),
    "a slug of another alphabet": ({"plans": ["gratis", "бесплатно"]}, "plans[1]", "is no slug"),
    "a slug that stands twice": ({"plans": ["free", "free"]},
                                 "plans[1]", "there is a plan free already"),
    # providers
    "an unknown adapter": ({"providers": [provider(adapter="acme")]},
                           "providers[0].adapter", "'acme' is no adapter"),
    "a base URL that is none": ({"providers": [provider(base_url="vendor")]},
                                "providers[0].base_url", "not http or https"),
    "a login in a base URL": ({"providers": [provider(base_url="https://u:p@vendor.example")]},
                              "providers[0].base_url", "carries a login"),
    "a secret in plain sight": ({"providers": [provider(secret="sk-live-123")]},
                                "providers[0].secret", "never stands in a file"),
    "our own setting as a secret": ({"providers": [provider(secret="env:ROUTERCTL_SECRET_KEY")]},
                                    "providers[0].secret", "our own setting"),
    "the database's URL as a secret": ({"providers": [provider(secret="env:DATABASE_URL")]},
                                       "providers[0].secret", "our own setting"),
    "a stored secret that is not there": ({"providers": [provider(secret="stored")]},
                                          "providers[0].secret", "no secret is stored"),
    "an attribute that is a list": ({"providers": [provider(attributes={"soc2": [1]})]},
                                    "providers[0].attributes.soc2", "must be true, false or text"),
    # deployments and prices
    "an unknown provider": ({"deployments": [deployment(provider="nobody")]},
                            "deployments[0].provider", "there is no provider nobody"),
    "an unknown capability": ({"deployments": [deployment(capabilities=["fly"])]},
                              "deployments[0].capabilities[0]", "'fly' is no capability"),
    "no window": ({"deployments": [deployment(context_window=0)]},
                  "deployments[0].context_window", "must be at least 1"),
    "quality above one": ({"deployments": [deployment(quality={"default": "1.1"})]},
                          "deployments[0].quality.default", "1.1 is more than 1"),
    "quality for an unknown task": ({"deployments": [deployment(quality={"sing": "0.5"})]},
                                    "deployments[0].quality.sing", "there is no task sing"),
    "attempts on a deployment": ({"deployments": [deployment(limits={"attempts": 2})]},
                                 "deployments[0].limits.attempts", "unknown key"),
    "a price without quotes": ({"deployments": [deployment(prices=[price(usd=0.15)])]},
                               "deployments[0].prices[0].input_usd_per_mtok", 'write "0.15"'),
    "a negative price": ({"deployments": [deployment(prices=[price(usd="-1")])]},
                         "deployments[0].prices[0].input_usd_per_mtok", "is no amount"),
    "a cached read dearer than a tier's input": (
        {"deployments": [deployment(prices=[price(
            cached_input_usd_per_mtok="1.00",
            above=[{"input_tokens": 9, "input_usd_per_mtok": "0.50"}])])]},
        "deployments[0].prices[0].above[0].cached_input_usd_per_mtok", "no more than input"),
    "a tier that says nothing": (
        {"deployments": [deployment(prices=[price(above=[{"input_tokens": 9}])])]},
        "deployments[0].prices[0].above[0]", "states no price"),
    "tiers out of order": (
        {"deployments": [deployment(prices=[price(above=[
            {"input_tokens": 9, "input_usd_per_mtok": "2"},
            {"input_tokens": 9, "input_usd_per_mtok": "3"}])])]},
        "deployments[0].prices[0].above[1].input_tokens", "more than in the tier before"),
    "a price too exact": ({"deployments": [deployment(prices=[price(usd="0.0000000001")])]},
                          "deployments[0].prices[0].input_usd_per_mtok", "decimal places"),
    "a price beyond reason": ({"deployments": [deployment(prices=[price(usd="150000")])]},
                              "deployments[0].prices[0].input_usd_per_mtok", "more than 10000"),
    "a cached read dearer than input": (
        {"deployments": [deployment(prices=[price(cached_input_usd_per_mtok="2")])]},
        "deployments[0].prices[0].cached_input_usd_per_mtok", "costs no more than input"),
    "a day that does not exist": ({"deployments": [deployment(prices=[price("2025-02-30")])]},
                                  "deployments[0].prices[0].from", "must be a day"),
    "two prices for one day": ({"deployments": [deployment(prices=[price(), price(usd="2")])]},
                               "deployments[0].prices[1].from", "another price begins"),
    # conditions
    "an unknown condition": ({"routes": [route(when={"mood": "good"})]},
                             "routes[0].when.mood", "unknown condition"),
    "a task that is not listed": ({"routes": [route(when={"task": ["chat", "sing"]})]},
                                  "routes[0].when.task", "sing is not listed"),
    "a flag that is not there": ({"checks": [{"slug": "c", "match": ["x"], "do": "flag",
                                              "when": {"flag": "old"}}]},
                                 "checks[0].when.flag", "there is no flag old"),
    "a comparison that is none": ({"gates": [gate(when={"input_tokens": "many"})]},
                                  "gates[0].when.input_tokens", "is no comparison"),
    "an expression that is none": ({"routes": [route(when={"text_matches": ["ok", "re:(a"]})]},
                                   "routes[0].when.text_matches[1]", "not RE2 syntax"),
    "a look-ahead": ({"checks": [{"slug": "c", "match": ["re:(?=a)b"], "do": "flag"}]},
                     "checks[0].match[0]", "not RE2 syntax"),
    # gates
    "a gate without a demand": ({"gates": [{"slug": "dpa"}]}, "gates[0]", "require or forbid"),
    "a demand on nothing known": ({"gates": [gate(require={"colour": "red"})]},
                                  "gates[0].require.colour", "unknown"),
    "a demand for an unknown deployment": ({"gates": [gate(require={"deployment": ["x/y"]})]},
                                           "gates[0].require.deployment", "no deployment x/y"),
    "an attribute forbidden that nobody states": (
        {"gates": [gate(forbid={"provider.trains": True})]},
        "gates[0].forbid.provider.trains", "no provider states this attribute"),
    "an unknown way out": ({"gates": [gate(otherwise="shrug")]},
                           "gates[0].otherwise", "'shrug' is no way out of a gate"),
    # routes
    "an unknown strategy": ({"routes": [route(strategy="luck")]},
                            "routes[0].strategy", "'luck' is no strategy"),
    "an unknown candidate": ({"routes": [route(candidates=["vendor/small", "x"])]},
                             "routes[0].candidates[1]", "there is no deployment x"),
    "an unknown fallback": ({"routes": [route(fallback=["x"])]},
                            "routes[0].fallback[0]", "there is no deployment x"),
    "a candidate as its own fallback": ({"routes": [route(fallback=["vendor/small"])]},
                                        "routes[0].fallback[0]", "is a candidate already"),
    "no candidates": ({"routes": [route(candidates=[])]}, "routes[0].candidates", "empty"),
    "an unknown prompt": ({"routes": [route(prompt="kind")]},
                          "routes[0].prompt", "there is no prompt kind"),
    "weights of no score": ({"routes": [route(weights={"cost": "1"})]},
                            "routes[0].weights", "only the strategy score"),
    "an unknown dimension": ({"routes": [route(strategy="score", weights={"charm": "1"})]},
                             "routes[0].weights.charm", "'charm' is no dimension"),
    "shares without weight": (
        {"routes": [route(strategy="weighted",
                          candidates=[{"deployment": "vendor/small", "weight": 0}])]},
        "routes[0].candidates", "needs a weight"),
    "a limit of nothing": ({"routes": [route(limits={"total_ms": 0})]},
                           "routes[0].limits.total_ms", "must be at least 1"),
    # caps
    "two limits": ({"caps": [cap(limit_tokens=5)]}, "caps[0]", "exactly one of limit_usd"),
    "raised in another unit": (
        {"caps": [cap(raised={"limit_tokens": 5, "until": "2026-12-01T00:00Z"})]},
        "caps[0].raised.limit_tokens", "in another unit"),
    "raised to less": (
        {"caps": [cap(raised={"limit_usd": "0.01", "until": "2026-12-01T00:00Z"})]},
        "caps[0].raised.limit_usd", "more than the cap's own"),
    "raised until no moment": (
        {"caps": [cap(raised={"limit_usd": "900", "until": "2026-12-01"})]},
        "caps[0].raised.until", "must be a moment with its zone"),
    "a rate limit of too much": (
        {"rate_limits": [rate_limit(limit_requests=100_001, period="second")]},
        "rate_limits[0].limit_requests", "at most 100000 in a second"),
    "a burst that never comes again": (
        {"rate_limits": [rate_limit(limit_requests=1, period="hour", burst=10_000)]},
        "rate_limits[0].burst", "takes more than a year"),
    "a rate limit of a route": ({"rate_limits": [rate_limit(scope={"route": "all"})]},
                                "rate_limits[0].scope.route", "a scope may name"),
    "a rate limit of an unknown plan": (
        {"rate_limits": [rate_limit(reserved={"plan": ["gold"], "percent": 5})]},
        "rate_limits[0].reserved.plan[0]", "there is no plan gold"),
    "a rate limit that leaves nothing to others": (
        {"rate_limits": [rate_limit(burst=2, reserved={"plan": ["free"], "percent": 60})]},
        "rate_limits[0].reserved.percent", "leaves nothing for the others"),
    "an unknown period": ({"caps": [cap(period="year")]}, "caps[0].period", "'year' is no period"),
    "an unknown time zone": ({"caps": [cap(time_zone="Europe/Bonn")]},
                             "caps[0].time_zone", "there is no time zone Europe/Bonn"),
    "a scope of nothing known": ({"caps": [cap(scope={"model": "x"})]},
                                 "caps[0].scope.model", "a scope may name"),
    "a scope of an unknown route": ({"caps": [cap(scope={"route": ["all", "x"]})]},
                                    "caps[0].scope.route", "there is no route x"),
    "a window for each of nothing known": ({"caps": [cap(per=["country"])]},
                                           "caps[0].per[0]", "is none of"),
    "more than all of a limit": ({"caps": [cap(actions=[{"at_percent": 101, "do": "warn"}])]},
                                 "caps[0].actions[0].at_percent", "must be at most 100"),
    "shorten without tokens": ({"caps": [cap(actions=[{"at_percent": 90, "do": "shorten"}])]},
                               "caps[0].actions[0].input_tokens", "shorten needs it"),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "path", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_told_with_its_path(
    changed: dict[str, Any], path: str, message: str
) -> None:
    found = problems(small(**changed))
    assert message in found[path]
    assert list(found) == [path]


def test_all_errors_are_told_at_once_in_the_order_of_the_file() -> None:
    file = small(
        providers=[provider(adapter="acme")],
        deployments=[deployment(prices=[price(usd=1)])],
        routes=[route(when={"task": "sing", "mood": "good"}, candidates=["a", "b"], model="x")],
        caps=[cap(period="year", per=["country"])],
    )
    assert list(problems(file)) == [
        "providers[0].adapter",
        "deployments[0].prices[0].input_usd_per_mtok",
        "routes[0].candidates[0]",
        "routes[0].candidates[1]",
        "routes[0].when.task",
        "routes[0].when.mood",
        "routes[0].model",
        "caps[0].period",
        "caps[0].per[0]",
    ]


def test_a_key_twice_and_a_wrong_value_are_told_together() -> None:
    found = problems(b"version: 1\ntasks: [chat]\ntasks: [Chat]\n")
    assert list(found) == ["tasks", "tasks[0]"]


def test_a_problem_names_its_line() -> None:
    with pytest.raises(BadConfiguration, match=r"routes: must be a list \(line 3\)"):
        parse(b"version: 1\n\nroutes: 5\n")


def test_one_wrong_entry_does_not_make_every_reference_to_it_wrong() -> None:
    file = small(deployments=[deployment(region=5)])
    assert list(problems(file)) == ["deployments[0].region"]


@pytest.mark.parametrize("file", [b"", b"[]", b"just words", b"version: 1\nversion: 1", b"a: [1"])
def test_what_is_no_configuration_is_told_so(file: bytes) -> None:
    assert problems(file)


def test_a_stored_secret_may_stay_at_its_origin_and_nowhere_else() -> None:
    file = small(providers=[provider(secret="stored", attributes={"dpa_signed": True})])
    assert parse(file, {"vendor": "https://vendor.example:443"}).providers[0].secret == "stored"
    found = problems(file, {"vendor": "https://old.example:443"})
    assert "was given for https://old.example:443" in found["providers[0].secret"]


def test_words_that_older_yaml_would_convert_are_words() -> None:
    file = b"version: 1\ntasks: [on, yes, 2024-07-18]\n"
    assert parse(file).tasks == ["on", "yes", "2024-07-18"]


def test_days_may_be_quoted_or_bare() -> None:
    bare = small().replace(b'"2025-01-01"', b"2025-01-01")
    assert b'"from": 2025-01-01' in bare
    assert parse(bare) == parse(small())


WRONG: list[Any] = [
    1,
    "x",
    {},
    [None],
    [[]],
    {"a": None},
    [{"slug": None}],
    [{"slug": "x", "when": []}],
]


@pytest.mark.parametrize("wrong", WRONG, ids=map(str, WRONG))
@pytest.mark.parametrize("section", ["providers", "deployments", "gates", "routes", "caps"])
def test_nothing_wrong_is_ever_a_crash(section: str, wrong: object) -> None:
    assert problems(text({"version": 1, section: wrong}))
