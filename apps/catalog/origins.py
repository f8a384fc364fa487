"""The origin of a base URL, and whether it is on our own ground."""

from ipaddress import ip_address

from routerctl.providers.errors import ProviderError
from routerctl.providers.origins import Origin, locate


def origin_of(base_url: str) -> str:
    """`https://api.example.com:443`: what a secret is bound to. Raises ValueError."""
    origin = _parse(base_url)
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return f"{origin.scheme}://{host}:{origin.port}"


def is_local(base_url: str, attributes: dict[str, bool | str]) -> bool:
    """Whether the provider runs on our own ground: as its attribute `local` says, otherwise when
    its host is loopback or has a private address written out. Raises ValueError."""
    stated = attributes.get("local")
    if isinstance(stated, bool):
        return stated
    host = _parse(base_url).host
    try:
        return ip_address(host).is_private
    except ValueError:  # a name; what it resolves to may change, so only one is certain
        return host == "localhost" or host.endswith(".localhost")


def _parse(base_url: str) -> Origin:
    try:
        return locate(base_url).origin
    except ProviderError as error:
        raise ValueError(str(error)) from None
