-- Caps' windows: one row for each period of a cap and each value of what it is per. The limit is
-- not here: it is read from the cap, after the locks, so that one edit is one row.

CREATE TABLE IF NOT EXISTS ledger_capwindow (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cap text NOT NULL,
    unit text NOT NULL,
    period text NOT NULL,
    key_hash text NOT NULL,
    key jsonb NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    settled bigint NOT NULL DEFAULT 0 CHECK (settled >= 0),
    held bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
    UNIQUE (cap, unit, period, key_hash, starts_at)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- What an attempt in flight holds of which windows, what the request's attempts before it took,
-- and on the trace what all of them took.
ALTER TABLE ledger_hold
    ADD COLUMN IF NOT EXISTS windows bigint[] NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS amounts bigint[] NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS spent_windows bigint[] NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS spent bigint[] NOT NULL DEFAULT '{}';
ALTER TABLE ledger_trace
    ADD COLUMN IF NOT EXISTS windows bigint[] NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS spent bigint[] NOT NULL DEFAULT '{}';

-- The first moment at which clocks in `zone` show `local`: they may show it twice in a night.
CREATE OR REPLACE FUNCTION ledger_earliest(local timestamp, zone text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (m.at - interval '1 hour') AT TIME ZONE zone = local
        THEN m.at - interval '1 hour' ELSE m.at END
    FROM (SELECT local AT TIME ZONE zone AS at) AS m
$$;

-- The period of `at`, by the clocks of `zone`. A total has no end.
CREATE OR REPLACE FUNCTION ledger_period(
    period text, zone text, at timestamptz, OUT starts_at timestamptz, OUT ends_at timestamptz
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    local timestamp;
BEGIN
    IF period = 'total' THEN
        starts_at := timestamptz 'epoch';
    ELSIF period = 'hour' THEN
        starts_at := date_trunc('hour', at, zone);
        ends_at := starts_at + interval '1 hour';
    ELSE
        local := date_trunc(period, at AT TIME ZONE zone);
        starts_at := ledger_earliest(local, zone);
        ends_at := ledger_earliest(local + ('1 ' || period)::interval, zone);
    END IF;
END $$;

-- The windows that are wanted at `moment`, made where they are missing: for each, in order, its id,
-- the milliseconds that are left of it and when it ends, since the epoch; both null for a total.
-- Never inside a tick, where it could deadlock.
CREATE OR REPLACE FUNCTION ledger_open_windows(
    wanted jsonb, moment timestamptz DEFAULT clock_timestamp()
) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_capwindow (cap, unit, period, key_hash, key, starts_at, ends_at)
    SELECT DISTINCT ON (w.cap, w.unit, w.period, w.key_hash, p.starts_at)
        w.cap, w.unit, w.period, w.key_hash, w.key, p.starts_at, p.ends_at
    FROM jsonb_to_recordset(wanted) AS w(
            cap text, unit text, period text, time_zone text, key_hash text, key jsonb),
        ledger_period(w.period, w.time_zone, moment) AS p
    ORDER BY w.cap, w.unit, w.period, w.key_hash, p.starts_at
    ON CONFLICT DO NOTHING;

    RETURN (
        SELECT jsonb_agg((
            SELECT jsonb_build_array(
                o.id, floor(extract(epoch FROM o.ends_at - moment) * 1000)::bigint,
                (extract(epoch FROM o.ends_at) * 1000)::bigint)
            FROM ledger_capwindow o
            WHERE (o.cap, o.unit, o.period, o.key_hash, o.starts_at)
                = (w.element ->> 'cap', w.element ->> 'unit', w.element ->> 'period',
                    w.element ->> 'key_hash', p.starts_at)
        ) ORDER BY w.place)
        FROM jsonb_array_elements(wanted) WITH ORDINALITY AS w(element, place),
            ledger_period(w.element ->> 'period', w.element ->> 'time_zone', moment) AS p
    );
END $$;

-- Everybody who changes windows locks them first, in this order, once.
CREATE OR REPLACE FUNCTION ledger_lock_windows(ids bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM ledger_capwindow w WHERE w.id = ANY (ids) ORDER BY w.id FOR UPDATE;
END $$;

-- The limit that holds at a moment: a cap's own, or for a while a higher one. Null: it has none in
-- the unit that was asked for.
CREATE OR REPLACE FUNCTION ledger_limit(
    own bigint, raised_to bigint, raised_until timestamptz, at timestamptz
) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN own IS NOT NULL AND raised_until > at THEN raised_to ELSE own END
$$;

-- What may still be taken from each of `ids`, which are locked, in their order. A cap that is no
-- longer there, or has no longer this unit, limits nothing; one that is raised for a while has the
-- higher limit until then.
CREATE OR REPLACE FUNCTION ledger_rooms(ids bigint[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT array_agg(coalesce((
            SELECT ledger_limit(CASE w.unit
                WHEN 'nano_usd' THEN c.limit_nano_usd
                WHEN 'tokens' THEN c.limit_tokens
                ELSE c.limit_requests
            END, c.raised_to, c.raised_until, clock_timestamp()) FROM policies_cap c WHERE c.slug = w.cap
        ), 4611686018427387904) - w.settled - w.held ORDER BY array_position(ids, w.id))
        FROM ledger_capwindow w WHERE w.id = ANY (ids));
END $$;

-- Moves amounts: `held` and `settled` (null: nothing) are what to add to each of `ids`, which may
-- repeat and are locked.
CREATE OR REPLACE FUNCTION ledger_move(ids bigint[], held bigint[], settled bigint[]) RETURNS void
LANGUAGE sql AS $$
    UPDATE ledger_capwindow w SET held = w.held + m.held, settled = w.settled + m.settled
    FROM (
        SELECT u.id, sum(u.held)::bigint AS held, coalesce(sum(u.settled), 0)::bigint AS settled
        FROM unnest(ids, $2, $3) AS u(id, held, settled) GROUP BY u.id
    ) AS m
    WHERE w.id = ANY (ids) AND w.id = m.id
$$;

-- The first of a request's steps for which every window has room. `steps` are
-- [{amount_nano_usd, windows, amounts}]; `rooms` belong to `ids`. When there is none, `step` is
-- null, and `short` and `room` are the window that the first step found too full.
CREATE OR REPLACE FUNCTION ledger_fitting(
    steps jsonb, ids bigint[], rooms bigint[],
    OUT step integer, OUT amount bigint, OUT windows bigint[], OUT amounts bigint[],
    OUT short bigint, OUT room bigint
) LANGUAGE plpgsql AS $$
DECLARE
    fits boolean;
    place integer;
BEGIN
    FOR k IN 0 .. jsonb_array_length(steps) - 1 LOOP
        SELECT s.amount_nano_usd, coalesce(s.windows, '{}'), coalesce(s.amounts, '{}')
        INTO amount, windows, amounts
        FROM jsonb_to_record(steps -> k)
            AS s(amount_nano_usd bigint, windows bigint[], amounts bigint[]);
        fits := true;
        FOR i IN 1 .. cardinality(windows) LOOP
            place := array_position(ids, windows[i]);
            IF rooms[place] < amounts[i] THEN
                fits := false;
                IF short IS NULL THEN
                    short := windows[i];
                    room := rooms[place];
                END IF;
                EXIT;
            END IF;
        END LOOP;
        IF fits THEN
            step := k;
            RETURN;
        END IF;
    END LOOP;
END $$;

-- `rooms` after `amounts` were taken from `windows`.
CREATE OR REPLACE FUNCTION ledger_less(
    rooms bigint[], ids bigint[], windows bigint[], amounts bigint[]
) RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    place integer;
BEGIN
    FOR i IN 1 .. cardinality(windows) LOOP
        place := array_position(ids, windows[i]);
        rooms[place] := rooms[place] - coalesce(amounts[i], 0);
    END LOOP;
    RETURN rooms;
END $$;
