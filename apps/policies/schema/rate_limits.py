"""Rate limits, as the file writes them."""

from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import Field, ValidationInfo, model_validator

from apps.policies.schema.caps import PerList, scope_of
from apps.policies.schema.fields import Count, Distinct, Entry, Text, one_of
from apps.policies.schema.names import Slug, names_in, refuse_all
from apps.policies.yaml12 import Path
from routerctl.engine.rate_limits import PERIODS_US, SCOPES

_FINEST_US = 10
"""Buckets count in microseconds; below this the rounding would be felt."""

_LONGEST_US = 366 * 24 * PERIODS_US["hour"]
"""A bucket that is full again so late says nothing, and Valkey counts in 53 bits."""

_Scoped = scope_of(*SCOPES)


class ReservedEntry(Entry):
    plan: Annotated[list[Text], Field(min_length=1), Distinct]
    percent: Annotated[int, Field(ge=1, le=99)]

    @model_validator(mode="after")
    def _plans_are_known(self, info: ValidationInfo) -> Self:
        known = names_in(info).slugs["plans"]
        unknown = [(i, plan) for i, plan in enumerate(self.plan) if plan not in known]
        refuse_all(((("plan", i), f"there is no plan {plan}") for i, plan in unknown), self.plan)
        return self


class RateLimitEntry(Entry):
    slug: Slug
    scope: Annotated[dict[str, Any], _Scoped] = {}
    per: PerList = []
    limit_requests: Count
    period: Annotated[str, one_of(PERIODS_US, "period of a rate limit")]
    burst: Count | None = None
    reserved: ReservedEntry | None = None

    @model_validator(mode="after")
    def _lets_somebody_through(self) -> Self:
        refuse_all(self._problems(), self.slug)
        return self

    def _problems(self) -> Iterator[tuple[Path, str]]:
        most = PERIODS_US[self.period] // _FINEST_US
        if self.limit_requests > most:
            yield ("limit_requests",), f"must be at most {most} in a {self.period}"
        burst = self.limit_requests if self.burst is None else self.burst
        if burst * PERIODS_US[self.period] > _LONGEST_US * self.limit_requests:
            yield ("burst",), "takes more than a year to come again"
        if self.reserved is not None and burst * (100 - self.reserved.percent) < 100:
            yield ("reserved", "percent"), f"of a burst of {burst} it leaves nothing for the others"
