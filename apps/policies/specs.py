"""An entry of the file as the engine knows it, before there is a revision with it."""

import msgspec

from apps.policies.amounts import NANO, parse
from apps.policies.export import Entry
from routerctl.engine.types import CapSpec


def cap_spec(entry: Entry) -> CapSpec:
    """A cap as the file writes it, as the engine knows it."""
    usd = entry.get("limit_usd")
    limit = {} if usd is None else {"limit_nano_usd": parse(usd, NANO)}
    return msgspec.convert({**entry, **limit}, CapSpec)
