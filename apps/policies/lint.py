"""What is allowed in a configuration and probably not meant: a pure function of the file.

`lint` takes entries that the schema has accepted and returns findings as they stand in the file.
Nothing here refuses anything. A finding is said only where the file alone proves it: a condition
whose meaning depends on the request's text is never assumed to hold or to fail.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.policies.schema import File, parse
from apps.policies.schema.policy import GateEntry, RouteEntry
from apps.policies.yaml12 import Path, read, spoken
from routerctl.engine.gates import compile_gate
from routerctl.engine.sentences import all_of
from routerctl.engine.specs import DeploymentSpec, GateSpec, ProviderSpec

MOST_ROUTES = 50
"""More routes than this nobody reads from top to bottom, which is how they are matched."""

_Place = tuple[Path, str, str]
"""Where, which code, which sentence."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One probable mistake. `path` is like `routes[2].when`; `line` is None without a text."""

    code: str
    severity: str
    sentence: str
    path: str
    line: int | None = None

    def __str__(self) -> str:
        line = f" (line {self.line})" if self.line else ""
        return f"{self.severity}: {self.path}: {self.sentence} [{self.code}]{line}"


def lint_text(text: bytes, stored_secrets: Mapping[str, str] | None = None) -> list[Finding]:
    """The findings of the file `text`, with their lines. Raises `schema.BadConfiguration`."""
    file = parse(text, stored_secrets)
    line_of = read(text).line_of
    found = [
        Finding(code, SEVERITIES[code], sentence, spoken(path), line_of(path))
        for path, code, sentence in _all(file)
    ]
    return sorted(found, key=lambda finding: finding.line or 0)


def lint(file: File) -> list[Finding]:
    """The findings of checked entries, without lines."""
    return [Finding(c, SEVERITIES[c], sentence, spoken(path)) for path, c, sentence in _all(file)]


def _all(file: File) -> Iterator[_Place]:
    for rule in RULES:
        yield from rule(file)


def _hidden_routes(file: File) -> Iterator[_Place]:
    earlier: list[RouteEntry] = []
    for i, route in enumerate(file.routes):
        by = next((e for e in earlier if _covers(e.when, route.when)), None)
        if by is not None:
            code = "route_shadowed" if by.when else "route_unreachable"
            said = f"{route.slug} is never reached: {by.slug} comes first and takes all it would"
            yield ("routes", i), code, said
        earlier.append(route)


def _covers(wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
    """Whether every request that meets `narrow` certainly meets `wide`."""
    return all(
        key in narrow and (narrow[key] == value or _is_within(_words(narrow[key]), _words(value)))
        for key, value in wide.items()
    )


def _is_within(narrow: frozenset[str] | None, wide: frozenset[str] | None) -> bool:
    return narrow is not None and wide is not None and narrow <= wide


def _words(value: Any) -> frozenset[str] | None:
    """The words of which any will do; None where `value` is something else."""
    values = list(value) if isinstance(value, list | tuple) else [value]
    return frozenset(values) if values and all(isinstance(v, str) for v in values) else None


_ONE_VALUED = (
    "task", "feature", "plan", "tenant", "app", "sensitivity", "residency", "latency_class",
)  # fmt: skip
"""A request has one of each, so two conditions with no word in common exclude each other."""


def _exclude(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    for key in _ONE_VALUED:
        mine, theirs = _words(one.get(key)), _words(other.get(key))
        if mine is not None and theirs is not None and not mine & theirs:
            return True
    return False


def _gates(file: File) -> Iterator[_Place]:
    enabled = {d.slug for d in file.deployments if d.enabled}
    for i, gate in enumerate(file.gates):
        turned_away = _turned_away(gate, file)
        if enabled and enabled <= turned_away:
            said = f"no deployment satisfies {gate.slug}"
            yield ("gates", i), "gate_unsatisfiable", said
        elif gate.otherwise == "block":
            yield from _emptied(gate, turned_away, file)


def _emptied(gate: GateEntry, turned_away: set[str], file: File) -> Iterator[_Place]:
    for i, route in enumerate(file.routes):
        if turned_away.issuperset(_chain(route)) and not _exclude(route.when, gate.when):
            when = all_of([f"{key} is {_told(value)}" for key, value in gate.when.items()])
            said = f"{route.slug} has nobody left when {when}: gate {gate.slug} rejects its chain"
            yield ("routes", i, "candidates"), "route_emptied_by_gate", said


def _told(value: Any) -> str:
    return " or ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _turned_away(gate: GateEntry, file: File) -> set[str]:
    """The deployments that `gate` rejects, as the engine says."""
    providers = {
        p.slug: ProviderSpec(p.slug, p.adapter, p.base_url, p.attributes) for p in file.providers
    }
    deployments = [
        DeploymentSpec(d.slug, d.provider, d.model, d.region, d.context_window,
                       d.max_output_tokens, tuple(d.capabilities))
        for d in file.deployments
    ]  # fmt: skip
    spec = GateSpec(gate.slug, {}, _tuples(gate.require), _tuples(gate.forbid))
    return set(compile_gate(spec, deployments, providers).rejects)


def _tuples(demands: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in demands.items()}


def _chain(route: RouteEntry) -> list[str]:
    return [*(candidate.deployment for candidate in route.candidates), *route.fallback]


def _one_provider(file: File) -> Iterator[_Place]:
    provider_of = {d.slug: d.provider for d in file.deployments}
    for i, route in enumerate(file.routes):
        providers = {provider_of[slug] for slug in _chain(route)}
        if len(providers) == 1 and len(file.providers) > 1:
            said = f"all of {route.slug} is {providers.pop()}, and fails when that provider does"
            yield ("routes", i, "candidates"), "chain_of_one_provider", said


def _unpriced(file: File) -> Iterator[_Place]:
    for i, deployment in enumerate(file.deployments):
        if deployment.enabled and not deployment.prices:
            said = f"{deployment.slug} has no price, so no cap in USD lets it be called"
            yield ("deployments", i), "price_missing", said


def _unused(file: File) -> Iterator[_Place]:
    whens = [
        *(check.when for check in file.checks),
        *(gate.when for gate in file.gates),
        *(route.when for route in file.routes),
    ]
    flags = {word for when in whens for word in _words(when.get("flag")) or ()}
    for i, flag in enumerate(file.flags):
        if flag.enabled and flag.slug not in flags:
            yield ("flags", i), "flag_unused", f"{flag.slug} is on, and no condition asks for it"
    prompts = {route.prompt for route in file.routes}
    for i, prompt in enumerate(file.prompts):
        if prompt.slug not in prompts:
            yield ("prompts", i), "prompt_unused", f"no route uses the prompt {prompt.slug}"


def _too_many(file: File) -> Iterator[_Place]:
    if len(file.routes) > MOST_ROUTES:
        said = f"{len(file.routes)} routes are more than a reader can hold ({MOST_ROUTES})"
        yield ("routes",), "too_many_routes", said


SEVERITIES = {
    "route_unreachable": "error",
    "route_shadowed": "error",
    "gate_unsatisfiable": "error",
    "route_emptied_by_gate": "warning",
    "chain_of_one_provider": "warning",
    "price_missing": "warning",
    "flag_unused": "notice",
    "prompt_unused": "notice",
    "too_many_routes": "notice",
}
RULES = (_hidden_routes, _gates, _one_provider, _unpriced, _unused, _too_many)
