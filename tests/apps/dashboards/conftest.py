import pytest
from django.core.cache import cache

from apps.accounts import people

PASSWORD = "Lantern-Harbour-42"


@pytest.fixture(autouse=True)
def _nobody_has_tried_before():
    cache.clear()


@pytest.fixture
def person(db):
    """Makes somebody of a role, who sees every tenant unless told otherwise."""

    def make(role, tenants=("*",), **facts):
        facts = {"email": f"{role}@example.com", "password": PASSWORD, **facts}
        return people.create(role=role, tenants=tenants, reason="for a test", **facts)

    return make


@pytest.fixture
def support(client, person):
    """A signed-in client of support."""
    client.force_login(person("support"))
    return client
