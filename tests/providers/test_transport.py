"""The transport over real sockets: limits, cuts, reuse, cancellation, and what it never does."""

import asyncio
import time
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from routerctl.providers.errors import ProviderError
from routerctl.providers.ports import UpstreamRequest
from routerctl.providers.transport import MAX_BODY_BYTES, Transport, UpstreamResponse
from tests.providers.certificates import vouched_for
from tests.providers.scripted import Reply, Scripted, listening, provider

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    transport = Transport(LOOPBACK)
    yield transport
    await transport.close()


def to(scripted: Scripted, path: str = "/v1/x", body: bytes = b"{}") -> UpstreamRequest:
    return UpstreamRequest(scripted.url + path, {"content-type": "application/json"}, body)


async def send(transport: Transport, request: UpstreamRequest, **limits: int) -> UpstreamResponse:
    return await transport.send(request, **{"connect_ms": 2000, "total_ms": 5000, **limits})


async def failure(transport: Transport, request: UpstreamRequest, **limits: int) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await send(transport, request, **limits)
    return caught.value


# --------------------------------------------------------------------------- whole answers


async def test_a_call_brings_status_headers_and_body(transport: Transport) -> None:
    async with provider(Reply(418, b"short and stout", headers={"X-Request-Id": "r1"})) as said:
        answer = await send(transport, to(said, body=b"tea?"))
    assert (answer.status, answer.body) == (418, b"short and stout")
    assert answer.headers["x-request-id"] == "r1"
    assert said.last.body == b"tea?"


async def test_the_provider_reads_what_was_written_and_nothing_of_ours(
    transport: Transport,
) -> None:
    async with provider(Reply(headers={"set-cookie": "a=b"})) as said:
        await send(transport, to(said))
        await send(transport, to(said))
    assert said.last.headers["content-type"] == "application/json"
    assert said.last.headers["accept-encoding"] == "identity"
    assert said.last.headers["user-agent"] == "routerctl"
    assert not {"cookie", "referer", "authorization"} & set(said.last.headers)


async def test_calls_share_a_connection(transport: Transport) -> None:
    async with provider(Reply(body=b"1")) as said:
        for _ in range(5):
            await send(transport, to(said))
        assert said.connections == 1


async def test_a_provider_that_says_close_is_not_asked_on_that_connection_again(
    transport: Transport,
) -> None:
    async with provider(Reply(body=b"1", headers={"connection": "close"})) as said:
        for _ in range(3):
            await send(transport, to(said))
        assert said.connections == 3


