"""Where a call may go: parse a provider's URL, resolve its host, check every address.

A base URL is data that people edit, so it must not become a way into our own network. The rule:
every address that a host resolves to is public, or lies in one of the private ranges that this
deployment allows; plain http goes to those private ranges only. The transport then connects to
an address that was checked, never to a name.
"""

import asyncio
import re
import socket
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

from msgspec import Struct

from routerctl.providers.errors import ProviderError

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

_UNSAFE_V4 = tuple(
    IPv4Network(cidr)
    for cidr in (
        # IANA's special-purpose registry
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        # Azure's host agent answers virtual machines on a public address
        "168.63.129.16/32",
    )
)  # fmt: skip
_PUBLIC_V6 = IPv6Network("2000::/3")
_UNSAFE_V6 = tuple(
    IPv6Network(cidr)
    # Teredo and its neighbours, documentation (old and new), 6to4: the latter two kinds can
    # carry a private IPv4 address inside.
    for cidr in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9._:-]+")
_TARGET = re.compile(r"[!-~]+")


class Origin(Struct, frozen=True):
    """`host` is lower case and ASCII (punycode), without brackets."""

    scheme: str
    host: str
    port: int


class Location(Struct, frozen=True):
    """A URL taken apart: `target` is path and query as they go on the wire."""

    origin: Origin
    target: str
    host_header: str


@lru_cache(maxsize=4096)
def locate(url: str) -> Location:
    """Take `url` apart. Raises ProviderError blocked_origin when calls may not go there, wherever
    it resolves to."""
    try:
        parsed = urlsplit(url)
        host = (parsed.hostname or "").encode("idna").decode()
        port = parsed.port or _PORTS.get(parsed.scheme, 0)
    except ValueError:  # a port out of range, brackets that do not close, a label too long
        raise ProviderError("blocked_origin", "the provider's base URL is not a URL") from None
    if parsed.scheme not in _PORTS or not _HOST.fullmatch(host):
        raise ProviderError("blocked_origin", "the provider's base URL is not http or https")
    if parsed.username is not None or parsed.password is not None:
        raise ProviderError("blocked_origin", "the provider's base URL carries a login")
    target = (parsed.path or "/") + (f"?{parsed.query}" if parsed.query else "")
    if not _TARGET.fullmatch(target):
        raise ProviderError("blocked_origin", "the provider's base URL has unescaped characters")
    shown = f"[{host}]" if ":" in host else host
    if port != _PORTS[parsed.scheme]:
        shown = f"{shown}:{port}"
    return Location(Origin(parsed.scheme, host, port), target, shown)


async def safe_addresses(origin: Origin, private: Sequence[IPNetwork]) -> list[IPAddress]:
    """The addresses of `origin`, all checked; IPv4 first.

    Raises ProviderError: blocked_origin when one of them is not allowed, connect when the host
    has none.
    """
    addresses = await _resolve(origin)
    for address in addresses:
        check_address(origin, address, private)
    return sorted(addresses, key=lambda address: address.version)


def check_address(origin: Origin, address: IPAddress, private: Sequence[IPNetwork]) -> None:
    """Raises ProviderError blocked_origin unless calls to `origin` may go to `address`."""
    plain = _unwrapped(address)
    if any(plain.version == network.version and plain in network for network in private):
        return
    if origin.scheme == "http":
        raise ProviderError("blocked_origin", "plain http is for private origins only")
    if not _is_public(plain):
        raise ProviderError("blocked_origin", "the provider's host has a private address")


def _unwrapped(address: IPAddress) -> IPAddress:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_public(address: IPAddress) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _UNSAFE_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _UNSAFE_V6)


async def _resolve(origin: Origin) -> list[IPAddress]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            origin.host, origin.port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError):
        raise ProviderError("connect", "the provider's host does not resolve") from None
    # A scope ("fe80::1%eth0") only ever stands on addresses that are refused anyway.
    return list({ip_address(str(entry[4][0]).partition("%")[0]): None for entry in found})


def parse_networks(cidrs: Sequence[str]) -> tuple[IPNetwork, ...]:
    """The private origins as networks, from settings' CIDR texts. Raises ValueError."""
    return tuple(ip_network(cidr) for cidr in cidrs)
