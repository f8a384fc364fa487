"""POST /api/v1/route: what would be decided for this request, now. Calls nobody, spends nothing."""

from drf_spectacular.utils import extend_schema
from msgspec import Struct
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import bodies
from apps.api.door import ControlView
from apps.api.schema import answers, asks
from apps.ledger.ids import trace_id
from apps.policies.compiled import current_revision, vocabulary
from apps.policies.dry_run import dry_run, first_choice, read_call
from apps.traces.public import ConsideredDeployment
from routerctl.engine.revision import Revision
from routerctl.engine.types import CapUse, Decision, GateOutcome, Refusal, Step
from routerctl.wire import native
from routerctl.wire.native.request import GenerateBody
from routerctl.wire.types import KeyFacts

_NANO_PER_USD = 1_000_000_000


class CallableDeployment(Struct, frozen=True):
    """`model` is the vendor's id."""

    provider: str
    deployment: str
    model: str


class RouteAnswer(Struct, frozen=True):
    """The decision. With a `refusal` nobody is chosen, and `candidates` says why of each.

    `estimated_cost_usd` is a decimal string, null without a price in force. `caps` are those which
    would count the request: how full each window is, and which actions are due.
    """

    revision: str
    task: str
    route: str | None
    chosen: CallableDeployment | None
    fallback_chain: tuple[CallableDeployment, ...]
    estimated_cost_usd: str | None
    candidates: tuple[ConsideredDeployment, ...]
    gates: tuple[GateOutcome, ...]
    caps: tuple[CapUse, ...]
    reason: str
    refusal: Refusal | None


class DecideView(ControlView):
    """What would be decided for this request now. Takes what `POST /v1/generate` takes; calls
    nobody and spends nothing. Needs a key of scope `decide`, which sees every candidate whatever
    else it discloses."""

    scope = "decide"

    @extend_schema(
        operation_id="decide",
        summary="Decide without calling anybody",
        request=asks(GenerateBody),
        responses=answers(RouteAnswer, 400, 401, 403, 413, 503),
    )
    def post(self, request: Request) -> Response:
        revision = current_revision()
        decision = _decide(bodies.read(request), request, self.key, revision)
        return Response(_answer(decision, revision))


def _decide(body: bytes, request: Request, key: KeyFacts, revision: Revision) -> Decision:
    headers = {name.lower(): value for name, value in request.headers.items()}
    call = native.parse(body, headers, key, vocabulary(revision), trace_id())
    return dry_run(call.request, read_call(call, revision), revision)


def _answer(decision: Decision, revision: Revision) -> RouteAnswer:
    chain = tuple(_named(step, revision) for step in decision.steps)
    refused = decision.refusal
    return RouteAnswer(
        revision=decision.revision,
        task=decision.task,
        route=decision.route,
        chosen=chain[0] if chain else None,
        fallback_chain=chain[1:],
        estimated_cost_usd=_estimate(decision),
        candidates=tuple(map(ConsideredDeployment.of, decision.candidates)),
        gates=decision.gates,
        caps=decision.caps,
        reason=decision.reason if refused is None else refused.message,
        refusal=refused,
    )


def _named(step: Step, revision: Revision) -> CallableDeployment:
    deployment = revision.deployments[step.deployment]
    return CallableDeployment(deployment.provider, deployment.slug, deployment.model)


def _estimate(decision: Decision) -> str | None:
    """What the choice is expected to cost: exact, in USD."""
    choice = first_choice(decision)
    if choice is None or choice.estimated_nano_usd is None:
        return None
    dollars, rest = divmod(choice.estimated_nano_usd, _NANO_PER_USD)
    return f"{dollars}.{rest:09d}"
