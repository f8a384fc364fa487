"""A file that is written while it is sent."""

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from apps.dashboards import clock


def csv_download(request: HttpRequest, name: str, parts: Iterator[str]) -> StreamingHttpResponse:
    """`parts` as the file NAME-DAY-TIME.csv. An ASGI server would gather a plain iterator before
    it sends the first byte, so it is given an asynchronous one."""
    body = _asynchronous(parts) if isinstance(request, ASGIRequest) else parts
    file = f"{name}-{clock.local(clock.now_ms()):%Y-%m-%d-%H%M}.csv"
    return StreamingHttpResponse(
        body,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{file}"',
            "Cache-Control": "no-store",
        },
    )


async def _asynchronous(parts: Iterator[str]) -> AsyncIterator[str]:
    following = sync_to_async(_following)
    while (part := await following(parts)) is not None:
        yield part


def _following(parts: Iterator[str]) -> str | None:
    return next(parts, None)
