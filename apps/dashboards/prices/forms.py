"""What is asked for before a proposal is made, and when one is decided."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from apps.dashboards.objects.entry_form import listed
from apps.dashboards.objects.prices import PriceForm
from apps.dashboards.page_form import PageForm, ReasonedForm
from apps.policies import prices
from apps.policies.export import Entry

MAX_FILE_BYTES = 16 * 1024 * 1024

FEEDS = (
    ("genai-prices", "genai-prices, as it came with this version"),
    ("newest", "genai-prices, its newest data from the network"),
    ("litellm", "a file in LiteLLM's format"),
)


class ProposeForm(PriceForm):
    """A price by hand, which may have an end."""

    deployment = forms.ChoiceField(choices=listed("deployments"))
    until = forms.DateField(
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="On that day, at midnight UTC, what would have held then comes back.",
    )
    withdraw = None  # type: ignore[assignment]  # how Django takes a field out
    field_order = ("deployment", "day", "until")

    def proposed(self) -> Entry:
        """The price as the file writes it."""
        return self._price(self.cleaned_data["day"].isoformat())

    def _field_of(self, path: str) -> tuple[str, str]:
        return super()._field_of(f"prices.0.{path}")


class ImportForm(PageForm):
    """Which feed to read."""

    feed = forms.ChoiceField(widget=forms.RadioSelect, choices=FEEDS, initial="genai-prices")
    file = forms.FileField(
        required=False,
        help_text="model_prices_and_context_window.json",
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not settings.ENV.price_feed_url:  # the network may not be asked
            feed = self.fields["feed"]
            assert isinstance(feed, forms.ChoiceField)
            feed.choices = [choice for choice in FEEDS if choice[0] != "newest"]

    def clean_file(self) -> str:
        given: UploadedFile[Any] | None = self.cleaned_data["file"]
        if given is None or given.size is None:
            return ""
        if given.size > MAX_FILE_BYTES:
            raise forms.ValidationError("There is room for 16 MiB.")
        try:
            return str(given.read().decode())
        except UnicodeDecodeError:
            raise forms.ValidationError("The file is no UTF-8 text.") from None

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if said.get("feed") == "litellm" and not said.get("file") and "file" not in self.errors:
            self.add_error("file", "Choose a file.")
        return said

    def wanted(self) -> prices.Feed:
        said = self.cleaned_data
        if said["feed"] == "litellm":
            return prices.Feed("litellm", said["file"])
        return prices.Feed("genai-prices", newest=said["feed"] == "newest")


class DecisionForm(ReasonedForm):
    """Approve what is chosen, or reject all."""

    items = forms.TypedMultipleChoiceField(coerce=int, required=False, label="Prices")

    def __init__(self, proposal: prices.Proposal, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._proposal = proposal
        items = self.fields["items"]
        assert isinstance(items, forms.TypedMultipleChoiceField)
        items.choices = [(str(place), str(place)) for place in _open(proposal)]

    def chosen(self) -> set[int]:
        """The places that are ticked: at first those that nothing is odd about."""
        if isinstance(self.data, QueryDict) and self.is_bound:
            return {int(place) for place in self.data.getlist("items") if place.isdecimal()}
        content = self._proposal.content
        return {place for place in _open(self._proposal) if not content.items[place].marks}


def _open(proposal: prices.Proposal) -> Iterator[int]:
    for place, item in enumerate(proposal.content.items):
        if not item.refused:
            yield place
