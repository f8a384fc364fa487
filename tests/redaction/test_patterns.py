"""Patterns that people write: what is accepted, and what is refused with a reason."""

import pytest

from routerctl.redaction.patterns import problem


@pytest.mark.parametrize(
    "pattern", ["charged twice", "c++", "re:double[- ]charge", "re:(?:a|b)+c{1,3}", "re:\\bx\\b"]
)
def test_a_usable_pattern_has_no_problem(pattern: str) -> None:
    assert problem(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("re:", "empty"),
        ("re:(", "not RE2 syntax"),
        ("re:(?=ahead)", "not RE2 syntax"),
        (r"re:(a)\1", "not RE2 syntax"),
        ("re:(?:.{100}){100}", "repetition size"),
        ("re:.{900}", "too large"),
        ("x" * 501, "longer than"),
    ],
)
def test_an_unusable_pattern_is_refused_with_its_reason(pattern: str, part: str) -> None:
    assert part in (problem(pattern) or "")
