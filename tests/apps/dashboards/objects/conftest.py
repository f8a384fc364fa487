import re

import pytest

from apps.policies.apply import apply
from tests.apps.policies.files import small


@pytest.fixture(autouse=True)
def _configuration(db):
    apply(small(), reason="for a test")


@pytest.fixture
def act_as(client, person):
    """A client signed in as somebody of a role."""

    def sign_in(role, **facts):
        client.force_login(person(role, name=role.capitalize(), **facts))
        return client

    return sign_in


@pytest.fixture
def admin(act_as):
    return act_as("admin")


def hidden(answer, name):
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())
    return found[1] if found else None


def save(client, path, reason="because", **typed):
    """Look at the difference, then save, as a person does."""
    looked = client.post(path, {**typed, "step": "review"})
    version = typed.pop("version", hidden(looked, "version"))
    marks = {"version": version, "reviewed": hidden(looked, "reviewed")}
    return client.post(path, {**typed, **marks, "reason": reason})
