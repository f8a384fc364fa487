-- The tick: what workers call, each call one transaction, batches as one JSON array whose
-- fields are those of records.py. Reserving asks for a lease; settling does not, because the
-- hold itself says whether there is anything left to settle.

-- The ids of a batch. Every statement finds its rows by `= ANY (ids)`: a join alone may be planned
-- the other way round, through all holds there are, while statistics say that there are none.
CREATE OR REPLACE FUNCTION ledger_ids(batch jsonb) RETURNS uuid[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(b.trace_id) FROM jsonb_to_recordset(batch) AS b(trace_id uuid)
$$;

-- A worker's first word, and its first after it was fenced or lost its connection. Waits for
-- the ticks that run under the old epoch, so nothing of them can appear afterwards.
CREATE OR REPLACE FUNCTION ledger_register(worker text, lease interval) RETURNS bigint
LANGUAGE sql AS $$
    INSERT INTO ledger_workerlease AS l (worker, epoch, expires_at)
    VALUES ($1, nextval('ledger_epoch'), clock_timestamp() + $2)
    ON CONFLICT ON CONSTRAINT ledger_workerlease_pkey
    DO UPDATE SET epoch = excluded.epoch, expires_at = excluded.expires_at
    RETURNING l.epoch
$$;

CREATE OR REPLACE FUNCTION ledger_fence(worker text, epoch bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM ledger_workerlease l
    WHERE l.worker = $1 AND l.epoch = $2 AND l.expires_at > clock_timestamp()
    FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the lease of % is stale', worker USING ERRCODE = 'RL001';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION ledger_renew(worker text, epoch bigint, lease interval) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger_workerlease l SET expires_at = clock_timestamp() + $3
    WHERE l.worker = $1 AND l.epoch = $2 AND l.expires_at > clock_timestamp();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the lease of % is stale', worker USING ERRCODE = 'RL001';
    END IF;
END $$;

-- A worker's last word. Holds it could not settle keep its lease for the reaper.
CREATE OR REPLACE FUNCTION ledger_resign(worker text) RETURNS void
LANGUAGE sql AS $$
    DELETE FROM ledger_workerlease l
    WHERE l.worker = $1 AND NOT EXISTS (SELECT FROM ledger_hold h WHERE h.worker = $1)
$$;

-- Takes idempotency keys for a day; returns those that were taken already.
CREATE OR REPLACE FUNCTION ledger_claim(claims jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    keys text[] := ARRAY(SELECT c.key_hash FROM jsonb_to_recordset(claims) AS c(key_hash text));
BEGIN
    DELETE FROM ledger_idempotencyrecord r
    WHERE r.key_hash = ANY (keys) AND r.created_at < clock_timestamp() - interval '24 hours';

    INSERT INTO ledger_idempotencyrecord (key_hash, body_hash, trace_id)
    SELECT c.key_hash, c.body_hash, c.trace_id
    FROM jsonb_to_recordset(claims) AS c(trace_id uuid, key_hash text, body_hash text)
    ORDER BY c.key_hash
    ON CONFLICT DO NOTHING;

    RETURN (
        SELECT jsonb_agg(jsonb_build_object(
            'trace_id', c.trace_id,
            'same_body', c.body_hash = r.body_hash,
            'earlier_trace_id', r.trace_id))
        FROM jsonb_to_recordset(claims) AS c(trace_id uuid, key_hash text, body_hash text)
        JOIN ledger_idempotencyrecord r ON r.key_hash = c.key_hash
        WHERE r.key_hash = ANY (keys) AND r.trace_id <> c.trace_id
    );
END $$;

-- Admits requests. `claims` are the idempotency keys among them, or null. Returns null, or
-- those whose key was taken; they hold nothing.
CREATE OR REPLACE FUNCTION ledger_reserve(worker text, epoch bigint, batch jsonb, claims jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    taken jsonb;
BEGIN
    PERFORM ledger_fence(worker, epoch);
    IF claims IS NOT NULL THEN
        taken := ledger_claim(claims);
    END IF;
    INSERT INTO ledger_hold (trace_id, n, amount_nano_usd, worker, head)
    SELECT b.trace_id, b.n, b.amount_nano_usd, $1, b.head
    FROM jsonb_to_recordset(batch) AS b(trace_id uuid, n integer, amount_nano_usd bigint, head jsonb)
    WHERE taken IS NULL OR b.trace_id NOT IN (
        SELECT t.trace_id FROM jsonb_to_recordset(taken) AS t(trace_id uuid));
    RETURN taken;
END $$;

-- Writes attempt n and puts the hold of attempt n + 1 in the place of its own. Returns null,
-- or the ids which have no such hold any more.
CREATE OR REPLACE FUNCTION ledger_advance(worker text, epoch bigint, batch jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[] := ledger_ids(batch);
    stopped jsonb;
BEGIN
    PERFORM ledger_fence(worker, epoch);
    WITH gone_on AS (
        UPDATE ledger_hold h SET n = b.n, amount_nano_usd = b.amount_nano_usd
        FROM jsonb_to_recordset(batch)
            AS b(trace_id uuid, n integer, amount_nano_usd bigint, attempt jsonb)
        WHERE h.trace_id = ANY (ids) AND h.trace_id = b.trace_id AND h.n = b.n - 1
        RETURNING h.trace_id, b.attempt
    ), written AS (
        INSERT INTO ledger_attempt
        SELECT g.trace_id, a.*
        FROM gone_on g, jsonb_populate_record(null::ledger_attempt_fields, g.attempt) AS a
        ON CONFLICT DO NOTHING
    )
    SELECT jsonb_agg(id) INTO stopped
    FROM unnest(ids) AS id WHERE id NOT IN (SELECT g.trace_id FROM gone_on g);
    RETURN stopped;
END $$;

-- Ends requests: the only place that writes a trace. Returns how many had a hold.
CREATE OR REPLACE FUNCTION ledger_close(batch jsonb) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[] := ledger_ids(batch);
    closed integer;
BEGIN
    WITH ended AS (
        DELETE FROM ledger_hold h
        USING jsonb_to_recordset(batch)
            AS b(trace_id uuid, head jsonb, outcome jsonb, attempts jsonb)
        WHERE h.trace_id = ANY (ids) AND h.trace_id = b.trace_id
        RETURNING h.trace_id, coalesce(b.head, h.head) AS head, b.outcome, b.attempts
    ), written AS (
        INSERT INTO ledger_attempt
        SELECT e.trace_id, a.* FROM ended e,
            jsonb_populate_recordset(null::ledger_attempt_fields, e.attempts) AS a
        ON CONFLICT DO NOTHING
    ), traced AS (
        INSERT INTO ledger_trace
        SELECT e.trace_id,
            timestamptz 'epoch' + f.started_at_ms * interval '1 millisecond',
            f.door, f.request_id, coalesce(r.operation, 'chat'), r.tenant, r.feature,
            coalesce(nullif(d.task, ''), r.task), r.plan, r."user", r.session, r.app,
            r.app_version, coalesce(r.key, ''), d.route, d.revision, o.*, e.head
        FROM ended e,
            jsonb_to_record(e.head) AS f(
                started_at_ms bigint, door text, request_id text, request jsonb, decision jsonb),
            jsonb_to_record(f.request) AS r(
                operation text, tenant text, feature text, task text, plan text, "user" text,
                session text, app text, app_version text, key text),
            jsonb_to_record(f.decision) AS d(task text, route text, revision text),
            jsonb_populate_record(null::ledger_outcome_fields, e.outcome) AS o
        ON CONFLICT DO NOTHING
    )
    SELECT count(*) INTO closed FROM ended;
    RETURN closed;
END $$;

-- The reaper closed these in the name of a worker that was only late: its own word is better.
-- Each becomes a hold once more; an abandoned trace is reopened once, because then it has
-- another error code or none.
CREATE OR REPLACE FUNCTION ledger_reopen(batch jsonb) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[] := ledger_ids(batch);
    reopened integer;
BEGIN
    WITH abandoned AS (
        DELETE FROM ledger_trace t
        USING jsonb_to_recordset(batch) AS b(trace_id uuid, n integer)
        WHERE t.trace_id = ANY (ids) AND t.trace_id = b.trace_id AND t.error_code = 'abandoned'
        RETURNING t.trace_id, b.n, t.held_nano_usd, t.head
    )
    INSERT INTO ledger_hold (trace_id, n, amount_nano_usd, worker, head)
    SELECT trace_id, n, held_nano_usd, '', head FROM abandoned;
    GET DIAGNOSTICS reopened = ROW_COUNT;
    RETURN reopened;
END $$;

-- Settles a batch; what was settled before stays as it is.
CREATE OR REPLACE FUNCTION ledger_settle(batch jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF ledger_close(batch) < jsonb_array_length(batch) AND ledger_reopen(batch) > 0 THEN
        PERFORM ledger_close(batch);
    END IF;
END $$;

-- Refused before any hold: a hold of nothing that ends at once.
CREATE OR REPLACE FUNCTION ledger_refuse(batch jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_hold (trace_id, n, amount_nano_usd, worker, head)
    SELECT b.trace_id, 1, 0, '', b.head
    FROM jsonb_to_recordset(batch) AS b(trace_id uuid, head jsonb)
    ON CONFLICT DO NOTHING;
    PERFORM ledger_close(batch);
END $$;

-- Held, or perhaps held, and never sent: nothing was spent, and the key may be used again.
CREATE OR REPLACE FUNCTION ledger_release(batch jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ledger_idempotencyrecord r
    WHERE r.trace_id = ANY (ledger_ids(batch)) AND r.key_hash = ANY (
        ARRAY(SELECT b.key_hash FROM jsonb_to_recordset(batch) AS b(key_hash text)));
    PERFORM ledger_close(batch);
END $$;

-- Counts a flood of refusals that have no trace each.
CREATE OR REPLACE FUNCTION ledger_count_refusals(batch jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO ledger_refusalcount AS c (minute, key, error_code, refusals)
    SELECT date_trunc('minute', clock_timestamp()), b.key, b.error_code, b.refusals
    FROM jsonb_to_recordset(batch) AS b(key text, error_code text, refusals bigint)
    ORDER BY b.key, b.error_code
    ON CONFLICT ON CONSTRAINT ledger_refusalcount_pkey
    DO UPDATE SET refusals = c.refusals + excluded.refusals
$$;
