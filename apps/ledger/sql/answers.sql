-- Answers that are kept for requests which come again with their idempotency key.

-- Keeps what was answered, sealed, beside the key of its request.
CREATE OR REPLACE FUNCTION ledger_keep(batch jsonb) RETURNS void
LANGUAGE sql AS $$
    UPDATE ledger_idempotencyrecord r SET answer = b.answer
    FROM jsonb_to_recordset(batch) AS b(trace_id uuid, key_hash text, answer text)
    WHERE r.key_hash = b.key_hash AND r.trace_id = b.trace_id AND b.answer IS NOT NULL
        AND r.key_hash = ANY (
            ARRAY(SELECT b.key_hash FROM jsonb_to_recordset(batch) AS b(key_hash text)))
$$;

-- What a request with this key was answered: null while it runs, and nothing when it is over and
-- no answer was kept.
CREATE OR REPLACE FUNCTION ledger_kept(key_hash text, trace_id uuid) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT r.answer FROM ledger_idempotencyrecord r
         WHERE r.key_hash = $1 AND r.trace_id = $2),
        CASE WHEN NOT EXISTS (SELECT FROM ledger_hold h WHERE h.trace_id = $2) THEN '' END)
$$;
