"""What the gateway hands to the ledger, as plain values. Shapes only; `batcher.Ledger` acts.

A request's life here: `Hold` n=1 committed before the first call; for a fallback one tick
writes attempt n and puts hold n+1 in the place of hold n; a `Settlement` ends it, and the
trace appears. A request that is refused before any hold brings a `Refused`.
"""

from hashlib import sha256

from msgspec import Raw, Struct

from routerctl.engine.errors import RouterError
from routerctl.engine.types import Decision, RoutingRequest, TextReading


class TraceHead(Struct, frozen=True, kw_only=True):
    """What is known when a request is admitted; the hold carries it, so that a reaper can write
    a full trace for a process that died. Field names are the trace's public ones."""

    trace_id: str
    started_at_ms: int
    door: str
    """native, openai or anthropic."""
    request: RoutingRequest
    reading: TextReading
    decision: Decision
    request_id: str | None = None
    """The caller's own X-Request-Id, if it sent one."""
    ignored_fields: tuple[str, ...] = ()
    """Fields which a legacy key sent and the server did not follow."""


class AttemptRecord(Struct, frozen=True, kw_only=True):
    """One call to a provider. `started_ms` counts from the request's start; `outcome` is
    succeeded, failed or cancelled."""

    n: int
    deployment: str
    provider: str
    model: str
    started_ms: int
    duration_ms: int
    first_token_ms: int | None = None
    outcome: str
    error_class: str | None = None
    error_message: str = ""
    http_status: int | None = None
    provider_request_id: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    usage_source: str = "provider"
    """provider, counted, estimated or none."""
    cost_nano_usd: int = 0
    held_nano_usd: int = 0
    price_id: int | None = None


class IdempotencyKey(Struct, frozen=True):
    """`key_hash` covers the tenant and the key, `body_hash` the request; hex digests."""

    key_hash: str
    body_hash: str

    @classmethod
    def of(cls, tenant: str, key: str, body: bytes) -> "IdempotencyKey":
        """What is kept of the key that `tenant` sent with `body`."""
        named = f"{tenant}\0{key}".encode("utf-8", "replace")
        return cls(sha256(named).hexdigest(), sha256(body).hexdigest())


class Claim(Struct, frozen=True, omit_defaults=True):
    """What one step of a request would hold: the most it can cost, and of which caps' windows
    (by id) how much, each in the window's unit."""

    amount_nano_usd: int
    windows: tuple[int, ...] = ()
    amounts: tuple[int, ...] = ()


class Hold(Struct, frozen=True, kw_only=True):
    """Room for one attempt: the first of `claims` for which every window has room. `head` is an
    encoded `TraceHead`; the first hold's is kept until the trace is written, whoever writes it."""

    trace_id: str
    n: int
    claims: tuple[Claim, ...]
    head: Raw
    idempotency: IdempotencyKey | None = None


class Admitted(Struct, frozen=True):
    """Which of a hold's claims found room; `full` is the window that was too full for the first,
    when it is a later one."""

    claim: int = 0
    full: int | None = None


class Outcome(Struct, frozen=True, kw_only=True):
    """How a request ended: the trace's own columns. Tokens and money are sums over attempts;
    `deployment`, `provider` and `model` name the one that answered, or None."""

    status: str
    """succeeded, degraded, blocked or failed."""
    finish_status: str
    http_status: int
    error_code: str | None = None
    error_message: str = ""
    deployment: str | None = None
    provider: str | None = None
    model: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    usage_source: str = "none"
    latency_ms: int = 0
    first_token_ms: int | None = None
    cost_nano_usd: int = 0
    held_nano_usd: int = 0
    degraded_reason: str | None = None
    degraded_action: str | None = None
    degraded_message: str = ""
    safety_flags: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    """`dropped:top_p`, `bound_exceeded`, `legacy:temperature`, ..."""


class Settlement(Struct, frozen=True, kw_only=True):
    """The end of an admitted request: its last hold goes, its trace and the attempts which no
    earlier tick wrote appear, in one transaction. `head` is for whoever counts requests: the
    trace gets the one that came with the hold."""

    trace_id: str
    n: int
    head: TraceHead
    outcome: Outcome
    attempts: tuple[AttemptRecord, ...] = ()
    used: tuple[int, ...] = ()
    """What the last attempt used of each window that its hold names, in that order."""


class Refused(Struct, frozen=True, kw_only=True):
    """A request that was refused before any hold. Written in the next tick; a flood from one
    key is aggregated."""

    head: TraceHead
    outcome: Outcome


class Wanted(Struct, frozen=True):
    """A window by what names it: of which cap, in which unit and period, for which key."""

    cap: str
    unit: str
    period: str
    time_zone: str
    key_hash: str
    key: dict[str, str]


class Unheld(Struct, frozen=True, kw_only=True):
    """The end of a request that went on without a hold, because nobody could hold anything and
    no cap forbade it. `used` is what it took of each of the `counted` windows, those that were
    open when it began."""

    head: TraceHead
    outcome: Outcome
    attempts: tuple[AttemptRecord, ...]
    counted: tuple[Wanted, ...] = ()
    used: tuple[int, ...] = ()


class LedgerAway(RouterError):
    """budget_unavailable, and certain that nothing is held: the database was never asked."""

    def __init__(self) -> None:
        super().__init__("budget_unavailable")
