"""/api/docs/: examples to copy, filled with the reader's own address. /api/docs/reference/: the
schema to read and try. Both under the strict content policy, for everybody.

The examples are files in `examples/`, one for each client and topic, so that tests run what the
page shows.
"""

from dataclasses import dataclass
from pathlib import Path

from csp.decorators import csp_update
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularSwaggerSplitView

from routerctl.engine.errors import CATALOGUE

_EXAMPLES = Path(__file__).parent / "examples"


@dataclass(frozen=True, slots=True)
class Client:
    """Something to call the server with. `install` is what its examples need, as a command."""

    slug: str
    title: str
    install: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """Something to know; `says` is the sentence before its example."""

    slug: str
    title: str
    says: str


CLIENTS = (
    Client("curl", "cURL"),
    Client("openai", "OpenAI SDK, Python", "pip install openai"),
    Client("anthropic", "Anthropic SDK, Python", "pip install anthropic"),
    Client("javascript", "JavaScript"),
)
TOPICS = (
    Topic(
        "request",
        "A request",
        "Say what you want and for whom. The server decides which model answers.",
    ),
    Topic(
        "streaming",
        "Streaming",
        "The answer as it is written. Headers wait for its first piece, so that a fallback before "
        "it goes unseen.",
    ),
    Topic(
        "trace",
        "Reading the trace back",
        "Every answer names its trace: who was asked, why, what came of it and what it cost. "
        "The key needs the scope read.",
    ),
    Topic(
        "errors",
        "When it fails",
        "Every error has a code from the table below, says whether asking again can help and names "
        "its trace. SDKs do not retry what cannot succeed.",
    ),
)


def example(client: str, topic: str, base_url: str) -> str:
    """The text of one example, for a server at `base_url`."""
    return (_EXAMPLES / client / f"{topic}.txt").read_text().replace("BASE_URL", base_url)


@login_not_required
@never_cache
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    base_url = request.build_absolute_uri("/").rstrip("/")
    asked = request.GET.get("with")
    client = next((known for known in CLIENTS if known.slug == asked), CLIENTS[0])
    context = {
        "frame": "base.html" if request.user.is_authenticated else "open.html",
        "base_url": base_url,
        "clients": CLIENTS,
        "client": client,
        "examples": [(topic, example(client.slug, topic.slug, base_url)) for topic in TOPICS],
        "errors": CATALOGUE.values(),
    }
    return render(request, "api/docs.html", context)


# Swagger UI's stylesheet draws its icons from data: addresses; everything else stays forbidden.
@method_decorator(csp_update({"img-src": ["data:"]}), name="dispatch")
class ReferenceView(SpectacularSwaggerSplitView):
    template_name = "api/reference.html"
