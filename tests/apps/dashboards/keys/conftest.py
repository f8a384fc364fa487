import pytest

from apps.policies.apply import apply
from tests.apps.policies.files import small


@pytest.fixture(autouse=True)
def _configuration(db):
    apply(small(), reason="for a test")


@pytest.fixture
def engineer(client, person):
    client.force_login(person("engineer", name="Tomás"))
    return client
