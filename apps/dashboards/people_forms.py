"""Forms about people: who they are to be, and which of them to list."""

from typing import Any, Final

from django import forms

from apps.accounts.models import Role
from apps.accounts.tenants import ANY, Tenants, parse_tenants
from apps.dashboards.page_form import PageForm, ReasonedForm

ROLES: Final = (
    (Role.SUPPORT, "Support: finds out why a request ended as it did"),
    (Role.FINANCE, "Finance: prices, caps and what is spent"),
    (Role.PRODUCT, "Product: flags, routes and prompts"),
    (Role.ENGINEER, "Engineer: providers, policy, gates and API keys"),
    (Role.AUDITOR, "Auditor: reads everything, changes nothing"),
    (Role.ADMIN, "Admin: everything, and people"),
)
STATUSES: Final = (("", "Any"), ("active", "Active"), ("left", "Left"))


class GrantForm(ReasonedForm):
    """A role and tenants, of those that the giver has."""

    role = forms.ChoiceField(choices=ROLES, widget=forms.RadioSelect)
    tenants = forms.CharField(
        required=False,
        max_length=2000,
        help_text="Whose traces and keys they see, separated by commas. * is every tenant, "
        "nothing is none.",
    )

    def __init__(self, *args: Any, giver: Tenants, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.giver = giver

    def clean_tenants(self) -> list[str]:
        written = [name for name in self.cleaned_data["tenants"].split(",") if name.strip()]
        given = parse_tenants(written)
        if not given.within(self.giver):
            raise forms.ValidationError("You can give only tenants that you have yourself.")
        return given.listed()


class InviteForm(GrantForm):
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    field_order = ("email", "role", "tenants", "reason")

    def __init__(self, *args: Any, giver: Tenants, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"tenants": ANY if giver.every else ""})
        super().__init__(*args, giver=giver, **kwargs)


class PersonForm(GrantForm):
    """`seen` is the version that was looked at."""

    is_active = forms.BooleanField(
        required=False,
        label="May sign in",
        help_text="Without it they are signed out everywhere at once.",
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)
    field_order = ("role", "tenants", "is_active", "reason", "seen")


class JoinForm(PageForm):
    """What an invited person says of themselves."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        strip=False,
        help_text="At least 10 characters; nothing that many others use.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class PeopleFilters(PageForm):
    """Which people to list; all of it lives in the address."""

    q = forms.CharField(
        required=False, max_length=254, label="Name or e-mail", widget=forms.SearchInput
    )
    role = forms.ChoiceField(required=False, choices=[("", "Any"), *Role.choices])
    status = forms.ChoiceField(required=False, choices=STATUSES)
    factor = forms.ChoiceField(
        required=False,
        label="Second factor",
        choices=[("", "Any"), ("yes", "Has one"), ("no", "Has none")],
    )
    after = forms.CharField(required=False, max_length=254, widget=forms.HiddenInput)
