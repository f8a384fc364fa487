"""Hard requirements on deployments. Their verdicts do not depend on the request (only whether
they apply does), so all of them are reached when a revision is compiled."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from routerctl.engine.conditions import Test
from routerctl.engine.sentences import all_of, any_of
from routerctl.engine.specs import DeploymentSpec, GateSpec, ProviderSpec
from routerctl.engine.types import CAPABILITIES, Reason
from routerctl.engine.when import compile_when, sentence

Demand = bool | str | tuple[str, ...]

OTHERWISE = ("block", "redact", "downgrade", "local")


class Gate(Struct, frozen=True):
    """A compiled gate. `rejects` has the reason for each deployment that may not serve the
    requests to which the gate `applies`; a deployment that is not in it passes."""

    slug: str
    code: str
    """The reason code of its rejections."""
    applies: Test
    rule: str
    otherwise: str
    rejects: dict[str, Reason]


def compile_gate(
    gate: GateSpec,
    deployments: Iterable[DeploymentSpec],
    providers: Mapping[str, ProviderSpec],
) -> Gate:
    """`gate` with its verdict on each of `deployments`."""
    code = f"gate:{gate.slug}"
    rejects = {}
    for deployment in deployments:
        complaints = list(_complaints(gate, deployment, providers[deployment.provider]))
        if complaints:
            message = f"Gate {gate.slug}: {all_of(complaints)}."
            rejects[deployment.slug] = Reason(code, message)
    test = compile_when(gate.when)
    return Gate(gate.slug, code, test, sentence(gate.when), gate.otherwise, rejects)


def demand_problems(demands: Mapping[str, object], path: str) -> Iterator[tuple[str, str]]:
    """Everything wrong with a `require` or `forbid`, as (path, what is wrong)."""
    for name, demand in demands.items():
        here = f"{path}.{name}"
        if not name.removeprefix("provider.") or not _known(name):
            yield here, "unknown; there are provider.ATTRIBUTE, region, deployment, capability"
        elif name == "capability":
            unknown = [word for word in _words(demand) if word not in CAPABILITIES]
            yield from ((here, f"{word} is no capability") for word in unknown)


def _complaints(
    gate: GateSpec, deployment: DeploymentSpec, provider: ProviderSpec
) -> Iterator[str]:
    for name, demand in gate.require.items():
        if not _meets(name, demand, deployment, provider):
            found = _spoken(_look_up(name, deployment, provider))
            yield f"{name} must be {_spoken(demand)}, and here it is {found}"
    for name, demand in gate.forbid.items():
        if _meets(name, demand, deployment, provider):
            yield f"{name} must not be {_spoken(demand)}"


def _meets(name: str, demand: Demand, deployment: DeploymentSpec, provider: ProviderSpec) -> bool:
    """Whether the deployment has one of the values that are asked for."""
    has = _look_up(name, deployment, provider)
    wanted = demand if isinstance(demand, tuple) else (demand,)
    if isinstance(has, tuple):
        return any(value in has for value in wanted)
    return has in wanted


_LOOK_UPS: dict[str, Callable[[DeploymentSpec], str | tuple[str, ...]]] = {
    "region": lambda deployment: deployment.region,
    "deployment": lambda deployment: deployment.slug,
    "capability": lambda deployment: deployment.capabilities,
}


def _known(name: str) -> bool:
    return name in _LOOK_UPS or name.startswith("provider.")


def _look_up(name: str, deployment: DeploymentSpec, provider: ProviderSpec) -> Demand:
    """What the deployment has; an attribute nobody stated is false."""
    if name.startswith("provider."):
        return provider.attributes.get(name.removeprefix("provider."), False)
    return _LOOK_UPS[name](deployment)


def _words(demand: Any) -> tuple[Any, ...]:
    return tuple(demand) if isinstance(demand, tuple | list) else (demand,)


def _spoken(value: Demand) -> str:
    if isinstance(value, tuple):
        return any_of(value) or "none"
    return str(value).lower() if isinstance(value, bool) else value
