"""Features: the places in the product that spend money."""

from collections.abc import Iterator, Sequence

from django import forms

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.dashboards.facts import Fact
from apps.dashboards.objects.entry_form import EntryForm, SlugField
from apps.dashboards.objects.kind import Around, Cell, Head, Kind
from apps.policies.editing import Held


class FeatureForm(EntryForm):
    slug = SlugField()
    owner = forms.CharField(
        required=False,
        max_length=200,
        help_text="Who answers for what it costs: a team or an address.",
    )
    quality_floor = forms.CharField(
        required=False,
        max_length=20,
        help_text="From 0 to 1. No model below it answers for this feature.",
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )


def _row(held: Held, _around: Around) -> Sequence[Cell]:
    entry = held.entry
    return (
        Cell(entry.get("owner", ""), why_unknown="Nobody is named"),
        Cell(entry.get("quality_floor", ""), why_unknown="None: any quality will do"),
    )


def _facts(held: Held, _person: User) -> Iterator[Fact]:
    yield Fact("Owner", held.entry.get("owner", ""), why_unknown="Nobody is named")
    floor = held.entry.get("quality_floor", "")
    yield Fact("Quality floor", floor, why_unknown="None: any quality will do")


FEATURES = Kind(
    name="features",
    title="Features",
    lede="The places in the product that spend money, and who answers for each.",
    icon="layers",
    edits=Action.EDIT_POLICY,
    form=FeatureForm,
    heads=(Head("Owner"), Head("Quality floor", n=True, wide=True)),
    row=_row,
    facts=_facts,
    traffic="feature",
)
