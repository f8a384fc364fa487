from pathlib import Path

import pytest
from django.core.management import call_command

from apps.accounts import people
from apps.accounts.models import User

POLICY = Path(__file__).parent / "policy.yaml"


@pytest.fixture
def policy(db: None) -> None:
    """A small configuration, applied."""
    call_command("apply_config", "-f", str(POLICY))


@pytest.fixture
def admin_person(db: None) -> User:
    return people.create(
        email="root@example.com",
        role="admin",
        tenants=["*"],
        password="correct horse",
        reason="test",
    )
