"""What holds for every configuration and request: nobody is lost, nothing is by chance, and no
path leaves the gates."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from routerctl.engine import record
from routerctl.engine.decide import decide
from routerctl.engine.gates import OTHERWISE
from routerctl.engine.prices import PriceSpec
from routerctl.engine.record import DecisionRecord, decide_again
from routerctl.engine.revision import Revision, compile_revision
from routerctl.engine.specs import (
    CandidateSpec,
    DeploymentSpec,
    FeatureSpec,
    FlagSpec,
    GateSpec,
    Limits,
    ProviderSpec,
    RevisionDocument,
    RouteSpec,
)
from routerctl.engine.strategies import STRATEGIES
from routerctl.engine.types import (
    Decision,
    DeploymentHealth,
    Facts,
    RoutingRequest,
    Sensitivity,
    TextReading,
)

SLUGS = ("d0", "d1", "d2", "d3", "d4")
REGIONS = ("eu", "us")

some = st.sampled_from


def _numbered(specs: list[Any]) -> list[Any]:
    return [replace(spec, slug=f"{spec.slug}{n}") for n, spec in enumerate(specs)]


CONDITIONS: dict[str, st.SearchStrategy[Any]] = {
    "sensitivity": some(["pii", ("pii", "regulated")]),
    "plan": some(["free", "pro"]),
    "residency": some(REGIONS),
    "flag": st.just("beta"),
    "has": some(["tools", "code"]),
    "text_matches": st.just("refund"),
    "input_tokens": some([">100", "<=100"]),
}
DEMANDS: dict[str, st.SearchStrategy[Any]] = {
    "provider.dpa": st.booleans(),
    "region": some(REGIONS),
    "deployment": st.lists(some(SLUGS), min_size=1, max_size=3).map(tuple),
    "capability": some(["tools", "streaming"]),
}


def _some_of(
    choices: dict[str, st.SearchStrategy[Any]], most: int
) -> st.SearchStrategy[dict[str, Any]]:
    names = st.lists(some(sorted(choices)), unique=True, max_size=most)
    return names.flatmap(lambda n: st.fixed_dictionaries({name: choices[name] for name in n}))


whens = _some_of(CONDITIONS, 2)
demands = _some_of(DEMANDS, 2)
providers = st.tuples(
    *(
        st.builds(
            ProviderSpec,
            slug=st.just(slug),
            adapter=st.just("openai"),
            base_url=st.just("https://api.example.com"),
            attributes=st.fixed_dictionaries({}, optional={"dpa": st.booleans()}),
            local=st.booleans(),
        )
        for slug in ("p0", "p1")
    )
)
prices = st.lists(
    st.builds(
        PriceSpec,
        st.integers(1, 9),
        some([0, 500, 2_000]),
        st.integers(0, 10**10),
        st.integers(0, 10**10),
    ),
    max_size=2,
).map(lambda rows: tuple(sorted(rows, key=lambda row: row.starts_at_ms)))
deployments = st.tuples(
    *(
        st.builds(
            DeploymentSpec,
            slug=st.just(slug),
            provider=some(["p0", "p1"]),
            model=st.just("m"),
            region=some(REGIONS),
            context_window=some([500, 100_000]),
            max_output_tokens=some([200, 8_000]),
            capabilities=st.lists(some(["streaming", "tools"]), unique=True).map(tuple),
            quality=some([{}, {"default": 400}, {"default": 900}]),
            prices=prices,
            enabled=some([True, True, True, False]),
        )
        for slug in SLUGS
    )
)
gates = st.lists(
    st.builds(
        GateSpec,
        slug=st.just("g"),
        when=whens,
        require=demands,
        forbid=demands,
        otherwise=some(OTHERWISE),
    ),
    max_size=3,
).map(lambda found: tuple(_numbered(found)))
routes = st.lists(
    st.builds(
        RouteSpec,
        slug=st.just("r"),
        when=some([{}, {"plan": "free"}, {"sensitivity": "pii"}]),
        strategy=some(list(STRATEGIES)),
        candidates=st.lists(
            st.builds(CandidateSpec, some(SLUGS), st.integers(0, 100)), min_size=1, max_size=4
        ).map(tuple),
        fallback=st.lists(some(SLUGS), max_size=2).map(tuple),
        quality_floor=some([0, 500]),
        limits=st.builds(Limits, max_output_tokens=st.none() | some([100, 300])),
        enabled=some([True, True, True, False]),
    ),
    min_size=1,
    max_size=3,
).map(lambda found: tuple(_numbered(found)))


revisions = st.builds(
    RevisionDocument,
    tasks=st.just(("chat",)),
    plans=st.just(("free", "pro")),
    features=st.just((FeatureSpec("careful", quality_floor=800),)),
    flags=st.tuples(st.builds(FlagSpec, st.just("beta"), st.booleans(), st.integers(0, 100))),
    gates=gates,
    routes=routes,
    providers=providers,
    deployments=deployments,
).map(compile_revision)
requests = st.builds(
    RoutingRequest,
    feature=st.none() | st.just("careful"),
    plan=some([None, "free", "pro"]),
    tenant=some([None, "acme"]),
    sensitivity=some(Sensitivity),
    residency=some([None, "eu"]),
    max_latency_ms=st.none() | some([100, 1_000]),
    max_cost_nano_usd=st.none() | st.integers(0, 10**7),
    max_output_tokens=st.none() | some([50, 1_000]),
    text_bytes=some([40, 1_600, 40_000]),
    needs=some([(), ("tools",)]),
    stream=st.booleans(),
    draw=some(["t1", "t2", "t3"]),
)
readings = st.builds(
    TextReading,
    truths=some([{}, {"refund": True}]),
    code=st.booleans(),
).flatmap(
    lambda reading: some(
        [
            reading,
            TextReading(reading.truths, Sensitivity.PII, ("email",), code=reading.code),
        ]
    )
)
facts = st.builds(
    Facts,
    moment_ms=some([100, 1_000, 3_000]),
    health=st.dictionaries(
        some(SLUGS),
        st.builds(
            DeploymentHealth,
            available=some([True, True, False]),
            latency_ms=st.none() | st.integers(1, 2_000),
            first_token_ms=st.none() | st.integers(1, 2_000),
            error_permille=st.integers(0, 1_000),
            samples=st.integers(0, 9),
        ),
    ),
)
asked = (requests, readings, revisions, facts)


def _taken(decision: Decision, revision: Revision) -> RouteSpec | None:
    return next((r.spec for r in revision.routes if r.slug == decision.route), None)


@settings(max_examples=300)
@given(*asked)
def test_every_candidate_of_the_route_is_chosen_or_rejected_exactly_once(
    request: RoutingRequest, reading: TextReading, revision: Revision, known: Facts
) -> None:
    decision = decide(request, reading, revision, known)
    route = _taken(decision, revision)
    names = [one.deployment for one in decision.candidates]
    if route is not None:
        listed = [c.deployment for c in route.candidates] + list(route.fallback)
        own = list(dict.fromkeys(listed))
        assert names[: len(own)] == own
    assert len(set(names)) == len(names)
    chosen = {one.deployment for one in decision.candidates if one.eligible}
    assert sorted(chosen) == sorted(step.deployment for step in decision.steps)
    assert all(one.reasons for one in decision.candidates if not one.eligible)
    assert bool(decision.steps) is (decision.refusal is None)
    assert bool(decision.steps) is bool(decision.reason)


@settings(max_examples=300)
@given(*asked)
def test_equal_facts_give_an_equal_decision_also_from_the_record(
    request: RoutingRequest, reading: TextReading, revision: Revision, known: Facts
) -> None:
    decision = decide(request, reading, revision, known)
    assert decide(request, reading, revision, known) == decision
    stored = record.decode(record.encode(DecisionRecord(request, reading, decision)))
    assert stored.decision == decision
    assert decide_again(stored, compile_revision(revision.document)) == decision


def _passes(gate: GateSpec, deployment: DeploymentSpec, provider: ProviderSpec) -> bool:
    """The gate's demands, worked out in another way than the engine does."""

    def has(name: str, value: Any) -> bool:
        wanted = list(value) if isinstance(value, tuple) else [value]
        if name == "capability":
            return bool(set(wanted) & set(deployment.capabilities))
        if name == "region":
            return deployment.region in wanted
        if name == "deployment":
            return deployment.slug in wanted
        return provider.attributes.get(name.split(".")[1], False) in wanted

    required = all(has(name, value) for name, value in gate.require.items())
    return required and not any(has(name, value) for name, value in gate.forbid.items())


