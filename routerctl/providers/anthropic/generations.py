"""What differs between Claude's generations, read from the model id.

Sources: Anthropic's pages on extended and adaptive thinking, structured outputs, and the
migration guides to 4.5, 4.6, 4.7 and 5. A model whose id has no number counts as the newest.
"""

import re
from functools import lru_cache

from msgspec import Struct

# claude-3-7-sonnet-20250219, claude-sonnet-4-20250514, claude-opus-4-1-20250805, claude-opus-5
_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")


class Generation(Struct, frozen=True):
    """`sampling`: takes temperature, top_p, top_k. `one_sampler`: but not temperature together
    with top_p. `budget`: thinks by a token budget. `adaptive`: thinks as it sees fit, more or
    less by `effort`. `schema`: can be bound to an output schema."""

    sampling: bool
    one_sampler: bool
    budget: bool
    adaptive: bool
    schema: bool


@lru_cache(maxsize=1024)
def generation(model: str) -> Generation:
    """What `model` can do."""
    found = _VERSION.search(model)
    version = (int(found[1]), int(found[2] or 0)) if found else (99, 0)
    return Generation(
        sampling=version < (4, 7),
        one_sampler=version >= (4, 1),
        budget=(3, 7) <= version < (4, 6),
        adaptive=version >= (4, 6),
        schema=version >= (4, 5) or "opus-4-1" in model,
    )
