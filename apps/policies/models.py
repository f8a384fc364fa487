"""Policy as rows: what the configuration file says, and the revisions made of it.

Each list of the file is a table; order and slugs are in `catalog.listed`. Nested parts (a
`when`, candidates, limits) are JSON in the file's own spelling, except amounts, which are
integers: thousandths for quality and weights, nano-USD for money.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.audit import AuditedHistory
from apps.catalog.listed import Listed
from apps.policies.invoiced import Invoice as Invoice
from apps.policies.invoiced import InvoiceLine as InvoiceLine
from routerctl.engine.flags import SUBJECTS
from routerctl.engine.gates import OTHERWISE
from routerctl.engine.rate_limits import PERIODS_US

CHECK_ACTIONS = ("block", "redact", "flag")
STREAM_RECOVERIES = ("error", "buffer", "continue")
ON_REFUSAL = ("stop", "other_provider")
STICKY_BY = ("session", "user", "tenant")
PERIODS = ("request", "hour", "day", "week", "month", "total")


class Task(Listed):
    history = AuditedHistory()


class Plan(Listed):
    history = AuditedHistory()


class Feature(Listed):
    """A place in the product that spends money. `quality_floor` is in thousandths."""

    owner = models.CharField(max_length=200, blank=True, default="")
    quality_floor = models.IntegerField(default=0)

    history = AuditedHistory()

    class Meta(Listed.Meta):
        constraints = [
            *Listed.Meta.constraints,
            models.CheckConstraint(
                condition=Q(quality_floor__range=(0, 1000)), name="feature_floor_is_a_share"
            ),
        ]


class Prompt(Listed):
    system = models.TextField()

    history = AuditedHistory()


class Flag(Listed):
    enabled = models.BooleanField(default=False)
    percent = models.IntegerField(default=100)
    sticky_by = models.CharField(max_length=16, default="tenant")

    history = AuditedHistory()

    class Meta(Listed.Meta):
        constraints = [
            *Listed.Meta.constraints,
            models.CheckConstraint(
                condition=Q(percent__range=(0, 100)), name="flag_percent_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(sticky_by__in=SUBJECTS), name="flag_sticks_to_a_subject"
            ),
        ]


class Check(Listed):
    when = models.JSONField(default=dict, blank=True)
    match = models.JSONField(default=list)
    do = models.CharField(max_length=8)

    history = AuditedHistory()

    class Meta(Listed.Meta):
        constraints = [
            *Listed.Meta.constraints,
            models.CheckConstraint(condition=Q(do__in=CHECK_ACTIONS), name="check_action_is_known"),
        ]


class Gate(Listed):
    when = models.JSONField(default=dict, blank=True)
    require = models.JSONField(default=dict, blank=True)
    forbid = models.JSONField(default=dict, blank=True)
    otherwise = models.CharField(max_length=12, default="block")

    history = AuditedHistory()

    class Meta(Listed.Meta):
        constraints = [
            *Listed.Meta.constraints,
            models.CheckConstraint(
                condition=Q(otherwise__in=OTHERWISE), name="gate_otherwise_is_known"
            ),
        ]


class Route(Listed):
    """`candidates` are `{"deployment", "weight"}`; `fallback` are deployments' slugs."""

    when = models.JSONField(default=dict, blank=True)
    strategy = models.CharField(max_length=24)
    candidates = models.JSONField(default=list)
    fallback = models.JSONField(default=list, blank=True)
    prompt = models.ForeignKey(
        Prompt, on_delete=models.PROTECT, to_field="slug", null=True, blank=True, related_name="+"
    )
    weights = models.JSONField(default=dict, blank=True)
    quality_floor = models.IntegerField(default=0)
    stream_recovery = models.CharField(max_length=8, default="error")
    on_refusal = models.CharField(max_length=16, default="stop")
    sticky_by = models.CharField(max_length=16, default="", blank=True)
    limits = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)

    history = AuditedHistory()

    class Meta(Listed.Meta):
        constraints = [
            *Listed.Meta.constraints,
            models.CheckConstraint(
                condition=Q(on_refusal__in=ON_REFUSAL), name="route_on_refusal_is_known"
            ),
            models.CheckConstraint(
                condition=Q(sticky_by__in=("", *STICKY_BY)), name="route_sticks_to_a_subject"
            ),
            models.CheckConstraint(
                condition=Q(quality_floor__range=(0, 1000)), name="route_floor_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(stream_recovery__in=STREAM_RECOVERIES), name="route_recovery_is_known"
            ),
        ]


