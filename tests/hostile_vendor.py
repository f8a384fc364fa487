"""A provider of ill will: whatever it was asked stands in every field of its answer."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.processes import Mock

MODELS = ("refuses", "answers", "calls", "strange")
"""What it can be asked to do, by the model's name. Each can stream."""


@contextlib.contextmanager
def hostile_vendor() -> Iterator[Mock]:
    """In the place of the scripted providers; it speaks OpenAI's wire format and keeps no calls."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Mock(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


class _Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        text = asked["messages"][-1]["content"]
        if asked["model"] == "refuses":
            self._send(500, {"error": {"message": text, "code": text, "type": text}}, text)
        elif asked.get("stream"):
            self._send(200, _completion(asked["model"], text, "delta"), text, streamed=True)
        else:
            self._send(200, _completion(asked["model"], text, "message"), text)

    def _send(self, status: int, said: Any, text: str, *, streamed: bool = False) -> None:
        """Raw, because no library would send such headers. A name that is long or would break
        lines goes into the body alone, so that the call is an answer at all."""
        body = json.dumps(said).encode()
        body = b"data: " + body + b"\n\ndata: [DONE]\n\n" if streamed else body
        named = text if text.isprintable() and len(text) < 1000 else "plain"
        head = (
            f"HTTP/1.1 {status} OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
            f"content-type: {'text/event-stream' if streamed else 'application/json'}\r\n"
            f"retry-after: {named}\r\nx-request-id: {named}\r\n\r\n"
        )
        self.wfile.write(head.encode() + body)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def _completion(model: str, text: str, part: str) -> dict[str, Any]:
    call = {"index": 0, "id": text, "type": "function"}
    call |= {"function": {"name": text, "arguments": json.dumps({text: text})}}
    said: dict[str, Any] = {"role": "assistant", "content": text}
    if model == "calls":
        said = {"role": "assistant", "content": None, "tool_calls": [call]}
    reason = {"answers": "stop", "calls": "tool_calls"}.get(model, text)
    return {
        "id": text,
        "object": "chat.completion",
        "model": text,
        "system_fingerprint": text,
        "choices": [{"index": 0, part: said, "finish_reason": reason}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
    }
