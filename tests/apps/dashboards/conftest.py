import pytest
from django.core.cache import cache

from apps.accounts import people

PASSWORD = "Lantern-Harbour-42"


@pytest.fixture(autouse=True)
def _nobody_has_tried_before():
    cache.clear()


@pytest.fixture
def person(db):
    """Makes somebody of a role."""

    def make(role, **facts):
        return people.create(
            email=f"{role}@example.com", role=role, password=PASSWORD, reason="for a test", **facts
        )

    return make


@pytest.fixture
def support(client, person):
    """A signed-in client of support."""
    client.force_login(person("support"))
    return client
