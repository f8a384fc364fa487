"""A proposal in words: what it would change, one class of token a line."""

from collections.abc import Iterator

from apps.policies.prices.classes import Row, rows_between
from apps.policies.prices.values import Content, Item
from routerctl.engine.sentences import dollars


def told(content: Content) -> str:
    """Items, then deployments that the feed has no price for, each with the reason."""
    return "\n".join([*_items(content), *_unmatched(content)])


def _items(content: Content) -> Iterator[str]:
    for item in content.items:
        until = f" until {item.until}" if item.until else ""
        yield f"{'~' if item.before else '+'} {item.deployment} from {item.starts_on}{until}"
        yield from (f"    {row_told(row)}" for row in rows_between(item.before, item.after))
        yield from (f"    ! {mark.sentence}" for mark in item.marks)
        yield f"    {effect_told(item)}"


def row_told(row: Row) -> str:
    """`Input: $0.15 → $0.20 (+34 percent)`."""
    if not row.changed:
        return f"{row.title}: {dollars(row.now)}"
    was = "(none)" if row.was is None else dollars(row.was)
    percent = "" if row.percent is None else f" ({row.percent:+,} percent)"
    return f"{row.title}: {was} → {dollars(row.now)}{percent}"


def effect_told(item: Item) -> str:
    """Which routes it touches, and the money of the last 30 days."""
    effect = item.effect
    routes = ", ".join(effect.routes) or "no route"
    if not effect.calls:
        return f"{routes}; no call in the last 30 days"
    more = effect.more_nano_usd
    return f"{routes}; {dollars(abs(more))} {'less' if more < 0 else 'more'} over the last 30 days"


def _unmatched(content: Content) -> Iterator[str]:
    for deployment, why in content.unmatched.items():
        yield f"? {deployment}: {why}"
