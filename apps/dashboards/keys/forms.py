"""What is typed to make, rotate and revoke a key."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.accounts.models import SCOPES, ApiKey
from apps.accounts.tenants import LONGEST, Tenants
from apps.dashboards.objects.entry_form import listed
from apps.dashboards.page_form import ReasonedForm

_SCOPES = {
    "generate": "generate: ask models",
    "decide": "decide: ask who would answer",
    "feedback": "feedback: say how an answer was",
    "read": "read: traces, caps, health",
    "write": "write: change the configuration",
}
_LIVES = (("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year"))
_AT_ONCE = timedelta(seconds=2)
_OVERLAPS = (("0", "At once"), ("1", "In a day"), ("7", "In a week"), ("30", "In 30 days"))


class KeyForm(ReasonedForm):
    """A new key. Whoever is given some tenants makes keys for those alone."""

    name = forms.CharField(max_length=120, help_text="Who uses it, and where.")
    tenant = forms.CharField(
        max_length=LONGEST, help_text="In whose name it speaks; * for any tenant."
    )
    plan = forms.ChoiceField(required=False, choices=listed("plans", "Not pinned"))
    feature = forms.ChoiceField(required=False, choices=listed("features", "Not pinned"))
    app = forms.CharField(required=False, max_length=128, help_text="Empty: requests say it.")
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(scope, _SCOPES[scope]) for scope in SCOPES],
        initial=["generate"],
        widget=forms.CheckboxSelectMultiple,
    )
    disclose = forms.ChoiceField(
        label="Answers disclose",
        choices=ApiKey.Disclose.choices,
        help_text="What a client is told of who answered.",
    )
    legacy = forms.BooleanField(
        required=False, label="An old client: model names are taken for what they meant there"
    )
    ends = forms.ChoiceField(label="It ends", required=False, choices=_LIVES)

    field_order = (
        *("name", "tenant", "plan", "feature", "app", "scopes", "disclose", "legacy", "ends"),
        "reason",
    )

    def __init__(self, data: Any = None, *, tenants: Tenants) -> None:
        super().__init__(data)
        if not tenants.every:
            own = forms.ChoiceField(choices=[(name, name) for name in tenants.listed()])
            own.help_text = "In whose name it speaks."
            own.widget.attrs["class"] = "input"
            self.fields["tenant"] = own

    def said(self) -> dict[str, Any]:
        """What `keys.create` takes. Raises KeyError unless the form is valid."""
        facts = dict(self.cleaned_data)
        days = facts.pop("ends")
        facts["expires_at"] = _in_days(days) if days else None
        return facts


class RotateForm(ReasonedForm):
    ends = forms.ChoiceField(
        label="The old one ends",
        choices=_OVERLAPS,
        initial="7",
        help_text="Until then both are live, so that clients can change over.",
    )

    field_order = ("ends", "reason")

    def ends_at(self) -> datetime:
        return _in_days(self.cleaned_data["ends"])


def refuse(form: forms.Form, error: ValidationError) -> None:
    """Tell what `accounts` said against it, beside the fields that it names."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, errors in error.error_dict.items():
        form.add_error(name if name in form.fields else None, errors)


def _in_days(days: str) -> datetime:
    # Neither past nor beyond the longest when it is saved, which is a little later than now.
    return timezone.now() + max(_AT_ONCE, timedelta(days=int(days)) - timedelta(minutes=1))
