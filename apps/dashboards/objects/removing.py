"""Deleting an object: what refers to it, and whoever does it means it."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from apps.dashboards.objects import sight
from apps.dashboards.objects.kind import Kind
from apps.dashboards.page_form import ReasonedForm
from apps.dashboards.respond import page
from apps.policies.editing import Held


class RemovalForm(ReasonedForm):
    """A reason and, for what is dangerous, the slug typed out."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    typed = forms.CharField(label="Type its name to confirm", max_length=200)

    field_order = ("typed", "reason")

    def __init__(self, *args: Any, slug: str | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._slug = slug
        self.fields["typed"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
        if slug is None:
            del self.fields["typed"]

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if typed != self._slug:
            raise forms.ValidationError(f"Type {self._slug} as it stands.")
        return typed


@dataclass
class Removal:
    """While there are `uses`, nothing is deleted."""

    request: HttpRequest
    kind: Kind
    held: Held
    uses: tuple[sight.Use, ...]
    form: RemovalForm

    @classmethod
    def of(cls, request: HttpRequest, kind: Kind, held: Held) -> "Removal":
        form = RemovalForm(
            request.POST if request.method == "POST" else None,
            initial={"version": held.version},
            slug=held.slug if kind.dangerous else None,
        )
        return cls(request, kind, held, sight.uses(kind.name, held.slug), form)

    @property
    def expected(self) -> int:
        version: int = self.form.cleaned_data["version"]
        return version

    def agreed(self) -> bool:
        return not self.uses and self.form.is_valid()

    def shown(self, status: int = 200) -> HttpResponse:
        context = {"removal": self, "kind": self.kind, "held": self.held, "form": self.form}
        return page(self.request, "objects/delete", context, status=status)
