-- What the reaper calls.

-- The outcome of a request whose process died: it may have cost all that was held.
CREATE OR REPLACE FUNCTION ledger_abandoned(held_nano_usd numeric) RETURNS jsonb
LANGUAGE sql AS $$
    SELECT jsonb_build_object(
        'status', 'failed', 'finish_status', 'error', 'http_status', 500,
        'error_code', 'abandoned', 'error_message', '',
        'input_tokens', 0, 'output_tokens', 0, 'cached_input_tokens', 0,
        'cache_write_tokens', 0, 'reasoning_tokens', 0, 'usage_source', 'estimated',
        'latency_ms', 0, 'cost_nano_usd', held_nano_usd, 'held_nano_usd', held_nano_usd,
        'degraded_message', '', 'safety_flags', '[]'::jsonb, 'marks', '[]'::jsonb)
$$;

-- Settles at most `most` holds of dead workers in full, through the same door as all others.
-- `last_look` is when the reaper looked last, by this clock. If that is longer ago than
-- `longest_gap`, somebody slept, perhaps this server and everybody's renewals with it: then
-- nothing is touched and `reaped` is null. One reaper at a time.
CREATE OR REPLACE FUNCTION ledger_reap(
    last_look timestamptz, longest_gap interval, most integer,
    OUT reaped integer, OUT looked_at timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    dead text[];
    outcomes jsonb;
BEGIN
    looked_at := clock_timestamp();
    IF looked_at - last_look > longest_gap THEN
        RETURN;
    END IF;
    reaped := 0;
    IF most = 0 OR NOT pg_try_advisory_xact_lock(hashtext('ledger.reaper')) THEN
        RETURN;
    END IF;

    -- Locked, so that a worker which comes back right now waits, and then starts a new epoch.
    SELECT array_agg(worker) INTO dead FROM (
        SELECT worker FROM ledger_workerlease WHERE expires_at < looked_at
        ORDER BY worker FOR UPDATE SKIP LOCKED) AS expired;
    IF dead IS NULL THEN
        RETURN;
    END IF;

    SELECT count(*), jsonb_agg(jsonb_build_object(
        'trace_id', h.trace_id,
        'attempts', '[]'::jsonb,
        'outcome', ledger_abandoned(h.amount_nano_usd + (
            SELECT coalesce(sum(a.cost_nano_usd), 0) FROM ledger_attempt a
            WHERE a.trace_id = h.trace_id))))
    INTO reaped, outcomes
    FROM (
        SELECT trace_id, amount_nano_usd FROM ledger_hold WHERE worker = ANY (dead)
        LIMIT most FOR UPDATE SKIP LOCKED) AS h;

    IF reaped > 0 THEN
        PERFORM ledger_close(outcomes);
    END IF;
    IF reaped < most THEN
        DELETE FROM ledger_workerlease l WHERE l.worker = ANY (dead)
            AND NOT EXISTS (SELECT FROM ledger_hold h WHERE h.worker = l.worker);
    END IF;
END $$;
