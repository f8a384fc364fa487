"""Patterns that people write in conditions and checks: a plain phrase, or `re:` and RE2 syntax."""

import re2

MAX_PATTERN_CHARS = 500
MAX_PROGRAM = 1_000
"""RE2's instructions for one pattern. Its time is linear in the text, times this at worst."""


def is_phrase(pattern: str) -> bool:
    """A plain phrase, not an expression."""
    return not pattern.startswith("re:")


def source(pattern: str) -> str:
    """The RE2 expression for `pattern`; case does not count."""
    body = re2.escape(pattern) if is_phrase(pattern) else f"(?:{pattern.removeprefix('re:')})"
    return f"(?i){body}"


def problem(pattern: str) -> str | None:
    """What is wrong with `pattern`, in words; None when it can be used."""
    if not pattern.removeprefix("re:").strip():
        return "the pattern is empty"
    if len(pattern) > MAX_PATTERN_CHARS:
        return f"the pattern is longer than {MAX_PATTERN_CHARS} characters"
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(source(pattern), options)
    except re2.error as error:
        told = error.args[0]
        return f"not RE2 syntax: {told.decode() if isinstance(told, bytes) else told}"
    if compiled.programsize > MAX_PROGRAM:
        return "the pattern is too large: shorten its repetitions"
    return None
