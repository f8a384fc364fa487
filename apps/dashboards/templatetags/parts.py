"""Small parts that every page has: icons, states, things to copy."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

_STATES = {
    "succeeded": ("ok", "circle-check", "Succeeded"),
    "degraded": ("warn", "circle-arrow-down", "Degraded"),
    "blocked": ("info", "ban", "Blocked"),
    "failed": ("error", "circle-x", "Failed"),
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of the sprite, silent to screen readers: a word stands beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#i-{}"/></svg>',
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
def tone(value: str) -> str:
    """The tone of a trace's status."""
    return _STATES[value][0]


@register.inclusion_tag("parts/copy.html")
def copy(text: str, what: str, shown: str = "") -> dict[str, str]:
    """`shown` in code with a button that copies `text`; `what` tells screen readers."""
    return {"text": text, "what": what, "shown": shown or text}
