"""Caps: hard limits on what may be spent, used or asked."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from msgspec import UNSET

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.dashboards import clock
from apps.dashboards.facts import Fact
from apps.dashboards.objects.cap_hindsight import foreseen
from apps.dashboards.objects.cap_page import context
from apps.dashboards.objects.cap_windows import Fullness, fullness, gauge, state_cell
from apps.dashboards.objects.cap_words import (
    SCOPES,
    amount,
    bare,
    counts,
    key_words,
    period_words,
    resets,
)
from apps.dashboards.objects.entry_form import SlugField
from apps.dashboards.objects.kind import Around, Cell, Filter, Head, Kind
from apps.dashboards.objects.rows_field import RowsField
from apps.dashboards.objects.scope_fields import ScopedForm, ScopeField, WordsField
from apps.policies.editing import Held
from apps.policies.models import PERIODS
from apps.policies.specs import cap_spec
from routerctl.engine.caps import limit_of

_TOKENS = {"shorten": "input_tokens", "limit_output": "max_output_tokens"}
_ACTIONS = (
    ("", "Action"),
    ("warn", "Warn in the answer"),
    ("cheaper", "Only the cheapest model"),
    ("shorten", "Leave out the oldest turns"),
    ("limit_output", "End answers sooner"),
    ("stop", "Stop"),
)
_MISSING = (("share", "share one window"), ("skip", "are not counted"))
_MODES = (
    ("closed", "Closed: what it counts is refused"),
    ("open", "Open: it goes on, is counted later, and may overshoot"),
)


class ActionsField(RowsField):
    """Rows of a percentage and what happens there; `tokens` is the amount of those actions that
    have one, under whatever name they have it."""

    def prepare_value(self, value: Any) -> Any:
        return [self._written(row) for row in value or ()]

    def _written(self, row: Mapping[str, Any]) -> dict[str, Any]:
        named = (row[name] for name in ("tokens", *_TOKENS.values()) if name in row)
        return {
            "at_percent": row.get("at_percent", ""),
            "do": row.get("do", ""),
            "tokens": next(named, ""),
        }

    def clean(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [self._read(number, row) for number, row in enumerate(super().clean(value), 1)]

    def _read(self, number: int, row: dict[str, Any]) -> dict[str, Any]:
        said = {"at_percent": row["at_percent"], "do": row["do"]}
        if row["tokens"] is None:
            return said
        if row["do"] not in _TOKENS:
            raise forms.ValidationError(f"Row {number}: {row['do']} has no number of tokens.")
        return {**said, _TOKENS[row["do"]]: row["tokens"]}


def _limit(label: str, unit: str, mode: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"inputmode": mode, "data-after": unit, "autocomplete": "off"})
    return forms.CharField(label=label, required=False, max_length=20, widget=widget)


def _count(label: str) -> forms.IntegerField:
    widget = forms.TextInput(attrs={"inputmode": "numeric", "data-after": label.lower()})
    return forms.IntegerField(label=label, required=False, min_value=0, widget=widget)


class CapForm(ScopedForm):
    slug = SlugField()
    limit_usd = _limit("Money", "USD", "decimal")
    limit_tokens = _count("Tokens")
    limit_requests = _count("Requests")
    scope = ScopeField(SCOPES)
    per = WordsField(
        label="A window for each",
        required=False,
        max_length=500,
        help_text="tenant, user, key, session or metadata.KEY; several between commas. Left empty: "
        "one window for all together.",
    )
    missing = forms.ChoiceField(
        label="Requests without it",
        choices=_MISSING,
        initial="share",
        help_text="Those that do not say for which tenant, user, ... they are.",
    )
    period = forms.ChoiceField(choices=[(one, one) for one in PERIODS], initial="day")
    time_zone = forms.CharField(
        max_length=64,
        initial="UTC",
        help_text="By whose clocks a period begins and ends, like Europe/Berlin.",
    )
    raised__limit_usd = _limit("Money until then", "USD", "decimal")
    raised__limit_tokens = _count("Tokens until then")
    raised__limit_requests = _count("Requests until then")
    raised__until = forms.CharField(
        label="Until",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="A moment with its zone, like 2026-12-01T00:00Z. Then the limit holds again.",
    )
    mode = forms.ChoiceField(choices=_MODES, initial="closed", label="While the database is away")
    actions = ActionsField(
        {
            "at_percent": forms.IntegerField(label="percent", min_value=1, max_value=100),
            "do": forms.ChoiceField(label="action", choices=_ACTIONS),
            "tokens": forms.IntegerField(label="tokens", required=False, min_value=1),
        },
        noun="action",
        label="As it fills",
        help_text="Tokens are said for leaving out turns and for ending answers alone. Without any "
        "action it stops at 100.",
    )

    groups = (
        ("The limit, one of", ("limit_usd", "limit_tokens", "limit_requests")),
        ("", ("scope", "per", "missing", "period", "time_zone", "mode", "actions")),
        (
            "A higher limit for a while",
            (
                "raised__limit_usd",
                "raised__limit_tokens",
                "raised__limit_requests",
                "raised__until",
            ),
        ),
    )


# --------------------------------------------------------------------------- the list


def _around(listed: Sequence[Held], person: User) -> Around:
    return fullness((cap_spec(held.entry) for held in listed), person)


def _row(held: Held, around: Around) -> Sequence[Cell]:
    full: Fullness = around[held.slug]
    spec, unit, limit = full.spec, full.unit, f"of {amount(full.unit, full.limit)}"
    if full.standing is None:
        dash = Cell(why_unknown=full.why_unknown)
        return (
            Cell(period_words(spec)), dash,
            Cell(why_unknown=full.why_unknown, sub=limit), dash, dash,
        )  # fmt: skip
    one = full.standing.fullest
    return (
        Cell(period_words(spec), sub=f"resets {resets(one.ends_at, spec.time_zone)}"),
        Cell(gauge=gauge(spec, one.settled, one.held), sub=_which(full)),
        Cell(bare(unit, one.settled), sub=limit),
        Cell(bare(unit, one.held)),
        state_cell(spec, one.taken),
    )


def _which(full: Fullness) -> str:
    """Of a cap with several windows: how many, and which of them is shown."""
    if not full.spec.per or full.standing is None:
        return ""
    if not full.standing.many:
        return "No window yet"
    fullest = key_words(full.standing.fullest.key)
    return f"{full.standing.many:,} open, fullest: {fullest}"


def _facts(held: Held, _person: User) -> Iterator[Fact]:
    spec = cap_spec(held.entry)
    unit, limit = limit_of(spec)
    yield Fact("Counts", counts(spec))
    yield Fact("Limit", amount(unit, limit))
    if spec.raised is not UNSET:
        until = resets(datetime.fromtimestamp(spec.raised.until_ms / 1000, UTC), spec.time_zone)
        over = clock.now_ms() >= spec.raised.until_ms
        words = f"{amount(unit, spec.raised.to)} until {until}"
        yield Fact("Raised for a while", f"{words}; that is over" if over else words)
    yield Fact("Period", period_words(spec))
    yield Fact("Time zone", spec.time_zone)
    if spec.per:
        yield Fact("A window for each", ", ".join(spec.per))
        yield Fact("Requests without it", dict(_MISSING)[spec.missing].capitalize())
    yield Fact("While the database is away", dict(_MODES)[spec.mode])


_UNITS = (("nano_usd", "USD"), ("tokens", "tokens"), ("requests", "requests"))

CAPS = Kind(
    name="caps",
    title="Caps",
    lede="A cap is a hard limit: what is settled and held never passes it.",
    icon="wallet",
    edits=Action.EDIT_CAPS,
    reads=Action.READ_CAPS,
    form=CapForm,
    heads=(
        Head("Period", wide=True),
        Head("Settled and held", wide=True),
        Head("Settled", n=True),
        Head("Held", n=True, wide=True),
        Head("State"),
    ),
    row=_row,
    facts=_facts,
    told=lambda held: counts(cap_spec(held.entry)),
    around=_around,
    filters=(
        Filter(
            "period",
            "Period",
            lambda _: [(one, one) for one in PERIODS],
            lambda held, value: held.entry["period"] == value,
        ),
        Filter(
            "unit",
            "Unit",
            lambda _: _UNITS,
            lambda held, value: limit_of(cap_spec(held.entry))[0] == value,
        ),
    ),
    overview="objects/cap.html",
    context=context,
    dangerous=True,
    meters=True,
    effect="objects/parts/cap_hindsight.html",
    foreseen=foreseen,
)
