"""Requests that come again with their Idempotency-Key: what was answered is kept for a day and
given again, and nobody is called a second time.

Kept answers are sealed with ROUTERCTL_ENCRYPTION_KEYS, and repeat the trace id inside, so that a
row which somebody swapped in the database is refused.
"""

import asyncio
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
import structlog
from cryptography.fernet import InvalidToken
from django.conf import settings

from apps.gateway import rates
from apps.gateway.exchange import Exchange, Recording
from apps.gateway.surroundings import Books
from apps.gateway.telling import request_id_of
from apps.ledger.records import IdempotencyKey, Outcome
from routerctl.engine.errors import RouterError
from routerctl.wire.spoken import SPOKEN_HEADERS

if TYPE_CHECKING:
    from apps.gateway.flow import Flow

log = structlog.get_logger(__name__)

_HEADER = "idempotency-key"
_MOST_BYTES = 2**20
"""Of an answer that is kept."""
_WAIT_S = 120.0
"""For the first request to end: as long as one may take that has no limits of its own."""
_ASK_EVERY_S = (0.05, 0.5)
_STORED_WITHIN_S = 2.0
"""How long after the end of a request its answer may still be on the way to the database."""
_NOT_AGAIN = (b"content-length", b"x-request-id", *rates.HEADERS)
"""Headers that are each answer's own."""


class Kept(msgspec.Struct, frozen=True):
    """What a request was answered: the HTTP answer, and what stands on its trace."""

    trace_id: str
    http_status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    status: str
    finish_status: str
    error_code: str | None


_decode = msgspec.msgpack.Decoder(Kept).decode


def key_of(flow: "Flow", tenant: str) -> IdempotencyKey | None:
    """What is kept of the request's Idempotency-Key, if it has one, and of what was asked: the
    body, with all that stands in headers or in the API key and shapes the answer. Raises
    RouterError invalid_request."""
    headers = flow.exchange.headers
    named = headers.get(_HEADER)
    if named is None:
        return None
    if not 0 < len(named) <= 255:
        raise RouterError("invalid_request", "Idempotency-Key must have 1 to 255 characters.")
    said = {name: headers[name] for name in SPOKEN_HEADERS if name in headers}
    asked = _digest([flow.door.name, flow.key.disclose, repr(said)], flow.body)
    return IdempotencyKey.of(tenant, named, asked)


def _digest(said: Iterable[str], body: bytes) -> bytes:
    return "\0".join(said).encode("utf-8", "replace") + b"\0" + sha256(body).digest()


def recording(flow: "Flow") -> Recording | None:
    """What is answered from now on, for a request which has a key."""
    return flow.exchange.record(_MOST_BYTES) if flow.idempotency is not None else None


def keep(flow: "Flow") -> None:
    """Keep what was answered for whoever sends the request again, if it was said to its end."""
    answer, key, end = flow.recording, flow.idempotency, flow.outcome
    if answer is None or key is None or end is None or not answer.is_whole:
        return
    kept = Kept(
        flow.trace_id,
        answer.status,
        [header for header in answer.headers if header[0] not in _NOT_AGAIN],
        b"".join(answer.parts),
        end.status,
        end.finish_status,
        end.error_code,
    )
    try:
        sealed = settings.ENV.encryption_ring.encrypt(msgspec.msgpack.encode(kept)).decode()
    except ValueError:  # no key: nothing is kept in the clear
        return
    flow.shared.ledger.keep(flow.trace_id, key, sealed)


async def given_again(flow: "Flow", refusal: RouterError) -> bool:
    """Answer a request whose key was used before for the same with what the first was answered.
    Whether there was an answer. Raises RouterError like `_answer_of`."""
    if flow.idempotency is None or refusal.code != "answer_expired":
        return False
    earlier = refusal.details["earlier_trace_id"]
    kept = await _answer_of(flow.shared.ledger, flow.idempotency, earlier, flow.exchange)
    if kept is None:
        return False
    flow.refuse(_outcome_of(kept, flow.latency_ms()))
    headers = [
        *kept.headers,
        *(flow.rate.headers() if flow.rate else ()),
        (b"x-request-id", request_id_of(flow)),
        (b"idempotent-replayed", b"true"),
    ]
    await flow.exchange.whole(kept.http_status, headers, kept.body)
    return True


async def _answer_of(
    books: Books, key: IdempotencyKey, trace_id: str, exchange: Exchange
) -> Kept | None:
    """What the request of `trace_id`, which used `key` first, was answered; waits while it runs.
    None when it is over and nothing was kept.

    Raises RouterError: overloaded when it runs for too long, client_disconnected when
    nobody waits any more.
    """
    loop = asyncio.get_running_loop()
    deadline, over_at, pause_s = loop.time() + _WAIT_S, None, _ASK_EVERY_S[0]
    exchange.watch()
    try:
        while not exchange.gone:
            found = await books.kept(trace_id, key)
            if found:
                return _opened(found, trace_id)
            now = loop.time()
            if found is not None:
                over_at = over_at or now
                if now - over_at > _STORED_WITHIN_S:
                    return None
            elif now > deadline:
                raise RouterError("overloaded", "The first request with this key still runs.")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _ASK_EVERY_S[1])
    finally:
        exchange.unwatch()
    raise RouterError("client_disconnected")


def _opened(sealed: str, trace_id: str) -> Kept | None:
    """None for what no key of ours opens any more, or what is another request's."""
    try:
        kept = _decode(settings.ENV.encryption_ring.decrypt(sealed.encode()))
    except (InvalidToken, ValueError, msgspec.MsgspecError):
        log.warning("answer_not_opened", trace_id=trace_id)
        return None
    return kept if kept.trace_id == trace_id else None


def _outcome_of(kept: Kept, latency_ms: int) -> Outcome:
    """How a request ends that is given a kept answer: like the first, and at no cost."""
    return Outcome(
        status=kept.status,
        finish_status=kept.finish_status,
        http_status=kept.http_status,
        error_code=kept.error_code,
        latency_ms=latency_ms,
        marks=(f"repeats:{kept.trace_id}",),
    )
