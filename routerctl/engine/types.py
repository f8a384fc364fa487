"""The engine's nouns, as frozen values: what one request brings along (`RoutingRequest`,
`TextReading`, `Facts`) and what `decide` returns (`Decision`). What a revision freezes is in
`specs`.

Units stand in the names: `_nano_usd` is an integer, 1 USD = 1_000_000_000; `_ms` is
milliseconds, `moment_ms` since the Unix epoch; percentages are 0 to 100.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from msgspec import Struct, field

from routerctl.engine.specs import Limits

# --------------------------------------------------------------------------- labels


class Sensitivity(StrEnum):
    """How careful the request's content makes us; ordered, `rank` compares."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PII = "pii"
    REGULATED = "regulated"

    @property
    def rank(self) -> int:
        return _SENSITIVITY_RANK[self]


_SENSITIVITY_RANK = {s: i for i, s in enumerate(Sensitivity)}

CAPABILITIES = ("streaming", "tools", "schema", "images", "prefill", "embeddings", "logprobs")
"""What a deployment may offer; a request needs a subset."""


# --------------------------------------------------------------------------- one request


class RoutingRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client wants, without its text: all that the engine may look at, and all that a
    trace keeps of it. A door builds one; `tenant`, `plan`, ... already carry the key's pins."""

    operation: str = "chat"
    """chat or embeddings."""
    task: str | None = None
    feature: str | None = None
    plan: str | None = None
    tenant: str | None = None
    user: str | None = None
    session: str | None = None
    app: str | None = None
    app_version: str | None = None
    key: str = ""
    """The API key's public prefix."""
    sensitivity: Sensitivity = Sensitivity.INTERNAL
    residency: str | None = None
    language: str | None = None
    latency_class: str = "interactive"
    max_latency_ms: int | None = None
    max_cost_nano_usd: int | None = None
    max_output_tokens: int | None = None
    """What the client asked for; None lets the limits decide."""
    text_bytes: int = 0
    """UTF-8 bytes of everything sent (messages, tools, schema), images' own bytes left out."""
    messages: int = 1
    turn_bytes: tuple[int, ...] = ()
    """At least so many of `text_bytes` are each of the turns which could be left out, the oldest
    first: all before the last user message."""
    images: int = 0
    needs: tuple[str, ...] = ()
    """Capabilities without which the answer would be wrong: tools, schema, images, ..."""
    stream: bool = False
    metadata: dict[str, str] = {}
    draw: str = ""
    """The trace id; the seed of every draw that no sticky subject decides."""


class Finding(Struct, frozen=True, omit_defaults=True):
    """A check that matched. `kinds` are labels (`secret:openai_key`, `email`), never the text."""

    check: str
    do: str
    kinds: tuple[str, ...] = ()


class TextReading(Struct, frozen=True, omit_defaults=True):
    """What was learnt by reading the text, so that nobody needs the text again: a replay
    passes the recorded reading. `truths[pattern]` is the truth of one text condition; a pattern
    that is not in it is unknown."""

    truths: dict[str, bool] = {}
    sensitivity: Sensitivity = Sensitivity.PUBLIC
    """As detected in the text alone."""
    personal_data: tuple[str, ...] = ()
    """Kinds that were found: email, phone, card, iban, ..."""
    code: bool = False
    difficulty: str = "normal"
    """easy, normal or hard."""
    task_scores: dict[str, int] = {}
    """Inferred task types with their scores in thousandths, each explained by `task_reason`."""
    task_reason: str = ""
    findings: tuple[Finding, ...] = ()


class DeploymentHealth(Struct, frozen=True, omit_defaults=True):
    """How one deployment has done of late, as this process knows it. No entry: nothing known.

    It rests since `since_ms`, for `reason`, at least until `until_ms`; one that is `available` all
    the same is tried by this request. `saturated`: it limits its callers until `until_ms`, and
    comes after all others."""

    available: bool = True
    reason: str = ""
    latency_ms: int | None = None
    first_token_ms: int | None = None
    error_permille: int = 0
    samples: int = 0
    saturated: bool = False
    since_ms: int | None = None
    until_ms: int | None = None


class Usual(Struct, frozen=True, omit_defaults=True):
    """What the requests of one task on one route usually came to at one deployment: a line
    through the input that was billed, and the means of the rest. For estimates, never for holds.

    `answers` were looked at. Input is `input_tokens` for what every request brings (the prompt,
    the vendor's own words) and `input_permille` tokens for 1000 bytes of the client's."""

    answers: int
    input_tokens: int = 0
    input_permille: int = 0
    cached_permille: int = 0
    """Of the input, read from the vendor's cache; `written_permille` written to it."""
    written_permille: int = 0
    output_tokens: int = 0
    reasoning_permille: int = 0
    """Of the output."""
    calls_permille: int = 1000
    """Billed calls for 1000 answers: failed attempts that had to be paid for all the same."""


