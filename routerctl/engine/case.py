"""One request as the conditions see it: what the client said, what the text showed, and the
labels that follow from both."""

from msgspec import Struct

from routerctl.engine.types import RoutingRequest, Sensitivity, TextReading

BYTES_PER_TOKEN = 4
"""A fair guess for ordinary text. It serves ranking, conditions and the window; money is held
for the sure bound, one token per byte."""


class Case(Struct, frozen=True, kw_only=True):
    """A classified request, to be decided by `revision` (a hash) at `moment_ms`. `needs` are
    the capabilities it cannot do without; `input_tokens` is the estimate of the text's tokens;
    `draws` are those that decided its flags."""

    revision: str
    moment_ms: int
    request: RoutingRequest
    reading: TextReading
    task: str
    task_source: str
    task_reason: str
    sensitivity: Sensitivity
    difficulty: str
    input_tokens: int
    needs: frozenset[str]
    flags: dict[str, bool]
    draws: dict[str, int]


def estimated_tokens(text_bytes: int) -> int:
    """The tokens that so many bytes of text usually are."""
    return -(-text_bytes // BYTES_PER_TOKEN)
