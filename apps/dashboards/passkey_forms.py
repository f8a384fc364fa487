"""What a browser sends of a passkey. allauth's forms crash on some of what is no passkey at all;
these refuse it."""

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn import forms as allauth
from django import forms

from apps.dashboards.page_form import PageForm

_NOT_A_CREDENTIAL = (AttributeError, KeyError, TypeError, ValueError)


class AddPasskey(PageForm, allauth.AddWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    name = forms.CharField(
        required=False, max_length=60, help_text="To tell it from your other ones."
    )
    passwordless = forms.BooleanField(
        required=False,
        label="Sign in with it alone, without my password",
        help_text="It will ask for your finger, face or PIN each time.",
    )

    def clean(self) -> Any:
        try:
            return super().clean()
        except _NOT_A_CREDENTIAL:
            raise get_adapter().validation_error("incorrect_code") from None


class _Proof:
    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]  # of the form beside it
        except _NOT_A_CREDENTIAL:
            raise get_adapter().validation_error("incorrect_code") from None


class SignInByPasskey(_Proof, allauth.LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey alone."""


class PasskeyAsSecondStep(_Proof, allauth.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey after the password."""


class PasskeyAgain(_Proof, allauth.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey once more, before what is dangerous."""
