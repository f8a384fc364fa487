"""The built-in detectors by the name under which checks and gates ask for them, and who of them
has something to look for in a text."""

from collections.abc import Collection, Iterable, Iterator

from routerctl.redaction.personal import PERSONAL
from routerctl.redaction.secrets import SECRETS
from routerctl.redaction.spans import Detector, Span

FAMILIES: dict[str, dict[str, Detector]] = {"secrets": SECRETS, "personal_data": PERSONAL}
"""`match: [secrets]` of a check, and what a gate's `redact` takes out."""


def hints(family: str) -> Iterator[tuple[str, str]]:
    """(mark, expression) for each detector of `family`, for a scan."""
    for kind, detector in FAMILIES[family].items():
        yield f"{family}:{kind}", detector.hint


def spans_found(family: str, data: bytes, marks: Collection[str]) -> list[Span]:
    """Everything of `family` that is in `data`, among what a scan has marked. Where two detectors
    claim the same bytes, the first names them."""
    spans: dict[tuple[int, int], Span] = {}
    for kind, detector in FAMILIES[family].items():
        if f"{family}:{kind}" in marks:
            for span in detector.find(data):
                spans.setdefault((span.start, span.end), span)
    return list(spans.values())


def kinds_found(family: str, data: bytes, marks: Collection[str]) -> Iterable[str]:
    """The kinds of `family` that are in `data`, each once."""
    return dict.fromkeys(span.kind for span in spans_found(family, data, marks)) if marks else ()
