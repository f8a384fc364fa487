"""The bounds of one attempt: the contract's defaults, under the route's, under the deployment's."""

from msgspec import Struct

from routerctl.engine.specs import DeploymentSpec, Limits

ATTEMPTS = 3
CONNECT_MS = 3_000
FIRST_TOKEN_MS = 10_000
STALL_MS = 20_000
TOTAL_MS = 120_000
MAX_OUTPUT_TOKENS = 4_096


class ResolvedLimits(Struct, frozen=True):
    """Limits with every gap filled. `max_input_tokens` never exceeds the context window and
    `max_output_tokens` never what the deployment can write."""

    attempts: int
    connect_ms: int
    first_token_ms: int
    stall_ms: int
    total_ms: int
    max_input_tokens: int
    max_output_tokens: int
    first_token_stated: bool = False
    """Somebody wrote `first_token_ms`: then it also bounds the wait of answers not streamed."""


def resolve(route_limits: Limits, deployment: DeploymentSpec) -> ResolvedLimits:
    """The limits that hold when a route calls `deployment`. What the deployment states wins
    over the route: a reasoning model may need longer than its route's others."""
    own = deployment.limits

    def stated(name: str) -> int | None:
        value: int | None = getattr(own, name)
        return getattr(route_limits, name) if value is None else value

    def limit(name: str, default: int) -> int:
        value = stated(name)
        return default if value is None else value

    writes = deployment.max_output_tokens
    return ResolvedLimits(
        attempts=limit("attempts", ATTEMPTS),
        connect_ms=limit("connect_ms", CONNECT_MS),
        first_token_ms=limit("first_token_ms", FIRST_TOKEN_MS),
        stall_ms=limit("stall_ms", STALL_MS),
        total_ms=limit("total_ms", TOTAL_MS),
        max_input_tokens=min(
            limit("max_input_tokens", deployment.context_window), deployment.context_window
        ),
        max_output_tokens=min(limit("max_output_tokens", MAX_OUTPUT_TOKENS), writes),
        first_token_stated=stated("first_token_ms") is not None,
    )
