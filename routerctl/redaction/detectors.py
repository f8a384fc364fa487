"""The built-in detectors by the name under which checks and gates ask for them, and who of them
has something to look for in a text."""

from collections.abc import Collection, Iterator

from routerctl.redaction.personal import PERSONAL
from routerctl.redaction.secrets import SECRETS
from routerctl.redaction.spans import Detector, Span

FAMILIES: dict[str, dict[str, Detector]] = {"secrets": SECRETS, "personal_data": PERSONAL}
"""`match: [secrets]` of a check, and what a gate's `redact` takes out."""


def hints(family: str) -> Iterator[tuple[str, str]]:
    """(mark, expression) for each detector of `family`, for a scan."""
    for name, detector in FAMILIES[family].items():
        yield f"{family}:{name}", detector.hint


def spans_found(family: str, data: bytes, marks: Collection[str]) -> list[Span]:
    """Everything of `family` that is in `data`, among what a scan has marked. Where two detectors
    claim the same bytes, the first names them."""
    spans: dict[tuple[int, int], Span] = {}
    for detector in _marked(family, marks):
        for span in detector.find(data):
            spans.setdefault((span.start, span.end), span)
    return list(spans.values())


def kinds_found(family: str, data: bytes, marks: Collection[str]) -> Iterator[str]:
    """The kinds of `family` that are in `data`; each detector looks no further than it must."""
    taken: set[tuple[int, int]] = set()
    for detector in _marked(family, marks):
        missing = set(detector.kinds)
        for span in detector.find(data):
            if span.kind in missing and (span.start, span.end) not in taken:
                taken.add((span.start, span.end))
                missing.remove(span.kind)
                yield span.kind
                if not missing:
                    break


def _marked(family: str, marks: Collection[str]) -> list[Detector]:
    if not marks:
        return []
    detectors = FAMILIES[family].items()
    return [detector for name, detector in detectors if f"{family}:{name}" in marks]
