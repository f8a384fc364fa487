"""What the pages say of a deployment that is left alone, to somebody in support."""

import re
from html import unescape

import pytest
from django.utils.html import strip_tags

from apps.dashboards import clock
from apps.dashboards.objects.health import health_words
from routerctl.engine.types import DeploymentHealth

NOW_MS = 1_760_000_000_000
WHY = "5 failures in a row; the last time it was overloaded."
DUE = "The next request that wants it tries it: an answer ends the rest."
RESTING = DeploymentHealth(
    available=False, reason=WHY, since_ms=NOW_MS - 12_000, until_ms=NOW_MS + 8_000
)


def test_a_rest_is_explained_with_what_ends_it():
    assert health_words(RESTING, NOW_MS) == (
        f"{WHY} It has rested for 12 s. Requests go to the next candidate of their route meanwhile."
        " In 8 s one request may try it: an answer ends the rest, another failure makes it longer."
    )


@pytest.mark.parametrize(
    ("health", "words"),
    [
        (None, ""),
        (DeploymentHealth(samples=9), ""),
        (
            DeploymentHealth(
                available=True, reason=WHY, since_ms=NOW_MS - 180_000, until_ms=NOW_MS
            ),
            f"{WHY} It has rested for 3 min. {DUE}",
        ),
        (
            DeploymentHealth(saturated=True, until_ms=NOW_MS + 30_000),
            "It said that we ask too often. For 30 s it is asked only after all others.",
        ),
    ],
)
def test_what_else_there_is_to_say(health, words):
    assert health_words(health, NOW_MS) == words


@pytest.mark.parametrize("path", ["/providers/vendor", "/deployments/vendor/small"])
def test_support_reads_it_on_the_page(path, act_as, monkeypatch):
    resting = DeploymentHealth(
        available=False, reason=WHY, since_ms=clock.now_ms(), until_ms=clock.now_ms() + 60_000
    )
    monkeypatch.setattr(
        "apps.policies.dry_run._sources", [lambda _moment_ms: {"vendor/small": resting}]
    )
    answer = act_as("support").get(path)
    text = re.sub(r"\s+", " ", unescape(strip_tags(answer.content.decode().replace("<", " <"))))
    assert "Resting" in text
    assert f"{WHY} It has rested for" in text
    assert "one request may try it" in text
