"""A door over a real socket: reads what an SDK sends, answers as a test tells it to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from routerctl.engine.errors import RouterError
from routerctl.providers.types import Answer, Embeddings, StreamEvent
from routerctl.wire import anthropic, openai
from routerctl.wire.types import ParsedCall, Renderer, Result
from tests.wire.builders import TRACE, WORDS, key, result

DOORS = {
    "/v1/chat/completions": (openai.parse, openai),
    "/v1/messages": (anthropic.parse, anthropic),
    "/v1/embeddings": (openai.parse_embeddings, openai),
}


class Script:
    """`answer`, `events` or `error` is what the next call gets; `calls` is what was understood."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[ParsedCall] = []
        self.answer = Answer(text="Good morning.")
        self.embeddings: Embeddings | None = None
        self.events: tuple[StreamEvent, ...] = ()
        self.facts: dict[str, Any] = {}
        self.error: RouterError | None = None

    def result(self) -> Result:
        facts = {"embeddings": self.embeddings, "error": self.error, **self.facts}
        return result(self.answer, **facts)

    def serve(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, bytes]:
        """Status, content type and body of the answer."""
        parse, door = DOORS[path]
        try:
            call = parse(body, headers, key(), WORDS, TRACE)
        except RouterError as error:
            self.error = error
            return (
                error.kind.status,
                b"application/json",
                door.error_renderer().whole(self.result()),
            )
        self.calls.append(call)
        renderer = door.renderer(call)
        if call.stream and (self.error is None or self.events):
            return 200, renderer.content_type, self._streamed(renderer)
        status = self.error.kind.status if self.error else 200
        return status, b"application/json", renderer.whole(self.result())

    def _streamed(self, renderer: Renderer) -> bytes:
        last = self.result()
        pieces = [renderer.begin(last), renderer.keep_alive()]
        pieces += [renderer.event(event) for event in self.events]
        return b"".join([*pieces, renderer.end(last)])


@contextmanager
def scripted_door() -> Iterator[Script]:
    script = Script()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script.serve))
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()


def _handler(
    serve: Callable[[str, bytes, dict[str, str]], tuple[int, bytes, bytes]],
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, content_type, answer = serve(self.path, body, headers)
            self.send_response(status)
            self.send_header("content-type", content_type.decode())
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's
            pass

    return Handler
