"""A deployment's place on a route, and how long one request's input would be there."""

from msgspec import Struct

from routerctl.engine.case import Case, estimated_tokens
from routerctl.engine.limits import ResolvedLimits, resolve
from routerctl.engine.specs import DeploymentSpec, RouteSpec
from routerctl.engine.types import Reason


class Place(Struct, frozen=True):
    """What a route's limits, prompt and order make of a deployment. `prompt_bytes` is the
    route's own system text, which goes before what the client sent."""

    slug: str
    deployment: DeploymentSpec
    capabilities: frozenset[str]
    embeds_only: bool
    off: Reason | None
    """The rejection of a deployment that is switched off."""
    limits: ResolvedLimits
    quality: dict[str, int]
    """Thousandths by task type; `default_quality` stands for the rest, None if none is stated."""
    default_quality: int | None
    prompt_bytes: int
    prompt_tokens: int
    weight: int = 1
    fallback: bool = False
    ranked_by_speed: bool = False
    """The caller's latency limit turns it away when it was slower of late."""


def place_on(
    route: RouteSpec,
    deployment: DeploymentSpec,
    prompt: str | None,
    *,
    weight: int = 1,
    fallback: bool = False,
) -> Place:
    """`deployment` as `route` would call it, with `prompt` before the messages."""
    slug = deployment.slug
    prompt_bytes = len(prompt.encode()) if prompt else 0
    return Place(
        slug=slug,
        deployment=deployment,
        capabilities=frozenset(deployment.capabilities),
        embeds_only=deployment.capabilities == ("embeddings",),
        off=None if deployment.enabled else Reason("disabled", f"{slug} is switched off."),
        limits=resolve(route.limits, deployment),
        quality=deployment.quality,
        default_quality=deployment.quality.get("default"),
        prompt_bytes=prompt_bytes,
        prompt_tokens=estimated_tokens(prompt_bytes),
        weight=weight,
        fallback=fallback,
        ranked_by_speed=route.strategy == "fastest" and not fallback,
    )


def estimated_input(place: Place, case: Case) -> int:
    """The tokens which the input usually is there: for ranking and the window."""
    images = case.request.images
    tokens = case.input_tokens + place.prompt_tokens
    return tokens + images * place.deployment.overhead.per_image if images else tokens


def input_bound(place: Place, case: Case) -> int:
    """The most tokens which the input can be there: one per UTF-8 byte, and what the vendor
    adds for messages, images and tools. What is held covers this."""
    request, overhead = case.request, place.deployment.overhead
    bound = request.text_bytes + request.messages * overhead.per_message
    if place.prompt_bytes:
        bound += place.prompt_bytes + overhead.per_message
    if request.images:
        bound += request.images * overhead.per_image
    if "tools" in case.needs:
        bound += overhead.with_tools
    return bound
