"""A revision: all that can change a decision, hashed, compiled once and never changed.

Whatever does not depend on the request is worked out here, so that a decision only has to look:
conditions become closures, gates become verdicts, each place on a route knows its limits.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from msgspec import UNSET

from routerctl.engine.caps import CapIndex, compile_caps
from routerctl.engine.conditions import Test
from routerctl.engine.gates import Gate, compile_gate
from routerctl.engine.place import Place, place_on
from routerctl.engine.rate_limits import RateLimits, compile_rate_limits
from routerctl.engine.specs import (
    CheckSpec,
    DeploymentSpec,
    FeatureSpec,
    FlagSpec,
    ProviderSpec,
    RevisionDocument,
    RouteSpec,
    When,
)
from routerctl.engine.strategies import STRATEGIES, Strategy
from routerctl.engine.types import GateOutcome
from routerctl.engine.when import compile_when, flags_of, sentence, text_patterns


class Route(msgspec.Struct, frozen=True):
    """A compiled route. `outcomes` says of each gate whom it turns away here."""

    slug: str
    spec: RouteSpec
    applies: Test
    rule: str
    strategy: Strategy
    places: tuple[Place, ...]
    outcomes: dict[str, GateOutcome]


class Check(msgspec.Struct, frozen=True):
    """A compiled check; what it matches is the reader's affair."""

    slug: str
    spec: CheckSpec
    applies: Test


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Revision:
    """The compiled form of one document. Compared and hashed by identity."""

    hash: str
    document: RevisionDocument
    tasks: tuple[str, ...]
    plans: tuple[str, ...]
    features: dict[str, FeatureSpec]
    prompts: dict[str, str]
    flags: dict[str, FlagSpec]
    flags_in_conditions: tuple[FlagSpec, ...]
    checks: tuple[Check, ...]
    gates: tuple[Gate, ...]
    routes: tuple[Route, ...]
    providers: dict[str, ProviderSpec]
    deployments: dict[str, DeploymentSpec]
    caps: CapIndex
    rate_limits: RateLimits
    patterns: tuple[str, ...]
    """Every distinct text pattern of a condition."""


def content_hash(document: RevisionDocument) -> str:
    """SHA-256, in hex, over the document as canonical JSON (sorted keys, no spaces)."""
    return hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()


def compile_revision(document: RevisionDocument) -> Revision:
    """The revision that decides as `document` says.

    Raises KeyError for a name that is not defined and ValueError for a condition that cannot be
    read; applying a configuration has told about both before.
    """
    providers = {provider.slug: provider for provider in document.providers}
    deployments = {deployment.slug: deployment for deployment in document.deployments}
    prompts = {prompt.slug: prompt.system for prompt in document.prompts}
    gates = tuple(compile_gate(gate, document.deployments, providers) for gate in document.gates)
    whens = tuple(_whens(document))
    looked_at = {slug for when in whens for slug in flags_of(when)}
    return Revision(
        hash=content_hash(document),
        document=document,
        tasks=document.tasks,
        plans=document.plans,
        features={feature.slug: feature for feature in document.features},
        prompts=prompts,
        flags={flag.slug: flag for flag in document.flags},
        flags_in_conditions=tuple(flag for flag in document.flags if flag.slug in looked_at),
        checks=tuple(Check(spec.slug, spec, compile_when(spec.when)) for spec in document.checks),
        gates=gates,
        routes=tuple(_compile_route(spec, deployments, prompts, gates) for spec in document.routes),
        providers=providers,
        deployments=deployments,
        caps=compile_caps(document.caps),
        rate_limits=compile_rate_limits(
            () if document.rate_limits is UNSET else document.rate_limits
        ),
        patterns=tuple(dict.fromkeys(p for when in whens for p in text_patterns(when))),
    )


def _compile_route(
    spec: RouteSpec,
    deployments: dict[str, DeploymentSpec],
    prompts: dict[str, str],
    gates: tuple[Gate, ...],
) -> Route:
    prompt = prompts[spec.prompt] if spec.prompt is not None else None
    places: dict[str, Place] = {}
    for candidate in spec.candidates:
        deployment = deployments[candidate.deployment]
        places.setdefault(
            deployment.slug, place_on(spec, deployment, prompt, weight=candidate.weight)
        )
    for slug in spec.fallback:
        places.setdefault(slug, place_on(spec, deployments[slug], prompt, fallback=True))
    return Route(
        slug=spec.slug,
        spec=spec,
        applies=compile_when(spec.when),
        rule=sentence(spec.when),
        strategy=STRATEGIES[spec.strategy],
        places=tuple(places.values()),
        outcomes={
            gate.slug: GateOutcome(gate.slug, tuple(s for s in places if s in gate.rejects))
            for gate in gates
        },
    )


def _whens(document: RevisionDocument) -> Iterator[When]:
    yield from (route.when for route in document.routes)
    yield from (gate.when for gate in document.gates)
    yield from (check.when for check in document.checks)
