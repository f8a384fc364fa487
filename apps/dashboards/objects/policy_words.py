"""Routes, gates and checks in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any

from routerctl.engine.sentences import all_of, any_of, lowered
from routerctl.engine.when import sentence

_ASKED = {
    "priority": "ask {first}{then}",
    "weighted": "share them out by weight: {weights}",
    "cheapest": "ask the cheapest of {all}",
    "fastest": "ask the fastest of {all}",
    "score": "ask the best of {all} by score",
}
_OTHERWISE = {
    "block": "the request is blocked",
    "redact": "personal data is taken out of the text",
    "downgrade": "any deployment that passes every gate may answer",
    "local": "any local deployment that passes every gate may answer",
}
_DONE = {
    "block": "the request is stopped",
    "redact": "it is taken out of the text",
    "flag": "the request is flagged and goes on",
}
_RECOVERY = {
    "error": "a stream that breaks off ends with an error",
    "buffer": "the answer is held until it is whole, so another candidate can begin again",
    "continue": "another candidate goes on where a stream broke off",
}

Entry = Mapping[str, Any]


def when_words(entry: Entry) -> str:
    """`Task is chat and plan is free`."""
    return sentence(entry.get("when", {}))


def route_words(entry: Entry) -> str:
    """`Ask openai/small, then local/mini; fall back to anthropic/strong`."""
    slugs = candidates(entry)
    how = _ASKED[entry["strategy"]].format(
        first=slugs[0],
        then="".join(f", then {slug}" for slug in slugs[1:]),
        all=all_of(slugs),
        weights=all_of([f"{slug} {part}" for slug, part in _parts(entry)]),
    )
    fallback = entry.get("fallback", [])
    behind = f"; fall back to {', then '.join(fallback)}" if fallback else ""
    return how[:1].upper() + how[1:] + behind


def sentence_of_route(entry: Entry) -> str:
    """The whole of it: `When task is chat: ask openai/small, then local/mini`."""
    said = when_words(entry)
    begin = "For every request" if said == "Every request" else f"When {lowered(said)}"
    return f"{begin}: {lowered(route_words(entry))}."


def recovery_words(entry: Entry) -> str:
    return _RECOVERY[entry.get("stream_recovery", "error")]


def gate_words(entry: Entry) -> str:
    """`Only where region is eu; if that leaves nobody, the request is blocked`."""
    demands = [
        f"{word} where {joined([_demand(*one) for one in entry[part].items()])}"
        for part, word, joined in (("require", "only", all_of), ("forbid", "never", any_of))
        if entry.get(part)
    ]
    said = all_of(demands)
    end = _OTHERWISE[entry.get("otherwise", "block")]
    return f"{said[:1].upper()}{said[1:]}; if that leaves nobody, {end}"


def check_words(entry: Entry) -> str:
    """`Looks for secrets or "Initech"; if found, the request is stopped`."""
    return (
        f"Looks for {any_of([_pattern(one) for one in entry['match']])}; if found, "
        + _DONE[entry["do"]]
    )


def candidates(entry: Entry) -> list[str]:
    """The candidates' deployments, in order."""
    return [one if isinstance(one, str) else one["deployment"] for one in entry["candidates"]]


def shadowed_by(entries: Sequence[Entry]) -> dict[str, str]:
    """Routes which no request can reach, each with the earlier one that takes all of theirs."""
    found: dict[str, str] = {}
    for place, late in enumerate(entries):
        for early in entries[:place]:
            if _covers(early.get("when", {}), late.get("when", {})):
                found[late["slug"]] = early["slug"]
                break
    return found


def _covers(wide: Entry, narrow: Entry) -> bool:
    """Whether every request for which `narrow` holds fulfils `wide`, as far as words can tell."""
    return all(
        name in narrow and set(_listed(narrow[name])) <= set(_listed(values))
        for name, values in wide.items()
    )


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _parts(entry: Entry) -> list[tuple[str, int]]:
    return [
        (one, 1) if isinstance(one, str) else (one["deployment"], one["weight"])
        for one in entry["candidates"]
    ]


def _spoken(value: Any) -> str:
    return any_of(
        [str(one).lower() if isinstance(one, bool) else str(one) for one in _listed(value)]
    )


def _demand(name: str, value: Any) -> str:
    """`the provider's dpa signed is true`"""
    owner, _, attribute = name.partition(".")
    what = f"the {owner}'s {attribute.replace('_', ' ')}" if attribute else name
    return f"{what} is {_spoken(value)}"


def _pattern(pattern: str) -> str:
    if pattern in ("secrets", "personal_data"):
        return pattern.replace("_", " ")
    expression = pattern.removeprefix("re:")
    return f"“{pattern}”" if expression == pattern else f"/{expression}/"
