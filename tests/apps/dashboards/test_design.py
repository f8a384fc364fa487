"""The living page of the design system is for those who build pages."""

from dataclasses import replace

import pytest


@pytest.fixture
def production(settings):
    settings.ENV = replace(settings.ENV, production=True)


def test_it_shows_every_part(support):
    page = support.get("/system/design").content.decode()
    assert "Every part in every state" in page


@pytest.mark.parametrize("path", ["/system/design", "/system/design/dialog"])
def test_production_does_not_have_it(support, production, path):
    assert support.get(path).status_code == 404
