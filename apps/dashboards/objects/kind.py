"""What a kind of object says about itself, so that the frame can show and edit it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.dashboards.facts import Fact
from apps.dashboards.objects.entry_form import EntryForm
from apps.policies.editing import Held
from apps.policies.export import Entry
from apps.policies.schema.names import SECTIONS

Around = Mapping[str, Any]
"""What a kind looked up once for a whole list."""


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head. `n` is for numbers, `wide` leaves the column out on small screens, and
    `text` keeps room there for a sentence."""

    title: str
    n: bool = False
    wide: bool = False
    text: bool = False


@dataclass(frozen=True, slots=True)
class Switch:
    """Whether something is on, and the page that switches it."""

    on: bool
    url: str


@dataclass(frozen=True, slots=True)
class Gauge:
    """What is `settled` and `held` of a limit, in percent of it; `tick` is where something begins
    to happen. `said` is for who cannot see it."""

    settled: float
    held: float
    tick: int | None
    tone: str
    said: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a row: text and perhaps a second line, a link, or a state; a moment or a
    switch. Without any it is a dash, and `why_unknown` says why. `meter` (0 to 100) is drawn
    beside the text, a `gauge` above the second line."""

    text: str = ""
    sub: str = ""
    url: str = ""
    tone: str = ""
    icon: str = ""
    why_unknown: str = ""
    meter: int | None = None
    gauge: Gauge | None = None
    at: datetime | None = None
    switch: Switch | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter in a list's query: the `choices` for what is listed, and whether an object has
    the value that was chosen."""

    name: str
    label: str
    choices: Callable[[Sequence[Held]], Iterable[tuple[str, str]]]
    has: Callable[[Held, str], bool]


@dataclass(frozen=True, slots=True)
class Apart:
    """Another form for a part of an object that somebody else may edit, at `/-/PAGE/SLUG`."""

    page: str
    title: str
    edits: Action
    form: type[EntryForm]


def _nothing(_listed: Sequence[Held], _person: User) -> Around:
    return {}


def _not_foreseen(_entry: Entry, _person: User) -> dict[str, Any]:
    return {}


def _no_context(_held: Held, _person: User) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`name` is the file's list. `row` gives the cells after the first, which is the slug and,
    below it, `told`. `facts` are those of an object's page; `panels` is a template with more of
    them, `actions` one with buttons, and `context` is what the two need. `traffic` names the
    column of traces that has the slug. With `words_first` the panels stand before the facts. Where
    the order matters, `moved_at` is the page on which an object gets another place. To delete a
    `dangerous` one takes typing its slug; one that is `only_a_name` has nothing to edit. Pages
    with meters load the stylesheet of charts. `overview` is the template of an object's first
    side; a `badge` among its context stands beside the name. `effect` is a template below the
    difference that an edit makes, which is given what is `foreseen` of the entry."""

    name: str
    title: str
    lede: str
    icon: str
    edits: Action
    reads: Action = Action.READ_CONFIGURATION
    form: type[EntryForm]
    heads: tuple[Head, ...]
    row: Callable[[Held, Around], Sequence[Cell]]
    facts: Callable[[Held, User], Iterable[Fact]]
    told: Callable[[Held], str] = lambda _: ""
    around: Callable[[Sequence[Held], User], Around] = _nothing
    filters: tuple[Filter, ...] = ()
    overview: str = "objects/parts/overview.html"
    panels: str = ""
    actions: str = ""
    context: Callable[[Held, User], dict[str, Any]] = _no_context
    traffic: str = ""
    apart: tuple[Apart, ...] = ()
    words_first: bool = False
    moved_at: str = ""
    dangerous: bool = False
    only_a_name: bool = False
    meters: bool = False
    effect: str = ""
    foreseen: Callable[[Entry, User], dict[str, Any]] = _not_foreseen

    @property
    def one(self) -> str:
        """`rate limit`: what one of them is called in sentences."""
        return SECTIONS[self.name]

    @property
    def page(self) -> str:
        """`rate_limit`: the name of the URL of one, and how those of its other pages begin."""
        return self.one.replace(" ", "_")

    @property
    def list_url(self) -> str:
        return reverse(self.name)

    @property
    def new_url(self) -> str:
        return reverse(f"{self.page}_new")

    def move_url(self, slug: str) -> str:
        """Where an object gets another place; empty where the order does not matter."""
        return reverse(self.moved_at, args=[slug]) if self.moved_at else ""

    def url(self, slug: str, page: str = "") -> str:
        """The address of an object, or of its page `edit`, `delete` or one that is `apart`."""
        return reverse(f"{self.page}_{page}" if page else self.page, args=[slug])
