"""Busy traffic of every kind: whole answers, streams, and a deployment that often fails."""

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
CROWDED = document(PROVIDERS, DEPLOYMENTS, ROUTES)
"""The configuration for `ask`."""


def ask(number: int) -> Json:
    """The body of request `number`; a third of each kind."""
    feature = FEATURES[number % len(FEATURES)]
    return {"feature": feature, "stream": feature == "stream", "max_output_tokens": 200}
