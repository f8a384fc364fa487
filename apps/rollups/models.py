"""Sums over the traces of a quarter of an hour. `rolling.py` writes them, and nobody else.

A quarter, because there are time zones whose days begin at one (Kathmandu is 5:45 ahead of UTC). A
trace belongs to the quarter in its id, as to its partition. None and "" are two things here, as in
the ledger, so that sums by a column come out as they do over traces.
"""

# ruff: noqa: DJ001

from django.contrib.postgres.fields import ArrayField
from django.db import models


class RolledSlot(models.Model):
    """A quarter that was summed up: what is not here must be read from the traces."""

    starts_at = models.DateTimeField(primary_key=True)
    traces = models.BigIntegerField()
    rolled_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.traces} traces from {self.starts_at}"


class Summed(models.Model):
    """What requests and calls alike come to. A histogram is two arrays: the numbers of the buckets
    that have anything, ascending (see `latencies.py`), and how many are in each."""

    id = models.BigAutoField(primary_key=True)
    starts_at = models.DateTimeField(db_index=True)
    tenant = models.TextField(null=True)
    deployment = models.TextField(null=True)
    cost_nano_usd = models.BigIntegerField()
    input_tokens = models.BigIntegerField()
    cached_input_tokens = models.BigIntegerField()
    cache_write_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    reasoning_tokens = models.BigIntegerField()
    latency_buckets = ArrayField(models.SmallIntegerField())
    latency_counts = ArrayField(models.IntegerField())
    first_token_buckets = ArrayField(models.SmallIntegerField())
    first_token_counts = ArrayField(models.IntegerField())

    class Meta:
        abstract = True


class RolledRequests(Summed):
    """The requests of a quarter that are alike in all of these. `calls` are their attempts,
    `retries` those which asked the same deployment again, `wasted_nano_usd` what those cost that
    brought no answer. `fallbacks` were answered by another than the first choice."""

    route = models.TextField(null=True)
    feature = models.TextField(null=True)
    task = models.TextField(null=True)
    plan = models.TextField(null=True)
    app = models.TextField(null=True)
    app_version = models.TextField(null=True)
    key = models.TextField()
    status = models.TextField()
    error_code = models.TextField(null=True)
    requests = models.BigIntegerField()
    fallbacks = models.BigIntegerField()
    calls = models.BigIntegerField()
    retries = models.BigIntegerField()
    wasted_nano_usd = models.BigIntegerField()
    text_bytes = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.requests} requests from {self.starts_at}"


class RolledCalls(Summed):
    """The attempts of a quarter's requests that are alike in all of these. `tenant` is None also
    for those of a request that has not ended."""

    provider = models.TextField()
    model = models.TextField()
    outcome = models.TextField()
    error_class = models.TextField(null=True)
    calls = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.calls} calls from {self.starts_at}"
