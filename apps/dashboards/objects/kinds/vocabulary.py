"""Tasks and plans: the words that requests, routes and caps are told apart by."""

from collections.abc import Iterator, Sequence

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.dashboards.facts import Fact
from apps.dashboards.objects.entry_form import EntryForm, SlugField
from apps.dashboards.objects.kind import Around, Cell, Kind
from apps.policies.editing import Held


class WordForm(EntryForm):
    slug = SlugField()


def _row(_held: Held, _around: Around) -> Sequence[Cell]:
    return ()


def _facts(_held: Held, _person: User) -> Iterator[Fact]:
    yield from ()


def _words(name: str, title: str, lede: str, icon: str) -> Kind:
    return Kind(
        name=name,
        title=title,
        lede=lede,
        icon=icon,
        edits=Action.EDIT_POLICY,
        form=WordForm,
        heads=(),
        row=_row,
        facts=_facts,
        traffic=name.removesuffix("s"),
        only_a_name=True,
    )


TASKS = _words("tasks", "Tasks", "What is asked for: a chat, a summary, code.", "file-text")
PLANS = _words("plans", "Plans", "What your customers pay for.", "ticket")
