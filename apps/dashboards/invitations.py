"""Inviting people, and joining by an invitation."""

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts import invitations, mail
from apps.accounts.models import Invitation
from apps.accounts.permissions import Action, requires, tenants_of
from apps.dashboards.account import get_or_post, myself
from apps.dashboards.page_form import ReasonedForm
from apps.dashboards.people_forms import InviteForm, JoinForm
from apps.dashboards.respond import done, page

_SESSION_KEY = "invitation"


@get_or_post
@requires(Action.EDIT_PEOPLE)
def invite(request: HttpRequest) -> HttpResponse:
    """The link is shown in the answer and never again."""
    form = InviteForm(
        request.POST if request.method == "POST" else None, giver=tenants_of(request.user)
    )
    if request.method == "POST" and form.is_valid():
        try:
            made, token = invitations.invite(by=myself(request), **form.cleaned_data)
            return _invited(request, made, token)
        except ValidationError as error:
            form.add_error(None, error)
    return page(request, "people/invite", {"form": form}, status=422 if form.errors else 200)


def _invited(request: HttpRequest, made: Invitation, token: str) -> HttpResponse:
    link = request.build_absolute_uri(reverse("join_link", args=[token]))
    mailed = mail.send_invitation(
        to=made.email,
        by=made.created_by.get_full_name(),
        role=made.get_role_display(),
        link=link,
        until=made.expires_at,
    )
    context = {"invitation": made, "link": link, "mailed": mailed, "mails": mail.mails()}
    return page(request, "people/invited", context)


@get_or_post
@requires(Action.EDIT_PEOPLE)
def revoke_invitation(request: HttpRequest, invitation_id: int) -> HttpResponse:
    visible = invitations.visible(tenants_of(request.user))
    found = get_object_or_404(visible, pk=invitation_id)
    form = ReasonedForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        invitations.revoke(found, by=myself(request), reason=form.cleaned_data["reason"])
        return done(request, f"The invitation of {found.email} is revoked.", "people")
    context = {
        "form": form,
        "question": f"Revoke the invitation of {found.email}?",
        "consequence": "Its link stops working. You can invite them again.",
        "button": "Revoke it",
    }
    return page(request, "people/ask", context, status=422 if form.errors else 200)


# ------------------------------------------------------------------------ joining


@require_safe
@login_not_required
def join_link(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link leads. The token leaves the address at once, for addresses are shown."""
    found = invitations.find(token)
    if found is None:
        return _no_longer_open(request)
    request.session[_SESSION_KEY] = found.pk
    return redirect("join")


@get_or_post
@login_not_required
def join(request: HttpRequest) -> HttpResponse:
    """An invited person says who they are and chooses a password."""
    found = invitations.find_by_id(request.session.get(_SESSION_KEY, 0))
    if found is None:
        return _no_longer_open(request)
    form = JoinForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            return _joined(request, found, **form.cleaned_data)
        except ValidationError as error:
            form.add_error("password", error)
        except invitations.NoLongerOpen:
            return _no_longer_open(request)
    context = {"form": form, "invitation": found}
    return page(request, "people/join", context, status=422 if form.errors else 200)


def _joined(request: HttpRequest, found: Invitation, *, name: str, password: str) -> HttpResponse:
    person = invitations.accept(found, name=name, password=password)
    logout(request)  # whoever else was signed in here
    response: HttpResponse = perform_login(request, Login(user=person))
    return response


def _no_longer_open(request: HttpRequest) -> HttpResponse:
    return page(request, "people/no_invitation", {}, status=404)
