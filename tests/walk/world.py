"""What the walk meets: two tenants, one policy, a person of every role and reach, a trace."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.accounts import invitations, keys
from apps.accounts.audit import save_with_reason
from apps.accounts.models import ApiKey, Invitation, Role, User
from apps.policies import editing, invoices, prices
from apps.policies.apply import apply
from routerctl.engine.types import RoutingRequest
from tests.apps.traces.stored import TRACE_ID, keep, stored

POLICY = Path(__file__).parents[1] / "apps" / "api" / "policy.yaml"
OWNER = "acme"
REACHES = {"owner": [OWNER], "another": ["globex"], "every": ["*"]}
"""Which tenants a person is given: the one whose things the walk asks for, another, or all."""


@dataclass(frozen=True)
class World:
    """`people` are by role and reach; all the rest is of tenant acme."""

    people: dict[tuple[str, str], User]
    key: ApiKey
    colleague: User
    invitation: Invitation
    proposal: int
    invoice: int
    trace_id: str = TRACE_ID


def make_world() -> World:
    apply(POLICY.read_bytes(), reason="for the walk")
    keep(stored(request=RoutingRequest(tenant=OWNER)))
    key, _ = keys.create(name="walked", tenant=OWNER, reason="for the walk")
    people = {
        (role, reach): _person(role, reach, tenants)
        for role in Role.values
        for reach, tenants in REACHES.items()
    }
    colleague = _person("support", "colleague", [OWNER])
    invitation, _ = invitations.invite(
        email="invited@example.com",
        role=Role.SUPPORT,
        tenants=[OWNER],
        by=people[Role.ADMIN, "every"],
        reason="for the walk",
    )
    _wait_for_a_second_person()
    return World(people, key, colleague, invitation, _proposal(), _invoice())


def _wait_for_a_second_person() -> None:
    """A cap whose deletion somebody asked for."""
    said: Any = {"person": None, "source": "api", "reason": "for the walk"}
    try:
        editing.remove("caps", "acme-daily", **said)
    except editing.TakesTwo as needed:
        editing.ask(needed, **said)


def _proposal() -> int:
    """A price that somebody proposed."""
    price = {"from": "2026-01-01", "input_usd_per_mtok": "0.20", "output_usd_per_mtok": "0.80"}
    made = prices.propose("openai/small", price, None, person=None, source="command")
    return int(made.pk)


def _invoice() -> int:
    """What somebody says that openai bills."""
    line = "openai,small-1,input,1000,0.01,2026-01-01,2026-01-31"
    file = invoices.File("january.csv", f"{','.join(invoices.COLUMNS)}\n{line}\n".encode())
    made = invoices.store(file, person=None, source="command", reason="for the walk")
    return int(made.pk)


def _person(role: str, reach: str, tenants: list[str]) -> User:
    person = User(email=f"{role}-{reach}@example.com", role=role, tenants=tenants)
    person.set_unusable_password()
    save_with_reason(person, person=None, source="command", reason="for the walk")
    return person
