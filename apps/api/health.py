"""GET /api/v1/deployments/{slug}/health: how a deployment does, as far as this process knows."""

import time
from datetime import UTC, datetime

from drf_spectacular.utils import extend_schema
from msgspec import Struct
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.door import ControlView
from apps.api.schema import answers
from apps.policies.compiled import current_revision
from apps.policies.dry_run import known_health
from routerctl.engine.types import DeploymentHealth


class HealthAnswer(Struct, frozen=True):
    """`state` is available, limiting (asked only after all others), resting (left alone after
    failures, for `reason`), trying (it rested long enough; the next request that wants it tries
    it), disabled, or unknown: this process has not called it. `since` and `until` are of its rest
    or its limit. Latencies are moving averages; `samples` counts the calls."""

    deployment: str
    provider: str
    model: str
    state: str
    reason: str = ""
    samples: int = 0
    latency_ms: int | None = None
    first_token_ms: int | None = None
    error_permille: int | None = None
    since: datetime | None = None
    until: datetime | None = None


class HealthView(ControlView):
    """How a deployment does, as far as the process that answers knows: each learns from its own
    calls. Needs a key of scope `read`."""

    scope = "read"

    @extend_schema(
        operation_id="deployment_health",
        summary="How a deployment does, as far as this process knows",
        responses=answers(HealthAnswer, 401, 403, 404, 503),
    )
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002  # the framework's signature
        deployment = current_revision().deployments.get(slug)
        if deployment is None:
            raise NotFound(f"There is no deployment {slug} here.")
        health = known_health(time.time_ns() // 1_000_000).get(slug)
        answer = HealthAnswer(
            slug, deployment.provider, deployment.model, _state(deployment.enabled, health)
        )
        return Response(answer if health is None else _told(answer, health))


def _state(enabled: bool, health: DeploymentHealth | None) -> str:
    if not enabled:
        return "disabled"
    if health is None:
        return "unknown"
    if not health.available:
        return "resting"
    if health.since_ms is not None:
        return "trying"
    return "limiting" if health.saturated else "available"


def _told(answer: HealthAnswer, health: DeploymentHealth) -> HealthAnswer:
    return HealthAnswer(
        *(answer.deployment, answer.provider, answer.model, answer.state),
        reason=health.reason,
        samples=health.samples,
        latency_ms=health.latency_ms,
        first_token_ms=health.first_token_ms,
        error_permille=health.error_permille,
        since=_moment(health.since_ms),
        until=_moment(health.until_ms),
    )


def _moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC)
