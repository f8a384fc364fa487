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

-- Admits requests. `claims` are the idempotency keys among them, or null. `windows` are all that
-- any step of the batch would take from, in order of id, and `needed` what the first steps take of
-- each; null where no cap counts anybody. Returns null when everybody got the first step, or
-- {taken, refused, steps}: whose key was taken, who found no room and in which window, and who got
-- which later step.
CREATE OR REPLACE FUNCTION ledger_reserve(
    worker text, epoch bigint, batch jsonb, claims jsonb, windows bigint[], needed bigint[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    taken jsonb;
    rooms bigint[];
BEGIN
    PERFORM ledger_fence(worker, epoch);
    IF claims IS NOT NULL THEN
        taken := ledger_claim(claims);
    END IF;
    IF windows IS NOT NULL THEN
        PERFORM ledger_lock_windows(windows);
        rooms := ledger_rooms(windows);
        IF taken IS NOT NULL OR NOT ledger_all_fit(rooms, needed) THEN
            RETURN ledger_reserve_each(worker, batch, taken, windows, rooms);
        END IF;
        PERFORM ledger_move(windows, needed, NULL);
    END IF;
    INSERT INTO ledger_hold (trace_id, n, amount_nano_usd, worker, head, windows, amounts)
    SELECT b.trace_id, b.n, b.amount_nano_usd, $1, b.head,
        coalesce(b.windows, '{}'), coalesce(b.amounts, '{}')
    FROM jsonb_to_recordset(batch) AS b(trace_id uuid, n integer, amount_nano_usd bigint,
        head jsonb, windows bigint[], amounts bigint[])
    WHERE taken IS NULL OR b.trace_id NOT IN (
        SELECT t.trace_id FROM jsonb_to_recordset(taken) AS t(trace_id uuid));
    RETURN CASE WHEN taken IS NOT NULL THEN jsonb_build_object('taken', taken) END;
END $$;

CREATE OR REPLACE FUNCTION ledger_all_fit(rooms bigint[], needed bigint[]) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT bool_and(u.room >= u.needed OR u.needed = 0) FROM unnest(rooms, needed) AS u(room, needed)
$$;

-- The same one by one, in order, when not everybody fits: each gets its first step that does.
CREATE OR REPLACE FUNCTION ledger_reserve_each(
    worker text, batch jsonb, taken jsonb, ids bigint[], rooms bigint[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    before bigint[] := rooms;
    gone uuid[] := coalesce(ledger_ids(taken), '{}');
    refused jsonb := '[]';
    steps jsonb := '{}';
    one record;
    fit record;
BEGIN
    FOR one IN
        SELECT * FROM jsonb_to_recordset(batch) AS b(trace_id uuid, n integer,
            amount_nano_usd bigint, head jsonb, windows jsonb, amounts jsonb, others jsonb)
    LOOP
        CONTINUE WHEN one.trace_id = ANY (gone);
        SELECT * INTO fit FROM ledger_fitting(
            jsonb_build_array(jsonb_build_object('amount_nano_usd', one.amount_nano_usd,
                'windows', one.windows, 'amounts', one.amounts)) || coalesce(one.others, '[]'),
            ids, rooms);
        IF fit.step IS NULL THEN
            refused := refused || jsonb_build_object(
                'trace_id', one.trace_id, 'window', fit.short, 'room', fit.room);
            CONTINUE;
        END IF;
        IF fit.step > 0 THEN
            steps := steps || jsonb_build_object(one.trace_id,
                jsonb_build_object('claim', fit.step, 'full', fit.short));
        END IF;
        rooms := ledger_less(rooms, ids, fit.windows, fit.amounts);
        INSERT INTO ledger_hold (trace_id, n, amount_nano_usd, worker, head, windows, amounts)
        VALUES (one.trace_id, one.n, fit.amount, worker, one.head, fit.windows, fit.amounts);
    END LOOP;
    PERFORM ledger_move(ids, ledger_difference(before, rooms), NULL);
    RETURN jsonb_build_object(
        'taken', coalesce(taken, '[]'), 'refused', refused, 'steps', steps);
END $$;

CREATE OR REPLACE FUNCTION ledger_difference(a bigint[], b bigint[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(u.a - u.b ORDER BY u.place)
    FROM unnest(a, b) WITH ORDINALITY AS u(a, b, place)
$$;

-- Writes attempt n and puts the hold of attempt n + 1 in the place of its own: what the attempt
-- used of its windows is settled, the rest goes back, and the next step takes what it needs, all
-- at once, so that a dearer fallback is never free. `windows` are all that have a part in it.
-- Returns null, or {stopped, refused, steps}: who has no such hold any more, who found no room
-- (its hold stays, and it must be settled), and who got which later step.
CREATE OR REPLACE FUNCTION ledger_advance(
    worker text, epoch bigint, batch jsonb, windows bigint[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[] := ledger_ids(batch);
    rooms bigint[] := '{}';
    stopped jsonb := '[]';
    refused jsonb := '[]';
    steps jsonb := '{}';
    one record;
    old record;
    fit record;
    late_before uuid := ledger_late_before();
BEGIN
    PERFORM ledger_fence(worker, epoch);
    PERFORM 1 FROM ledger_hold h WHERE h.trace_id = ANY (ids) ORDER BY h.trace_id FOR UPDATE;
    IF windows IS NOT NULL THEN
        PERFORM ledger_lock_windows(windows);
    END IF;
    FOR one IN
        SELECT * FROM jsonb_to_recordset(batch) AS b(trace_id uuid, n integer,
            amount_nano_usd bigint, attempt jsonb, used bigint[], windows jsonb, amounts jsonb,
            others jsonb)
    LOOP
        SELECT h.windows, h.amounts INTO old FROM ledger_hold h
        WHERE h.trace_id = one.trace_id AND h.n = one.n - 1;
        IF NOT FOUND THEN
            stopped := stopped || to_jsonb(one.trace_id);
            CONTINUE;
        END IF;
        IF windows IS NOT NULL THEN
            rooms := ledger_rooms(windows);
            rooms := ledger_less(rooms, windows, old.windows, ledger_difference(
                ledger_as_long(one.used, old.windows), old.amounts));
        END IF;
        SELECT * INTO fit FROM ledger_fitting(
            jsonb_build_array(jsonb_build_object('amount_nano_usd', one.amount_nano_usd,
                'windows', one.windows, 'amounts', one.amounts)) || coalesce(one.others, '[]'),
            windows, rooms);
        IF fit.step IS NULL THEN
            refused := refused || jsonb_build_object(
                'trace_id', one.trace_id, 'window', fit.short, 'room', fit.room);
            CONTINUE;
        END IF;
        IF fit.step > 0 THEN
            steps := steps || jsonb_build_object(one.trace_id,
                jsonb_build_object('claim', fit.step, 'full', fit.short));
        END IF;
        UPDATE ledger_hold h SET n = one.n, amount_nano_usd = fit.amount,
            windows = fit.windows, amounts = fit.amounts,
            spent_windows = h.spent_windows || old.windows,
            spent = h.spent || ledger_as_long(one.used, old.windows)
        WHERE h.trace_id = one.trace_id;
        INSERT INTO ledger_attempt
        SELECT one.trace_id, a.*
        FROM jsonb_populate_record(null::ledger_attempt_fields, one.attempt) AS a
        ON CONFLICT DO NOTHING;
        IF one.trace_id < late_before THEN
            INSERT INTO ledger_latetrace (trace_id) VALUES (one.trace_id);
        END IF;
        PERFORM ledger_end_hold(old.windows, old.amounts, ledger_as_long(one.used, old.windows));
        PERFORM ledger_move(fit.windows, fit.amounts, NULL);
    END LOOP;
    IF stopped <> '[]' OR refused <> '[]' OR steps <> '{}' THEN
        RETURN jsonb_build_object('stopped', stopped, 'refused', refused, 'steps', steps);
    END IF;
    RETURN NULL;
END $$;

-- `used` with as many places as `windows`: what is not said was not used.
CREATE OR REPLACE FUNCTION ledger_as_long(used bigint[], windows bigint[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_agg(coalesce(used[i], 0) ORDER BY i), '{}')
    FROM generate_series(1, cardinality(windows)) AS i
$$;

-- Gives back what was held of `windows`, which are locked, and adds what was used.
CREATE OR REPLACE FUNCTION ledger_end_hold(windows bigint[], amounts bigint[], used bigint[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF windows <> '{}' THEN
        PERFORM ledger_move(windows, ARRAY(SELECT -a FROM unnest(amounts) AS a), used);
    END IF;
END $$;

-- Ids below this one are of requests that began more than five minutes ago. Whoever writes or
-- removes what is theirs leaves a mark in the same transaction, because by then somebody may have
-- summed their time up already.
CREATE OR REPLACE FUNCTION ledger_late_before() RETURNS uuid
LANGUAGE sql VOLATILE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp() - interval '5 minutes')
        * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Ends requests: the only place that writes a trace. What a hold held goes back to its windows,
-- and what its attempt used is settled: all that was held where the batch does not say `used`.
-- Returns how many had a hold.
CREATE OR REPLACE FUNCTION ledger_close(batch jsonb) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[] := ledger_ids(batch);
    closed integer;
    of_windows bigint[];
    held bigint[];
    used bigint[];
    late_before uuid := ledger_late_before();
BEGIN
    WITH ended AS (
        DELETE FROM ledger_hold h
        USING jsonb_to_recordset(batch)
            AS b(trace_id uuid, head jsonb, outcome jsonb, attempts jsonb, used bigint[])
        WHERE h.trace_id = ANY (ids) AND h.trace_id = b.trace_id
        RETURNING h.trace_id, coalesce(b.head, h.head) AS head, b.outcome, b.attempts,
            h.windows, h.amounts, h.spent_windows, h.spent,
            CASE WHEN h.windows = '{}' OR b.used IS NULL THEN h.amounts
                ELSE ledger_as_long(b.used, h.windows) END AS used
    ), written AS (
        INSERT INTO ledger_attempt
        SELECT e.trace_id, a.* FROM ended e,
            jsonb_populate_recordset(null::ledger_attempt_fields, e.attempts) AS a
        ON CONFLICT DO NOTHING
    ), marked AS (
        INSERT INTO ledger_latetrace (trace_id)
        SELECT e.trace_id FROM ended e WHERE e.trace_id < late_before
    ), traced AS (
        INSERT INTO ledger_trace
        SELECT e.trace_id,
            timestamptz 'epoch' + f.started_at_ms * interval '1 millisecond',
            f.door, f.request_id, coalesce(r.operation, 'chat'), r.tenant, r.feature,
            coalesce(nullif(d.task, ''), r.task), r.plan, r."user", r.session, r.app,
            r.app_version, coalesce(r.key, ''), d.route, d.revision, o.*, e.head,
            e.spent_windows || e.windows, e.spent || e.used
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
    SELECT (SELECT count(*) FROM ended), array_agg(u.id), array_agg(-u.held), array_agg(u.used)
    INTO closed, of_windows, held, used
    FROM ended e, unnest(e.windows, e.amounts, e.used) AS u(id, held, used);
    IF of_windows IS NOT NULL THEN
        PERFORM ledger_lock_windows(of_windows);
        PERFORM ledger_move(of_windows, held, used);
    END IF;
    RETURN closed;
END $$;

-- The reaper closed these in the name of a worker that was only late: its own word is better.
-- Each becomes a hold once more; an abandoned trace is reopened once, because then it has
-- another error code or none. The last of the trace's windows, as many as the worker says what it
-- `used` of, are those which the hold had.
CREATE OR REPLACE FUNCTION ledger_reopen(batch jsonb) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[] := ledger_ids(batch);
    reopened integer;
    of_windows bigint[];
    held bigint[];
    late_before uuid := ledger_late_before();
BEGIN
    WITH abandoned AS (
        DELETE FROM ledger_trace t
        USING jsonb_to_recordset(batch) AS b(trace_id uuid, n integer, used bigint[])
        WHERE t.trace_id = ANY (ids) AND t.trace_id = b.trace_id AND t.error_code = 'abandoned'
        RETURNING t.trace_id, b.n, t.held_nano_usd, t.head, t.windows, t.spent,
            cardinality(t.windows) - coalesce(cardinality(b.used), 0) AS earlier
    ), holds AS (
        INSERT INTO ledger_hold (trace_id, n, amount_nano_usd, worker, head,
            windows, amounts, spent_windows, spent)
        SELECT trace_id, n, held_nano_usd, '', head, windows[earlier + 1:], spent[earlier + 1:],
            windows[:earlier], spent[:earlier]
        FROM abandoned
    ), marked AS (
        INSERT INTO ledger_latetrace (trace_id)
        SELECT a.trace_id FROM abandoned a WHERE a.trace_id < late_before
    )
    SELECT (SELECT count(*) FROM abandoned), array_agg(u.id), array_agg(u.held)
    INTO reopened, of_windows, held
    FROM abandoned a, unnest(a.windows[a.earlier + 1:], a.spent[a.earlier + 1:]) AS u(id, held);
    IF of_windows IS NOT NULL THEN
        PERFORM ledger_move(of_windows, held, ARRAY(SELECT -h FROM unnest(held) AS h));
    END IF;
    RETURN reopened;
END $$;

-- Settles a batch; what was settled before stays as it is. Where a hold is missing, everything
-- is locked first, in the order of all others: holds, then windows.
CREATE OR REPLACE FUNCTION ledger_settle(batch jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[] := ledger_ids(batch);
    there bigint;
BEGIN
    SELECT count(*) INTO there FROM ledger_hold h WHERE h.trace_id = ANY (ids);
    IF there < jsonb_array_length(batch) THEN
        PERFORM 1 FROM ledger_hold h WHERE h.trace_id = ANY (ids) ORDER BY h.trace_id FOR UPDATE;
        PERFORM ledger_lock_windows(ARRAY(
            SELECT unnest(h.windows) FROM ledger_hold h WHERE h.trace_id = ANY (ids)
            UNION
            SELECT unnest(t.windows) FROM ledger_trace t
            WHERE t.trace_id = ANY (ids) AND t.error_code = 'abandoned'));
        PERFORM ledger_reopen(batch);
    END IF;
    IF ledger_close(batch) < jsonb_array_length(batch) AND ledger_reopen(batch) > 0 THEN
        -- Reaped in this very moment.
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
