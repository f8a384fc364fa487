"""API keys that somebody pasted whole into a page's address.

The prefix of a key finds all that it did and is no secret; the rest must not stand in a page, in
the browser's history, nor in any log. So an address that has one is left at once.
"""

import re

from django.http import HttpRequest, QueryDict

_WHOLE_KEY = re.compile(r"\brk_[a-z]+_([a-z0-9]{8})_\S*")


def said_a_secret(query: QueryDict) -> bool:
    """Whether an API key stands in any of the values."""
    return any(_WHOLE_KEY.search(value) for _, values in query.lists() for value in values)


def without_secrets(request: HttpRequest) -> str:
    """The address of `request` with every API key cut down to its prefix."""
    clean = request.GET.copy()
    for name, values in request.GET.lists():
        clean.setlist(name, [_WHOLE_KEY.sub(r"\1", value) for value in values])
    return f"{request.path}?{clean.urlencode()}"
