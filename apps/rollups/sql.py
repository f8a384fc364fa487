"""The statements of `rolling.py`. Ids sort as time does, so a span of time is a span of ids."""

_WITHIN = "{0}.trace_id >= %(first_id)s AND {0}.trace_id < %(end_id)s"
_MOMENT_MS = "('x' || left(replace({}::text, '-', ''), 12))::bit(48)::bigint"
_SLOT_OF = f"date_bin(%(slot)s, to_timestamp({_MOMENT_MS} / 1000), timestamptz 'epoch')"
# Comparing with a run's few beginnings costs a third of taking an id apart.
_SLOT_IN_RUN = "(%(slots)s::timestamptz[])[width_bucket({}, %(ids)s::uuid[])]"

LOOK_AGAIN = "SELECT pg_stat_clear_snapshot()"
"""Who is at work is asked once in a transaction, unless this is said before."""

SETTLED = """
SELECT least(%(settled)s, min(xact_start) - %(late_after)s)
FROM pg_stat_activity
WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
"""
"""Up to where everything that left no mark is there to be seen: a transaction that is open still
may have written, and not yet shown, traces which were not late when it began."""

DUE = f"""
SELECT s FROM (
    SELECT s FROM generate_series(
        date_bin(%(slot)s, to_timestamp(%(oldest_ms)s / 1000.0), timestamptz 'epoch'),
        %(until)s::timestamptz - %(slot)s, %(slot)s) AS s
    WHERE NOT EXISTS (SELECT FROM rollups_rolledslot r WHERE r.starts_at = s)
    UNION
    SELECT {_SLOT_OF.format("l.trace_id")} FROM ledger_latetrace l
) AS due(s)
WHERE s <= %(until)s::timestamptz - %(slot)s
    AND (s AT TIME ZONE 'UTC')::date = ANY (%(days)s::date[])
ORDER BY s
"""  # noqa: S608
"""Of a day that has no partition there is nothing to sum up, and what was summed up stays."""

FORGET = (
    f"DELETE FROM ledger_latetrace l WHERE {_WITHIN.format('l')}",  # noqa: S608
    "DELETE FROM rollups_rolledrequests WHERE starts_at = ANY (%(slots)s)",
    "DELETE FROM rollups_rolledcalls WHERE starts_at = ANY (%(slots)s)",
)

_TOKENS = (
    "input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens",
    "reasoning_tokens",
)  # fmt: skip
_HISTOGRAM = """
LEFT JOIN LATERAL (
    SELECT array_agg(b ORDER BY b) AS buckets, array_agg(n ORDER BY b) AS counts
    FROM (SELECT b, count(*) AS n FROM unnest(g.{0}) AS b GROUP BY b) AS counted
) AS of_{0} ON true
"""
_HISTOGRAMS = _HISTOGRAM.format("latency") + _HISTOGRAM.format("first_token")
_ARRAYS = ", ".join(
    f"coalesce(of_{what}.{part}, '{{}}')"
    for what in ("latency", "first_token")
    for part in ("buckets", "counts")
)
_ARRAY_NAMES = "latency_buckets, latency_counts, first_token_buckets, first_token_counts"
_BUCKET = "width_bucket(greatest({}, 0)::integer, %(bounds)s::integer[])::smallint"


def _summed(
    table: str, by: tuple[str, ...], counts: tuple[tuple[str, str], ...], *, source: str,
    latency: str, first_token: str,
) -> str:  # fmt: skip
    """INSERT into `table` the sums over `source`, by the columns `by`; `counts` are names and what
    they are."""
    names = [name for name, _ in counts]
    sums = ", ".join(f"({what})::bigint AS {name}" for name, what in counts)
    grouped = ", ".join(str(place) for place in range(1, len(by) + 2))
    plain = [name.removeprefix("o.") for name in by]
    columns = ", ".join(["starts_at", *plain, *names])
    return f"""
    INSERT INTO {table} ({columns}, {_ARRAY_NAMES})
    SELECT {", ".join(f"g.{name}" for name in ("starts_at", *plain, *names))}, {_ARRAYS}
    FROM (
        SELECT {_SLOT_IN_RUN.format("o.trace_id")} AS starts_at,
            {", ".join(by)}, {sums},
            array_agg({_BUCKET.format(latency)}) AS latency,
            array_agg({_BUCKET.format(first_token)})
                FILTER (WHERE {first_token} IS NOT NULL) AS first_token
        FROM {source}
        WHERE {_WITHIN.format("o")}
        GROUP BY {grouped}
    ) AS g {_HISTOGRAMS}
    """  # noqa: S608 (put together from what stands here)


_CALLS_OF = f"""
(
    SELECT trace_id, count(*) AS calls, count(*) FILTER (WHERE again) AS retries,
        sum(cost_nano_usd) FILTER (WHERE outcome <> 'succeeded') AS wasted
    FROM (
        SELECT a.trace_id, a.outcome, a.cost_nano_usd, a.deployment = lag(a.deployment)
            OVER (PARTITION BY a.trace_id ORDER BY a.n) AS again
        FROM ledger_attempt a WHERE {_WITHIN.format("a")}
    ) AS one GROUP BY trace_id
) AS c
"""  # noqa: S608

_TENANTS_OF = f"(SELECT trace_id, tenant FROM ledger_trace t WHERE {_WITHIN.format('t')}) AS t"  # noqa: S608

REQUESTS = _summed(
    "rollups_rolledrequests",
    (
        "o.tenant", "o.deployment", "o.route", "o.feature", "o.task", "o.plan", "o.app",
        "o.app_version", "o.key", "o.status", "o.error_code",
    ),
    (
        ("requests", "count(*)"),
        (
            "fallbacks",
            "count(*) FILTER (WHERE degraded_action = 'fallback' AND status <> 'failed')",
        ),
        ("calls", "coalesce(sum(c.calls), 0)"),
        ("retries", "coalesce(sum(c.retries), 0)"),
        ("wasted_nano_usd", "coalesce(sum(c.wasted), 0)"),
        ("text_bytes", "coalesce(sum((head->'request'->>'text_bytes')::bigint), 0)"),
        ("cost_nano_usd", "sum(cost_nano_usd)"),
        *((name, f"sum({name})") for name in _TOKENS),
    ),
    source=f"ledger_trace o LEFT JOIN {_CALLS_OF} ON c.trace_id = o.trace_id",
    latency="latency_ms",
    first_token="first_token_ms",  # noqa: S106
)  # fmt: skip

CALLS = _summed(
    "rollups_rolledcalls",
    ("tenant", "o.deployment", "o.provider", "o.model", "o.outcome", "o.error_class"),
    (
        ("calls", "count(*)"),
        ("cost_nano_usd", "sum(o.cost_nano_usd)"),
        *((name, f"sum(o.{name})") for name in _TOKENS),
    ),
    source=f"ledger_attempt o LEFT JOIN {_TENANTS_OF} ON t.trace_id = o.trace_id",
    latency="o.duration_ms",
    first_token="first_token_ms",  # noqa: S106
)

SLOTS = """
INSERT INTO rollups_rolledslot (starts_at, traces, rolled_at)
SELECT s, coalesce((
    SELECT sum(requests) FROM rollups_rolledrequests r WHERE r.starts_at = s), 0), %(now)s
FROM unnest(%(slots)s::timestamptz[]) AS s
ON CONFLICT (starts_at) DO UPDATE SET traces = excluded.traces, rolled_at = excluded.rolled_at
RETURNING traces
"""
