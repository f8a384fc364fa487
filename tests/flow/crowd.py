"""Busy traffic of every kind: whole answers, streams, and a deployment that often fails; a third
of it under a closed cap, a third under an open one."""

from tests.flow.documents import deployment, document, provider, route
from tests.flow.load import Json

FEATURES = ("whole", "stream", "flaky")
PROVIDERS = (provider("alpha"), provider("beta", "anthropic"))
DEPLOYMENTS = (
    deployment("alpha/whole", model="whole~latency=40"),
    deployment("alpha/stream", model="stream~first=20~gap=5~words=20"),
    deployment("alpha/flaky", model="flaky~latency=20~status=500~percent=50"),
    deployment("beta/steady", model="steady~latency=40"),
)
ROUTES = tuple(route(feature, f"alpha/{feature}", "beta/steady") for feature in FEATURES)
CAPS = [
    {"slug": name, "scope": {"feature": feature}, "period": "day", "limit_usd": "100"}
    | {"mode": name}
    for name, feature in (("closed", "whole"), ("open", "flaky"))
]
CROWDED = document(PROVIDERS, DEPLOYMENTS, ROUTES, caps=CAPS)
"""The configuration for `ask`."""


def feature_of(marker: str) -> str:
    """What the request with this marker asked for."""
    return FEATURES[int(marker.rpartition("-")[2]) % len(FEATURES)]


def ask(number: int) -> Json:
    """The body of request `number`; a third of each kind."""
    feature = FEATURES[number % len(FEATURES)]
    return {"feature": feature, "stream": feature == "stream", "max_output_tokens": 200}
