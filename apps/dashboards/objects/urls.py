"""The URLs of every kind, named `features`, `feature`, `feature_new`, `feature_edit`,
`feature_delete`, and by what stands apart, `deployment_price`. Reading and
changing ask for the kind's own rights."""

from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.permissions import requires
from apps.dashboards.objects import views
from apps.dashboards.objects.calling import deployment_call
from apps.dashboards.objects.confirming import cap_confirm, cap_withdraw
from apps.dashboards.objects.kind import Kind
from apps.dashboards.objects.registry import KINDS
from apps.dashboards.objects.route_actions import route_move, route_switch
from apps.dashboards.objects.secrets import provider_secret
from apps.dashboards.objects.switching import flag_switch

View = Callable[..., HttpResponseBase]

_form = require_http_methods(["GET", "HEAD", "POST"])


def object_urls() -> Iterator[URLPattern]:
    yield path("flags/-/switch/<path:slug>", flag_switch, name="flag_switch")
    yield path("providers/-/secret/<path:slug>", provider_secret, name="provider_secret")
    yield path("deployments/-/call/<path:slug>", deployment_call, name="deployment_call")
    yield path("routes/-/switch/<path:slug>", route_switch, name="route_switch")
    yield path("routes/-/move/<path:slug>", route_move, name="route_move")
    yield path("caps/-/confirm/<path:slug>", cap_confirm, name="cap_confirm")
    yield path("caps/-/withdraw/<path:slug>", cap_withdraw, name="cap_withdraw")
    for kind in KINDS.values():
        yield from _urls_of(kind)


def _urls_of(kind: Kind) -> Iterator[URLPattern]:
    may_read, may_edit = requires(kind.reads), requires(kind.edits)
    given: dict[str, Any] = {"kind": kind}
    pages: list[tuple[str, str, View, dict[str, Any]]] = [
        ("", kind.name, require_safe(may_read(views.listing)), given),
        ("/-/new", f"{kind.page}_new", _form(may_edit(views.create)), given),
        ("/-/delete/<path:slug>", f"{kind.page}_delete", _form(may_edit(views.delete)), given),
    ]
    if not kind.only_a_name:
        edit = _form(may_edit(views.edit))
        pages.append(("/-/edit/<path:slug>", f"{kind.page}_edit", edit, given))
    for apart in kind.apart:
        edit = _form(requires(apart.edits)(views.edit))
        name = f"{kind.page}_{apart.page}"
        pages.append((f"/-/{apart.page}/<path:slug>", name, edit, {**given, "apart": apart}))
    pages.append(("/<path:slug>", kind.page, require_safe(may_read(views.detail)), given))
    for route, name, view, arguments in pages:
        yield path(f"{kind.name}{route}", view, arguments, name=name)
