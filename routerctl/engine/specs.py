"""What a revision freezes, as frozen values: plain data, JSON both ways, hashed.

The file's entries as the engine knows them. Units stand in the names: `_nano_usd` is an integer,
1 USD = 1_000_000_000; `_ms` is milliseconds, moments since the Unix epoch; `percent` is 0 to 100.
"""

from msgspec import UNSET, Struct, UnsetType

from routerctl.engine.prices import PriceSpec


class Limits(Struct, frozen=True, omit_defaults=True):
    """Bounds of one route or deployment; None means the default in `limits.py`."""

    attempts: int | None = None
    connect_ms: int | None = None
    first_token_ms: int | None = None
    stall_ms: int | None = None
    total_ms: int | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None


class ProviderSpec(Struct, frozen=True):
    """An account at a vendor. The secret is not here: only the gateway's memory has it."""

    slug: str
    adapter: str
    base_url: str
    attributes: dict[str, bool | str] = {}
    local: bool = False
    """Runs on our own ground (a private or loopback origin, or `attributes.local`)."""


class TokenOverhead(Struct, frozen=True):
    """Upper bounds of the tokens a vendor adds that are not in the text; from the adapter."""

    per_image: int = 0
    per_message: int = 0
    with_tools: int = 0


class DeploymentSpec(Struct, frozen=True):
    """One pinned model as one provider serves it in one region."""

    slug: str
    provider: str
    model: str
    region: str
    context_window: int
    max_output_tokens: int
    capabilities: tuple[str, ...] = ()
    quality: dict[str, int] = {}
    """Thousandths (700 is "0.70") by task type; `default` stands for the rest."""
    prices: tuple[PriceSpec, ...] = ()
    """Oldest first."""
    limits: Limits = Limits()
    overhead: TokenOverhead = TokenOverhead()
    enabled: bool = True


When = dict[str, str | tuple[str, ...] | dict[str, str]]
"""A condition as written: every entry must hold, a tuple means any of. Amounts and
comparisons are text (`">50000"`). `metadata.KEY` entries are flat keys."""


class FeatureSpec(Struct, frozen=True):
    slug: str
    owner: str = ""
    quality_floor: int = 0
    """Thousandths; a candidate below it leaves with `below_quality_floor`."""


class PromptSpec(Struct, frozen=True):
    slug: str
    system: str


class FlagSpec(Struct, frozen=True):
    """`percent` of the subjects named by `sticky_by` see the flag on while it is enabled."""

    slug: str
    enabled: bool = False
    percent: int = 0
    sticky_by: str = "tenant"


class CheckSpec(Struct, frozen=True):
    """Looks at the text before any provider is called. `do`: block, redact, flag."""

    slug: str
    when: When
    match: tuple[str, ...]
    do: str


class GateSpec(Struct, frozen=True):
    """A hard requirement. `require`/`forbid` map an attribute of the deployment
    (`provider.dpa_signed`, `region`, `deployment`, `capability`) to the value or any-of tuple.
    `otherwise`: block, redact, downgrade, local."""

    slug: str
    when: When
    require: dict[str, bool | str | tuple[str, ...]] = {}
    forbid: dict[str, bool | str | tuple[str, ...]] = {}
    otherwise: str = "block"


class CandidateSpec(Struct, frozen=True):
    deployment: str
    weight: int = 1


class RouteSpec(Struct, frozen=True):
    """The named policy for a class of requests; routes are tried in order, first match wins."""

    slug: str
    when: When
    strategy: str
    candidates: tuple[CandidateSpec, ...]
    fallback: tuple[str, ...] = ()
    prompt: str | None = None
    weights: dict[str, int] = {}
    """Thousandths per dimension of the score: cost, latency, quality, ..."""
    quality_floor: int = 0
    stream_recovery: str = "error"
    limits: Limits = Limits()
    enabled: bool = True
    on_refusal: str | UnsetType = UNSET
    """other_provider: what a vendor's content policy refuses may be asked of another one. Left out
    where nobody may, and `sticky_by` where every request draws anew, so that such a route has the
    hash which it always had."""
    sticky_by: str | UnsetType = UNSET
    """session, user or tenant: who draws the same place by weight each time."""


class RaisedLimit(Struct, frozen=True):
    """Another limit, in the cap's unit, that holds before a moment."""

    to: int
    until_ms: int


class CapSpec(Struct, frozen=True):
    """A spend limit as defined. The ledger holds it; the engine acts on the way there."""

    slug: str
    scope: dict[str, str | tuple[str, ...]] = {}
    per: tuple[str, ...] = ()
    missing: str = "share"
    period: str = "day"
    time_zone: str = "UTC"
    limit_nano_usd: int | None = None
    limit_tokens: int | None = None
    limit_requests: int | None = None
    mode: str = "closed"
    actions: tuple[dict[str, str | int], ...] = ({"at_percent": 100, "do": "stop"},)
    raised: RaisedLimit | UnsetType = UNSET
    """Left out where there is none, so that such a cap has the hash which it always had."""


class ReservedShare(Struct, frozen=True):
    """`percent` of a full bucket are kept for requests of the plans in `plan`."""

    plan: tuple[str, ...]
    percent: int


class RateLimitSpec(Struct, frozen=True, omit_defaults=True):
    """At most `limit_requests` in each `period` (second, minute, hour), `burst` of them at once,
    of the requests in `scope`, for each value of `per` apart."""

    slug: str
    limit_requests: int
    period: str
    scope: dict[str, str | tuple[str, ...]] = {}
    per: tuple[str, ...] = ()
    burst: int | UnsetType = UNSET
    """Left out: as many as in the whole period."""
    reserved: ReservedShare | UnsetType = UNSET


class RevisionDocument(Struct, frozen=True):
    """All that can change a decision, as plain data. `engine.revision.compile_revision` makes
    the thing that decides; two equal documents have one hash."""

    tasks: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    features: tuple[FeatureSpec, ...] = ()
    prompts: tuple[PromptSpec, ...] = ()
    flags: tuple[FlagSpec, ...] = ()
    checks: tuple[CheckSpec, ...] = ()
    gates: tuple[GateSpec, ...] = ()
    routes: tuple[RouteSpec, ...] = ()
    providers: tuple[ProviderSpec, ...] = ()
    deployments: tuple[DeploymentSpec, ...] = ()
    caps: tuple[CapSpec, ...] = ()
    rate_limits: tuple[RateLimitSpec, ...] | UnsetType = UNSET
    """Left out where there is none, so that such a document has the hash which it always had."""
