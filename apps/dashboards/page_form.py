"""What forms of pages share: the design's input class, and the reason that every save needs."""

from typing import Any

from django import forms

MAX_REASON = 500


class PageForm(forms.Form):
    """A form which `parts/field.html` renders. Django sets aria-invalid and aria-describedby."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for bound in self.visible_fields():
            widget = bound.field.widget
            if not isinstance(widget, forms.CheckboxInput | forms.RadioSelect):
                widget.attrs.setdefault("class", "input")


class ReasonedForm(PageForm):
    """A form that changes something: why, for the change log."""

    reason = forms.CharField(
        max_length=MAX_REASON,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Stands in the change log beside your name.",
        error_messages={"required": "Give a reason; it goes into the change log."},
    )
