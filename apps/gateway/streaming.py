"""Answers in pieces: as they come, or held back until they are whole (`buffer`). What breaks after
its first piece ends in an error, or another deployment goes on (`continue`)."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from apps.gateway import outcome as outcomes
from apps.gateway.exchange import HeaderList
from apps.gateway.execute import Execution
from apps.gateway.flowing import Flowing
from apps.gateway.recovery import Told
from apps.gateway.telling import flags_of, headers_of, result_of
from apps.ledger.records import Outcome
from routerctl.engine.errors import RouterError
from routerctl.providers.errors import ProviderError
from routerctl.providers.types import Finish, FinishStatus, ModelRequest, StreamEvent

if TYPE_CHECKING:
    from apps.gateway.flow import Flow

KEEP_ALIVE_S = 5.0


async def stream_answer(flow: "Flow", chat: ModelRequest, execution: Execution) -> None:
    """Stream the answer to `chat`. Raises RouterError when it does not end well; whether that
    becomes a status or an error event depends on what was already sent."""
    flow.exchange.watch(execution.client_left)
    try:
        if execution.head.decision.stream_recovery == "buffer":
            await _whole_first(flow, chat, execution)
        else:
            await _as_it_comes(flow, chat, execution)
    except asyncio.CancelledError:
        if not flow.exchange.gone:
            raise
        raise flow.exchange.left() from None
    finally:
        flow.exchange.unwatch()


async def _as_it_comes(flow: "Flow", chat: ModelRequest, execution: Execution) -> None:
    told = Told()
    flowing = await execution.flowing(chat)
    while True:
        try:
            if not flow.exchange.began:
                await _begin(flow, execution)
            finish = await _pump(flow, flowing, told)
            break
        except ProviderError as error:
            broken = error
        finally:
            await flowing.close()
        flowing = await _go_on(flow, chat, execution, told, broken)
    if flow.exchange.gone:
        raise flow.exchange.left()
    await _end(flow, execution, finish)


async def _go_on(
    flow: "Flow", chat: ModelRequest, execution: Execution, told: Told, error: ProviderError
) -> Flowing:
    """Where the rest of the answer comes from, when the route wants that and it can be had."""
    renderer = flow.renderer
    assert renderer is not None
    recovers = execution.head.decision.stream_recovery == "continue"
    if not recovers or told.called or flow.exchange.gone:
        execution.end(error)
        raise RouterError(error.rule.code) from error
    anew = renderer.restart()
    flowing = await execution.carry_on(error, chat, told, restarts=bool(anew))
    if told.restarted:
        told.restarted = False
        await flow.exchange.write(anew)
    return flowing


async def _pump(flow: "Flow", flowing: Flowing, told: Told) -> FinishStatus:
    """Pass events on until the last; returns how the vendor says it ended."""
    exchange, renderer = flow.exchange, flow.renderer
    assert renderer is not None
    finish: FinishStatus = "stop"
    events: Sequence[StreamEvent] | None = flowing.head
    while events is not None and not exchange.gone:
        pieces = []
        for event in told.saw(events):
            pieces.append(renderer.event(event))
            if type(event) is Finish:
                finish = event.finish_status
        if pieces and (data := b"".join(pieces)):
            await exchange.write(data)
        events = await flowing.read()
    return finish


async def _whole_first(flow: "Flow", chat: ModelRequest, execution: Execution) -> None:
    renderer = flow.renderer
    assert renderer is not None
    answering = asyncio.ensure_future(execution.buffered(chat))
    try:
        while not (await asyncio.wait({answering}, timeout=KEEP_ALIVE_S))[0]:
            if not flow.exchange.began:
                await flow.exchange.begin(200, _headers(flow))
            await flow.exchange.write(renderer.keep_alive())
    except BaseException:
        answering.cancel()
        raise
    events = answering.result()
    if flow.exchange.gone:
        raise flow.exchange.left()
    await _begin(flow, execution)
    await flow.exchange.write(b"".join(map(renderer.event, events)))
    finish = events[-1]
    assert isinstance(finish, Finish)
    await _end(flow, execution, finish.finish_status)


async def _begin(flow: "Flow", execution: Execution) -> None:
    assert flow.renderer is not None
    so_far = outcomes.so_far(execution, flags_of(flow))
    if not flow.exchange.began:
        await flow.exchange.begin(200, _headers(flow, so_far))
    opening = flow.renderer.begin(result_of(flow, so_far))
    if opening:
        await flow.exchange.write(opening)


async def _end(flow: "Flow", execution: Execution, finish: FinishStatus) -> None:
    assert flow.renderer is not None
    execution.end()
    outcome = outcomes.ended_well(execution, finish, flags_of(flow))
    flow.settle(outcome)
    await flow.exchange.finish(flow.renderer.end(result_of(flow, outcome)))


def _headers(flow: "Flow", so_far: Outcome | None = None) -> HeaderList:
    headers = headers_of(flow, so_far, b"text/event-stream")
    headers.append((b"cache-control", b"no-cache"))
    return headers
