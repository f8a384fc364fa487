"""The built-in detectors by the name under which checks and gates ask for them, and who of them
has something to look for in a text."""

from collections.abc import Container, Iterator

from routerctl.redaction.personal import PERSONAL
from routerctl.redaction.secrets import SECRETS
from routerctl.redaction.spans import Detector, Span

FAMILIES: dict[str, dict[str, Detector]] = {"secrets": SECRETS, "personal_data": PERSONAL}
"""`match: [secrets]` of a check, and what a gate's `redact` takes out."""


def hints(family: str) -> Iterator[tuple[str, str]]:
    """(mark, expression) for each detector of `family`, for a scan."""
    for kind, detector in FAMILIES[family].items():
        yield f"{family}:{kind}", detector.hint


def kinds_found(family: str, data: bytes, marks: Container[str]) -> Iterator[str]:
    """The kinds of `family` that are in `data`, among those which a scan has marked."""
    taken: set[tuple[int, int]] = set()
    for kind, detector in FAMILIES[family].items():
        if f"{family}:{kind}" in marks:
            first = next((s for s in detector.find(data) if (s.start, s.end) not in taken), None)
            if first is not None:
                taken.add((first.start, first.end))
                yield kind


def spans_found(family: str, data: bytes, marks: Container[str]) -> Iterator[Span]:
    """Everything of `family` that is in `data`, among what a scan has marked."""
    for kind, detector in FAMILIES[family].items():
        if f"{family}:{kind}" in marks:
            yield from detector.find(data)
