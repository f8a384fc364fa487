"""Static files, served by WhiteNoise inside Django."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # WhiteNoise has no types
    """Answers a file in one piece: under ASGI, Django would first collect WhiteNoise's pieces in
    a thread, and warn about it at every file. Ours are small and cached by browsers."""

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        pieces: Any = WhiteNoiseMiddleware.serve(static_file, request)
        return HttpResponse(b"".join(pieces), status=pieces.status_code, headers=pieces.headers)
