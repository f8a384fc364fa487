-- What in the books contradicts itself, of the windows that began at `since` or later. One statement,
-- so that it sees one moment.
--   held     a window does not hold what the open holds that name it say
--   settled  a window has not settled what the traces and open holds that name it say
--   over     settled and held are more than the limit, though nothing excuses it: the cap was not
--            changed since, no bound was exceeded, and nobody went on without a hold
CREATE OR REPLACE FUNCTION ledger_reconcile(since timestamptz)
RETURNS TABLE (kind text, cap text, "window" bigint, found bigint, expected bigint)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    -- A request may have begun before the window that it was admitted to.
    first uuid := rpad(lpad(to_hex(
        (extract(epoch FROM since - interval '1 hour') * 1000)::bigint), 12, '0'), 32, '0');
BEGIN
    RETURN QUERY
    WITH traced AS (
        SELECT u.id, sum(u.amount)::bigint AS spent,
            bool_or(t.marks && ARRAY['unheld', 'bound_exceeded']) AS excused
        FROM ledger_trace t, unnest(t.windows, t.spent) AS u(id, amount)
        WHERE t.trace_id >= first AND t.windows <> '{}'
        GROUP BY u.id
    ), held AS (
        SELECT u.id, sum(u.held)::bigint AS held, sum(u.spent)::bigint AS spent
        FROM ledger_hold h, LATERAL (
            SELECT a.id, a.held, 0::bigint AS spent FROM unnest(h.windows, h.amounts) AS a(id, held)
            UNION ALL
            SELECT s.id, 0::bigint, s.spent
            FROM unnest(h.spent_windows, h.spent) AS s(id, spent)
        ) AS u GROUP BY u.id
    ), books AS (
        SELECT w.id, w.cap, w.starts_at, w.held, w.settled,
            coalesce(h.held, 0) AS held_by_all,
            coalesce(t.spent, 0) + coalesce(h.spent, 0) AS settled_by_all,
            coalesce(t.excused, false) AS excused,
            -- The highest that held while the window was open.
            ledger_limit(CASE w.unit
                WHEN 'nano_usd' THEN c.limit_nano_usd
                WHEN 'tokens' THEN c.limit_tokens
                ELSE c.limit_requests
            END, c.raised_to, c.raised_until, w.starts_at) AS at_most
        FROM ledger_capwindow w
        LEFT JOIN traced t ON t.id = w.id
        LEFT JOIN held h ON h.id = w.id
        LEFT JOIN policies_cap c ON c.slug = w.cap
        WHERE w.starts_at >= since
    )
    SELECT 'held', b.cap, b.id, b.held, b.held_by_all FROM books b WHERE b.held <> b.held_by_all
    UNION ALL
    SELECT 'settled', b.cap, b.id, b.settled, b.settled_by_all FROM books b
    WHERE b.settled <> b.settled_by_all
    UNION ALL
    SELECT 'over', b.cap, b.id, b.settled + b.held, b.at_most FROM books b
    WHERE b.settled + b.held > b.at_most AND NOT b.excused AND NOT EXISTS (
        SELECT FROM policies_historicalcap p WHERE p.slug = b.cap AND p.history_date > b.starts_at);
END $$;
