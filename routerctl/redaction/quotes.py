"""Takes out of a message what it repeats of what was sent: vendors quote keys and prompts in their
errors, and no pattern knows a key of their own making."""

from collections.abc import Iterable

QUOTED = "[quoted]"

_SHORTEST_OF_SECRET = 8
_SHORTEST_OF_TEXT = 16
_MOST_TEXT = 2**20
"""Characters of the request that are compared; a search in more would keep others waiting."""


def unquoted(message: str, secret: str | None, texts: Iterable[str]) -> str:
    """`message`, one line, without the runs that it shares with `secret` (8 characters and more)
    or with `texts` (16 and more, in any spacing)."""
    if secret:
        message = _without_runs(message, secret, _SHORTEST_OF_SECRET)
    text = " ".join(" ".join(texts)[:_MOST_TEXT].split())
    return _without_runs(message, text, _SHORTEST_OF_TEXT)


def _without_runs(message: str, sent: str, shortest: int) -> str:
    # A run of this length has one of the windows that begin at multiples of half of it inside.
    window = shortest // 2
    kept, done, at = [], 0, 0
    while at + window <= len(message):
        begin, end = _run(message, sent, at, at + window, done)
        if end - begin >= shortest:
            kept += [message[done:begin], QUOTED]
            done = at = end
        else:
            at += window
    return "".join([*kept, message[done:]])


def _run(message: str, sent: str, begin: int, end: int, first: int) -> tuple[int, int]:
    """message[begin:end], made as long as it can be within `sent` and after `first`; empty when
    it is not in `sent`."""
    if message[begin:end] not in sent:
        return begin, begin
    while begin > first and message[begin - 1 : end] in sent:
        begin -= 1
    while end < len(message) and message[begin : end + 1] in sent:
        end += 1
    return begin, end
