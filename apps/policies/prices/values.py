"""Proposals of prices as values: what is stored of them, and what pages and the API tell.

An entry is a price as the configuration file writes it.
"""

from datetime import date, datetime

from msgspec import Struct

from apps.accounts.models import User
from apps.policies.export import Entry

HAND = "hand"
"""The feed of what a person typed."""


ODD = frozenset(("far", "unit", "zero"))
"""The marks that look like a slip: one person's word is not enough for them."""


class Mark(Struct, frozen=True):
    """What is odd about an item. It is held back: whoever approves has to choose it by itself.
    `refused` ones cannot be approved at all."""

    code: str
    sentence: str
    refused: bool = False


class Effect(Struct, frozen=True):
    """What an item touches: the routes on which its deployment stands, and its calls of the last
    30 days, as they would cost at the price so far (None: it had none) and at the new one."""

    routes: tuple[str, ...] = ()
    calls: int = 0
    was_nano_usd: int | None = None
    would_nano_usd: int = 0

    @property
    def more_nano_usd(self) -> int:
        """Below 0: less."""
        return self.would_nano_usd - (self.was_nano_usd or 0)


class Item(Struct, frozen=True):
    """One price that is asked for. `before` is the one that it comes after, None where there was
    none. With `until`, what holds now comes back on that day. `named` is the feed's name of the
    model."""

    deployment: str
    before: Entry | None
    after: Entry
    until: date | None = None
    named: str = ""
    marks: tuple[Mark, ...] = ()
    effect: Effect = Effect()

    @property
    def starts_on(self) -> str:
        return str(self.after["from"])

    @property
    def refused(self) -> bool:
        return any(mark.refused for mark in self.marks)

    @property
    def odd(self) -> bool:
        """Whoever proposed it may not approve it."""
        return any(mark.code in ODD for mark in self.marks)


class Content(Struct, frozen=True):
    """What a proposal proposes. `unmatched` has the reason by deployment, `unchanged` are those
    whose price is what the feed says."""

    items: tuple[Item, ...]
    unmatched: dict[str, str] = {}
    unchanged: tuple[str, ...] = ()


class Proposal(Struct, frozen=True):
    """A stored proposal. `state` is open, approved or rejected; `applied` are the places of the
    items that were approved; `person` and `decided_by` are None for a command or a key."""

    id: int
    feed: str
    version: str
    content: Content
    person: User | None
    source: str
    made_at: datetime
    state: str
    applied: tuple[int, ...]
    decided_by: User | None
    decided_at: datetime | None
    reason: str

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    @property
    def named(self) -> str:
        """Where it came from, for people: `genai-prices 0.2.3`."""
        return "by hand" if self.feed == HAND else f"{self.feed} {self.version}"


class Refused(Exception):
    """A proposal cannot be made or decided like this. Nothing was changed; the message says
    why, for people."""


class NotYours(Refused):
    """Whoever proposed an odd price does not approve it."""


class Stale(Refused):
    """The prices, or the proposal itself, were changed meanwhile."""
