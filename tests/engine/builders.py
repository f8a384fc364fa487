"""Builders for the engine's tests: a test names what matters to it, the rest is ordinary."""

from typing import Any

from routerctl.engine.case import Case
from routerctl.engine.classify import classify
from routerctl.engine.decide import decide
from routerctl.engine.prices import PriceSpec
from routerctl.engine.revision import Revision, compile_revision
from routerctl.engine.specs import (
    CandidateSpec,
    DeploymentSpec,
    FeatureSpec,
    FlagSpec,
    GateSpec,
    ProviderSpec,
    RevisionDocument,
    RouteSpec,
)
from routerctl.engine.types import (
    Candidate,
    Decision,
    DeploymentHealth,
    Facts,
    RoutingRequest,
    TextReading,
)

NOW_MS = 1_800_000_000_000


def price(input_usd: float = 1, output_usd: float = 4, **others: Any) -> PriceSpec:
    """USD per million tokens, in force since ever."""
    return PriceSpec(
        id=others.pop("id", 1),
        starts_at_ms=others.pop("starts_at_ms", 0),
        input_nano_usd_per_mtok=round(input_usd * 1_000_000_000),
        output_nano_usd_per_mtok=round(output_usd * 1_000_000_000),
        **others,
    )


def deployment(slug: str, provider: str = "acme", **changes: Any) -> DeploymentSpec:
    given: dict[str, Any] = {
        "model": "model-1",
        "region": "us",
        "context_window": 128_000,
        "max_output_tokens": 8_000,
        "capabilities": ("streaming", "tools", "schema", "images"),
        "quality": {"default": 700},
        "prices": (price(),),
    }
    return DeploymentSpec(slug=slug, provider=provider, **(given | changes))


def provider(slug: str = "acme", *, local: bool = False, **attributes: bool | str) -> ProviderSpec:
    return ProviderSpec(slug, "openai", "https://api.example.com", attributes, local)


def route(*candidates: str | CandidateSpec, slug: str = "main", **changes: Any) -> RouteSpec:
    places = tuple(CandidateSpec(c) if isinstance(c, str) else c for c in candidates)
    given: dict[str, Any] = {"when": {}, "strategy": "priority"}
    return RouteSpec(slug=slug, candidates=places, **(given | changes))


def gate(slug: str = "gate", **changes: Any) -> GateSpec:
    given: dict[str, Any] = {"when": {}}
    return GateSpec(slug=slug, **(given | changes))


def revision(
    *routes: RouteSpec,
    deployments: tuple[DeploymentSpec, ...] = (),
    providers: tuple[ProviderSpec, ...] = (provider(),),
    gates: tuple[GateSpec, ...] = (),
    **others: Any,
) -> Revision:
    """A revision of these routes; deployments that are only named are ordinary ones."""
    known = {d.slug for d in deployments}
    named = dict.fromkeys(
        slug
        for r in routes
        for slug in (*(c.deployment for c in r.candidates), *r.fallback)
        if slug not in known
    )
    given: dict[str, Any] = {
        "tasks": ("chat", "summary", "coding"),
        "plans": ("free", "pro"),
        "features": (FeatureSpec("support"), FeatureSpec("search", quality_floor=800)),
    }
    return compile_revision(
        RevisionDocument(
            routes=routes,
            deployments=(*deployments, *(deployment(slug) for slug in named)),
            providers=providers,
            gates=gates,
            **(given | others),
        )
    )


def request(**changes: Any) -> RoutingRequest:
    given: dict[str, Any] = {"text_bytes": 400, "draw": "trace-1"}
    return RoutingRequest(**(given | changes))


def ask(
    revised: Revision,
    reading: TextReading | None = None,
    health: dict[str, DeploymentHealth] | None = None,
    moment_ms: int = NOW_MS,
    balances: dict[str, int] | None = None,
    **changes: Any,
) -> Decision:
    """The decision on a request with these `changes`."""
    facts = Facts(moment_ms, health or {}, balances or {})
    return decide(request(**changes), reading or TextReading(), revised, facts)


def case(
    reading: TextReading | None = None, flags: tuple[FlagSpec, ...] = (), **changes: Any
) -> Case:
    """A classified request, as conditions see it; every flag is looked at."""
    routes = tuple(route(slug=f"r-{flag.slug}", when={"flag": flag.slug}) for flag in flags)
    return classify(
        request(**changes), reading or TextReading(), revision(*routes, flags=flags), NOW_MS
    )


def chain(decision: Decision) -> list[str]:
    """The deployments to try, in order."""
    return [step.deployment for step in decision.steps]


def candidate(decision: Decision, slug: str) -> Candidate:
    return next(one for one in decision.candidates if one.deployment == slug)


def codes(decision: Decision, slug: str) -> list[str]:
    """The reason codes of one candidate."""
    return [reason.code for reason in candidate(decision, slug).reasons]
