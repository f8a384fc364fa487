"""The ledger's own database, as its tests have it."""

from tests.apps.ledger.conftest import dsn, stored

__all__ = ["dsn", "stored"]
