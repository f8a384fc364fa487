"""The pages for what went wrong. Django's own handlers render 403.html and 404.html; a 500 must
not lean on anything that may have failed, so it gets its id and nothing else."""

import logging

from django.http import HttpRequest, HttpResponse
from django.template import loader

_log = logging.getLogger("routerctl.pages")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django has logged the traceback by now; this line ties it to the id that people report."""
    request_id = getattr(request, "request_id", "")
    _log.error("request %s failed: %s %s", request_id, request.method, request.path)
    page = loader.get_template("500.html").render({"request_id": request_id})
    return HttpResponse(page, status=500)
