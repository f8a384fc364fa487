"""Reads a request's text once, so that nobody after it needs the text: what its conditions ask,
personal data and secrets in it, and what kind of work it asks for."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec

from routerctl.engine.classify import classify
from routerctl.engine.revision import Check, Revision
from routerctl.engine.types import Finding, RoutingRequest, Sensitivity, TextReading
from routerctl.redaction.detectors import FAMILIES, hints, kinds_found
from routerctl.redaction.labels import (
    CODE_HINT,
    HARD_HINT,
    TASK_HINTS,
    difficulty,
    task_scores,
)
from routerctl.redaction.patterns import is_phrase, source
from routerctl.redaction.scanner import Scan

_REVISIONS_KEPT = 4

Kinds = dict[str, tuple[str, ...]]
"""What was found, by family of detectors."""


def read_text(
    request: RoutingRequest, revision: Revision, texts: Sequence[str], last_user: str
) -> TextReading:
    """What `revision` wants to know of a request's text.

    `texts` are all pieces that would be sent: checks and personal data are looked for in each.
    Text conditions, task and difficulty look at `last_user`, the last user message.
    """
    return _reader(revision).read(request, texts, last_user)


@lru_cache(maxsize=_REVISIONS_KEPT)
def _reader(revision: Revision) -> "_Reader":
    return _Reader(revision)


class _Reader:
    """One revision's questions as two scans: what is asked of every piece of text, and what is
    asked of the last user message, which is that and more."""

    def __init__(self, revision: Revision) -> None:
        self._revision = revision
        wanted = {word for check in revision.checks for word in check.spec.match}
        self._families = [f for f in FAMILIES if f == "personal_data" or f in wanted]
        self._tasks = [task for task in TASK_HINTS if task in revision.tasks]
        of_all = [pair for family in self._families for pair in hints(family)]
        of_all += [(f"check:{p}", source(p)) for p in sorted(wanted - FAMILIES.keys())]
        of_last = [(f"when:{pattern}", source(pattern)) for pattern in revision.patterns]
        of_last += [(f"task:{task}", TASK_HINTS[task].hint) for task in self._tasks]
        of_last += [("code", CODE_HINT), ("hard", HARD_HINT)]
        self._scan_rest = Scan(of_all)
        self._scan_last = Scan([*of_all, *of_last])
        self._no_truths = dict.fromkeys(revision.patterns, False)
        self._plain = {
            level: TextReading(truths=self._no_truths, difficulty=level)
            for level in ("easy", "normal", "hard")
        }

    def read(self, request: RoutingRequest, texts: Sequence[str], last_user: str) -> TextReading:
        last = last_user.encode(errors="replace")
        rest = "\0".join([text for text in texts if text != last_user]).encode(errors="replace")
        marks = self._scan_last(last)
        rest_marks = self._scan_rest(rest) if rest else _NO_MARKS
        if not marks and not rest_marks:
            return self._plain[difficulty(last)]
        kinds = {
            family: _merged(kinds_found(family, last, marks), kinds_found(family, rest, rest_marks))
            for family in self._families
        }
        reading = self._labelled(request, last, marks, kinds["personal_data"])
        findings = tuple(self._findings(request, reading, kinds, {*marks, *rest_marks}))
        return msgspec.structs.replace(reading, findings=findings) if findings else reading

    def _labelled(
        self,
        request: RoutingRequest,
        last: bytes,
        marks: Collection[str],
        personal_data: tuple[str, ...],
    ) -> TextReading:
        code = "code" in marks
        scores: dict[str, int] = {}
        reason = ""
        if request.task is None:
            asked = [task for task in self._tasks if f"task:{task}" in marks]
            scores, reason = task_scores(asked, code=code and "coding" in self._tasks)
        return TextReading(
            truths={pattern: f"when:{pattern}" in marks for pattern in self._no_truths},
            sensitivity=Sensitivity.PII if personal_data else Sensitivity.PUBLIC,
            personal_data=personal_data,
            code=code,
            difficulty=difficulty(last, code=code, hard_words="hard" in marks),
            task_scores=scores,
            task_reason=reason,
        )

    def _findings(
        self,
        request: RoutingRequest,
        reading: TextReading,
        kinds: Kinds,
        marks: Collection[str],
    ) -> Iterator[Finding]:
        """The checks that match, where their conditions hold."""
        matched = [
            (check, found)
            for check in self._revision.checks
            if (found := _found(check, kinds, marks))
        ]
        if not matched:
            return
        case = classify(request, reading, self._revision, moment_ms=0)
        for check, found in matched:
            if check.applies(case):
                yield Finding(check.slug, check.spec.do, found)


_NO_MARKS: frozenset[str] = frozenset()


def _found(check: Check, kinds: Kinds, marks: Collection[str]) -> tuple[str, ...]:
    """What of a check's `match` is in the text, as labels that say nothing of the text."""
    labels: dict[str, None] = {}
    for word in check.spec.match:
        if word == "secrets":
            labels.update(dict.fromkeys(f"secret:{kind}" for kind in kinds[word]))
        elif word in FAMILIES:
            labels.update(dict.fromkeys(kinds[word]))
        elif f"check:{word}" in marks:
            labels["phrase" if is_phrase(word) else "pattern"] = None
    return tuple(labels)


def _merged(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
