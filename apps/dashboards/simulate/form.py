"""What the simulator's form says, and the body of the API call that says the same.

The message alone is never in an address: it comes by POST and is kept nowhere. All else is, under
the names which the API has for it, so that a link shows the same decision to a colleague.
"""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from apps.accounts.tenants import Tenants
from apps.dashboards.page_form import PageForm
from apps.traces.values import StoredTrace
from routerctl.engine.revision import Revision
from routerctl.engine.sentences import dollars
from routerctl.engine.types import Sensitivity

MESSAGE = "text"
_CLAIMS = (
    *("task", "feature", "plan", "tenant", "app", "app_version", "sensitivity", "residency"),
    *("language", "latency_class", "max_latency_ms", "max_cost_usd", "max_output_tokens"),
)
"""Fields that the API takes as they are."""

_SELDOM = (
    *("app", "app_version", "language", "latency_class"),
    *("max_output_tokens", "has", "stream", "metadata", "cap", "cap_percent"),
)

_TOOL = {"type": "function", "function": {"name": "example"}}
_SCHEMA = {"type": "object"}
_PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}

Choices = list[tuple[str, str]]


def _text(label: str, **facts: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=128, **facts)


def _number(label: str) -> forms.IntegerField:
    widget = forms.TextInput(attrs={"inputmode": "numeric"})
    return forms.IntegerField(label=label, required=False, min_value=1, widget=widget)


class SimulateForm(PageForm):
    """A request without its caller. `tenants` are those that may be named."""

    text = forms.CharField(
        label="Message",
        required=False,
        max_length=100_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        help_text="Read, and kept nowhere.",
    )
    feature = forms.ChoiceField(required=False)
    task = forms.ChoiceField(required=False)
    plan = forms.ChoiceField(required=False)
    tenant = _text("Tenant")
    sensitivity = forms.ChoiceField(
        required=False, choices=[("", "Not said"), *((s, s) for s in Sensitivity)]
    )
    residency = _text("Residency")
    app = _text("App")
    app_version = _text("App version")
    language = _text("Language")
    latency_class = forms.ChoiceField(
        label="Latency class",
        required=False,
        choices=[("", "interactive"), ("batch", "batch")],
    )
    max_latency_ms = _number("Latency limit")
    max_cost_usd = _text("Cost ceiling", widget=forms.TextInput(attrs={"inputmode": "decimal"}))
    max_output_tokens = _number("Most output")
    has = forms.MultipleChoiceField(
        label="The request has",
        required=False,
        choices=[("tools", "tools"), ("schema", "a schema"), ("images", "images")],
        widget=forms.CheckboxSelectMultiple,
    )
    stream = forms.BooleanField(label="Streamed", required=False)
    metadata = forms.CharField(
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One a line: ticket=4711",
    )
    cap = forms.ChoiceField(
        label="As if this cap were used", required=False, help_text="Whatever it holds now."
    )
    cap_percent = forms.IntegerField(
        label="By",
        required=False,
        min_value=0,
        max_value=100,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "placeholder": "100"}),
    )
    trace = forms.CharField(required=False, max_length=36, widget=forms.HiddenInput)

    def __init__(self, said: QueryDict, revision: Revision, tenants: Tenants) -> None:
        super().__init__(said)
        self._said = said
        self._tenants = tenants
        self._offer("feature", "None", revision.features)
        self._offer("task", "Infer it", revision.tasks)
        self._offer("plan", "None", revision.plans)
        self._offer("cap", "None", revision.caps.named)

    def _offer(self, name: str, nothing: str, words: Iterable[str]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", nothing), *((word, word) for word in words)]
        field.error_messages["invalid_choice"] = f"No {name} %(value)s is configured."

    def clean_tenant(self) -> str:
        tenant: str = self.cleaned_data["tenant"]
        if tenant and not self._tenants.cover(tenant):
            raise forms.ValidationError("This is not among your tenants.")
        return tenant

    def clean_metadata(self) -> dict[str, str]:
        entries = {}
        for line in filter(str.strip, self.cleaned_data["metadata"].splitlines()):
            name, sign, value = line.partition("=")
            if not sign or not name.strip():
                raise forms.ValidationError("Write each line as name=value.")
            entries[name.strip()] = value.strip()
        return entries

    def assumed(self) -> tuple[str, int]:
        """The cap that is taken to be so many permille used; without one, an empty name. Raises
        KeyError unless the form is valid."""
        percent = self.cleaned_data["cap_percent"]
        return self.cleaned_data["cap"], 1000 if percent is None else percent * 10

    def body(self) -> bytes:
        """The body of the API call. Raises KeyError unless the form is valid."""
        said = self.cleaned_data
        body: dict[str, Any] = {"messages": [{"role": "user", "content": self._content()}]}
        body |= {name: said[name] for name in _CLAIMS if said[name]}
        if "tools" in said["has"]:
            body["tools"] = [_TOOL]
        if "schema" in said["has"]:
            body["output_schema"] = _SCHEMA
        if said["stream"]:
            body["stream"] = True
        if said["metadata"]:
            body["metadata"] = said["metadata"]
        return json.dumps(body, ensure_ascii=False).encode(errors="replace")

    def _content(self) -> str | list[dict[str, Any]]:
        text = self.cleaned_data["text"]
        if "images" not in self.cleaned_data["has"]:
            return str(text)
        return [{"type": "text", "text": text}, _PICTURE]

    def says_more(self) -> bool:
        """Whether one of the fields that are seldom used is."""
        return any(self._said.get(name) for name in _SELDOM)

    def query(self) -> str:
        """All but the message, for an address."""
        pairs = [
            (name, value)
            for name in self.fields
            if name != MESSAGE
            for value in self._said.getlist(name)
            if value
        ]
        return urlencode(pairs)


def query_of(trace: StoredTrace, *, in_full: bool) -> str:
    """The form's address filled in with what `trace` was asked. `in_full`: with what was read in
    its text, which decisions turn on and not everybody may see."""
    request = trace.head.request
    ceiling = request.max_cost_nano_usd
    said: dict[str, Any] = {name: getattr(request, name, None) for name in _CLAIMS}
    said |= {
        "latency_class": request.latency_class if request.latency_class != "interactive" else "",
        "max_cost_usd": None if ceiling is None else dollars(ceiling).removeprefix("$"),
        "has": [name for name in ("tools", "schema", "images") if name in request.needs],
        "stream": "on" if request.stream else "",
        "metadata": "\n".join(f"{name}={value}" for name, value in request.metadata.items()),
        "trace": trace.trace_id if in_full else "",
    }
    return urlencode({name: value for name, value in said.items() if value}, doseq=True)
