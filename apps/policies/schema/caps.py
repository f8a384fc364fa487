"""Caps, as the file writes them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from apps.policies.models import PERIODS
from apps.policies.schema.fields import Count, Distinct, Entry, Usd, one_of
from apps.policies.schema.names import Slug, names_in, refuse, refuse_all
from apps.policies.yaml12 import Path

_LISTED = {
    "feature": "features",
    "plan": "plans",
    "tenant": None,
    "task": "tasks",
    "route": "routes",
    "deployment": "deployments",
    "key": None,
    "app": None,
}
"""What a scope may name, and the list of the file in which the value must stand."""

_PER = re.compile(r"tenant|user|key|session|metadata\.[A-Za-z0-9_.-]{1,64}", re.ASCII)
_MAX_AMOUNT = 10**15


def scope_of(*named: str) -> AfterValidator:
    """Of a scope: it may name these things."""

    def check(scope: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        refuse_all(_scope_problems(scope, info, named), scope)
        return scope

    return AfterValidator(check)


def _scope_problems(
    scope: dict[str, Any], info: ValidationInfo, named: tuple[str, ...]
) -> Iterator[tuple[Path, str]]:
    for name, value in scope.items():
        values = value if isinstance(value, list) else [value]
        section = _LISTED.get(name)
        if name not in named:
            yield (name,), f"unknown; a scope may name {', '.join(named)}"
        elif not values or not all(isinstance(word, str) and word for word in values):
            yield (name,), "must be a word or a list of words"
        elif section is not None:
            unknown = (word for word in values if word not in names_in(info).slugs[section])
            yield from (((name,), f"there is no {name} {word}") for word in unknown)


def _per(per: str) -> str:
    if not _PER.fullmatch(per):
        raise refuse(f"{per!r} is none of tenant, user, key, session, metadata.KEY")
    return per


PerList = Annotated[list[Annotated[str, AfterValidator(_per)]], Distinct]
"""What a window or a bucket is made for each of."""


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _time_zone(name: str) -> str:
    if name not in _time_zones():
        raise refuse(f"there is no time zone {name}; write one like Europe/Berlin")
    return name


class ActionEntry(Entry):
    """What happens when the share `at_percent` of the limit is used."""

    at_percent: Annotated[int, Field(ge=1, le=100)]
    do: Literal["warn", "cheaper", "shorten", "limit_output", "stop"]
    input_tokens: Count | None = None
    max_output_tokens: Count | None = None

    @model_validator(mode="after")
    def _has_its_amount(self) -> Self:
        refuse_all(self._disagreements(), self.do)
        return self

    def _disagreements(self) -> Iterator[tuple[Path, str]]:
        for field, action in (("input_tokens", "shorten"), ("max_output_tokens", "limit_output")):
            stated = getattr(self, field) is not None
            if stated and self.do != action:
                yield (field,), f"only {action} has it"
            if not stated and self.do == action:
                yield (field,), f"{action} needs it"


Amount = Annotated[int, Field(ge=0, le=_MAX_AMOUNT)]

LIMITS = ("limit_usd", "limit_tokens", "limit_requests")
_MOMENT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _moment(value: Any) -> datetime:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except ValueError:
            pass  # such as 2026-02-30T12:00Z
    raise refuse("must be a moment with its zone, such as 2026-12-01T00:00Z")


class RaisedEntry(Entry):
    """Another limit, in the cap's unit, that holds before `until`."""

    limit_usd: Usd | None = None
    limit_tokens: Amount | None = None
    limit_requests: Amount | None = None
    until: Annotated[datetime, BeforeValidator(_moment)]


_Scoped = scope_of(*_LISTED)


class CapEntry(Entry):
    slug: Slug
    scope: Annotated[dict[str, Any], _Scoped] = {}
    per: PerList = []
    missing: Literal["share", "skip"] = "share"
    period: Annotated[str, one_of(PERIODS, "period")]
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    limit_usd: Usd | None = None
    limit_tokens: Amount | None = None
    limit_requests: Amount | None = None
    mode: Literal["closed", "open"] = "closed"
    actions: Annotated[list[ActionEntry], Field(min_length=1), Distinct] = [
        ActionEntry(at_percent=100, do="stop")
    ]
    raised: RaisedEntry | None = None

    @model_validator(mode="after")
    def _has_one_limit(self) -> Self:
        limits = (self.limit_usd, self.limit_tokens, self.limit_requests)
        if sum(limit is not None for limit in limits) != 1:
            raise refuse("needs exactly one of limit_usd, limit_tokens, limit_requests")
        if self.raised is not None:
            refuse_all(self._wrong_raise(self.raised), self.slug)
        return self

    def _wrong_raise(self, raised: RaisedEntry) -> Iterator[tuple[Path, str]]:
        own = next(name for name in LIMITS if getattr(self, name) is not None)
        others = [n for n in LIMITS if n != own and getattr(raised, n) is not None]
        for name in others:
            yield ("raised", name), "the cap's own limit is in another unit"
        more = getattr(raised, own)
        if not others and (more is None or more <= getattr(self, own)):
            yield ("raised", own), "must be more than the cap's own limit"
