"""One request through the rooms, in their order: door, reading, decision, hold, execution,
settlement. Read `Flow.run` first.

Everything that is told to the caller and kept on the trace comes from one `Outcome`. The caller
never waits for a settlement.
"""

import asyncio

from apps.gateway import outcome as outcomes
from apps.gateway import repeats
from apps.gateway.admission import admit
from apps.gateway.doors import Door
from apps.gateway.ended import ended_of
from apps.gateway.exchange import Exchange, Recording
from apps.gateway.execute import Execution
from apps.gateway.health import rested_in_s
from apps.gateway.live import Snapshot
from apps.gateway.rates import Rate, rate_of, too_soon
from apps.gateway.shared import Shared
from apps.gateway.streaming import stream_answer
from apps.gateway.telling import flags_of, headers_of, result_of
from apps.gateway.unheld import Tab
from apps.gateway.unread import no_decision, unread_request
from apps.ledger.records import IdempotencyKey, Outcome, Refused, Settlement, TraceHead
from routerctl.engine.decide import decide
from routerctl.engine.errors import RouterError
from routerctl.engine.types import Decision, Facts, RoutingRequest, TextReading
from routerctl.providers.types import Answer, EmbeddingRequest, Embeddings, ModelRequest
from routerctl.redaction.reading import read_text
from routerctl.redaction.scrub import redact
from routerctl.wire.rewrite import rewrite_inputs, rewrite_texts, with_system, without_turns
from routerctl.wire.types import KeyFacts, ParsedCall, Renderer


