"""Losing Valkey loses no page: whoever comes to look at an incident can still sign in."""

import pytest
from django.core.cache import cache
from django.test import Client

from apps.accounts import people


@pytest.fixture
def valkey_away(settings, tmp_path):
    settings.CACHES = {
        "default": {
            "BACKEND": "routerctl.cache.ForgivingRedisCache",
            "LOCATION": f"unix://{tmp_path}/nobody.sock",
        }
    }


@pytest.mark.django_db
def test_people_sign_in_while_valkey_is_away(valkey_away):
    people.create(
        email="sam@example.com",
        role="support",
        tenants=["*"],
        password="correct horse battery",
        reason="test",
    )
    client = Client()
    answer = client.post(
        "/sign-in/", {"login": "sam@example.com", "password": "correct horse battery"}
    )
    assert (answer.status_code, client.get("/traces").status_code) == (302, 200)


def test_a_cache_without_its_server_is_empty(valkey_away):
    cache.set("a", 1)
    assert cache.get("a", "nothing") == "nothing"
    assert cache.get_many(["a"]) == {}
    assert not cache.has_key("a")
    assert not cache.delete("a")


def test_a_cache_with_its_server_remembers():
    cache.set("a", 1)
    assert cache.get("a") == 1
    assert cache.delete("a")
