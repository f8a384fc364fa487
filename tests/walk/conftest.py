"""One world for the whole walk. Every step is taken back, so that no step sees another's traces."""

from collections.abc import Iterator

import pytest
from django.db import transaction

from tests.walk.world import World, make_world


@pytest.fixture(scope="package")
def world(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():  # type: ignore[attr-defined]
        yield make_world()
        transaction.set_rollback(True)
