"""What the demo stores. Made once; a second start finds it and changes nothing that a person has
changed meanwhile."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from apps.accounts import keys, people
from apps.accounts.audit import save_with_reason
from apps.accounts.models import Role, User
from apps.accounts.tenants import ANY
from apps.policies import live
from apps.policies.apply import apply
from apps.policies.export import export
from routerctl.env import ROOT

POLICY = ROOT / "docs" / "examples" / "demo.yaml"
POLICY_ORIGIN = "http://127.0.0.1:8100"
REASON = "the demo's organisation"
NAMES = {
    "support": "Sofia Lindqvist",
    "finance": "Farid Amani",
    "product": "Priya Raman",
    "engineer": "Emil Novak",
    "auditor": "Aurelia Conti",
    "admin": "Adaeze Obi",
}


@dataclass(slots=True)
class Credentials:
    """What is printed. Kept in the data directory, since the database has only hashes."""

    password: str = ""
    key: str = ""
    old_key: str = ""
    """The legacy key of an app that still names its model."""
    mock_url: str = POLICY_ORIGIN


def settle_in(data_dir: Path, mock_url: str) -> Credentials:
    """Make what is missing of the organisation, with providers at `mock_url`."""
    path = data_dir / "demo.json"
    known = Credentials(**json.loads(path.read_text())) if path.exists() else Credentials()
    known.password = known.password or secrets.token_urlsafe(9)
    for role in Role.values:
        _let_in(role, known.password)
    known.key = known.key if _works(known.key) else _make_key("Larkfield backend", legacy=False)
    known.old_key = (
        known.old_key if _works(known.old_key) else _make_key("Larkfield app 1.x", legacy=True)
    )
    _apply_policy(known.mock_url, mock_url)
    known.mock_url = mock_url
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(known)))
    return known


def address(role: str) -> str:
    return f"{role}@larkfield.example"


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


def _works(token: str) -> bool:
    return bool(token) and keys.KeyRing.load().authenticate(token.encode()) is not None


def _make_key(name: str, *, legacy: bool) -> str:
    _, token = keys.create(
        name=name,
        tenant="*",
        scopes=("generate",) if legacy else ("generate", "decide", "feedback", "read"),
        disclose="none" if legacy else "deployment",
        legacy=legacy,
        reason=REASON,
    )
    return token


def _apply_policy(known_url: str, mock_url: str) -> None:
    """The example's policy, or the one in force when its providers have moved."""
    if live.latest() is None:
        apply(POLICY.read_bytes().replace(POLICY_ORIGIN.encode(), mock_url.encode()), reason=REASON)
    elif known_url != mock_url:
        apply(export().replace(known_url, mock_url).encode(), reason=REASON)
