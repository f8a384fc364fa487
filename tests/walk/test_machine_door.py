"""Every path of the machine door by method by key, as `table.MACHINE` says it, over a real socket.

What a tenant's key may claim is proven in tests/flow/test_doors.py: its own tenant alone.
"""

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from apps.gateway.asgi import _PLAIN, DOORS
from tests.processes import Server, server_maker, start_mock
from tests.walk.table import MACHINE, METHODS
from tests.walk.world import POLICY


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_mock() as mock, server_maker(mock, tmp_path_factory.mktemp("walk")) as make:
        server = make()
        server.start()
        server.apply(POLICY.read_text())
        yield server


def test_every_path_of_the_machine_door_stands_in_the_table() -> None:
    for path in (*DOORS, *_PLAIN):
        assert path in MACHINE, (
            f"The walk does not know {path}. Add a line for it to MACHINE in tests/walk/table.py."
        )
    assert len(MACHINE) == len(DOORS) + len(_PLAIN)


def test_a_path_answers_its_method_and_keys_that_may(machine: Server) -> None:
    right, wrong = (
        machine.create_key("--scopes", "generate"),
        machine.create_key("--scopes", "read"),
    )
    expected, got = {}, {}
    for path, line in MACHINE.items():
        by_key = {"": line.stranger, wrong: line.wrong_scope, right: line.right_scope}
        for name, key in {"nobody": "", "wrong scope": wrong, "right scope": right}.items():
            for method in METHODS:
                at = f"{method} {path} by {name}"
                expected[at] = by_key[key] if method == line.method else 405
                got[at] = _status(machine, method, path, key)
    assert got == expected


def _status(server: Server, method: str, path: str, key: str) -> int:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    body = b"{}" if method == "POST" else None
    request = urllib.request.Request(server.url + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
