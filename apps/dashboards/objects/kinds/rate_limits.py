"""Rate limits: how many requests of whom may come in how short a time."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

import msgspec
from django import forms

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.dashboards.facts import Fact
from apps.dashboards.figures import counted
from apps.dashboards.objects.cap_words import counts
from apps.dashboards.objects.entry_form import SlugField
from apps.dashboards.objects.kind import Around, Cell, Filter, Head, Kind
from apps.dashboards.objects.scope_fields import ScopedForm, ScopeField, WordsField
from apps.policies.editing import Held
from routerctl.engine.rate_limits import PERIODS_US, SCOPES, burst_of, requests_for_all
from routerctl.engine.sentences import all_of
from routerctl.engine.specs import RateLimitSpec

_REFUSED = urlencode({"error_code": "rate_limited"})

_PERIODS = [(period, period) for period in PERIODS_US]


class RateLimitForm(ScopedForm):
    slug = SlugField()
    limit_requests = forms.IntegerField(label="Requests", min_value=1)
    period = forms.ChoiceField(choices=_PERIODS, initial="minute", label="In each")
    burst = forms.IntegerField(
        label="At once",
        required=False,
        min_value=1,
        help_text="How many may come at the same moment. Left empty: as many as in the period.",
    )
    scope = ScopeField(SCOPES)
    per = WordsField(
        label="Apart for each",
        required=False,
        max_length=500,
        help_text="tenant, user, key, session or metadata.KEY; several between commas. Left empty: "
        "all together.",
    )
    reserved__plan = WordsField(
        label="Plans",
        required=False,
        max_length=500,
        help_text="Those for whom a part stays free when the others have used theirs up.",
    )
    reserved__percent = forms.IntegerField(
        label="Percent kept for them", required=False, min_value=1, max_value=99
    )

    groups = (("Reserved share", ("reserved__plan", "reserved__percent")),)


def _spec(held: Held) -> RateLimitSpec:
    return msgspec.convert(held.entry, RateLimitSpec)


def limit_words(spec: RateLimitSpec) -> str:
    """`60 requests a minute, 10 at once`."""
    an = "an" if spec.period == "hour" else "a"
    words = f"{counted(spec.limit_requests, 'request')} {an} {spec.period}"
    burst = burst_of(spec)
    return words if burst == spec.limit_requests else f"{words}, {burst:,} at once"


def _reserved(spec: RateLimitSpec) -> str:
    if spec.reserved is msgspec.UNSET:
        return ""
    return f"{spec.reserved.percent} % for {all_of(spec.reserved.plan)}"


def _row(held: Held, _around: Around) -> Sequence[Cell]:
    spec = _spec(held)
    return (
        Cell(limit_words(spec)),
        Cell(", ".join(spec.per), why_unknown="All together"),
        Cell(_reserved(spec), why_unknown="Nothing is reserved"),
        Cell(at=held.saved.at if held.saved else None, why_unknown="Nobody has saved it yet"),
    )


def _facts(held: Held, _person: User) -> Iterator[Fact]:
    spec = _spec(held)
    yield Fact("Counts", counts(spec))
    yield Fact("Lets through", limit_words(spec))
    if spec.reserved is not msgspec.UNSET:
        yield Fact("Reserved", _reserved(spec))
        yield Fact("All others at once", counted(requests_for_all(spec), "request"))
    yield Fact("What is over it", "Is refused, and told when to come again", query=_REFUSED)
    yield Fact("While Valkey is away", "Each process lets its share of it through")


RATE_LIMITS = Kind(
    name="rate_limits",
    title="Rate limits",
    lede="How many requests of whom may come in how short a time. What is over it is refused "
    "before anything is decided or spent.",
    icon="hourglass",
    edits=Action.EDIT_POLICY,
    form=RateLimitForm,
    heads=(
        Head("Lets through"),
        Head("Apart for each", wide=True),
        Head("Reserved", wide=True),
        Head("Last change", wide=True),
    ),
    row=_row,
    facts=_facts,
    told=lambda held: counts(_spec(held)),
    filters=(
        Filter(
            "period",
            "Period",
            lambda _: _PERIODS,
            lambda held, value: held.entry["period"] == value,
        ),
    ),
)
