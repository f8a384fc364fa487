"""The secret of a provider: given here and never shown again."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.accounts.permissions import Action, requires
from apps.dashboards.page_form import ReasonedForm
from apps.dashboards.respond import done, page
from apps.policies import editing
from apps.policies.editing import Held, NotThere
from apps.policies.services import set_secret

MAX_SECRET = 4096


class SecretForm(ReasonedForm):
    """A reference or the secret itself; what was typed is in no answer."""

    secret = forms.CharField(
        required=False,
        max_length=MAX_SECRET,
        help_text="env:NAME to read it from the environment, or the secret itself, which is kept "
        "encrypted.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    forget = forms.BooleanField(label="Forget it: the provider needs none", required=False)

    field_order = ("secret", "forget", "reason")

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"]
        if not (secret.isascii() and secret.isprintable()):
            raise ValidationError("A secret is sent in a header: plain characters in one line.")
        return secret

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if "secret" in said and bool(said["secret"]) == bool(said.get("forget")):
            self.add_error("secret", "Give the secret, or let it be forgotten.")
        return said


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Action.EDIT_PROVIDERS)
def provider_secret(request: HttpRequest, slug: str) -> HttpResponse:
    held = _held(slug)
    form = SecretForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _given(request, slug, form):
        what = "has no secret any more" if form.cleaned_data["forget"] else "has its secret"
        return done(request, f"Provider {slug} {what}.", "provider", slug)
    context = {"held": held, "form": form}
    return page(request, "objects/secret", context, status=422 if form.is_bound else 200)


def _given(request: HttpRequest, slug: str, form: SecretForm) -> bool:
    """Whether the secret was taken; if not, the form says why."""
    assert isinstance(request.user, User)
    said = form.cleaned_data
    try:
        set_secret(
            provider=slug,
            secret=None if said["forget"] else said["secret"],
            person=request.user,
            source="page",
            reason=said["reason"],
        )
    except ValidationError as error:
        form.add_error("secret", [f"{message}." for message in error.messages])
    return not form.errors


def _held(slug: str) -> Held:
    try:
        return editing.entry("providers", slug)
    except NotThere:
        raise Http404 from None