class Flow:
    """One authenticated request. `call`, `head` and `execution` appear as it gets on."""

    __slots__ = (
        "admitted",
        "body",
        "call",
        "decision",
        "door",
        "exchange",
        "execution",
        "head",
        "idempotency",
        "key",
        "outcome",
        "rate",
        "reading",
        "recording",
        "renderer",
        "settled",
        "shared",
        "snapshot",
        "started_ms",
        "started_ns",
        "tab",
        "trace_id",
    )

    def __init__(
        self, shared: Shared, snapshot: Snapshot, door: Door, exchange: Exchange, key: KeyFacts
    ) -> None:
        self.shared = shared
        self.snapshot = snapshot
        self.door = door
        self.exchange = exchange
        self.key = key
        self.started_ns = shared.clock.monotonic_ns()
        self.started_ms = shared.clock.epoch_ms()
        self.trace_id = shared.clock.trace_id()
        self.body = b""
        self.admitted = False
        self.settled = False
        self.call: ParsedCall | None = None
        self.renderer: Renderer | None = None
        self.reading = TextReading()
        self.decision: Decision | None = None
        self.head: TraceHead | None = None
        self.execution: Execution | None = None
        self.idempotency: IdempotencyKey | None = None
        self.recording: Recording | None = None
        self.tab: Tab | None = None
        self.outcome: Outcome | None = None
        self.rate: Rate | None = None

    async def run(self) -> None:
        """Serve the request; every way out leaves exactly one trace."""
        try:
            call = await self._enter()
            await self._count(call)
            decision = self._decide(call)
            execution = await admit(self, call, decision)
        except RouterError as error:
            await self._turn_away(error)
            return
        try:
            await self._execute(call, decision, execution)
        except RouterError as error:
            await self._fail(execution, error)
        except asyncio.CancelledError:
            # Shutdown ran out of patience: the money and the trace come first.
            await self._fail(execution, RouterError("overloaded", "The server is shutting down."))
            raise
        repeats.keep(self)

    async def crash(self) -> None:
        """A fault of ours ended `run`: the trace and the caller still get their answer."""
        error = RouterError("internal_error")
        if self.settled:
            return
        if self.admitted and self.execution is not None:
            await self._fail(self.execution, error)
        else:
            await self._refuse(error)

    # ------------------------------------------------------------------ up to the hold

    async def _enter(self) -> ParsedCall:
        if "generate" not in self.key.scopes:
            raise RouterError("forbidden", "This API key lacks the scope generate.")
        self.body = await self.exchange.body(self.shared.max_body_bytes)
        self.call = self.door.parse(
            self.body, self.exchange.headers, self.key, self.snapshot.words, self.trace_id
        )
        self.renderer = self.door.renderer(self.call)
        return self.call

    async def _count(self, call: ParsedCall) -> None:
        """Before anything costs time: does it come too soon after the others?"""
        limits = self.snapshot.revision.rate_limits
        if limits:
            self.rate = await rate_of(self.shared.buckets, limits, call.request)
            if self.rate is not None and self.rate.wait_s:
                self.shared.metrics.rate_limited[(self.rate.spec.slug,)] += 1
                raise too_soon(self.rate)

    def _decide(self, call: ParsedCall) -> Decision:
        revision = self.snapshot.revision
        self.reading = read_text(call.request, revision, call.texts, call.last_user)
        health = self.shared.health
        health.configured(self.snapshot.endpoints)
        decision = decide(call.request, self.reading, revision, self._facts())
        if decision.refusal is not None and health.hasten(decision.candidates, self.started_ms):
            decision = decide(call.request, self.reading, revision, self._facts())
        self.decision = decision
        if decision.refusal is not None:
            refusal = decision.refusal
            raise RouterError(
                refusal.code,
                refusal.message,
                retry_after_s=rested_in_s(decision.candidates, self.started_ms),
            )
        health.chosen(self.trace_id, decision.steps, self.started_ms)
        return decision

    def _facts(self) -> Facts:
        shared, moment_ms = self.shared, self.started_ms
        health = shared.health.facts(moment_ms)
        return Facts(moment_ms, health, shared.ledger.balances, shared.usual.on)

    def head_of(self, request: RoutingRequest, decision: Decision) -> TraceHead:
        """What is known of the request before it is executed."""
        return TraceHead(
            trace_id=self.trace_id,
            started_at_ms=self.started_ms,
            door=self.door.name,
            request=request,
            reading=self.reading,
            decision=decision,
            request_id=self.exchange.headers.get("x-request-id", "")[:128] or None,
            ignored_fields=self.call.ignored_fields if self.call else (),
        )

    # ------------------------------------------------------------------ execution

    async def _execute(self, call: ParsedCall, decision: Decision, execution: Execution) -> None:
        if call.stream:
            assert call.chat is not None
            await stream_answer(self, self._prepared(call.chat, decision), execution)
            return
        answer, embeddings = None, None
        # Who has a key may come back for the answer.
        self.exchange.watch(execution.client_left if self.recording is None else None)
        try:
            if call.embedding is not None:
                embeddings = await execution.embeddings(self._inputs(call.embedding, decision))
            else:
                assert call.chat is not None
                answer = await execution.answer(self._prepared(call.chat, decision))
        finally:
            self.exchange.unwatch()
        execution.end()
        if self.exchange.gone and self.recording is None:
            raise RouterError("client_disconnected")
        await self._answer(execution, answer=answer, embeddings=embeddings)

    def _inputs(self, embedding: EmbeddingRequest, decision: Decision) -> EmbeddingRequest:
        return rewrite_inputs(embedding, self._redacted) if decision.redact else embedding

    def _prepared(self, chat: ModelRequest, decision: Decision) -> ModelRequest:
        """The request as it is sent: redacted where policy says so, with the route's prompt."""
        if decision.redact:
            chat = rewrite_texts(chat, self._redacted)
        if decision.drop_turns:
            chat = without_turns(chat, decision.drop_turns)
        if decision.prompt is not None:
            chat = with_system(chat, self.snapshot.revision.prompts[decision.prompt])
        return chat

    def _redacted(self, text: str) -> str:
        assert self.decision is not None
        return redact(text, self.decision.redact, self.snapshot.revision)

    async def _answer(
        self,
        execution: Execution,
        *,
        answer: Answer | None = None,
        embeddings: Embeddings | None = None,
    ) -> None:
        assert self.renderer is not None
        status = answer.finish_status if answer is not None else "stop"
        outcome = outcomes.ended_well(execution, status, flags_of(self))
        self.settle(outcome)
        result = result_of(self, outcome, answer=answer, embeddings=embeddings)
        body = self.renderer.whole(result)
        await self.exchange.whole(200, headers_of(self, outcome), body)

    # ------------------------------------------------------------------ ends

    async def _turn_away(self, error: RouterError) -> None:
        """Not admitted: refused, unless this is a request that was answered before."""
        try:
            if await repeats.given_again(self, error):
                return
        except RouterError as waiting:
            error = waiting
        await self._refuse(error)

    async def _refuse(self, error: RouterError) -> None:
        """Turned away before a hold: a trace, no money."""
        outcome = outcomes.refused(error, flags_of(self), self.latency_ms())
        self.refuse(outcome)
        await self._tell(error, outcome)

    def refuse(self, outcome: Outcome) -> None:
        """Hand the end of a request that was not admitted to the ledger."""
        request = (
            self.call.request if self.call else unread_request(self.key, self.body, self.trace_id)
        )
        decision = self.decision or no_decision(self.snapshot.revision.hash, self.started_ms)
        self.settled = True
        head = self.head_of(request, decision)
        self.shared.refuse(Refused(head=head, outcome=outcome), ended_of(self, head, outcome))

    async def _fail(self, execution: Execution, error: RouterError) -> None:
        """Admitted, and no whole answer: settle what it cost."""
        if self.settled:
            return
        execution.end()
        outcome = outcomes.ended_badly(execution, error, flags_of(self))
        self.settle(outcome)
        await self._tell(error, outcome)

    async def _tell(self, error: RouterError, outcome: Outcome) -> None:
        if self.exchange.gone and (self.recording is None or error.code == "client_disconnected"):
            return
        error = outcomes.disclosed(error, self.decision, self.key.disclose)
        result = result_of(self, outcome, error=error)
        renderer = self.renderer or self.door.error_renderer()
        if self.exchange.began:
            await self.exchange.finish(renderer.end(result))
            return
        headers = headers_of(self, outcome)
        if error.retry_after_s is not None:
            headers.append((b"retry-after", b"%d" % error.retry_after_s))
        helps = error.kind.retry_helps or error.retry_after_s is not None
        if not helps or (self.execution and self.execution.records):
            # Asking again cannot help, or we have asked providers often enough for one request.
            headers.append((b"x-should-retry", b"false"))
        await self.exchange.whole(error.kind.status, headers, renderer.whole(result))

    def settle(self, outcome: Outcome) -> None:
        """Hand the end of an admitted request to the ledger. Nobody waits for it."""
        execution, head = self.execution, self.head
        assert execution is not None
        assert head is not None
        self.settled = True
        self.outcome = outcome
        settlement = Settlement(
            trace_id=self.trace_id,
            n=len(execution.records) or 1,
            head=head,
            outcome=outcome,
            attempts=execution.unwritten,
            used=execution.used,
        )
        ended = ended_of(self, head, outcome, execution.records)
        if self.tab is None:
            self.shared.settle(settlement, ended)
        else:
            self.shared.settle_unheld(self.tab.ended(settlement, execution.windows), ended)

    def latency_ms(self) -> int:
        return (self.shared.clock.monotonic_ns() - self.started_ns) // 1_000_000