def _applies(gate: GateSpec, request: RoutingRequest, decision: Decision, code: bool) -> bool:
    """Whether the gate's conditions hold for what is sent, worked out in another way."""
    tokens = -(-request.text_bytes // 4)
    found = {
        "sensitivity": decision.sensitivity,
        "plan": request.plan,
        "residency": request.residency,
    }
    for name, value in gate.when.items():
        if name in found:
            holds = found[name] in (value if isinstance(value, tuple) else (value,))
        elif name == "flag":
            holds = decision.flags["beta"]
        elif name == "has":
            holds = code if value == "code" else value in request.needs
        elif name == "input_tokens":
            holds = (tokens > 100) is (value == ">100")
        else:
            continue
        if not holds:
            return False
    return True


@settings(max_examples=400)
@given(*asked)
def test_no_path_leaves_the_gates(
    request: RoutingRequest, reading: TextReading, revision: Revision, known: Facts
) -> None:
    decision = decide(request, reading, revision, known)
    taken_out = "personal_data" in decision.redact
    expected = Sensitivity.PUBLIC if taken_out else reading.sensitivity
    assert decision.sensitivity.rank == max(expected.rank, request.sensitivity.rank)
    for gate in revision.document.gates:
        if gate.when.get("text_matches") and not reading.truths:
            continue
        if not _applies(gate, request, decision, reading.code):
            continue
        for step in decision.steps:
            deployment = revision.deployments[step.deployment]
            assert _passes(gate, deployment, revision.providers[deployment.provider])


@settings(max_examples=300)
@given(*asked)
def test_no_step_exceeds_what_was_asked_or_can_be_paid(
    request: RoutingRequest, reading: TextReading, revision: Revision, known: Facts
) -> None:
    for step in decide(request, reading, revision, known).steps:
        deployment = revision.deployments[step.deployment]
        assert deployment.enabled
        assert set(request.needs) <= set(deployment.capabilities)
        assert known.health.get(step.deployment, DeploymentHealth()).available
        asked_for = request.max_output_tokens or deployment.max_output_tokens
        assert 0 < step.max_output_tokens <= min(asked_for, deployment.max_output_tokens)
        if request.max_cost_nano_usd is not None:
            assert step.cost_bound_nano_usd <= request.max_cost_nano_usd
