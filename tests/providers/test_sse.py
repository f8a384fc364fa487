"""Server-sent events over any byte splits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerctl.providers import sse
from routerctl.providers.errors import ProviderError
from routerctl.providers.sse import EventData


def read(*chunks: bytes) -> list[bytes]:
    events = EventData()
    return [data for chunk in chunks for data in events.feed(chunk)] + events.close()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_may_end_in_any_of_the_three_ways(end: bytes) -> None:
    body = end.join((b"data: one", b"", b"data:two", b"", b"data:  three", b"", b""))
    assert read(body) == [b"one", b"two", b" three"]


def test_comments_names_ids_and_empty_events_say_nothing() -> None:
    body = b": ping\n\nevent: message\nid: 7\nretry: 3\n\n\n\ndata: x\nevent: y\n\ndatabase: z\n\n"
    assert read(body) == [b"x"]


def test_data_lines_of_one_event_are_joined() -> None:
    assert read(b"data: {\ndata: }\n\n") == [b"{\n}"]


def test_a_line_end_cut_in_two_is_one_line_end() -> None:
    body = b"data: {\r\ndata: }\r\n\r\n"
    for cut in range(len(body)):
        assert read(body[:cut], body[cut:]) == [b"{\n}"]


def test_a_last_event_without_its_end_is_still_handed_out() -> None:
    assert read(b"data: one\n\ndata: [DO", b"NE]") == [b"one", b"[DONE]"]


@given(st.data())
def test_splits_change_nothing(data: st.DataObject) -> None:
    lines = st.sampled_from(
        ['data: {"t":"h\u00e9\u4e16\U0001f600"}', "data:x", ": c", "", "event: e"]
    )
    ends = st.sampled_from(["\n", "\r\n", "\r"])
    end = data.draw(ends)
    body = (end.join(data.draw(st.lists(lines, max_size=12))) + end * 2).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    chunks = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert read(*chunks) == read(body)


def test_an_event_without_end_is_refused_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    events = EventData()
    for _ in range(10):
        events.feed(b"x" * 100)
    with pytest.raises(ProviderError) as caught:
        events.feed(b"x")
    assert caught.value.error_class == "malformed"


def test_a_long_event_in_small_chunks_is_read_in_linear_time() -> None:
    events = EventData()
    for _ in range(20_000):
        assert events.feed(b"data: y"[:7] if _ == 0 else b"x" * 100) == []
    assert len(events.feed(b"\n\n")[0]) == 1 + 19_999 * 100
