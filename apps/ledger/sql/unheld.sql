-- Ends requests that went on without a hold while nobody could hold anything. What they used is
-- counted by the windows that were open when they began; nobody asks whether there was room. What is
-- stored already stays as it is.
CREATE OR REPLACE FUNCTION ledger_settle_unheld(batch jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[] := ledger_ids(batch);
    stored uuid[] := ARRAY(SELECT t.trace_id FROM ledger_trace t WHERE t.trace_id = ANY (ids));
    of_windows bigint[] := '{}';
    opened bigint[];
    one record;
BEGIN
    FOR one IN
        SELECT b.trace_id, b.head, b.counted,
            timestamptz 'epoch' + b.began_at_ms * interval '1 millisecond' AS began_at
        FROM jsonb_to_recordset(batch)
            AS b(trace_id uuid, head jsonb, counted jsonb, began_at_ms bigint)
        WHERE b.trace_id <> ALL (stored)
        ORDER BY b.trace_id
    LOOP
        opened := ARRAY(
            SELECT (w.told ->> 0)::bigint
            FROM jsonb_array_elements(ledger_open_windows(one.counted, one.began_at))
                WITH ORDINALITY AS w(told, place)
            ORDER BY w.place);
        of_windows := of_windows || opened;
        INSERT INTO ledger_hold (trace_id, n, amount_nano_usd, worker, head, windows, amounts)
        VALUES (one.trace_id, 1, 0, '', one.head, opened,
            array_fill(0::bigint, ARRAY[cardinality(opened)]))
        ON CONFLICT DO NOTHING;
    END LOOP;
    PERFORM ledger_lock_windows(of_windows);
    PERFORM ledger_close(batch);
END $$;
