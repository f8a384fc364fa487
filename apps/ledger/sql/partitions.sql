-- The lowest id of a day (UTC): its milliseconds in the first 48 bits, all else zero.
CREATE OR REPLACE FUNCTION ledger_first_id(day date) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((day - date '1970-01-01')::bigint * 86400000), 12, '0')
            || repeat('0', 20))::uuid
$$;

-- Makes the daily partitions of both tables where they are missing; returns how many days were.
-- A table is made beside its parent and then attached, because that, unlike PARTITION OF, lets
-- the ticks go on. A trace's head is kept apart from its columns (see tables.sql).
CREATE OR REPLACE FUNCTION ensure_partitions(from_day date, to_day date) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    day date := from_day;
    parent text;
    partition text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ledger.partitions'));
    WHILE day <= to_day LOOP
        IF to_regclass('ledger_attempt_' || to_char(day, 'YYYYMMDD')) IS NULL THEN
            FOREACH parent IN ARRAY ARRAY['ledger_trace', 'ledger_attempt'] LOOP
                partition := parent || '_' || to_char(day, 'YYYYMMDD');
                EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', partition, parent);
                IF parent = 'ledger_trace' THEN
                    EXECUTE format('ALTER TABLE %I SET (toast_tuple_target = 512)', partition);
                END IF;
                EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                    parent, partition, ledger_first_id(day), ledger_first_id(day + 1));
            END LOOP;
            made := made + 1;
        END IF;
        day := day + 1;
    END LOOP;
    RETURN made;
END $$;
