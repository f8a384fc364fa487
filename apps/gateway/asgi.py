"""The machine door: a bare ASGI application in front of Django, for `/v1/...`, health and metrics.

Bare because Django's async handler costs more than a whole request does here; see
docs/architecture.md. `startup` and `shutdown` are called by the server that runs the process.
"""

import asyncio
from uuid import uuid4

import structlog
from django.conf import settings
from msgspec import json

from apps.gateway.doors import Door
from apps.gateway.exchange import Exchange, Receive, Scope, Send
from apps.gateway.flow import Flow
from apps.gateway.live import Snapshot
from apps.gateway.process import Process
from routerctl.engine.errors import RouterError
from routerctl.wire import anthropic, native, openai
from routerctl.wire.types import KeyFacts, Renderer, Result

log = structlog.get_logger(__name__)

JSON = (b"content-type", b"application/json")

DOORS: dict[str, Door] = {
    "/v1/generate": Door("native", native.parse, native.renderer, native.error_renderer),
    "/v1/chat/completions": Door("openai", openai.parse, openai.renderer, openai.error_renderer),
    "/v1/messages": Door(
        "anthropic", anthropic.parse, anthropic.renderer, anthropic.error_renderer
    ),
    "/v1/embeddings": Door(
        "openai", openai.parse_embeddings, openai.renderer, openai.error_renderer
    ),
}

_process: Process | None = None


def owns(path: str) -> bool:
    """Whether `path` belongs to this application rather than to Django."""
    return path.startswith("/v1/") or path in _PLAIN


async def startup() -> Process:
    """Open the ledger and load the configuration; called once, in the serving loop."""
    global _process
    _process = Process(settings.ENV, settings.ENV.database_url)
    await _process.start()
    return _process


async def drain() -> None:
    """Stop being ready; called when the process is told to end, before it stops accepting."""
    if _process is not None:
        _process.draining = True


async def shutdown() -> None:
    """Let requests end, settle all of them, close; returns when nothing is owed."""
    if _process is not None:
        await _process.stop()


async def gateway_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request whose path `owns`."""
    assert _process is not None, "startup() was not called"
    exchange = Exchange(scope, receive, send)
    door = DOORS.get(exchange.path)
    if door is not None and exchange.method == "POST":
        _process.metrics.in_flight += 1
        try:
            await _serve(_process, door, exchange)
        finally:
            _process.metrics.in_flight -= 1
    elif exchange.path in _PLAIN and exchange.method in ("GET", "HEAD"):
        await _PLAIN[exchange.path](_process, exchange)
    else:
        await _not_served(exchange, door)


async def _serve(process: Process, door: Door, exchange: Exchange) -> None:
    snapshot = process.live.snapshot
    if snapshot is None:
        await _turn_away(exchange, door, _nothing_loaded())
        return
    key = _authenticated(snapshot, exchange)
    if key is None:
        process.metrics.unauthenticated += 1
        await _turn_away(exchange, door, RouterError("auth_failed"))
        return
    flow = Flow(process, snapshot, door, exchange, key)
    try:
        await flow.run()
    except asyncio.CancelledError:
        raise
    except Exception:  # the outermost edge: nothing below catches everything
        log.exception("request.crashed", trace_id=flow.trace_id)
        await flow.crash()


def _nothing_loaded() -> RouterError:
    return RouterError("overloaded", "No configuration is loaded yet.", retry_after_s=1)


def _authenticated(snapshot: Snapshot, exchange: Exchange) -> KeyFacts | None:
    header = exchange.headers.get("authorization")
    if header is not None:
        token = header[7:] if header[:7].lower() == "bearer " else ""
    elif exchange.path == "/v1/messages":
        token = exchange.headers.get("x-api-key", "")
    else:
        token = ""
    if not token:
        return None
    return snapshot.keys.authenticate(token.strip().encode("latin-1"))


async def _not_served(exchange: Exchange, door: Door | None) -> None:
    error = RouterError("invalid_request", f"{exchange.method} {exchange.path} is not served.")
    if door is None and exchange.path not in _PLAIN:
        await _turn_away(exchange, door, error, 404)
    else:
        allow = (b"allow", b"GET, HEAD" if door is None else b"POST")
        await _turn_away(exchange, door, error, 405, allow)


async def _turn_away(
    exchange: Exchange,
    door: Door | None,
    error: RouterError,
    status: int | None = None,
    *headers: tuple[bytes, bytes],
) -> None:
    """Before authentication: no trace, an X-Request-Id alone. The body is read first, so that a
    client which is still writing gets the answer."""
    if exchange.method == "POST":
        try:
            await exchange.body(0 if status else settings.ENV.max_body_bytes)
        except RouterError:
            if exchange.gone:
                return
    renderer: Renderer = door.error_renderer() if door else native.error_renderer()
    result = Result(trace_id="", created_s=0, status="failed", finish_status="error", error=error)
    told = [JSON, _request_id(exchange), *headers]
    if error.retry_after_s is not None:
        told.append((b"retry-after", b"%d" % error.retry_after_s))
    await exchange.whole(status or error.kind.status, told, renderer.whole(result))


def _request_id(exchange: Exchange) -> tuple[bytes, bytes]:
    """Of an answer that has no trace: the caller's own, or one made for it."""
    named = exchange.headers.get("x-request-id", "")[:128] or uuid4().hex
    return b"x-request-id", named.encode("latin-1")


# ---------------------------------------------------------------------- plain pages


async def _models(process: Process, exchange: Exchange) -> None:
    snapshot, door = process.live.snapshot, DOORS["/v1/chat/completions"]
    if snapshot is None:
        await _turn_away(exchange, door, _nothing_loaded())
        return
    if _authenticated(snapshot, exchange) is None:
        await _turn_away(exchange, door, RouterError("auth_failed"))
        return
    headers = [JSON, _request_id(exchange)]
    headers.append((b"x-policy-revision", snapshot.revision.hash.encode()))
    await exchange.whole(200, headers, openai.models(snapshot.words))


async def _healthz(_process: Process, exchange: Exchange) -> None:
    await exchange.whole(200, [JSON], b'{"status":"ok"}')


async def _readyz(process: Process, exchange: Exchange) -> None:
    snapshot = process.live.snapshot
    body = {
        "ready": process.is_ready,
        "draining": process.draining,
        "revision": snapshot.revision.hash if snapshot else None,
        "database": "ok" if process.live.database_ok else "unreachable",
        "unsettled": process.ledger.pending,
    }
    await exchange.whole(200 if process.is_ready else 503, [JSON], json.encode(body))


async def _metrics(process: Process, exchange: Exchange) -> None:
    content_type = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
    await exchange.whole(200, [content_type], process.metrics.exposition())


_PLAIN = {
    "/v1/models": _models,
    "/healthz": _healthz,
    "/readyz": _readyz,
    "/metrics": _metrics,
}