async def test_an_answer_may_end_with_its_connection(transport: Transport) -> None:
    async def old_fashioned(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nto the end")
        writer.close()

    async with listening(old_fashioned) as port:
        request = UpstreamRequest(f"http://127.0.0.1:{port}/", {}, b"")
        assert (await send(transport, request)).body == b"to the end"


async def test_early_hints_go_before_the_answer(transport: Transport) -> None:
    async def hinting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 103 Early Hints\r\nx-hint: 1\r\n\r\n")
        await writer.drain()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-real: 1\r\n\r\nok")

    async with listening(hinting) as port:
        request = UpstreamRequest(f"http://127.0.0.1:{port}/", {}, b"")
        answer = await send(transport, request)
    assert (answer.status, answer.body) == (200, b"ok")
    assert "x-hint" not in answer.headers


async def test_words_that_nobody_asked_for_are_never_an_answer(transport: Transport) -> None:
    first = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1"

    async def talkative(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(first + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")

    async with listening(talkative) as port:
        request = UpstreamRequest(f"http://127.0.0.1:{port}/", {}, b"")
        for _ in range(3):
            assert (await send(transport, request)).body == b"1"


async def test_a_head_beyond_all_reason_is_malformed(transport: Transport) -> None:
    async with provider(Reply(headers={f"x-{n}": "x" * 1000 for n in range(80)})) as said:
        assert (await failure(transport, to(said))).error_class == "malformed"


async def test_a_redirect_is_an_answer_and_not_an_instruction(transport: Transport) -> None:
    async with provider() as elsewhere:
        async with provider(Reply(307, headers={"location": elsewhere.url})) as said:
            assert (await send(transport, to(said))).status == 307
        assert elsewhere.heard == []


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with provider() as proxy, provider(Reply(body=b"direct")) as said:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        transport = Transport(LOOPBACK)
        assert (await send(transport, to(said))).body == b"direct"
        await transport.close()
        assert proxy.heard == []


async def test_a_packed_body_is_not_unpacked(transport: Transport) -> None:
    packed = b"\x1f\x8b not even gzip"
    async with provider(Reply(body=packed, headers={"content-encoding": "gzip"})) as said:
        assert (await send(transport, to(said))).body == packed


async def test_a_body_beyond_all_reason_is_malformed(transport: Transport) -> None:
    mebibyte = bytes(1024 * 1024)
    chunks = [mebibyte] * (MAX_BODY_BYTES // len(mebibyte) + 2)
    async with provider(Reply(chunks=chunks)) as said:
        error = await failure(transport, to(said), total_ms=30_000)
    assert error.error_class == "malformed"


# --------------------------------------------------------------------------- limits


async def test_no_answer_in_time_is_a_timeout(transport: Transport) -> None:
    async with provider(Reply(mute=True)) as said:
        began = time.monotonic()
        error = await failure(transport, to(said), total_ms=100)
    assert error.error_class == "timeout"
    assert 0.09 <= time.monotonic() - began < 1


async def test_a_body_that_does_not_end_in_time_is_a_timeout(transport: Transport) -> None:
    async with provider(Reply(chunks=[b"x"] * 50, gap_s=0.05)) as said:
        error = await failure(transport, to(said), total_ms=150)
        assert error.error_class == "timeout"
        error = await failure(transport, to(said), total_ms=150, first_byte_ms=100)
        assert error.error_class == "timeout"


async def test_the_first_byte_has_a_limit_of_its_own(transport: Transport) -> None:
    async with provider(Reply(body=b"late", delay_s=0.3)) as said:
        error = await failure(transport, to(said), first_byte_ms=50)
        assert error.error_class == "timeout"
        assert (await send(transport, to(said), first_byte_ms=2000)).body == b"late"


async def test_a_host_that_does_not_accept_is_a_connect_error_in_time(
    transport: Transport,
) -> None:
    async with listening(lambda reader, writer: asyncio.sleep(60)) as port:
        # The handshake never comes: TLS to a server that says nothing.
        began = time.monotonic()
        request = UpstreamRequest(f"https://127.0.0.1:{port}/", {}, b"")
        error = await failure(transport, request, connect_ms=150)
    assert error.error_class == "connect"
    assert time.monotonic() - began < 1


async def test_a_closed_port_is_a_connect_error_that_does_not_repeat_the_url(
    transport: Transport,
) -> None:
    request = UpstreamRequest("http://127.0.0.1:1/secret-path", {}, b"")
    error = await failure(transport, request)
    assert error.error_class == "connect"
    assert "secret-path" not in error.message


async def test_a_reset_before_the_head_is_a_connect_error(transport: Transport) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with listening(hang_up) as port:
        error = await failure(transport, UpstreamRequest(f"http://127.0.0.1:{port}/", {}, b""))
    assert error.error_class == "connect"


async def test_what_is_not_http_is_malformed(transport: Transport) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

    async with listening(babble) as port:
        error = await failure(transport, UpstreamRequest(f"http://127.0.0.1:{port}/", {}, b""))
    assert error.error_class == "malformed"


async def test_a_body_that_is_cut_is_truncated(transport: Transport) -> None:
    async with provider(Reply(chunks=[b"half"], cut=True)) as said:
        assert (await failure(transport, to(said))).error_class == "truncated"


async def test_a_secret_that_no_header_can_carry_is_an_auth_error_without_the_secret(
    transport: Transport,
) -> None:
    async with provider() as said:
        request = UpstreamRequest(said.url, {"authorization": "Bearer sk-line\nbreak"}, b"")
        error = await failure(transport, request)
    assert error.error_class == "auth"
    assert "sk-line" not in str(error)


# --------------------------------------------------------------------------- streams


async def test_chunks_come_as_they_are_written(transport: Transport) -> None:
    async with provider(Reply(chunks=[b"one", b"two", b"three"], gap_s=0.02)) as said:
        stream = await transport.open(to(said), connect_ms=2000, first_byte_ms=2000)
        assert stream.status == 200
        chunks = []
        while (chunk := await stream.read(2000)) is not None:
            chunks.append(chunk)
        await stream.close()
        await stream.close()
    assert chunks == [b"one", b"two", b"three"]


async def test_a_stream_that_falls_silent_is_stalled(transport: Transport) -> None:
    async with provider(Reply(chunks=[b"one"], silent=True)) as said:
        stream = await transport.open(to(said), connect_ms=2000, first_byte_ms=2000)
        assert await stream.read(1000) == b"one"
        with pytest.raises(ProviderError) as caught:
            await stream.read(60)
        await stream.close()
        await drained(said)
    assert caught.value.error_class == "stalled"


async def test_a_slow_stream_is_not_stalled_while_it_moves(transport: Transport) -> None:
    async with provider(Reply(chunks=[b"x"] * 8, gap_s=0.05)) as said:
        stream = await transport.open(to(said), connect_ms=2000, first_byte_ms=2000)
        assert await stream.rest(5000) == b"x" * 8
        await stream.close()


async def test_a_stream_that_is_cut_is_truncated(transport: Transport) -> None:
    async with provider(Reply(chunks=[b"one"], cut=True)) as said:
        stream = await transport.open(to(said), connect_ms=2000, first_byte_ms=2000)
        assert await stream.read(1000) == b"one"
        with pytest.raises(ProviderError) as caught:
            await stream.read(1000)
        await stream.close()
    assert caught.value.error_class == "truncated"


async def test_closing_a_stream_early_hangs_up_on_the_provider(transport: Transport) -> None:
    async with provider(Reply(chunks=[b"x"] * 1000, gap_s=0.01)) as said:
        stream = await transport.open(to(said), connect_ms=2000, first_byte_ms=2000)
        await stream.read(1000)
        await stream.close()
        await drained(said)


async def test_closing_a_stream_after_its_last_byte_keeps_the_connection(
    transport: Transport,
) -> None:
    async with provider(Reply(chunks=[b"only"])) as said:
        for _ in range(5):
            stream = await transport.open(to(said), connect_ms=2000, first_byte_ms=2000)
            assert await stream.read(1000) == b"only"
            await asyncio.sleep(0.02)
            await stream.close()
        assert said.connections == 1


async def test_a_slow_reader_holds_the_provider_back(transport: Transport) -> None:
    """What nobody reads is not piled up in our memory."""
    written = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while written < 256 * 1024 * 1024:
            writer.write(bytes(65536))
            written += 65536
            await writer.drain()

    async with listening(pour) as port:
        request = UpstreamRequest(f"http://127.0.0.1:{port}/", {}, b"")
        stream = await transport.open(request, connect_ms=2000, first_byte_ms=2000)
        await stream.read(1000)
        await asyncio.sleep(0.3)
        await stream.close()
    assert written < 32 * 1024 * 1024


# --------------------------------------------------------------------------- cancellation


async def drained(said: Scripted) -> None:
    """Until the provider sees no open connection."""
    await said.until(lambda said: said.live == 0)


async def test_a_cancelled_call_hangs_up_and_stays_cancelled(transport: Transport) -> None:
    async with provider(Reply(mute=True)) as said:
        task = asyncio.create_task(send(transport, to(said), total_ms=60_000))
        await said.until(lambda said: bool(said.heard))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await drained(said)


async def test_a_call_that_times_out_hangs_up(transport: Transport) -> None:
    async with provider(Reply(mute=True)) as said:
        await failure(transport, to(said), total_ms=50)
        await drained(said)


async def test_thousands_of_cancelled_calls_leave_pool_and_descriptors_as_they_were(
    transport: Transport,
) -> None:
    async with provider(Reply(body=b"fine")) as said:
        await send(transport, to(said))
        before = _descriptors()
        said.say(Reply(mute=True))
        for _ in range(20):
            calls = [asyncio.create_task(send(transport, to(said))) for _ in range(100)]
            await asyncio.sleep(0.02)
            for call in calls:
                call.cancel()
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
        await drained(said)
        assert _descriptors() <= before
        said.say(Reply(body=b"fine"))
        assert (await send(transport, to(said))).body == b"fine"


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_cancelling_at_any_moment_of_a_stream_leaves_nothing_open(
    transport: Transport,
) -> None:
    async def talk(said: Scripted) -> None:
        stream = await transport.open(to(said), connect_ms=2000, first_byte_ms=2000)
        try:
            while await stream.read(2000) is not None:
                pass
        finally:
            await stream.close()

    async with provider(Reply(chunks=[b"x"] * 10, gap_s=0.002)) as said:
        for step in range(40):
            task = asyncio.create_task(talk(said))
            await asyncio.sleep(step * 0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await send(transport, to(said))
        await said.until(lambda said: said.live <= 1)


# --------------------------------------------------------------------------- TLS


async def test_tls_is_checked_against_the_name_and_not_the_address(tmp_path: Path) -> None:
    certificate, context = vouched_for(tmp_path, "localhost")
    async with provider(Reply(body=b"private"), tls=context) as said:
        trusting = Transport(LOOPBACK, [certificate])
        request = UpstreamRequest(f"https://localhost:{said.port}/", {}, b"")
        assert (await send(trusting, request)).body == b"private"
        by_address = UpstreamRequest(f"https://127.0.0.1:{said.port}/", {}, b"")
        assert (await failure(trusting, by_address)).error_class == "connect"
        strange = Transport(LOOPBACK)
        assert (await failure(strange, request)).error_class == "connect"
        await trusting.close()
        await strange.close()
