"""Moments as people write them into a page's range, read in the page's own zone."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from apps.dashboards import clock
from apps.traces.moments import parse_moment

_DAYS = {"today": 0, "yesterday": 1}


class MomentField(forms.CharField):
    """`2026-11-18T14:00`, `2026-11-18`, `now-6h`, `today` or `yesterday`; cleans to milliseconds
    since the epoch."""

    default_error_messages = {"moment": "Write a moment like 2026-11-18T14:00, today or now-6h."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=40, **kwargs)

    def clean(self, value: str) -> int | None:
        text = super().clean(value)
        try:
            return read_moment(text) if text else None
        except (ValueError, OverflowError):
            raise forms.ValidationError(self.error_messages["moment"], code="moment") from None


def read_moment(text: str) -> int:
    """Milliseconds since the epoch. Raises ValueError or OverflowError for what is no moment."""
    now_ms = clock.now_ms()
    if text in _DAYS:
        midnight = clock.local(now_ms).replace(hour=0, minute=0, second=0, microsecond=0)
        return int((midnight - timedelta(days=_DAYS[text])).timestamp() * 1000)
    moment_ms = parse_moment(text, now_ms)
    if text.startswith("now") or _has_zone(text):
        return moment_ms
    written = datetime.fromtimestamp(moment_ms / 1000, UTC).replace(tzinfo=None)
    return int(timezone.make_aware(written).timestamp() * 1000)


def _has_zone(text: str) -> bool:
    return datetime.fromisoformat(text[:11] + text[11:].replace(" ", "+")).tzinfo is not None
