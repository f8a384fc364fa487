"""A stream that broke after its first token: what was told of it, and how another deployment goes
on from there (`stream_recovery: continue`)."""

from collections.abc import Sequence

import msgspec

from apps.gateway.live import Endpoint
from routerctl.engine.pricing import output_within
from routerctl.engine.types import Step
from routerctl.providers.types import (
    Finish,
    Message,
    ModelRequest,
    StreamEvent,
    Text,
    TextDelta,
    ToolCallDelta,
)

FEWEST_TOKENS = 64
"""With less left of the output it is not worth going on."""

_BYTES_PER_TOKEN = 4


class Told:
    """What the client has been told. `called`: a tool call was among it, and what a client may have
    acted on is never said again. `restarted`: the answer began anew, and it must be told so."""

    __slots__ = ("_joins", "_only_text", "_texts", "called", "restarted")

    def __init__(self) -> None:
        self.called = False
        self.restarted = False
        self._texts: list[str] = []
        self._only_text = True
        self._joins = False

    @property
    def text(self) -> str | None:
        """All of it, when it was nothing but text."""
        return "".join(self._texts) if self._only_text else None

    def saw(self, events: Sequence[StreamEvent]) -> Sequence[StreamEvent]:
        """Remember `events`, as they are to be told."""
        if self._joins:
            events = self._joined(events)
        for event in events:
            if type(event) is TextDelta:
                self._texts.append(event.text)
            elif type(event) is ToolCallDelta:
                self.called = True
            elif type(event) is not Finish:
                self._only_text = False
        return events

    def goes_on(self) -> None:
        """What comes next follows on the text. It was sent without the space at its end, which
        some vendors refuse, and must not come twice."""
        text = self.text or ""
        self._joins = text != text.rstrip()

    def begins_anew(self) -> None:
        self._texts.clear()
        self._only_text, self._joins, self.restarted = True, False, True

    def _joined(self, events: Sequence[StreamEvent]) -> Sequence[StreamEvent]:
        for at, event in enumerate(events):
            if type(event) is TextDelta and event.text:
                text = event.text.lstrip()
                self._joins = not text
                joined = msgspec.structs.replace(event, text=text)
                return [*events[:at], joined, *events[at + 1 :]]
        return events


def carried_on(
    chat: ModelRequest, told: Told, endpoint: Endpoint, step: Step
) -> tuple[ModelRequest, Step] | None:
    """`chat` for a deployment that goes on from what was `told`, and `step` with the tokens it may
    then take, which cost no more than was to be held for it; None when it cannot."""
    text = (told.text or "").rstrip()
    if not text or chat.output_schema is not None:
        return None
    if "prefill" not in endpoint.deployment.capabilities:
        return None
    more = len(text.encode())
    # What was said is input now, and was output. Where a cap counts, every byte is a token.
    room = step.max_output_tokens - (more if step.amounts else more // _BYTES_PER_TOKEN)
    read = step.input_tokens_bound + more
    price = next((one for one in endpoint.deployment.prices if one.id == step.price_id), None)
    if price is not None:
        room = min(room, output_within(price, read, step.cost_bound_nano_usd) or 0)
    if room < FEWEST_TOKENS:
        return None
    return (
        msgspec.structs.replace(chat, messages=_with_beginning(chat.messages, text)),
        msgspec.structs.replace(step, input_tokens_bound=read, max_output_tokens=room),
    )


def _with_beginning(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """`messages` and, after what the client itself began the answer with, `text`."""
    if messages and messages[-1].role == "assistant":
        last = messages[-1]
        return (*messages[:-1], Message("assistant", (*last.parts, Text(text))))
    return (*messages, Message("assistant", (Text(text),)))
