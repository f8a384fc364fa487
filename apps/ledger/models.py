"""What the tick wrote, for reading. The tables are made in `sql/`, columns named as in records.py.

Nothing is saved through these classes: traces come from `sql/tick.sql` alone.
"""

# ruff: noqa: DJ001 (None and "" are two things here, as in records.py)

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Counted(models.Model):
    """Tokens and money of an attempt or of a whole request."""

    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    cached_input_tokens = models.BigIntegerField()
    cache_write_tokens = models.BigIntegerField()
    reasoning_tokens = models.BigIntegerField()
    usage_source = models.TextField()
    cost_nano_usd = models.BigIntegerField()
    held_nano_usd = models.BigIntegerField()

    class Meta:
        abstract = True


class Trace(Counted):
    """One request that ended. `head` is the encoded `TraceHead`: request, reading, decision."""

    trace_id = models.UUIDField(primary_key=True)
    started_at = models.DateTimeField()
    door = models.TextField()
    request_id = models.TextField(null=True)
    operation = models.TextField()
    tenant = models.TextField(null=True)
    feature = models.TextField(null=True)
    task = models.TextField(null=True)
    plan = models.TextField(null=True)
    user = models.TextField(null=True)
    session = models.TextField(null=True)
    app = models.TextField(null=True)
    app_version = models.TextField(null=True)
    key = models.TextField()
    route = models.TextField(null=True)
    revision = models.TextField()
    status = models.TextField()
    finish_status = models.TextField()
    http_status = models.IntegerField()
    error_code = models.TextField(null=True)
    error_message = models.TextField()
    deployment = models.TextField(null=True)
    provider = models.TextField(null=True)
    model = models.TextField(null=True)
    latency_ms = models.BigIntegerField()
    first_token_ms = models.BigIntegerField(null=True)
    degraded_reason = models.TextField(null=True)
    degraded_action = models.TextField(null=True)
    degraded_message = models.TextField()
    safety_flags = ArrayField(models.TextField())
    marks = ArrayField(models.TextField())
    head = models.JSONField()
    windows = ArrayField(models.BigIntegerField(), default=list)
    """Of caps, from which its attempts took what stands in `spent`, in the same order."""
    spent = ArrayField(models.BigIntegerField(), default=list)

    def __str__(self) -> str:
        return f"{self.trace_id} {self.status}"


class Attempt(Counted):
    """One call to a provider."""

    pk = models.CompositePrimaryKey("trace_id", "n")
    trace_id = models.UUIDField()
    n = models.IntegerField()
    deployment = models.TextField()
    provider = models.TextField()
    model = models.TextField()
    started_ms = models.BigIntegerField()
    duration_ms = models.BigIntegerField()
    first_token_ms = models.BigIntegerField(null=True)
    outcome = models.TextField()
    error_class = models.TextField(null=True)
    error_message = models.TextField()
    http_status = models.IntegerField(null=True)
    provider_request_id = models.TextField(null=True)
    price_id = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.trace_id} attempt {self.n} {self.outcome}"


class Hold(models.Model):
    """Money reserved for one attempt in flight."""

    pk = models.CompositePrimaryKey("trace_id", "n")
    trace_id = models.UUIDField()
    n = models.IntegerField()
    amount_nano_usd = models.BigIntegerField()
    worker = models.TextField()
    admitted_at = models.DateTimeField()
    windows = ArrayField(models.BigIntegerField(), default=list)
    """Of caps, of which it holds `amounts`; the request's attempts before it took `spent` of
    `spent_windows`."""
    amounts = ArrayField(models.BigIntegerField(), default=list)
    spent_windows = ArrayField(models.BigIntegerField(), default=list)
    spent = ArrayField(models.BigIntegerField(), default=list)

    def __str__(self) -> str:
        return f"{self.trace_id} attempt {self.n} by {self.worker}"


class CapWindow(models.Model):
    """One period of a cap, for one value of what it is per. `settled` and `held` are in `unit`:
    nano_usd, tokens or requests. `ends_at` is None for a total."""

    cap = models.TextField()
    unit = models.TextField()
    period = models.TextField()
    key_hash = models.TextField()
    key = models.JSONField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    settled = models.BigIntegerField()
    held = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.cap} from {self.starts_at}"


class WorkerLease(models.Model):
    """A process that may reserve until `expires_at`."""

    worker = models.TextField(primary_key=True)
    epoch = models.BigIntegerField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.worker


class IdempotencyRecord(models.Model):
    """A key that was used, for whose request and which trace, and its sealed answer; kept for a
    day."""

    key_hash = models.TextField(primary_key=True)
    body_hash = models.TextField()
    trace_id = models.UUIDField()
    created_at = models.DateTimeField()
    answer = models.TextField(null=True)

    def __str__(self) -> str:
        return str(self.trace_id)


class RefusalCount(models.Model):
    """Refusals of one minute that have no trace of their own, because they were a flood."""

    pk = models.CompositePrimaryKey("minute", "key", "error_code")
    minute = models.DateTimeField()
    key = models.TextField()
    error_code = models.TextField()
    refusals = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.refusals} refusals with {self.error_code} for {self.key}"


class LateTrace(models.Model):
    """The mark that something of `trace_id` was written more than five minutes after the request
    began. Only ever added to here; whoever sums traces up takes marks away."""

    id = models.BigAutoField(primary_key=True)
    trace_id = models.UUIDField(db_index=True)

    def __str__(self) -> str:
        return str(self.trace_id)
