"""Small parts that every page has: icons, states, things to copy."""

from django import forms, template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.ledger.records import Outcome

register = template.Library()

_STATES = {
    "succeeded": ("ok", "circle-check", "Succeeded"),
    "degraded": ("warn", "circle-arrow-down", "Degraded"),
    "blocked": ("info", "ban", "Blocked"),
    "failed": ("error", "circle-x", "Failed"),
}


@register.simple_tag
def icon(name: str, tone: str = "") -> SafeString:
    """An icon of the sprite, silent to screen readers: a word stands beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"{}><use href="{}#i-{}"/></svg>',
        format_html(' data-tone="{}"', tone) if tone else "",
        static("icons/sprite.svg"),
        name,
    )


@register.simple_tag
def state(tone: str, icon_name: str, word: str, part: str = "state") -> SafeString:
    """A state is always icon, word and colour. `part` is state in tables, badge on headings."""
    return format_html(
        '<span class="{}" data-tone="{}">{}{}</span>', part, tone, icon(icon_name), word
    )


@register.simple_tag
def status(value: str, part: str = "state") -> SafeString:
    """A trace's status: succeeded, degraded, blocked or failed."""
    return state(*_STATES[value], part)


@register.filter
def status_word(value: str) -> str:
    return _STATES[value][2]


@register.filter
def reason_word(outcome: Outcome) -> str:
    """Why a request did not simply succeed: `Cap reached`, `Fallback`; empty when it did."""
    code = outcome.error_code or outcome.degraded_action or ""
    return code.replace("_", " ").capitalize()


@register.filter
def short_id(trace_id: str) -> str:
    """The part of a trace ID that tells it from its neighbours: the millisecond it began with.
    What follows is mostly the process's own."""
    return f"{trace_id[:13]}…"


@register.filter
def tone(value: str) -> str:
    """The tone of a trace's status."""
    return _STATES[value][0]


@register.simple_tag
def environment_badge(environment: str) -> SafeString:
    """Production is the one that must not be mistaken."""
    return state(
        "ok" if environment == "Production" else "info", "circle-dot", environment, "badge"
    )


@register.simple_tag
def bar(kind: str, x: str, width: str, y: int, height: int) -> SafeString:
    """A bar of the waterfall: waiting, receiving or silent, the last one hatched."""
    hatched = format_html('fill="{}"', "url(#hatch-w)")
    return format_html(
        '<rect {} x="{}" width="{}" y="{}" height="{}" rx="2"/>',
        hatched if kind == "silent" else format_html('class="{}"', kind),
        x,
        width,
        y,
        height,
    )


@register.inclusion_tag("parts/copy.html")
def copy(text: str, what: str, shown: str = "") -> dict[str, str]:
    """`shown` in code with a button that copies `text`; `what` tells screen readers."""
    return {"text": text, "what": what, "shown": shown or text}


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, forms.CheckboxInput)


_MESSAGES = {
    "success": ("ok", "circle-check"),
    "info": ("info", "info"),
    "warning": ("warn", "triangle-alert"),
    "error": ("error", "circle-alert"),
}


@register.filter
def message_tone(level: str) -> str:
    return _MESSAGES[level][0]


@register.filter
def message_icon(level: str) -> str:
    return _MESSAGES[level][1]


@register.filter
def split_words(text: str) -> list[str]:
    return text.split()
