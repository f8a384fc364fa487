"""What stands around every page: an id in its answer, a signed-in person in front of it."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django_htmx.http import HttpResponseClientRefresh

from apps.accounts import second_factors
from apps.accounts.models import User


class RequestId:
    """Gives a request an id of our own, which error pages show and the log repeats."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = uuid4().hex  # type: ignore[attr-defined]  # read by errors.py
        response = self.get_response(request)
        # The API has its own way: it repeats the caller's id.
        response.headers.setdefault("X-Request-Id", request.request_id)  # type: ignore[attr-defined]
        return response


class SignInRequired(LoginRequiredMiddleware):
    """Every view is closed unless it says otherwise. A region of a page that is asked for after
    the session ended reloads its page, or the sign-in form would land inside a table."""

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponseBase | None:
        answer = super().process_view(request, *view)
        if answer is not None and request.htmx:  # type: ignore[attr-defined]  # HtmxMiddleware
            return HttpResponseClientRefresh()
        return answer


class SecondFactorRequired:
    """Who may change things and must have a second factor sets one up before anything else."""

    OPEN = ("/account", "/sign-in/")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], *_: Any
    ) -> HttpResponseBase | None:
        if request.path.startswith(self.OPEN) or not getattr(view, "login_required", True):
            return None
        person = request.user
        if isinstance(person, User) and second_factors.lacks_one(person):
            return redirect("account")
        return None
