"""What a scripted provider does with a call, said by whoever makes it.

Words follow a `~` in the model's name, `gpt-4o-mini~latency=200~status=503`, or stand in the last
user message, `[mock latency=200 status=503]`; a message's word beats a model's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace

_MARKER = re.compile(r"\[mock ([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Script:
    """Times are in ms; `stall`, `cut`, `broken` and `error_after` count chunks of a stream. A whole
    answer is one that stalls, is cut or broken in its middle if they are not 0."""

    latency: int = 0
    """Before anything is sent."""
    first: int = 0
    """Between a stream's headers and its first chunk."""
    gap: int = 0
    """Between two chunks."""
    words: int = 0
    """The answer's length; 0: as long as it is."""
    cached: int = 0
    """Input tokens that were read from a cache."""
    reasoning: int = 0
    """Output tokens that nobody sees."""
    status: int = 200
    code: str = ""
    """The vendor's word for the error; its usual one for `status` by default."""
    retry_after: int = 0
    """Seconds, sent with an error."""
    quote: bool = False
    """An error repeats the call's credential and body, as some vendors' errors do."""
    times: int = 0
    """The error, silence or fault happens to the first so many calls of this model; 0: to all."""
    percent: int = 100
    """It happens to this share of the calls, spread evenly."""
    only: str = ""
    """It happens at this provider alone."""
    silent: bool = False
    """Accept the call and never answer."""
    stall: int = 0
    """Send so many chunks, then nothing more, and stay connected."""
    cut: int = 0
    """Send so many chunks, then close the connection."""
    broken: int = 0
    """Send so many chunks, then one that is not JSON."""
    error_after: int = 0
    """Send so many chunks, then the vendor's error event."""
    open_ended: bool = False
    """End the stream in order, but without finish reason and end marker."""
    page: bool = False
    """An error is a proxy's page, not the vendor's JSON."""
    empty: bool = False
    """Answer 200 with nothing in it."""
    refuse: bool = False
    """The vendor's content policy stops the answer."""
    tool: bool = False
    """Call the first tool although nothing forces it."""

    def applies(self, provider: str, call_number: int) -> bool:
        """Whether the scripted fault happens to the model's `call_number`th call, from 1."""
        if self.only and provider != self.only:
            return False
        if self.times and call_number > self.times:
            return False
        return call_number * self.percent // 100 > (call_number - 1) * self.percent // 100

    def without_faults(self) -> Script:
        """The same call in good health."""
        return replace(
            self, status=200, silent=False, stall=0, cut=0, broken=0, error_after=0,
            open_ended=False, empty=False, refuse=False,
        )  # fmt: skip


_KINDS: dict[str, type] = {field.name: type(field.default) for field in fields(Script)}


def read_script(model: str, last_user_text: str) -> Script:
    """Raises ValueError for a word that is none: a test with a typo must not pass."""
    words = model.split("~")[1:]
    for marker in _MARKER.findall(last_user_text):
        words += marker.split()
    return Script(**dict(_read(word) for word in words))  # type: ignore[arg-type]


def _read(word: str) -> tuple[str, int | str | bool]:
    name, _, value = word.partition("=")
    kind = _KINDS.get(name)
    if kind is None:
        raise ValueError(f"The script word {name!r} is none of: {', '.join(_KINDS)}.")
    if kind is bool:
        return name, True
    return name, kind(value)
