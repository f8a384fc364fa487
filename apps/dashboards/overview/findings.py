"""One thing that needs somebody."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is failing, spike, waiting, switched_off, unpriced, secret or stale; `strong` begins
    the sentence that `text` goes on with; `href` and `link` are where to look closer, or empty."""

    kind: str
    tone: str
    icon: str
    strong: str
    text: str
    since_ms: int | None = None
    href: str = ""
    link: str = ""


def traces_address(**query: str) -> str:
    """The list of traces with these filters; `since` is its `from`."""
    said = {("from" if name == "since" else name): value for name, value in query.items()}
    return f"{reverse('traces')}?{urlencode(said)}"
