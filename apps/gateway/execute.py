"""Walks the ladder: calls the steps in order until one answers or the bounds are reached.

One walk for every door, streamed or not. It asks `moves` where to go after an error, holds money
for each attempt before it is sent, and never looks at the request's meaning: gates, prices and
order were settled by the decision.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from apps.gateway.attempts import Attempt
from apps.gateway.claims import Claims, told
from apps.gateway.flowing import Flowing
from apps.gateway.live import Snapshot
from apps.gateway.moves import Fits, Move, Moves, anyone
from apps.gateway.recovery import Told, carried_on
from apps.gateway.surroundings import Clock, Incoming, Purse, Upstream
from apps.ledger.records import Admitted, AttemptRecord, Claim, Hold, TraceHead
from routerctl.engine.errors import RouterError
from routerctl.engine.limits import ResolvedLimits
from routerctl.providers.errors import ProviderError
from routerctl.providers.ports import StreamParser, UpstreamRequest
from routerctl.providers.types import (
    Answer,
    EmbeddingRequest,
    Embeddings,
    ModelRequest,
    StreamEvent,
)
from routerctl.redaction.quotes import unquoted

T = TypeVar("T")


class Execution:
    """One admitted request on its way down the ladder. `current` is the attempt in flight,
    `records` those that ended, whose sums are `cost_nano_usd` and `held_nano_usd`;
    `bound_exceeded` if one of them cost more than was held for it."""

    def __init__(
        self,
        *,
        snapshot: Snapshot,
        ledger: Purse,
        transport: Upstream,
        moves: Moves,
        noted: Callable[[AttemptRecord, float | None], None],
        head: TraceHead,
        texts: Sequence[str],
        claims: Claims,
        started_ns: int,
        clock: Clock,
    ) -> None:
        self.head = head
        self.started_ns = started_ns
        self.current: Attempt | None = None
        self.records: list[AttemptRecord] = []
        self.dropped: set[str] = set()
        self.client_gone = False
        self.cost_nano_usd = 0
        self.held_nano_usd = 0
        self.bound_exceeded = False
        self.claims = claims
        self.full: int | None = None
        """The window that had no room for the first choice, when a later one was admitted."""
        self.used: tuple[int, ...] = ()
        self.parts: list[AttemptRecord] = []
        """The attempts which said the beginning of the answer, when others went on."""
        self._claim = Claim(0)
        self._position = 0
        self._written = 0
        self._snapshot = snapshot
        self._ledger = ledger
        self._transport = transport
        self._moves = moves
        self._noted = noted
        self._texts = texts
        self._clock = clock
        self._head_raw = msgspec.Raw(msgspec.json.encode(head))
        self._until_ns = 0
        self._streaming: asyncio.Task[object] | None = None

    # ------------------------------------------------------------------ what a door asks for

    def first_hold(self) -> Hold:
        """The hold without which nothing may be sent."""
        return self._hold(1, 0)

    def admitted(self, hold: Hold, position: int, found: Admitted) -> None:
        """`hold`, asked for from the step at `position` on, is there."""
        self._claim = hold.claims[found.claim]
        self._position = position + found.claim
        self.used = (0,) * len(self._claim.windows)
        self.full = self.full or found.full

    async def answer(self, chat: ModelRequest) -> Answer:
        """A whole answer to `chat`."""

        async def once(attempt: Attempt) -> Answer:
            request = attempt.endpoint.adapter.chat(
                attempt.endpoint.target,
                msgspec.structs.replace(chat, max_output_tokens=attempt.step.max_output_tokens),
            )
            headers, body = await self._send(attempt, request)
            answer = attempt.endpoint.adapter.answer(headers, body)
            attempt.provider_request_id = answer.provider_request_id
            attempt.succeeded(answer.usage, len(body))
            return answer

        return await self._walk(once)

    async def embeddings(self, embedding: EmbeddingRequest) -> Embeddings:
        """The vectors of `embedding`."""

        async def once(attempt: Attempt) -> Embeddings:
            endpoint = attempt.endpoint
            request = endpoint.adapter.embeddings(endpoint.target, embedding)
            headers, body = await self._send(attempt, request)
            vectors = endpoint.adapter.vectors(headers, body)
            attempt.provider_request_id = vectors.provider_request_id
            attempt.succeeded(vectors.usage, 0)
            return vectors

        return await self._walk(once)

    async def flowing(self, chat: ModelRequest) -> Flowing:
        """A stream that has brought its first content; until then fallbacks are free."""
        return await self._walk(lambda attempt: self._open(attempt, chat))

    async def carry_on(
        self, broken: ProviderError, chat: ModelRequest, told: Told, *, restarts: bool
    ) -> Flowing:
        """The stream after one that ended with `broken` when so much was `told`: from a deployment
        that can go on from there or, if the client `restarts`, from one that begins anew."""
        steps, endpoints = self.head.decision.steps, self._snapshot.endpoints

        def fits(position: int) -> bool:
            step = steps[position]
            return restarts or carried_on(chat, told, endpoints[step.deployment], step) is not None

        async def once(attempt: Attempt) -> Flowing:
            on = carried_on(chat, told, attempt.endpoint, attempt.step)
            if on is None:
                flowing = await self._open(attempt, chat)
                told.begins_anew()
                self.parts.clear()
                return flowing
            more, attempt.step = on
            flowing = await self._open(attempt, more)
            told.goes_on()
            self.parts.append(part)
            return flowing

        assert self.current is not None
        limits = self.current.limits
        self.end(broken)
        part = self.records[-1]
        return await self._walk(once, fits=fits, after=(broken, limits))

    async def buffered(self, chat: ModelRequest) -> list[StreamEvent]:
        """All events of a stream that ended well, so that any fault was recovered unseen."""

        async def once(attempt: Attempt) -> list[StreamEvent]:
            flowing = await self._open(attempt, chat)
            try:
                events = flowing.head
                while (more := await flowing.read()) is not None:
                    events.extend(more)
                return events
            finally:
                await flowing.close()

        return await self._walk(once)

    def client_left(self) -> None:
        """Nobody listens any more: begin nothing new, and cancel whoever waits for a stream. A
        whole answer is waited for, because its provider bills it all the same."""
        self.client_gone = True
        if self._streaming is not None:
            self._streaming.cancel()

    def end(self, error: ProviderError | None = None) -> None:
        """The current attempt is over: remember what it did and what it taught."""
        attempt = self.current
        if attempt is None:
            return
        if error is not None:
            said = unquoted(error.message, attempt.endpoint.target.secret, self._texts)
            attempt.failed(error, said)
        record = attempt.record()
        self.records.append(record)
        self.used = self.claims.used(self._claim, record)
        self.cost_nano_usd += record.cost_nano_usd
        self.held_nano_usd += record.held_nano_usd
        self.bound_exceeded |= record.cost_nano_usd > record.held_nano_usd
        self.current = self._streaming = None
        self._noted(record, error.retry_after_s if error is not None else None)

    @property
    def elapsed_ms(self) -> int:
        """Since the request began."""
        return (self._clock.monotonic_ns() - self.started_ns) // 1_000_000

    @property
    def windows(self) -> tuple[int, ...]:
        """Those that the last hold names, in the order of `used`."""
        return self._claim.windows

    @property
    def unwritten(self) -> tuple[AttemptRecord, ...]:
        """The attempts which the settling tick must write."""
        return tuple(self.records[self._written :])

    # ------------------------------------------------------------------ the walk

    async def _walk(
        self,
        once: Callable[[Attempt], Awaitable[T]],
        *,
        fits: Fits = anyone,
        after: tuple[ProviderError, ResolvedLimits] | None = None,
    ) -> T:
        """`once` with the attempt at hand, and again with others of those that `fits` until one
        succeeds. With `after` the attempt at hand ended so, under those limits."""
        retried = False
        try:
            while True:
                if after is not None:
                    move = self._after(*after, fits, retried=retried)
                    if retried:
                        self._moves.retries.give_back()
                    retried = move.again
                    if move.again:
                        await asyncio.sleep(move.wait_s)
                    await self._advance(move.position)
                    if self.client_gone:
                        raise RouterError("client_disconnected")
                attempt = self._begin(self._position)
                try:
                    return await once(attempt)
                except ProviderError as error:
                    self.end(error)
                    after = error, attempt.limits
        finally:
            if retried:
                self._moves.retries.give_back()

    def _begin(self, position: int) -> Attempt:
        decision = self.head.decision
        step = decision.steps[position]
        limits = self._snapshot.limits_of(decision.route, decision.limits, step.deployment)
        if not self._until_ns:
            self._until_ns = self.started_ns + limits.total_ms * 1_000_000
        self.current = Attempt(
            len(self.records) + 1,
            step,
            self._snapshot.endpoints[step.deployment],
            limits,
            self.started_ns,
            self._clock,
        )
        return self.current

    def _after(
        self, error: ProviderError, limits: ResolvedLimits, fits: Fits, *, retried: bool
    ) -> Move:
        """Where to go after `error`. Raises RouterError when nothing is left to try, or nobody to
        try it for."""
        if self.client_gone:
            raise RouterError("client_disconnected")
        if len(self.records) < limits.attempts:
            move = self._moves.after(
                error,
                self._position,
                fits,
                retried=retried,
                left_ms=self._left_ms(),
                first=len(self.records) == 1,
            )
            if move is not None:
                return move
        raise self._final(error)

    def _final(self, error: ProviderError) -> RouterError:
        code = error.rule.code
        tried = {record.deployment for record in self.records}
        alike = {record.error_class for record in self.records} == {error.error_class}
        own = error.rule.fall_back in ("larger", "asked") and alike  # it is about the request
        if error.rule.fall_back != "no" and len(tried) > 1 and not own:
            code = "fallback_exhausted"
        retry_after_s = None if error.retry_after_s is None else max(1, round(error.retry_after_s))
        return RouterError(code, retry_after_s=retry_after_s)

    async def _advance(self, position: int) -> None:
        """Settle the attempt that failed and hold for the next one, in one tick."""
        written, had, used = self.records[-1], self._claim.windows, self.used
        hold = self._hold(len(self.records) + 1, position)
        try:
            found = await self._ledger.advance(hold, written, had=had, used=used)
        except RouterError as error:
            raise told(error, self.claims, self._ledger) from None
        self.admitted(hold, position, found)
        self._written = len(self.records)

    def _hold(self, n: int, position: int) -> Hold:
        return Hold(
            trace_id=self.head.trace_id,
            n=n,
            claims=self.claims.since(position),
            head=self._head_raw,
        )

    # ------------------------------------------------------------------ one call

    def _left_ms(self) -> int:
        return max(1, (self._until_ns - self._clock.monotonic_ns()) // 1_000_000)

    async def _send(
        self, attempt: Attempt, request: UpstreamRequest
    ) -> tuple[Mapping[str, str], bytes]:
        self.dropped.update(request.dropped)
        limits = attempt.limits
        response = await self._transport.send(
            request,
            connect_ms=limits.connect_ms,
            first_byte_ms=limits.first_token_ms if limits.first_token_stated else None,
            total_ms=self._left_ms(),
        )
        if response.status != 200:
            raise attempt.endpoint.adapter.error(response.status, response.headers, response.body)
        return response.headers, response.body

    async def _open(self, attempt: Attempt, chat: ModelRequest) -> Flowing:
        endpoint, limits = attempt.endpoint, attempt.limits
        request = endpoint.adapter.chat(
            endpoint.target,
            msgspec.structs.replace(
                chat, max_output_tokens=attempt.step.max_output_tokens, stream=True
            ),
        )
        self.dropped.update(request.dropped)
        self._streaming = asyncio.current_task()
        first_ms = min(limits.first_token_ms, self._left_ms())
        stream = await self._transport.open(
            request, connect_ms=limits.connect_ms, first_byte_ms=first_ms
        )
        try:
            if stream.status != 200:
                body = await stream.rest(first_ms)
                raise endpoint.adapter.error(stream.status, stream.headers, body)
            parser = endpoint.adapter.stream(stream.headers)
            events = await self._first_content(attempt, stream, parser, first_ms)
        except BaseException:
            await stream.close()
            raise
        attempt.provider_request_id = parser.provider_request_id
        return Flowing(attempt, stream, parser, events, self._until_ns, self._clock)

    async def _first_content(
        self, attempt: Attempt, stream: Incoming, parser: StreamParser, first_ms: int
    ) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        while not events:
            try:
                chunk = await stream.read(max(1, first_ms - attempt.elapsed_ms()))
            except ProviderError as error:
                if error.error_class != "stalled":
                    raise
                raise ProviderError("timeout", f"no first token in {first_ms} ms") from None
            if chunk is None:
                events = parser.close()
                break
            events = parser.feed(chunk)
        attempt.saw(events)
        return events
