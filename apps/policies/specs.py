"""An entry of the file as the engine knows it, before there is a revision with it."""

from datetime import datetime

import msgspec

from apps.policies.amounts import NANO, parse
from apps.policies.export import Entry
from routerctl.engine.specs import CapSpec, RaisedLimit


def cap_spec(entry: Entry) -> CapSpec:
    """A cap as the file writes it, as the engine knows it."""
    usd = entry.get("limit_usd")
    limit = {} if usd is None else {"limit_nano_usd": parse(usd, NANO)}
    said = {name: value for name, value in entry.items() if name != "raised"}
    spec = msgspec.convert({**said, **limit}, CapSpec)
    raised = entry.get("raised")
    return spec if raised is None else msgspec.structs.replace(spec, raised=_raised(raised))


def _raised(entry: Entry) -> RaisedLimit:
    usd = entry.get("limit_usd")
    counted: int = entry.get("limit_tokens") or entry.get("limit_requests") or 0
    to = parse(usd, NANO) if usd else counted
    until = datetime.fromisoformat(entry["until"])
    return RaisedLimit(to, int(until.timestamp() * 1000))