class Cap(Listed):
    """A spend limit as defined; exactly one of the three limits is set."""

    scope = models.JSONField(default=dict, blank=True)
    per = models.JSONField(default=list, blank=True)
    missing = models.CharField(max_length=8, default="share")
    period = models.CharField(max_length=8)
    time_zone = models.CharField(max_length=64, default="UTC")
    limit_nano_usd = models.BigIntegerField(null=True, blank=True)
    limit_tokens = models.BigIntegerField(null=True, blank=True)
    limit_requests = models.BigIntegerField(null=True, blank=True)
    mode = models.CharField(max_length=8, default="closed")
    actions = models.JSONField(default=list)
    raised_to = models.BigIntegerField(null=True, blank=True)
    """The limit before `raised_until`, in the same unit."""
    raised_until = models.DateTimeField(null=True, blank=True)

    history = AuditedHistory()

    class Meta(Listed.Meta):
        constraints = [
            *Listed.Meta.constraints,
            models.CheckConstraint(
                condition=Q(limit_nano_usd__gte=0, limit_tokens=None, limit_requests=None)
                | Q(limit_nano_usd=None, limit_tokens__gte=0, limit_requests=None)
                | Q(limit_nano_usd=None, limit_tokens=None, limit_requests__gte=0),
                name="cap_has_one_limit",
            ),
            models.CheckConstraint(condition=Q(period__in=PERIODS), name="cap_period_is_known"),
            models.CheckConstraint(
                condition=Q(mode__in=("closed", "open")), name="cap_mode_is_known"
            ),
            models.CheckConstraint(
                condition=Q(raised_to=None, raised_until=None)
                | Q(raised_to__gt=0, raised_until__isnull=False),
                name="cap_is_raised_until_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(missing__in=("share", "skip")), name="cap_missing_is_known"
            ),
        ]


class RateLimit(Listed):
    """`burst` null: as many as in the whole period. `reserved` is `{"plan": [...], "percent"}`,
    or empty."""

    scope = models.JSONField(default=dict, blank=True)
    per = models.JSONField(default=list, blank=True)
    limit_requests = models.BigIntegerField()
    period = models.CharField(max_length=8)
    burst = models.BigIntegerField(null=True, blank=True)
    reserved = models.JSONField(default=dict, blank=True)

    history = AuditedHistory()

    class Meta(Listed.Meta):
        constraints = [
            *Listed.Meta.constraints,
            models.CheckConstraint(
                condition=Q(limit_requests__gt=0) & (Q(burst=None) | Q(burst__gt=0)),
                name="rate_limit_lets_through",
            ),
            models.CheckConstraint(
                condition=Q(period__in=tuple(PERIODS_US)), name="rate_limit_period_is_known"
            ),
        ]


class Section(models.Model):
    """One part of a revision as canonical JSON, known by its SHA-256. Never changed."""

    hash = models.CharField(max_length=64, primary_key=True)
    content = models.BinaryField()

    def __str__(self) -> str:
        return self.hash


class Revision(models.Model):
    """An immutable snapshot of all that can change a decision. The newest one is in force.

    `hash` is the whole document's: going back to an earlier configuration makes a new row with
    the earlier hash.
    """

    hash = models.CharField(max_length=64, db_index=True)
    policy = models.ForeignKey(Section, on_delete=models.PROTECT, related_name="+")
    prices = models.ForeignKey(Section, on_delete=models.PROTECT, related_name="+")
    deployments = models.ForeignKey(Section, on_delete=models.PROTECT, related_name="+")
    caps = models.ForeignKey(Section, on_delete=models.PROTECT, related_name="+")
    flags = models.ForeignKey(Section, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    source = models.CharField(max_length=8)
    reason = models.TextField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"revision {self.pk} ({self.hash[:12]})"


class PriceProposal(models.Model):
    """Prices that were asked for, and what became of them. What they are is in `content`, an
    encoded `prices.values.Content`; it is never changed. While `state` is open nothing else is.

    `feed` is genai-prices, litellm or hand, `version` says which data of it. `applied` are the
    places in the content of what was approved.
    """

    feed = models.CharField(max_length=16)
    version = models.CharField(max_length=100, blank=True, default="")
    content = models.JSONField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    source = models.CharField(max_length=8)
    made_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=8, default="open")
    applied = models.JSONField(default=list)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None)
                | Q(state__in=("approved", "rejected"), decided_at__isnull=False),
                name="proposal_is_open_or_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"prices from {self.feed} {self.version}".rstrip()


class WaitingEdit(models.Model):
    """An edit that somebody asked for and somebody else has to confirm, and what became of it.

    `entry` is what shall stand there in the file's spelling (null: nothing any more), `version`
    what the asker saw, `why` says why it takes two. Rows stay, to be read.
    """

    kind = models.CharField(max_length=16)
    slug = models.CharField(max_length=200)
    entry = models.JSONField(null=True)
    version = models.BigIntegerField()
    why = models.TextField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    source = models.CharField(max_length=8)
    reason = models.TextField()
    made_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, default="open")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    decided_why = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "slug"], condition=Q(state="open"), name="one_edit_waits"
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None)
                | Q(state__in=("confirmed", "withdrawn", "replaced"), decided_at__isnull=False),
                name="waiting_edit_is_open_or_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"edit of {self.slug} that waits"
