"""The frame's views: each is made for a kind by `urls.py`."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse

from apps.accounts.models import User
from apps.dashboards.objects import sight
from apps.dashboards.objects.conflicts import conflict, gone
from apps.dashboards.objects.draft import Draft
from apps.dashboards.objects.kind import Apart, Kind
from apps.dashboards.objects.listing import Listing
from apps.dashboards.objects.removing import Removal
from apps.dashboards.respond import done, page
from apps.policies import editing
from apps.policies.editing import Conflict, Held, Invalid, NotThere, TakesTwo
from apps.policies.export import list_text

PAGE_SIZE = 100
TABS = ("", "history", "yaml")


def listing(request: HttpRequest, kind: Kind) -> HttpResponse:
    """All objects of a kind that have what the query asks for, in the order of their list."""
    listed = Listing(kind, request.GET)
    found = Paginator(listed.found, PAGE_SIZE).get_page(request.GET.get("page"))
    rows = listed.rows(list(found), _person(request))
    return page(
        request, "objects/list", {"kind": kind, "listing": listed, "rows": rows, "found": found}
    )


def detail(request: HttpRequest, kind: Kind, slug: str) -> HttpResponse:
    """One object: its facts, or with `tab` its history (which outlives it) or its YAML."""
    tab = request.GET.get("tab", "")
    if tab == "history":
        return _history(request, kind, slug)
    held = sight.seen(_held(kind, slug), _person(request))
    context = {"kind": kind, "held": held, "slug": slug, "tab": tab if tab in TABS else ""}
    if tab == "yaml":
        context["text"] = list_text(kind.name, [editing.as_written(kind.name, held.entry)])
        return page(request, "objects/detail", context)
    context |= kind.context(held, _person(request))
    context["facts"] = list(kind.facts(held, _person(request)))
    context["uses"] = sight.uses(kind.name, slug)
    if kind.traffic:
        context["traffic"] = sight.traffic(kind.traffic, slug, _person(request))
    return page(request, "objects/detail", context)


def create(request: HttpRequest, kind: Kind) -> HttpResponse:
    return _edited(Draft.begun(request, kind, None))


def edit(request: HttpRequest, kind: Kind, slug: str, apart: Apart | None = None) -> HttpResponse:
    """By the kind's own form, or by the one for a part that stands `apart`."""
    held = _held_or_none(kind, slug)
    if held is None and request.method == "POST":
        return gone(request, kind, slug)
    held = held or _held(kind, slug)
    if apart is None:
        return _edited(Draft.begun(request, kind, held))
    return _edited(Draft.begun(request, kind, held, f"{apart.title} of {slug}", apart.form))


def _edited(draft: Draft) -> HttpResponse:
    """See `draft` for the steps."""
    typed = draft.request.POST
    if draft.request.method != "POST":
        return draft.shown()
    if "add" in typed or typed.get("step") == "again":
        return draft.unjudged().shown()
    if not draft.judged():
        return draft.shown(422)
    if typed.get("step") == "review":
        return draft.with_reason_unjudged().shown()
    return _saved(draft) if draft.looked_at() else draft.shown(422)


def _saved(draft: Draft) -> HttpResponse:
    request, kind, said = draft.request, draft.kind, draft.reason.cleaned_data["reason"]
    try:
        revision = editing.put(
            kind.name,
            draft.slug,
            draft.entry,
            expected=draft.expected,
            person=_person(request),
            source="page",
            reason=said,
        )
    except Conflict as found:
        return conflict(request, kind, found)
    except TakesTwo as needed:
        return _asked(request, kind, needed, said)
    slug = draft.entry["slug"]
    return done(request, f"Saved {kind.one} {slug}: revision {revision.pk}.", kind.url(slug))


def _asked(request: HttpRequest, kind: Kind, needed: TakesTwo, reason: str) -> HttpResponse:
    editing.ask(needed, person=_person(request), source="page", reason=reason)
    said = f"Not in force yet: a second person confirms it. {needed.why}"
    return done(request, said, kind.url(needed.slug))


def delete(request: HttpRequest, kind: Kind, slug: str) -> HttpResponse:
    """Asks what else would break, and for a reason; a dialog, or a page of its own."""
    removal = Removal.of(request, kind, _held(kind, slug))
    if request.method != "POST" or not removal.agreed():
        return removal.shown(422 if request.method == "POST" else 200)
    try:
        editing.remove(
            kind.name,
            slug,
            expected=removal.expected,
            person=_person(request),
            source="page",
            reason=removal.form.cleaned_data["reason"],
        )
    except Conflict as found:
        return conflict(request, kind, found)
    except TakesTwo as needed:
        return _asked(request, kind, needed, removal.form.cleaned_data["reason"])
    except Invalid:  # something has come to refer to it since it was looked at
        return Removal.of(request, kind, _held(kind, slug)).shown(422)
    return done(request, f"Deleted {kind.one} {slug}.", kind.list_url)


def _history(request: HttpRequest, kind: Kind, slug: str) -> HttpResponse:
    cursor = request.GET.get("cursor", "")
    past = editing.history(kind.name, slug, cursor=int(cursor) if cursor.isdecimal() else None)
    held = _held_or_none(kind, slug)
    if held is None and not past.changes:
        raise Http404
    context = {
        "kind": kind,
        "held": held,
        "slug": slug,
        "tab": "history",
        "lines": sight.lines(kind.name, past.changes, _person(request)),
        "next": past.next,
    }
    return page(request, "objects/detail", context)


def _held(kind: Kind, slug: str) -> Held:
    held = _held_or_none(kind, slug)
    if held is None:
        raise Http404
    return held


def _held_or_none(kind: Kind, slug: str) -> Held | None:
    try:
        return editing.entry(kind.name, slug)
    except NotThere:
        return None


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
