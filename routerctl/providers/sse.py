"""Server-sent events over arbitrary byte splits, and what all stream parsers have in common.

Bytes stay bytes until a whole event is there, so a character cut in two needs no care.
"""

from contextlib import suppress

from routerctl.providers.errors import ProviderError
from routerctl.providers.types import Finish, StreamEvent
from routerctl.providers.vendor_errors import UNREADABLE

MAX_EVENT_BYTES = 32 * 1024 * 1024


class EventData:
    """Cuts a byte stream into events' data. Comments, names, ids and empty events are skipped;
    lines may end in LF, CR or CRLF, wherever the chunks end."""

    __slots__ = ("_data", "_line", "_size", "_skip_lf")

    def __init__(self) -> None:
        self._line: list[bytes] = []  # pieces of the line that has no end yet
        self._data: list[bytes] = []  # data lines of the event that has no end yet
        self._size = 0
        self._skip_lf = False  # the last chunk ended in CR: a LF may belong to it

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of all events which `chunk` completes. Raises ProviderError malformed when
        an event grows beyond all reason."""
        if self._skip_lf and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        if not chunk:
            return []
        self._skip_lf = chunk.endswith(b"\r")
        lines = chunk.splitlines()
        rest = None if chunk.endswith((b"\n", b"\r")) else lines.pop()
        if lines and self._line:
            lines[0] = b"".join((*self._line, lines[0]))
            self._line.clear()
        if rest is not None:
            self._line.append(rest)
        events = self._events(lines)
        self._size = 0 if events else self._size + len(chunk)
        if self._size > MAX_EVENT_BYTES:
            raise ProviderError("malformed", f"an event has more than {MAX_EVENT_BYTES} bytes")
        return events

    def close(self) -> list[bytes]:
        """The data of a last event whose end never came, if there is one."""
        lines = [b"".join(self._line)] if self._line else []
        self._line.clear()
        return self._events([*lines, b""])

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events = []
        data = self._data
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            elif not line and data:
                events.append(data[0] if len(data) == 1 else b"\n".join(data))
                data.clear()
        return events


class EventStream:
    """A `StreamParser` but for its vendor: `_take` turns one event's data into stream events.

    Whatever came before an error is handed out first; the error follows with the next call.
    """

    def __init__(self, provider_request_id: str | None) -> None:
        self.provider_request_id = provider_request_id
        self._lines = EventData()
        self._error: ProviderError | None = None
        self._finished = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        if self._error is not None:
            raise self._error
        return self._take_all(self._lines.feed(chunk))

    def close(self) -> list[StreamEvent]:
        if self._error is not None:
            raise self._error
        events: list[StreamEvent] = []
        for data in self._lines.close():
            with suppress(*UNREADABLE):  # half an event is what a cut looks like
                self._take(data, events)
        if not self._finished:
            finish = self._finish()
            if finish is None:
                raise self._failed("truncated", "the stream ended before the answer did")
            events.append(finish)
        return events

    def _take_all(self, payloads: list[bytes]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for data in payloads:
            if self._finished:
                break
            try:
                self._take(data, events)
            except UNREADABLE as error:
                self._error = self._failed("malformed", f"an event is not as documented: {error}")
            except ProviderError as error:
                self._error = error
            if self._error is not None:
                if events:
                    break
                raise self._error
        return events

    def _failed(self, error_class: str, message: str) -> ProviderError:
        return ProviderError(
            error_class, message, http_status=200, provider_request_id=self.provider_request_id
        )

    def _take(self, data: bytes, events: list[StreamEvent]) -> None:
        """Append what `data` says to `events`; set `_finished` with the `Finish`."""
        raise NotImplementedError

    def _finish(self) -> Finish | None:
        """The `Finish` of a stream that ended without its end marker; None when the vendor did
        not say either how the answer ended."""
        raise NotImplementedError
