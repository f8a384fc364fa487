"""Vocabulary, flags, checks, gates and routes, as the file writes them."""

from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from apps.policies.models import CHECK_ACTIONS, ON_REFUSAL, STICKY_BY, STREAM_RECOVERIES
from apps.policies.schema.catalog import DeploymentLimits
from apps.policies.schema.fields import (
    Distinct,
    Entry,
    Share,
    Weight,
    When,
    one_of,
    repeats,
)
from apps.policies.schema.names import (
    DeploymentSlug,
    PromptSlug,
    Slug,
    names_in,
    refuse,
    refuse_all,
)
from apps.policies.yaml12 import Path
from routerctl.engine.flags import SUBJECTS
from routerctl.engine.gates import OTHERWISE, demand_problems
from routerctl.engine.strategies import DIMENSIONS, STRATEGIES
from routerctl.redaction.patterns import problem


class FeatureEntry(Entry):
    slug: Slug
    owner: Annotated[str, Field(max_length=200)] = ""
    quality_floor: Share = 0


class PromptEntry(Entry):
    slug: Slug
    system: Annotated[str, Field(min_length=1, max_length=200_000)]


class FlagEntry(Entry):
    """`percent` left out: everybody, once the flag is enabled."""

    slug: Slug
    enabled: bool = False
    percent: Annotated[int, Field(ge=0, le=100)] = 100
    sticky_by: Annotated[str, one_of(SUBJECTS, "subject of a flag")] = "tenant"


# --------------------------------------------------------------------------- checks and gates


def _pattern(pattern: str) -> str:
    wrong = problem(pattern)
    if wrong:
        raise refuse(wrong)
    return pattern


Pattern = Annotated[str, AfterValidator(_pattern)]


class CheckEntry(Entry):
    """`match`: `secrets`, `personal_data`, phrases and `re:` patterns."""

    slug: Slug
    when: When = {}
    match: Annotated[list[Pattern], Field(min_length=1), Distinct]
    do: Annotated[str, one_of(CHECK_ACTIONS, "action of a check")]


def _demands(demands: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    found: list[tuple[Path, str]] = [
        ((path.removeprefix("."),), message) for path, message in demand_problems(demands, "")
    ]
    for name, demand in demands.items():
        found.extend(((name,), wrong) for wrong in _value_problems(name, demand, info))
    refuse_all(found, demands)
    return demands


def _value_problems(name: str, demand: Any, info: ValidationInfo) -> Iterator[str]:
    values = demand if isinstance(demand, list) else [demand]
    of_provider = name.startswith("provider.")
    if not values or not all(_is_demand(value, of_provider) for value in values):
        truth = "true, false, " if of_provider else ""
        yield f"must be {truth}a word or a list of them"
    elif name == "deployment":
        known = names_in(info).slugs["deployments"]
        yield from (f"there is no deployment {slug}" for slug in values if slug not in known)


def _is_demand(value: Any, of_provider: bool) -> bool:
    return (isinstance(value, str) and value != "") or (of_provider and isinstance(value, bool))


def _forbidden(forbid: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    """A misspelt attribute in `require` turns everybody away and is noticed; in `forbid` it would
    let everybody pass."""
    stated = names_in(info).provider_attributes
    names = (name for name in forbid if name.startswith("provider."))
    unstated = (name for name in names if name.removeprefix("provider.") not in stated)
    refuse_all(
        (((name,), "no provider states this attribute: nothing is forbidden") for name in unstated),
        forbid,
    )
    return forbid


Demands = Annotated[dict[str, Any], AfterValidator(_demands)]


class GateEntry(Entry):
    slug: Slug
    when: When = {}
    require: Demands = {}
    forbid: Annotated[Demands, AfterValidator(_forbidden)] = {}
    otherwise: Annotated[str, one_of(OTHERWISE, "way out of a gate")] = "block"

    @model_validator(mode="after")
    def _demands_something(self) -> Self:
        if not self.require and not self.forbid:
            raise refuse("a gate needs require or forbid")
        return self


# --------------------------------------------------------------------------- routes


class CandidateEntry(Entry):
    deployment: DeploymentSlug
    weight: Annotated[int, Field(ge=0, le=1_000_000)] = 1


def _candidate(value: Any) -> Any:
    return {"deployment": value} if isinstance(value, str) else value


def _one_place_each(candidates: list[CandidateEntry]) -> list[CandidateEntry]:
    twice = repeats(candidate.deployment for candidate in candidates)
    refuse_all((((i,), "stands here twice") for i in twice), candidates)
    return candidates


class RouteLimits(DeploymentLimits):
    attempts: Annotated[int, Field(ge=1, le=20)] | None = None


class RouteEntry(Entry):
    slug: Slug
    when: When = {}
    strategy: Annotated[str, one_of(STRATEGIES, "strategy")]
    candidates: Annotated[
        list[Annotated[CandidateEntry, BeforeValidator(_candidate)]],
        Field(min_length=1),
        AfterValidator(_one_place_each),
    ]
    fallback: Annotated[list[DeploymentSlug], Distinct] = []
    prompt: PromptSlug | None = None
    weights: dict[Annotated[str, one_of(DIMENSIONS, "dimension of a score")], Weight] = {}
    quality_floor: Share = 0
    stream_recovery: Annotated[str, one_of(STREAM_RECOVERIES, "stream recovery")] = "error"
    on_refusal: Annotated[str, one_of(ON_REFUSAL, "way to take a refusal")] = "stop"
    sticky_by: Annotated[str, one_of(STICKY_BY, "subject of a route")] | None = None
    limits: RouteLimits = RouteLimits()
    enabled: bool = True

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        refuse_all(self._disagreements(), self.slug)
        return self

    def _disagreements(self) -> Iterator[tuple[Path, str]]:
        candidates = {candidate.deployment for candidate in self.candidates}
        for index, slug in enumerate(self.fallback):
            if slug in candidates:
                yield ("fallback", index), f"{slug} is a candidate already"
        if self.strategy == "weighted" and not any(c.weight for c in self.candidates):
            yield ("candidates",), "at least one candidate needs a weight"
        if self.sticky_by and self.strategy != "weighted":
            yield ("sticky_by",), "only the strategy weighted draws for somebody"
        if self.weights and self.strategy != "score":
            yield ("weights",), "only the strategy score has weights"
        elif self.weights and not any(self.weights.values()):
            yield ("weights",), "at least one weight must be more than 0"
