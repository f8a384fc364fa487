"""What a message looks like: code, difficulty, and the kind of work it asks for.

Rules that explain themselves, not a model. A wish counts where a sentence begins ("Summarise
this", "Could you please translate"), because "the summary on my bill is wrong" asks for none.
"""

from collections.abc import Sequence

from msgspec import Struct

_WISH = (
    r"(?i)(?:^|[.!?:\n]\s*)[\"'(]*(?:(?:please|kindly|can you|could you|would you|will you|"
    r"i (?:want|need) you to|help me|now|then|bitte|kannst du|k\x{f6}nntest du|k\x{f6}nnen sie)"
    r"[ ,]+)*"
)


def _wish(words: str) -> str:
    return f"{_WISH}(?:{words})"


class TaskHint(Struct, frozen=True):
    """`hint` is an RE2 expression; `reason` is what it says of a message."""

    hint: str
    reason: str


TASK_HINTS: dict[str, TaskHint] = {
    "summary": TaskHint(
        _wish(
            r"(?:to )?summari[sz]e\b|sum (?:this |it )?up\b|give me (?:a|the) (?:short |brief )?"
            r"summary|write (?:a|the) (?:short |brief )?summary|tl;?dr|zusammenfass|fasse?n?\b|"
            r"erstelle? (?:eine )?(?:kurze )?zusammenfassung"
        ),
        "The message asks for a summary.",
    ),
    "extraction": TaskHint(
        _wish(
            r"extract\b|pull out\b|find all\b|list all\b|list every\b|identify all\b|"
            r"extrahier|entnimm\b|liste alle\b"
        ),
        "The message asks to extract something.",
    ),
    "classification": TaskHint(
        _wish(
            r"classify\b|categori[sz]e\b|label (?:this|these|the)\b|what category\b|"
            r"which category\b|determine the (?:sentiment|category|intent)\b|is this (?:spam|"
            r"positive|negative)\b|klassifizier|kategorisier"
        ),
        "The message asks to sort something into classes.",
    ),
    "translation": TaskHint(
        _wish(r"translate\b|\x{fc}bersetze?n?\b"),
        "The message asks for a translation.",
    ),
    "coding": TaskHint(
        _wish(
            r"(?:write|implement|fix|debug|refactor|optimi[sz]e|complete|review|schreibe?|"
            r"programmiere?)\b[^.?!\n]*\b(?:code|function|script|program|class|method|"
            r"unit tests?|sql|query|regex|bug|endpoint|algorithm|python|javascript|typescript|"
            r"java|rust|golang|funktion|skript|programm|klasse)\b"
        ),
        "The message asks for a program.",
    ),
    "reasoning": TaskHint(
        _wish(
            r"prove\b|derive\b|think (?:this )?(?:through|step)|reason (?:about|through)\b|"
            r"solve\b|beweise?\b|l\x{f6}se\b"
        )
        + r"|(?i)\b(?:step by step|schritt f\x{fc}r schritt)\b",
        "The message asks for reasoning.",
    ),
}
"""Task types which can be inferred."""

WISH_SCORE = 800
"""Thousandths, for a message that asks for a task in so many words."""

CODE_SCORE = 600
"""Thousandths for coding, where nobody asked for anything else but code stands there."""


def task_scores(asked: Sequence[str], *, code: bool) -> tuple[dict[str, int], str]:
    """Scores in thousandths for the tasks a message asks for, and the first one's reason.

    With `code` the text has source code in it, which means coding unless something is asked for
    in words.
    """
    if asked:
        return dict.fromkeys(asked, WISH_SCORE), TASK_HINTS[asked[0]].reason
    if code:
        return {"coding": CODE_SCORE}, "The message has source code in it."
    return {}, ""


CODE_HINT = (
    r"```|Traceback \(most recent call last\)|\bat [\w.$<>]+\([\w.]+:[0-9]+\)|"
    r"(?m:^\s*(?:async )?(?:def|class) \w+.*:\s*$)|"
    r"(?m:^\s*from [\w.]+ import \w)|(?m:^\s*#include\s*[<\"])|"
    r"(?m:^\s*(?:import|using|package) [\w.*:]+;?\s*$)|"
    r"(?m:^\s*(?:export |public |private |static |async )*"
    r"(?:function|const|let|var|func|fn|void|int|interface|struct)\b.*[;{)]\s*$)|"
    r"\bSELECT\b[^;]*\bFROM\s+\w|</(?:div|span|html|body|script|table|p|a|li|ul)>|"
    r"[;{}]\s*\n[^\n]*[;{}]\s*\n|=>\s*\{|\bif \(.*\) \{"
)
"""What source code has and prose has not."""

HARD_HINT = (
    r"(?i)\b(?:prove|proof|theorem|derive|step by step|trade-?offs?|architecture|edge cases|"
    r"compare and contrast|in depth|in detail|formal(?:ly)?|optimi[sz]e|complexity|"
    r"legal implications|root cause|schritt f\x{fc}r schritt|beweis\w*|ausf\x{fc}hrlich)\b"
)
"""Words that go with work a small model does badly."""

LONG_BYTES = 4_000
SHORT_BYTES = 200


def difficulty(message: bytes, *, code: bool = False, hard_words: bool = False) -> str:
    """easy, normal or hard: two of length, code, many questions and telling words make it hard;
    a short message with none of them is easy."""
    signs = (len(message) > LONG_BYTES) + code + hard_words + (message.count(b"?") > 2)
    if signs >= 2:
        return "hard"
    return "easy" if not signs and len(message) < SHORT_BYTES else "normal"
