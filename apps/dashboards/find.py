"""What somebody pasted into the search box."""

import re
from uuid import UUID

_HEX = "[0-9a-f]"
_TRACE_ID = re.compile(
    rf"(?<!{_HEX}){_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}(?!{_HEX})"
    rf"|(?<!{_HEX}){_HEX}{{32}}(?!{_HEX})",
    re.IGNORECASE,
)


def pasted_trace_id(text: str) -> UUID | None:
    """The first trace ID in `text`: bare, in a URL, a header line, a traceparent or an answer's
    id, with or without dashes."""
    found = _TRACE_ID.search(text)
    return UUID(found.group()) if found else None
