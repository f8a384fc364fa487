"""Every path of the control door by method by scope by tenant, as `table.CONTROL` says it."""

import pytest
from django.test import Client

from apps.accounts import keys
from apps.accounts.models import SCOPES
from tests.walk.table import CONTROL, METHODS, Door
from tests.walk.test_pages import taken_back
from tests.walk.world import REACHES, World


@pytest.mark.parametrize("pattern", CONTROL)
def test_a_path_opens_to_keys_of_its_scope_and_tenant_alone(pattern: str, world: World) -> None:
    door = CONTROL[pattern]
    path = door.path(world)
    expected, got = {}, {}
    for scope in SCOPES:
        for reach, (tenant,) in REACHES.items():
            with taken_back():
                headers = {"Authorization": f"Bearer {_key(scope, tenant)}"}
                for method in METHODS:
                    at = f"{method} with {scope} of {reach}"
                    expected[at] = _expected(door, method, scope, reach)
                    got[at] = Client().generic(method, path, headers=headers).status_code
    assert got == expected


@pytest.mark.parametrize("pattern", CONTROL)
@pytest.mark.parametrize("method", METHODS)
def test_without_a_key_even_a_signed_in_admin_gets_nothing(
    pattern: str, method: str, world: World
) -> None:
    path = CONTROL[pattern].path(world)
    with taken_back():
        client = Client(enforce_csrf_checks=True)
        assert client.generic(method, path).status_code == 401
        client.force_login(world.people["admin", "every"])
        assert client.generic(method, path).status_code == 401


def _key(scope: str, tenant: str) -> str:
    return keys.create(name="walker", tenant=tenant, scopes=[scope], reason="for the walk")[1]


def _expected(door: Door, method: str, scope: str, reach: str) -> int:
    needed = door.scope_for(method)
    if needed is not None and scope != needed:
        return 403
    if method in door.of_all and reach != "every":
        return 403
    if method not in door.statuses:
        return 405
    return 404 if door.of_tenant and reach == "another" else door.statuses[method]