History = Callable[[str, str], Mapping[str, Usual]]
"""What is usual on a route for a task, by deployment."""


def no_history(_route: str, _task: str) -> Mapping[str, Usual]:
    """Nothing is known of any route."""
    return {}


class Facts(Struct, frozen=True):
    """What is true at this moment beside the request and the revision."""

    moment_ms: int
    health: dict[str, DeploymentHealth] = {}
    balances: Mapping[str, int] = {}
    """How full the caps' windows are, in permille, at most a second ago; see `caps.balance_of`.
    A window that is not in it is taken to be empty."""
    history: History = no_history


# --------------------------------------------------------------------------- the answer


class Reason(Struct, frozen=True):
    code: str
    message: str


class Candidate(Struct, frozen=True, omit_defaults=True):
    """A deployment that was considered. Ineligible ones say why in `reasons`; eligible ones
    may carry reasons that explain their place. `score` is in thousandths, higher is better."""

    deployment: str
    eligible: bool
    score: int | None = None
    reasons: tuple[Reason, ...] = ()
    price_id: int | None = None
    estimated_nano_usd: int | None = None
    health: DeploymentHealth | None = None
    usual: Usual | None = None
    """What `estimated_nano_usd` was made from; None: a guess from the bytes."""


class CapUse(Struct, frozen=True, omit_defaults=True):
    """A cap that counted the request. `key` are the values of what it is per, in that order, ""
    for one the request did not have; `used_permille` how full its window was, as known then;
    `did` the actions that were due for it."""

    cap: str
    key: tuple[str, ...] = ()
    used_permille: int = 0
    did: tuple[str, ...] = ()


class Lessened(Struct, frozen=True):
    """What a cap took away: `action` is cheaper, shortened or limited."""

    action: str
    cap: str
    message: str


class Step(Struct, frozen=True, omit_defaults=True):
    """One rung of the ladder: a candidate, what changes in the request for it, and the most
    it can cost. Execution walks the steps in order.

    `amounts` are what the step can take of each of the decision's `caps`, in the cap's unit; 0
    where the cap does not count it, or it costs nothing."""

    deployment: str
    max_output_tokens: int
    input_tokens_bound: int
    cost_bound_nano_usd: int
    price_id: int | None = None
    amounts: tuple[int, ...] = ()


class GateOutcome(Struct, frozen=True, omit_defaults=True):
    """A gate that applied: whom it turned away, and what was done when that left nobody."""

    gate: str
    rejected: tuple[str, ...] = ()
    otherwise: str | None = None


class Refusal(Struct, frozen=True):
    """Why there is no chain: a code of the error catalogue and a sentence."""

    code: str
    message: str


class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the engine chose and why. With a `refusal` the chain is empty; otherwise the first
    step is the choice and the rest its fallback chain."""

    revision: str
    moment_ms: int
    task: str
    task_source: str
    """client, inferred or default."""
    task_reason: str = ""
    sensitivity: Sensitivity
    """The higher of the client's and the detected one (after a gate's `redact`: the client's)."""
    difficulty: str = "normal"
    route: str | None = None
    rule: str = ""
    """The route's `when` in plain words."""
    strategy: str = ""
    reason: str = ""
    """One sentence: why the first step came first."""
    prompt: str | None = None
    stream_recovery: str = "error"
    refusals_elsewhere: bool = False
    """What a vendor's content policy refuses may be asked of another provider."""
    limits: Limits = field(default_factory=Limits)
    """The route's limits; a deployment's own override them per step."""
    redact: tuple[str, ...] = ()
    """What must be taken out of the text before it is sent: `personal_data`, `secrets`, or the
    slug of a check whose matches are redacted."""
    gates: tuple[GateOutcome, ...] = ()
    flags: dict[str, bool] = {}
    """Flags that were looked at and their state for this request."""
    draws: dict[str, int] = {}
    """Named draws in 0..9999 that had a part in it."""
    caps: tuple[CapUse, ...] = ()
    """The caps that counted it, as they are written; steps' `amounts` are in this order."""
    lessened: tuple[Lessened, ...] = ()
    drop_turns: int = 0
    """So many of the oldest turns are left out of what is sent."""
    steps: tuple[Step, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    """Every candidate of the route once, then what a gate's `downgrade` or `local` took in."""
    before_redaction: tuple[Candidate, ...] = ()
    """Who was considered, and turned away, before a gate's `redact` took personal data out."""
    refusal: Refusal | None = None
