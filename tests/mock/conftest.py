"""The scripted providers over a real socket."""

from collections.abc import Iterator

import pytest

from tests.processes import Mock, start_mock


@pytest.fixture(scope="package")
def shared_mock() -> Iterator[Mock]:
    with start_mock() as mock:
        yield mock


@pytest.fixture
def mock(shared_mock: Mock) -> Mock:
    shared_mock.forget()
    return shared_mock
