"""What the demo stores. Made once; a second start finds it and changes nothing that a person has
changed meanwhile."""

from __future__ import annotations

import json
import secrets
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.db import models

from apps.accounts import keys, people
from apps.accounts.audit import dated, save_with_reason
from apps.accounts.models import ApiKey, Role, User
from apps.accounts.tenants import ANY
from apps.policies import live
from apps.policies.apply import apply
from apps.policies.export import export
from routerctl.env import ROOT

POLICY = ROOT / "docs" / "examples" / "demo.yaml"
POLICY_ORIGIN = "http://127.0.0.1:8100"
REASON = "the demo's organisation"
TRIAL = "Brightloom trial"
NAMES = {
    "support": "Sofia Lindqvist",
    "finance": "Farid Amani",
    "product": "Priya Raman",
    "engineer": "Emil Novak",
    "auditor": "Aurelia Conti",
    "admin": "Adaeze Obi",
}
COLLEAGUES = (
    ("tomas.lind", "Tomás Lind", Role.ENGINEER, (ANY,)),
    ("mina.haddad", "Mina Haddad", Role.SUPPORT, ("pelican-travel", "oakhurst", "ferrous")),
    ("jonas.weber", "Jonas Weber", Role.FINANCE, (ANY,)),
    ("lea.brandt", "Lea Brandt", Role.PRODUCT, (ANY,)),
)
"""Who works at Larkfield beside those whose sign-in is printed: address, name, role, tenants."""


@dataclass(slots=True)
class Credentials:
    """What is printed. Kept in the data directory, since the database has only hashes."""

    password: str = ""
    key: str = ""
    old_key: str = ""
    """The legacy key of an app that still names its model."""
    mock_url: str = POLICY_ORIGIN


def settle_in(
    data_dir: Path, mock_url: str, *, founded: datetime, first_policy: str
) -> Credentials:
    """Make what is missing of the organisation, with providers at `mock_url`.

    On an empty database all of it was made when it was `founded`, and `first_policy` is in force.
    """
    path = data_dir / "demo.json"
    known = Credentials(**json.loads(path.read_text())) if path.exists() else Credentials()
    known.password = known.password or secrets.token_urlsafe(9)
    is_new = live.latest() is None
    with dated(founded) if is_new else nullcontext():
        for role in Role.values:
            _let_in(role, known.password)
        known.key = known.key if _works(known.key) else _make_key("Larkfield backend")
        known.old_key = (
            known.old_key if _works(known.old_key) else _make_key("Larkfield app 1.x", legacy=True)
        )
        if is_new:
            _others(founded)
            apply(first_policy.encode(), reason="Larkfield's configuration, from its repository")
    if not is_new and known.mock_url != mock_url:
        apply(export().replace(known.mock_url, mock_url).encode(), reason=REASON)
    known.mock_url = mock_url
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(known)))
    return known


def policy(mock_url: str) -> str:
    """The example's configuration, with providers at `mock_url`."""
    return POLICY.read_text().replace(POLICY_ORIGIN, mock_url)


def address(role: str) -> str:
    return f"{role}@larkfield.example"


def person(role: str) -> User:
    """Whose sign-in is printed for `role`."""
    return User.objects.get(email=address(role))


def _let_in(role: str, password: str) -> None:
    user = User.objects.filter(email=address(role)).first()
    if user is None:
        people.create(
            email=address(role),
            role=role,
            tenants=[ANY],
            name=NAMES[role],
            password=password,
            reason=REASON,
        )
    elif not user.check_password(password):
        user.set_password(password)
        save_with_reason(user, person=None, source="command", reason=REASON)


def _others(founded: datetime) -> None:
    """Colleagues and keys that a page of people or keys is there for."""
    admin = person(Role.ADMIN)
    for name, called, role, tenants in COLLEAGUES:
        people.create(
            email=f"{name}@larkfield.example",
            role=role,
            tenants=tenants,
            name=called,
            password=secrets.token_urlsafe(16),
            person=admin,
            source="page",
            reason="starts this month",
        )
    keys.create(
        name="Larkfield night jobs",
        tenant=ANY,
        app="night-jobs",
        person=admin,
        source="page",
        reason="the warehouse's and the catalogue's jobs",
    )
    keys.create(
        name=TRIAL,
        tenant="brightloom",
        plan="pro",
        feature="search-answers",
        person=admin,
        source="page",
        reason="Brightloom tries the API on its own",
    )
    _predate(User, founded)
    _predate(ApiKey, founded)


def end_trial() -> None:
    """The last thing that happened: a key was revoked."""
    trial = ApiKey.objects.get(name=TRIAL)
    admin = person(Role.ADMIN)
    keys.revoke(trial, person=admin, source="page", reason="Brightloom's trial is over")


def _predate(model: type[models.Model], founded: datetime) -> None:
    """The database dates new rows itself."""
    model._default_manager.update(created_at=founded)


def _works(token: str) -> bool:
    return bool(token) and keys.KeyRing.load().authenticate(token.encode()) is not None


def _make_key(name: str, *, legacy: bool = False) -> str:
    _, token = keys.create(
        name=name,
        tenant=ANY,
        scopes=("generate",) if legacy else ("generate", "decide", "feedback", "read"),
        disclose="none" if legacy else "deployment",
        legacy=legacy,
        reason=REASON,
    )
    return token
