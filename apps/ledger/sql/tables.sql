-- What one tick writes. Traces and attempts are partitioned by the day inside their id (UUIDv7:
-- 48 bits of milliseconds first), so a late writer cannot store an id a second time in another
-- partition, and a day is dropped whole. Columns are named as in records.py.

CREATE TABLE ledger_trace (
    trace_id uuid PRIMARY KEY,
    started_at timestamptz NOT NULL,
    door text NOT NULL,
    request_id text,
    operation text NOT NULL,
    tenant text,
    feature text,
    task text,
    plan text,
    "user" text,
    session text,
    app text,
    app_version text,
    key text NOT NULL,
    route text,
    revision text NOT NULL,
    status text NOT NULL,
    finish_status text NOT NULL,
    http_status integer NOT NULL,
    error_code text,
    error_message text NOT NULL,
    deployment text,
    provider text,
    model text,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cached_input_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    usage_source text NOT NULL,
    latency_ms bigint NOT NULL,
    first_token_ms bigint,
    cost_nano_usd bigint NOT NULL,
    held_nano_usd bigint NOT NULL,
    degraded_reason text,
    degraded_action text,
    degraded_message text NOT NULL,
    safety_flags text[] NOT NULL,
    marks text[] NOT NULL,
    head jsonb NOT NULL
) PARTITION BY RANGE (trace_id);

-- Lists, sums and histograms read columns of many traces, and the head of few: it lies apart, so that
-- a row is a quarter as long. Uncompressed, which costs a settlement no more than compressed inside.
ALTER TABLE ledger_trace ALTER COLUMN head SET STORAGE EXTERNAL;

-- Lists go newest first, which is the primary key backwards. Few indexes: every request pays
-- for each. What went well is most of what there is, so only the rest has one by status.
CREATE INDEX ledger_trace_feature ON ledger_trace (feature, trace_id);
CREATE INDEX ledger_trace_tenant ON ledger_trace (tenant, trace_id);
CREATE INDEX ledger_trace_not_succeeded ON ledger_trace (status, trace_id)
    WHERE status <> 'succeeded';
CREATE INDEX ledger_trace_request_id ON ledger_trace (request_id) WHERE request_id IS NOT NULL;

CREATE TABLE ledger_attempt (
    trace_id uuid NOT NULL,
    n integer NOT NULL,
    deployment text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    started_ms bigint NOT NULL,
    duration_ms bigint NOT NULL,
    first_token_ms bigint,
    outcome text NOT NULL,
    error_class text,
    error_message text NOT NULL,
    http_status integer,
    provider_request_id text,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cached_input_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    usage_source text NOT NULL,
    cost_nano_usd bigint NOT NULL,
    held_nano_usd bigint NOT NULL,
    price_id bigint,
    PRIMARY KEY (trace_id, n)
) PARTITION BY RANGE (trace_id);

CREATE INDEX ledger_attempt_provider_request_id ON ledger_attempt (provider_request_id)
    WHERE provider_request_id IS NOT NULL;

-- Money reserved for one attempt in flight. `head` is the trace's, should it end without its worker.
-- Rows live for seconds, so dead ones are swept often, and a head is not worth compressing.
CREATE TABLE ledger_hold (
    trace_id uuid NOT NULL,
    n integer NOT NULL,
    amount_nano_usd bigint NOT NULL CHECK (amount_nano_usd >= 0),
    worker text NOT NULL,
    admitted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    head jsonb NOT NULL,
    PRIMARY KEY (trace_id, n)
) WITH (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Who is alive. An epoch is never used twice: a statement that was sent under an older one
-- is refused, however late it arrives.
CREATE SEQUENCE ledger_epoch;
CREATE TABLE ledger_workerlease (
    worker text PRIMARY KEY,
    epoch bigint NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100);

CREATE TABLE ledger_idempotencyrecord (
    key_hash text PRIMARY KEY,
    body_hash text NOT NULL,
    trace_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    answer text
);

-- Refusals beyond those that have a trace each, counted by minute.
CREATE TABLE ledger_refusalcount (
    minute timestamptz NOT NULL,
    key text NOT NULL,
    error_code text NOT NULL,
    refusals bigint NOT NULL,
    PRIMARY KEY (minute, key, error_code)
);

-- How records.py's Outcome and AttemptRecord arrive; the tables' columns stand in this order.
CREATE TYPE ledger_outcome_fields AS (
    status text, finish_status text, http_status integer, error_code text, error_message text,
    deployment text, provider text, model text, input_tokens bigint, output_tokens bigint,
    cached_input_tokens bigint, cache_write_tokens bigint, reasoning_tokens bigint,
    usage_source text, latency_ms bigint, first_token_ms bigint, cost_nano_usd bigint,
    held_nano_usd bigint, degraded_reason text, degraded_action text, degraded_message text,
    safety_flags text[], marks text[]
);
CREATE TYPE ledger_attempt_fields AS (
    n integer, deployment text, provider text, model text, started_ms bigint,
    duration_ms bigint, first_token_ms bigint, outcome text, error_class text,
    error_message text, http_status integer, provider_request_id text, input_tokens bigint,
    output_tokens bigint, cached_input_tokens bigint, cache_write_tokens bigint,
    reasoning_tokens bigint, usage_source text, cost_nano_usd bigint, held_nano_usd bigint,
    price_id bigint
);
