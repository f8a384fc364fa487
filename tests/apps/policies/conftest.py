import pytest

from apps.policies.apply import apply
from apps.policies.plan import ChangePlan
from tests.apps.policies.files import Apply, small


@pytest.fixture
def applied(db: None) -> Apply:
    """Apply a file (the small one when left out); returns the difference it made."""

    def apply_file(file: bytes | None = None, reason: str = "test") -> ChangePlan:
        return apply(small() if file is None else file, reason=reason)[0]

    return apply_file
