"""List, one key, make, rotate, revoke."""

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts import keys, rotation
from apps.accounts.models import ApiKey, User
from apps.accounts.permissions import Action, requires, tenants_of
from apps.dashboards.keys import told
from apps.dashboards.keys.forms import KeyForm, RotateForm, refuse
from apps.dashboards.page_form import ReasonedForm
from apps.dashboards.respond import done, page

_form = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@requires(Action.READ_KEYS)
def key_list(request: HttpRequest) -> HttpResponse:
    """The keys of the tenants that one is given; filters are in the query."""
    text, state = request.GET.get("q", "").strip(), request.GET.get("state", "")
    cursor = request.GET.get("cursor", "")
    tenants = tenants_of(request.user)
    known = int(cursor) if cursor.isdecimal() and len(cursor) < 19 else None
    found = told.page_of(tenants, text=text, state=state, cursor=known)
    context = {"found": found, "text": text, "state": state, "states": told.STATES}
    if not found.keys:
        context["nothing_yet"] = not keys.visible(tenants).exists()
    return page(request, "keys/list", context)


@require_safe
@requires(Action.READ_KEYS)
def key(request: HttpRequest, prefix: str) -> HttpResponse:
    found = _key(request, prefix)
    (one,) = told.told([found], tenants_of(request.user))
    context = {"one": one, "key": found, "changes": told.past_of(found)}
    return page(request, "keys/key", context)


@_form
@requires(Action.EDIT_KEYS)
def key_new(request: HttpRequest) -> HttpResponse:
    """Makes a key; the answer is the only one that ever has its token."""
    data = request.POST if request.method == "POST" else None
    form = KeyForm(data, tenants=tenants_of(request.user))
    if form.is_valid():
        try:
            made = keys.create(**form.said(), person=_person(request), source="page")
        except ValidationError as error:
            refuse(form, error)
        else:
            return _shown_once(request, *made)
    return page(request, "keys/new", {"form": form}, status=422 if form.is_bound else 200)


@_form
@requires(Action.EDIT_KEYS)
def key_rotate(request: HttpRequest, prefix: str) -> HttpResponse:
    """Makes a successor, with its token as `key_new` does."""
    found = _key(request, prefix)
    form = RotateForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        said, ends_at = form.cleaned_data["reason"], form.ends_at()
        try:
            made = rotation.rotate(
                found, ends_at=ends_at, person=_person(request), source="page", reason=said
            )
        except ValidationError as error:
            refuse(form, error)
        else:
            return _shown_once(request, *made)
    context = {"form": form, "key": found}
    return page(request, "keys/rotate", context, status=422 if form.is_bound else 200)


@_form
@requires(Action.EDIT_KEYS)
def key_revoke(request: HttpRequest, prefix: str) -> HttpResponse:
    found = _key(request, prefix)
    form = ReasonedForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        context = {"form": form, "key": found}
        return page(request, "keys/revoke", context, status=422 if form.is_bound else 200)
    said = form.cleaned_data["reason"]
    keys.revoke(found, person=_person(request), source="page", reason=said)
    return done(request, f"Revoked key {prefix}: it ends everywhere within 2 s.", "key", prefix)


def _shown_once(request: HttpRequest, made: ApiKey, token: str) -> HttpResponse:
    return page(request, "keys/made", {"key": made, "token": token})


def _key(request: HttpRequest, prefix: str) -> ApiKey:
    """Another tenant's key is not there."""
    visible = keys.visible(tenants_of(request.user)).select_related("created_by", "replaces")
    if "\0" in prefix:
        raise Http404
    return get_object_or_404(visible, prefix=prefix)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
