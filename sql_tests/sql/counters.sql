-- What the cumulative statistics say of a table and its indexes after each kind of work is what they say of heap's:
-- scans, rows read and fetched, rows changed, live and dead ones, and pages visited (hit or read, which of the two is each engine's own affair).
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SET max_parallel_maintenance_workers = 0;
SELECT twins('cn', 'id int PRIMARY KEY, n int, t text, big text', 'WITH (autovacuum_enabled = off)');

CREATE VIEW cn_counters AS
SELECT right(relname, 1) AS am, what || ' ' || key AS counter, sum(value::bigint) AS value
FROM (
    SELECT relname, 'table' AS what, c.* FROM pg_stat_user_tables s, jsonb_each_text(to_jsonb(s)) c
    UNION ALL
    SELECT relname, 'pages', c.* FROM pg_statio_user_tables s, jsonb_each_text(to_jsonb(s)) c
    UNION ALL
    SELECT relname, regexp_replace(indexrelname, '_[hp](?=_|$)', ''), c.* FROM pg_stat_user_indexes s, jsonb_each_text(to_jsonb(s)) c
    UNION ALL
    SELECT relname, regexp_replace(indexrelname, '_[hp](?=_|$)', '') || ' pages', c.* FROM pg_statio_user_indexes s, jsonb_each_text(to_jsonb(s)) c) s (relname, what, key0, value),
    regexp_replace(key0, '_(read|hit)$', CASE WHEN key0 LIKE '%blks%' THEN '' ELSE '_\1' END) AS key
WHERE relname IN ('cn_h', 'cn_p') AND value ~ '^\d+$' AND key !~ 'relid$|_time$'
GROUP BY 1, 2;
CREATE TABLE cn_before AS SELECT * FROM cn_counters;

-- Pages are left out where they can't agree: heap's COPY keeps the last page in hand from one batch to the next,
-- and VACUUM here looks at the visibility map from two places, since it reads ahead.  From 17 on, besides, where a scan
-- stops early, as heap's visits pages ahead; and where rows are written in bulk, as heap visits pages that it has added.
-- From 19 on everywhere: heap's scans look into the visibility map, which they may have to change; and it removes rows
-- whose insertion was undone as it passes, so that fewer are met.
-- The counters that moved since the last call by another amount than heap's.
CREATE FUNCTION moved(besides text DEFAULT '', since int DEFAULT 0) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    r text;
BEGIN
    CREATE TEMP TABLE now AS SELECT * FROM cn_counters;
    WITH d AS (
        SELECT am, counter, n.value - coalesce(b.value, 0) AS by FROM now n LEFT JOIN cn_before b USING (am, counter)),
    both_sides AS (
        SELECT counter, coalesce(h.by, 0) AS h, coalesce(p.by, 0) AS p
        FROM (SELECT * FROM d WHERE am = 'h') h FULL JOIN (SELECT * FROM d WHERE am = 'p') p USING (counter)
        WHERE counter <> besides OR current_setting('server_version_num')::int < since)
    SELECT coalesce(string_agg(format('%s: heap %s, pagestore %s', counter, h, p), '; ' ORDER BY counter)
                        FILTER (WHERE h <> p AND (counter <> 'pages heap_blks' OR current_setting('server_version_num')::int < 190000)),
                    CASE WHEN count(*) FILTER (WHERE h <> 0) > 0 THEN 'the same' ELSE 'nothing moved' END) INTO r FROM both_sides;
    TRUNCATE cn_before;
    INSERT INTO cn_before TABLE now;
    DROP TABLE now;
    RETURN r;
END $$;
\set next 'SELECT pg_stat_force_next_flush() \\gset ignore_ \\\\ SELECT moved();'
\set next_but_pages_17 'SELECT pg_stat_force_next_flush() \\gset ignore_ \\\\ SELECT moved(''pages heap_blks'', 170000);'
\set next_but_pages 'SELECT pg_stat_force_next_flush() \\gset ignore_ \\\\ SELECT moved(''pages heap_blks'');'
\set next_but_undone_19 'SELECT pg_stat_force_next_flush() \\gset ignore_ \\\\ SELECT moved(''table seq_tup_read'', 190000);'
SELECT pg_stat_force_next_flush() \gset ignore_
SELECT moved() \gset ignore_

-- rows put in
SELECT twin_exec($$INSERT INTO cn@ SELECT i, i % 10, repeat('t', 20) FROM generate_series(1, 2000) i$$);
:next
\copy cn_h FROM PROGRAM 'seq 2001 3000 | sed "s/$/	5	copied	/"'
\copy cn_p FROM PROGRAM 'seq 2001 3000 | sed "s/$/	5	copied	/"'
:next_but_pages
SELECT twin_exec($$INSERT INTO cn@ VALUES (10001, 1, 'toasted', repeat(md5('x'), 3000)) $$);
:next
SELECT twin_exec($$INSERT INTO cn@ SELECT i, 1, 'again' FROM generate_series(1, 20) i ON CONFLICT DO NOTHING$$);
:next
SELECT twin_exec($$INSERT INTO cn@ SELECT i, 1, 'again' FROM generate_series(1, 20) i ON CONFLICT (id) DO UPDATE SET n = cn@.n + 1$$);
:next
BEGIN;
SELECT twin_exec($$INSERT INTO cn@ SELECT i, i % 10, 'undone' FROM generate_series(20001, 20500) i$$);
ROLLBACK;
:next

-- indexes built over rows of all kinds
SELECT twin_exec('CREATE INDEX cn@_n ON cn@ (n)');
:next
SELECT twin_exec('CREATE UNIQUE INDEX cn@_u ON cn@ (id, n)');
:next
CREATE INDEX CONCURRENTLY cn_h_c ON cn_h (t);
CREATE INDEX CONCURRENTLY cn_p_c ON cn_p (t);
:next
SELECT twin_exec('REINDEX INDEX cn@_n');
:next_but_undone_19
REINDEX INDEX CONCURRENTLY cn_h_c;
REINDEX INDEX CONCURRENTLY cn_p_c;
:next
SELECT twin_exec('CREATE INDEX cn@_part ON cn@ (id) WHERE n = 3');
:next_but_undone_19
SELECT twin_exec('ALTER TABLE cn@ ADD CONSTRAINT cn@_chk CHECK (id > 0)');
:next

-- rows read
SELECT twin_rows('SELECT * FROM cn@ WHERE n < 5');
:next
SELECT twin_rows('SELECT * FROM (SELECT * FROM cn@ LIMIT 100) s');
:next_but_pages_17
SELECT twin_rows('SELECT id FROM cn@ TABLESAMPLE BERNOULLI (30) REPEATABLE (1)');
:next
SELECT twin_rows('SELECT id FROM cn@ TABLESAMPLE SYSTEM (30) REPEATABLE (1)');
:next
SELECT twin_rows($$SELECT id FROM cn@ WHERE ctid BETWEEN '(2,1)' AND '(5,20)'$$);
:next
SELECT twin_rows($$SELECT id FROM cn@ WHERE ctid IN ('(2,1)', '(3,3)', '(900,1)')$$);
:next
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT twin_rows('SELECT * FROM cn@ WHERE id BETWEEN 50 AND 900');
:next
SELECT twin_rows('SELECT * FROM cn@ WHERE id < 100 ORDER BY id DESC');
:next
SELECT twin_rows('SELECT a.* FROM cn@ a JOIN cn@ b ON a.id = b.n');
:next
SELECT twin_rows('SELECT id FROM cn@ WHERE id < 700');
:next
SET enable_bitmapscan = on;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SELECT twin_rows('SELECT * FROM cn@ WHERE n = 7');
:next
SET work_mem = '64kB';
SELECT twin_rows('SELECT count(*) FROM cn@ WHERE n = 7 OR id < 500');
:next
RESET work_mem;
RESET enable_seqscan;
RESET enable_indexscan;
RESET enable_indexonlyscan;
BEGIN;
DECLARE h SCROLL CURSOR FOR SELECT * FROM cn_h;
DECLARE p SCROLL CURSOR FOR SELECT * FROM cn_p;
MOVE 300 IN h;
MOVE 300 IN p;
MOVE BACKWARD 200 IN h;
MOVE BACKWARD 200 IN p;
UPDATE cn_h SET n = 77 WHERE CURRENT OF h;
UPDATE cn_p SET n = 77 WHERE CURRENT OF p;
COMMIT;
:next_but_pages_17
SELECT twin_exec('SELECT 1 FROM cn@ WHERE id < 300 FOR UPDATE');
:next
SELECT twin_exec('SELECT 1 FROM cn@ WHERE id < 300 FOR KEY SHARE');
:next

-- rows changed.  Dead rows go first: heap leaves some that pagestore prunes, on pages that the statement itself holds.
VACUUM cn_h;
VACUUM cn_p;
:next_but_pages
SELECT twin_exec('UPDATE cn@ SET t = t WHERE id < 200');
:next
VACUUM cn_h;
VACUUM cn_p;
:next_but_pages
SELECT twin_exec('UPDATE cn@ SET n = n + 1 WHERE id BETWEEN 300 AND 900');
:next
VACUUM cn_h;
VACUUM cn_p;
:next_but_pages
SELECT twin_exec('UPDATE cn@ SET id = id + 30000 WHERE id BETWEEN 800 AND 1000');
:next
VACUUM cn_h;
VACUUM cn_p;
:next_but_pages
SELECT twin_exec($$UPDATE cn@ SET big = repeat(md5('y'), 2000) WHERE id = 10001$$);
:next
SELECT twin_exec('DELETE FROM cn@ WHERE id BETWEEN 1100 AND 1500');
:next
VACUUM cn_h;
VACUUM cn_p;
:next_but_pages
SELECT twin_exec('MERGE INTO cn@ t USING generate_series(1600, 1900, 3) s ON t.id = s WHEN MATCHED AND s % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET n = -1 WHEN NOT MATCHED THEN INSERT VALUES (s, 0)');
:next
BEGIN;
SAVEPOINT s;
SELECT twin_exec('DELETE FROM cn@ WHERE id BETWEEN 2100 AND 2200');
ROLLBACK TO s;
SELECT twin_exec('UPDATE cn@ SET t = NULL WHERE id BETWEEN 2300 AND 2400');
COMMIT;
:next
BEGIN;
SELECT twin_exec('DELETE FROM cn@');
ROLLBACK;
:next
-- pruned in passing
SELECT twin_exec('UPDATE cn@ SET n = n WHERE id < 200');
SELECT twin_exec('UPDATE cn@ SET n = n WHERE id < 200');
SELECT twin_exec('UPDATE cn@ SET n = n WHERE id < 200');
SELECT twin_rows('SELECT id, n FROM cn@');
:next

-- maintenance
SELECT twin_exec('CREATE INDEX cn@_dead ON cn@ (n, id)');
:next
ANALYZE cn_h;
ANALYZE cn_p;
:next
VACUUM cn_h;
VACUUM cn_p;
:next_but_pages
VACUUM (FREEZE, ANALYZE) cn_h;
VACUUM (FREEZE, ANALYZE) cn_p;
:next_but_pages
CLUSTER cn_h USING cn_h_pkey;
CLUSTER cn_p USING cn_p_pkey;
:next
CLUSTER cn_h USING cn_h_n;
CLUSTER cn_p USING cn_p_n;
:next
VACUUM FULL cn_h;
VACUUM FULL cn_p;
:next
ALTER TABLE cn_h ALTER n TYPE bigint;
ALTER TABLE cn_p ALTER n TYPE bigint;
:next_but_pages_17
BEGIN;
SELECT twin_exec('TRUNCATE cn@');
SELECT twin_exec($$INSERT INTO cn@ SELECT i, i % 10, repeat('t', 20) FROM generate_series(1, 300) i$$);
ROLLBACK;
:next
SELECT twin_exec('TRUNCATE cn@');
:next
\copy cn_h FROM PROGRAM 'seq 1 3000 | sed "s/$/	5	copied	/"'
\copy cn_p FROM PROGRAM 'seq 1 3000 | sed "s/$/	5	copied	/"'
:next_but_pages

DROP VIEW cn_counters;
DROP FUNCTION moved;
DROP TABLE cn_before, cn_h, cn_p;
