"""The URLs of every kind, named `features`, `feature`, `feature_new`, `feature_edit`,
`feature_delete`. Reading asks for the right to read the configuration, changing for the kind's."""

from collections.abc import Callable, Iterator

from django.http import HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.permissions import Action, requires
from apps.dashboards.objects import views
from apps.dashboards.objects.kind import Kind
from apps.dashboards.objects.registry import KINDS

_form = require_http_methods(["GET", "HEAD", "POST"])
_read = requires(Action.READ_CONFIGURATION)


def object_urls() -> Iterator[URLPattern]:
    for kind in KINDS.values():
        yield from _urls_of(kind)


def _urls_of(kind: Kind) -> Iterator[URLPattern]:
    may_edit = requires(kind.edits)
    given: dict[str, Kind] = {"kind": kind}
    pages: tuple[tuple[str, str, Callable[..., HttpResponseBase]], ...] = (
        ("", kind.name, require_safe(_read(views.listing))),
        ("/-/new", f"{kind.one}_new", _form(may_edit(views.create))),
        ("/-/edit/<path:slug>", f"{kind.one}_edit", _form(may_edit(views.edit))),
        ("/-/delete/<path:slug>", f"{kind.one}_delete", _form(may_edit(views.delete))),
        ("/<path:slug>", kind.one, require_safe(_read(views.detail))),
    )
    for route, name, view in pages:
        yield path(f"{kind.name}{route}", view, given, name=name)
