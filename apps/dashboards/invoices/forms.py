"""What is asked for when an invoice is imported."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from apps.dashboards.page_form import ReasonedForm
from apps.policies import invoices


class InvoiceForm(ReasonedForm):
    """The file, and whose days are in it."""

    file = forms.FileField(
        help_text=f"CSV with the columns {', '.join(invoices.COLUMNS)}.",
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )
    time_zone = forms.CharField(
        initial="UTC", max_length=64, help_text="In which its days begin and end."
    )
    field_order = ("file", "time_zone", "reason")

    def given(self) -> invoices.File:
        """The file as it was sent; no more of it is read than tells that it is too large."""
        sent: UploadedFile[Any] = self.cleaned_data["file"]
        content = sent.read(invoices.MAX_BYTES + 1)
        return invoices.File(sent.name or "", content, self.cleaned_data["time_zone"])
