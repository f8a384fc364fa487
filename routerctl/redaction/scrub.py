"""Takes secrets and personal data out of a text; each leaves its kind in brackets."""

from collections.abc import Iterator

from routerctl.engine.revision import Revision
from routerctl.redaction.detectors import FAMILIES, hints, spans_found
from routerctl.redaction.patterns import source
from routerctl.redaction.scanner import Scan
from routerctl.redaction.spans import Span, expression, replaced

_SCAN = Scan([pair for family in FAMILIES for pair in hints(family)])


def scrub(text: str) -> str:
    """`text` without secrets and personal data: for all that is stored or logged."""
    return _without(text, tuple(FAMILIES), ())


def redact(text: str, what: tuple[str, ...], revision: Revision) -> str:
    """`text` without what a decision wants out of it: `secrets`, `personal_data`, and all that
    the checks named in `what` match."""
    checks = [check.spec for check in revision.checks if check.slug in what]
    words = dict.fromkeys(
        (*(w for w in what if w in FAMILIES), *(w for c in checks for w in c.match))
    )
    families = tuple(word for word in words if word in FAMILIES)
    patterns = tuple(word for word in words if word not in FAMILIES)
    return _without(text, families, patterns)


def _without(text: str, families: tuple[str, ...], patterns: tuple[str, ...]) -> str:
    data = text.encode(errors="replace")
    spans = [*_built_in(data, families), *_matching(data, patterns)]
    return replaced(data, spans).decode() if spans else text


def _built_in(data: bytes, families: tuple[str, ...]) -> Iterator[Span]:
    marks = _SCAN(data) if families else ()
    for family in families if marks else ():
        yield from spans_found(family, data, marks)


def _matching(data: bytes, patterns: tuple[str, ...]) -> Iterator[Span]:
    for pattern in patterns:
        for match in expression(source(pattern)).finditer(data):
            if match.end() > match.start():
                yield Span(match.start(), match.end(), "redacted")
