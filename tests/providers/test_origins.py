"""Where calls may go: every address is checked, whatever way the URL spells it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerctl.providers import pins
from routerctl.providers.errors import ProviderError
from routerctl.providers.origins import Origin, check_address, locate, safe_addresses
from routerctl.providers.ports import UpstreamRequest
from routerctl.providers.transport import Transport
from tests.providers.scripted import Reply, provider

PUBLIC = Origin("https", "api.example.com", 443)

REFUSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "3fff::1",
    "4000::1",
    "5f00::1",
]
ALLOWED = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("text", REFUSED)
def test_an_address_inside_is_refused(text: str) -> None:
    with pytest.raises(ProviderError) as caught:
        check_address(PUBLIC, ip_address(text), ())
    assert caught.value.error_class == "blocked_origin"


@pytest.mark.parametrize("text", ALLOWED)
def test_a_public_address_is_allowed_over_tls_only(text: str) -> None:
    check_address(PUBLIC, ip_address(text), ())
    with pytest.raises(ProviderError):
        check_address(Origin("http", "api.example.com", 80), ip_address(text), ())


def test_a_private_network_of_ours_is_allowed_in_plain_too() -> None:
    private = [ip_network("10.1.0.0/16"), ip_network("fd00::/8")]
    plain = Origin("http", "vllm.internal", 8000)
    for text in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::1"):
        check_address(plain, ip_address(text), private)
    for text in ("10.2.0.1", "127.0.0.1", "fe80::1"):
        with pytest.raises(ProviderError):
            check_address(plain, ip_address(text), private)


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address: object) -> None:
    checked = ip_address(str(address))
    if isinstance(checked, IPv6Address) and checked.ipv4_mapped is not None:
        checked = checked.ipv4_mapped
    if not checked.is_global or checked.is_multicast or checked.is_reserved:
        with pytest.raises(ProviderError):
            check_address(PUBLIC, checked, ())


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "file:///etc/passwd", "gopher://x/", "//example.com/", "example.com",
        "http:///path", "https://user:secret@example.com/", "https://user@example.com/",
        "https://example.com:99999/", "https://[::1/", "https://exa mple.com/",
        "https://example.com/a b", "https://example.com/a\r\nx: y", "https://example.com/\u00e9",
        "https://exam\u2024ple.com\x00/", f"https://{'a' * 70}.com/", "",
    ],
)  # fmt: skip
def test_a_url_that_is_not_plainly_http_is_refused(url: str) -> None:
    with pytest.raises(ProviderError) as caught:
        locate(url)
    assert caught.value.error_class == "blocked_origin"
    assert "secret" not in caught.value.message


def test_a_url_is_taken_apart_as_it_goes_on_the_wire() -> None:
    location = locate("https://B\u00fccher.example/v1/chat?api-version=1")
    assert location.origin == Origin("https", "xn--bcher-kva.example", 443)
    assert (location.target, location.host_header) == (
        "/v1/chat?api-version=1",
        "xn--bcher-kva.example",
    )
    assert locate("http://[::1]:8080").host_header == "[::1]:8080"
    assert locate("https://example.com:443/").host_header == "example.com"


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost"])
async def test_other_spellings_of_loopback_are_loopback(host: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await safe_addresses(locate(f"https://{host}/").origin, ())
    assert caught.value.error_class == "blocked_origin"


# --------------------------------------------------------------------------- names that move


class Names:
    """A name server for one test. Each lookup of a name is counted."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {}
        self.lookups = 0

    async def getaddrinfo(self, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        self.lookups += 1
        found = self.addresses.get(host, [host] if host[0].isdigit() else None)
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in found]


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names.getaddrinfo)
    return names


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    transport = Transport([ip_network("127.0.0.0/8")])
    yield transport
    await transport.close()


def request(port: int, host: str = "provider.test") -> UpstreamRequest:
    return UpstreamRequest(f"http://{host}:{port}/", {}, b"")


async def ask(transport: Transport, port: int) -> bytes:
    answer = await transport.send(request(port), connect_ms=5000, total_ms=5000)
    return answer.body


@contextmanager
def every_lookup_stale() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pins, "RESOLVE_EVERY_S", -1.0)
        yield


async def settled() -> None:
    """Until a lookup in the background is through."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_bad_address_among_good_ones_refuses_the_host(names: Names) -> None:
    names.addresses["provider.test"] = ["127.0.0.1", "10.0.0.1"]
    transport = Transport([ip_network("127.0.0.0/8")])
    with pytest.raises(ProviderError) as caught:
        await ask(transport, 1)
    assert caught.value.error_class == "blocked_origin"
    await transport.close()


async def test_calls_at_once_ask_the_name_server_once(names: Names, transport: Transport) -> None:
    names.addresses["provider.test"] = ["127.0.0.1"]
    async with provider(Reply(body=b"here")) as said:
        assert (
            await asyncio.gather(*(ask(transport, said.port) for _ in range(20))) == [b"here"] * 20
        )
        # uvloop and asyncio look a checked literal up once more when they connect
        assert said.last.headers["host"] == f"provider.test:{said.port}"
    assert names.lookups <= 1 + said.connections


async def test_a_name_that_turns_private_is_refused_at_the_next_lookup(
    names: Names, transport: Transport
) -> None:
    names.addresses["provider.test"] = ["127.0.0.1"]
    async with provider(Reply(body=b"here")) as said:
        with every_lookup_stale():
            assert await ask(transport, said.port) == b"here"
            names.addresses["provider.test"] = ["169.254.169.254"]
            await ask(transport, said.port)
            await settled()
            with pytest.raises(ProviderError) as caught:
                await ask(transport, said.port)
    assert caught.value.error_class == "blocked_origin"


async def test_calls_follow_a_name_that_moves_and_those_in_flight_end_where_they_began(
    names: Names, transport: Transport
) -> None:
    names.addresses["provider.test"] = ["127.0.0.1"]
    async with provider(Reply(body=b"old", delay_s=0.1)) as old:
        new_host = await asyncio.start_server(_says_new, "127.0.0.2", old.port)
        with every_lookup_stale():
            first = asyncio.create_task(ask(transport, old.port))
            await old.until(lambda said: bool(said.heard))
            names.addresses["provider.test"] = ["127.0.0.2"]
            second = asyncio.create_task(ask(transport, old.port))
            await settled()
            third = await ask(transport, old.port)
            assert await first == b"old"
            assert await second == b"old"
            assert third == b"new"
        new_host.close()


async def _says_new(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nnew")
    writer.close()


async def test_while_the_name_server_is_away_checked_addresses_serve(
    names: Names, transport: Transport
) -> None:
    names.addresses["provider.test"] = ["127.0.0.1"]
    async with provider(Reply(body=b"here")) as said:
        with every_lookup_stale():
            await ask(transport, said.port)
            del names.addresses["provider.test"]
            for _ in range(3):
                assert await ask(transport, said.port) == b"here"
                await settled()


async def test_an_address_that_does_not_answer_is_left_for_the_next(
    names: Names, transport: Transport
) -> None:
    async with provider(Reply(body=b"here")) as said:
        names.addresses["provider.test"] = ["127.0.0.9", "127.0.0.1"]
        with pytest.raises(ProviderError) as caught:
            await ask(transport, said.port)
        assert caught.value.error_class == "connect"
        assert await ask(transport, said.port) == b"here"


async def test_a_name_that_does_not_exist_is_a_connect_error(
    names: Names, transport: Transport
) -> None:
    with pytest.raises(ProviderError) as caught:
        await ask(transport, 80)
    assert caught.value.error_class == "connect"
