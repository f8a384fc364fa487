"""A cap in plain words: whom it counts, how much that is, what it does as it fills."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from apps.dashboards.figures import counted, dollars, thousands
from routerctl.engine.specs import CapSpec, RateLimitSpec

SCOPES = ("feature", "plan", "tenant", "task", "route", "deployment", "key", "app")
"""What a cap may look at, in the order in which it is said."""

_PERIODS = {"total": "In total", "request": "Each request"}
_DO = {
    "warn": "Answers carry the safety flag {flag}.",
    "cheaper": "Only the cheapest model that can answer is asked. Callers see {cheaper}.",
    "shorten": "The oldest turns are left out until at most {tokens} are sent.",
    "limit_output": "Answers end after {tokens}.",
    "stop": "What it counts is no longer asked. A request that nobody else can answer is refused "
    "with cap_reached.",
}
_AT_THE_LIMIT = (
    "Only what still fits passes: what costs nothing, and deployments that it does not count. A "
    "request that somebody else can answer goes there, and its caller sees X-Degraded: cheaper. "
    "Any other is refused with cap_reached and when it resets."
)
_ONE_REQUEST = "A request that could take more is sent to somebody else, or refused."


def counts(spec: CapSpec | RateLimitSpec) -> str:
    """`Feature support-chat, plan free; each tenant for itself`."""
    looked_at = sorted(spec.scope, key=SCOPES.index)
    named = ", ".join(f"{name} {_either(spec.scope[name])}" for name in looked_at)
    whom = named[0].upper() + named[1:] if named else "Every request"
    return f"{whom}; each {' and '.join(spec.per)} for itself" if spec.per else whom


def _either(value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        return value
    *others, last = value
    return f"{', '.join(others)} or {last}" if others else last


def period_words(spec: CapSpec) -> str:
    return _PERIODS.get(spec.period, f"Each {spec.period}")


def amount(unit: str, number: int) -> str:
    """`$22.46`, `12,000 tokens`, `1 request`."""
    return dollars(number) if unit == "nano_usd" else counted(number, unit.removesuffix("s"))


def bare(unit: str, number: int) -> str:
    """The same without its noun, for columns and figures beside a limit that has it."""
    return dollars(number) if unit == "nano_usd" else thousands(number)


def resets(ends_at: datetime | None, time_zone: str) -> str:
    """`Thu 26 Nov, 00:00 CET`, by the cap's clocks."""
    if ends_at is None:
        return "never"
    at = ends_at.astimezone(ZoneInfo(time_zone))
    return f"{at:%a} {at.day} {at:%b}, {at:%H:%M %Z}"


def key_words(key: Mapping[str, str]) -> str:
    """`tenant acme`; a request without a value shares the window of those without."""
    return ", ".join(f"{name} {value or '(none)'}" for name, value in key.items())


def steps(spec: CapSpec) -> Iterator[tuple[int, str]]:
    """What it does from which percent on, the lowest first. At the limit the ledger refuses,
    whatever the actions say."""
    for action in sorted(spec.actions, key=lambda action: int(action["at_percent"])):
        at, do = int(action["at_percent"]), str(action["do"])
        if at < 100 or do == "warn":
            tokens = counted(
                int(action.get("input_tokens", action.get("max_output_tokens", 0))), "token"
            )
            flag, seen = f"cap_warning:{spec.slug}", "X-Degraded: cheaper"
            yield at, _DO[do].format(flag=flag, cheaper=seen, tokens=tokens)
    yield 100, _ONE_REQUEST if spec.period == "request" else _AT_THE_LIMIT
