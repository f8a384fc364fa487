"""What no page may do: load from elsewhere, break its content policy, fail a script."""

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request


class Watch:
    """Collects what the pages of a context do wrong."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self._origin = origin
        self._wrong: list[str] = []
        context.on("page", self._watch)
        context.on("request", self._request)

    def expect_nothing(self) -> None:
        assert not self._wrong, "\n".join(self._wrong)

    def taken(self) -> list[str]:
        """What went wrong so far, and then is forgotten."""
        wrong, self._wrong = self._wrong, []
        return wrong

    def _watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._wrong.append(f"script: {error}"))

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != self._origin:
            self._wrong.append(f"elsewhere: {request.url}")

    def _console(self, message: ConsoleMessage) -> None:
        # Violations of the content policy come as errors too. A page that answers 404 or 422 on
        # purpose is reported by the browser as a failed resource.
        ours = message.text.startswith("Failed to load resource: the server responded with")
        if message.type in ("error", "warning") and not ours:
            self._wrong.append(f"console: {message.text}")
