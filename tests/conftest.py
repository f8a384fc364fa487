"""What every test stands on: a real PostgreSQL, a real Valkey, servers and scripted providers.

The environment is set here, before anything reads the settings. Nothing is started for tests
that need nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import django
import pytest

from routerctl import embedded
from tests import databases

os.environ["DJANGO_SETTINGS_MODULE"] = "routerctl.settings"
os.environ.setdefault("ROUTERCTL_DATA_DIR", str(databases.ROOT / "var" / "tests"))
os.environ.setdefault("ROUTERCTL_PRIVATE_ORIGINS", "127.0.0.0/8")
embedded.prepare()
os.environ["DATABASE_URL"] = databases.renamed(os.environ["DATABASE_URL"], f"test_{os.getpid()}")
django.setup()


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: object) -> Iterator[None]:
    """pytest-django's database, copied instead of migrated."""
    from django.db import connections

    url = os.environ["DATABASE_URL"]
    databases.create(url)
    yield
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        connections.close_all()
    databases.drop(url)
