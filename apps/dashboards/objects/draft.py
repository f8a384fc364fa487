"""An edit on its way: the form, the difference that it makes, the reason, and what came of it.

The form posts to its own page. `step` says what for: `review` shows the difference and saves
nothing, `again` shows what was typed once more, `add` (with the name of a field) gives it one
more row, anything else saves. A save names the difference that was looked at; when the form says
something else by then, the new difference is shown first. Only `over` needs none: it comes from the
page of a conflict, which shows more.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

from apps.accounts.models import User
from apps.dashboards.objects import sight
from apps.dashboards.objects.entry_form import EntryForm
from apps.dashboards.objects.kind import Kind
from apps.dashboards.page_form import ReasonedForm
from apps.dashboards.respond import page
from apps.policies import editing
from apps.policies.editing import Held, Invalid, Preview
from apps.policies.export import Entry


@dataclass
class Draft:
    """`held` is what stands there, None when the object is new. `preview` is there once the form
    could be saved."""

    request: HttpRequest
    kind: Kind
    held: Held | None
    form: EntryForm
    reason: ReasonedForm
    title: str
    preview: Preview | None = None
    stale: bool = False
    entry: Entry = field(default_factory=dict)

    @classmethod
    def begun(
        cls,
        request: HttpRequest,
        kind: Kind,
        held: Held | None,
        title: str = "",
        form: type[EntryForm] | None = None,
    ) -> "Draft":
        """What was typed, or for a GET nothing yet. Another `form` than the kind's own comes with
        the `title` of its page."""
        data = request.POST if request.method == "POST" else None
        forms = form or kind.form
        made = forms(data) if held is None else forms.of(held.entry, data)
        return cls(request, kind, held, made, ReasonedForm(data), title or _title(kind, held))

    @property
    def slug(self) -> str | None:
        return self.held.slug if self.held else None

    @property
    def version(self) -> str:
        """Of what the editor saw, which is not always what stands there now."""
        return self.request.POST.get("version") or (str(self.held.version) if self.held else "")

    @property
    def expected(self) -> int | None:
        text = self.request.POST.get("version", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    @property
    def mark(self) -> str:
        """Of the difference: another one has another mark."""
        said = msgspec.json.encode([self.entry, self.version], order="sorted")
        return hashlib.sha256(said).hexdigest()[:16] if self.preview else ""

    def unjudged(self) -> "Draft":
        """What was typed, shown once more without a word about it."""
        self.form = self.form.unjudged(self.request.POST.get("add", ""))
        return self.with_reason_unjudged()

    def with_reason_unjudged(self) -> "Draft":
        self.reason = ReasonedForm(initial={"reason": self.request.POST.get("reason", "")})
        return self

    def judged(self) -> bool:
        """Whether the form could be saved; if so, `preview` says what that would do."""
        if not self.form.is_valid():
            return False
        self.entry = self.form.entry(self.held.entry if self.held else {})
        try:
            self.preview = editing.preview(self.kind.name, self.slug, self.entry)
        except Invalid as invalid:
            self.form.blame(invalid.problems)
        return self.preview is not None

    def looked_at(self) -> bool:
        """Whether this very difference was shown before, and a reason given."""
        typed = self.request.POST
        self.stale = typed.get("reviewed") != self.mark and typed.get("step") != "over"
        return self.reason.is_valid() and not self.stale

    def shown(self, status: int = 200) -> HttpResponse:
        context: dict[str, Any] = {"draft": self, "kind": self.kind, "form": self.form}
        if self.preview is not None and self.held is not None:
            context["uses"] = sight.uses(self.kind.name, self.held.slug)
        if self.preview is not None and isinstance(self.request.user, User):
            context |= self.kind.foreseen(self.preview.entry, self.request.user)
        return page(self.request, "objects/edit", context, status=status)


def _title(kind: Kind, held: Held | None) -> str:
    return f"New {kind.one}" if held is None else f"Edit {held.slug}"
