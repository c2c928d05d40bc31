-- VACUUM, ANALYZE, VACUUM FULL and CLUSTER against a heap twin: rows, statistics, maps.
CREATE EXTENSION pg_visibility;
CREATE EXTENSION pg_freespacemap;
SET client_min_messages = warning;

-- What VACUUM leaves behind: "same" if equal for both twins, else both.
CREATE FUNCTION state(t regclass, OUT pages int, OUT tuples real, OUT visible int, OUT map_visible bigint, OUT map_frozen bigint,
                      OUT space bigint, OUT size bigint, OUT live bigint, OUT dead bigint) LANGUAGE sql AS $$
    SELECT relpages, reltuples, relallvisible, s.all_visible, s.all_frozen,
           (SELECT sum(avail) FROM pg_freespace(t)), pg_relation_size(t), pg_stat_get_live_tuples(t), pg_stat_get_dead_tuples(t)
    FROM pg_class c, pg_visibility_map_summary(t) s WHERE c.oid = t
$$;
CREATE FUNCTION same_state(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    h record;
    p record;
BEGIN
    PERFORM pg_stat_clear_snapshot();
    SELECT * INTO h FROM state((name || '_h')::regclass);
    SELECT * INTO p FROM state((name || '_p')::regclass);
    IF h IS DISTINCT FROM p THEN
        RETURN format('heap %s pagestore %s', h, p);
    END IF;
    RETURN 'same';
END $$;

-- no index: one pass
SELECT twins('v', 'id int, n int, t text', 'WITH (autovacuum_enabled = off)');
SELECT twin_exec($$INSERT INTO v@ SELECT i, i % 10, repeat('x', i % 60) FROM generate_series(1, 10000) i$$);
CALL settle();
VACUUM v_h, v_p;
SELECT same_state('v');
SELECT relpages, reltuples, relallvisible FROM pg_class WHERE relname = 'v_p';
SELECT twin_exec('DELETE FROM v@ WHERE n = 3');
SELECT twin_exec('UPDATE v@ SET n = 20 WHERE n = 4');
SELECT same_state('v');
CALL settle();
VACUUM v_h, v_p;
SELECT same_state('v');
SELECT twin_rows('SELECT ctid, * FROM v@');
-- freed space is used again, in the same places
SELECT twin_exec($$INSERT INTO v@ SELECT i, i % 10, 'again' FROM generate_series(1, 1000) i$$);
SELECT twin_rows('SELECT ctid, * FROM v@');
-- the empty tail is given back, unless that is not wanted
SELECT twin_exec('DELETE FROM v@ WHERE id > 2000');
CALL settle();
VACUUM (TRUNCATE off) v_h, v_p;
SELECT same_state('v');
SELECT pg_relation_size('v_p') > 500000 AS kept;
VACUUM v_h, v_p;
SELECT same_state('v');
SELECT pg_relation_size('v_p') > 500000 AS kept;
SELECT twin_rows('SELECT ctid, * FROM v@');
SELECT twin_exec('DELETE FROM v@');
CALL settle();
VACUUM v_h, v_p;
SELECT same_state('v');
SELECT pg_relation_size('v_p');
VACUUM v_h, v_p;
SELECT same_state('v');

-- freezing
SELECT twin_exec($$INSERT INTO v@ SELECT i, i % 10, repeat('x', i % 60) FROM generate_series(1, 5000) i$$);
SELECT twin_exec('UPDATE v@ SET n = 30 WHERE n = 5');
BEGIN;
SELECT twin_rows('SELECT * FROM (SELECT * FROM v@ WHERE id < 100 FOR KEY SHARE) s');
SAVEPOINT s;
SELECT twin_rows('SELECT * FROM (SELECT * FROM v@ WHERE id < 50 FOR UPDATE) s');
RELEASE s;
COMMIT;
CALL settle();
VACUUM (FREEZE) v_h, v_p;
SELECT same_state('v');
SELECT map_frozen = pages AS all_frozen FROM state('v_p');
SELECT age(relfrozenxid) < 20 AS young, mxid_age(relminmxid) < 20 AS young_multi FROM pg_class WHERE relname = 'v_p';
SELECT twin_rows('SELECT ctid, * FROM v@');
SELECT txid_current() > 0 AS took_one;
SELECT twin_exec($$INSERT INTO v@ SELECT i, i % 10, repeat('x', i % 60) FROM generate_series(5001, 10000) i$$);
CALL settle();
VACUUM v_h, v_p;
SELECT same_state('v');
CREATE TEMP TABLE before AS SELECT relname, relfrozenxid FROM pg_class WHERE relname IN ('v_h', 'v_p');
SELECT txid_current() > 0 AS took_one;
SELECT twin_exec('UPDATE v@ SET n = 40 WHERE id = 2500');
SELECT same_state('v');
-- long runs of visible pages are skipped, so relfrozenxid stays
CALL settle();
VACUUM v_h, v_p;
SELECT same_state('v');
SELECT c.relname, c.relfrozenxid = b.relfrozenxid AS stayed FROM pg_class c JOIN before b USING (relname) ORDER BY 1;
VACUUM (FREEZE, DISABLE_PAGE_SKIPPING) v_h, v_p;
SELECT same_state('v');
SELECT c.relname, age(c.relfrozenxid) < age(b.relfrozenxid) AS advanced FROM pg_class c JOIN before b USING (relname) ORDER BY 1;

-- indexes: two passes; many dead rows for little memory make several rounds
SELECT twins('w', 'id int PRIMARY KEY, n int, a int[], t text', 'WITH (autovacuum_enabled = off, fillfactor = 80)');
SELECT twin_exec('CREATE INDEX ON w@ (n)');
SELECT twin_exec('CREATE INDEX ON w@ USING hash (n)');
SELECT twin_exec('CREATE INDEX ON w@ USING gin (a)');
SELECT twin_exec('CREATE INDEX ON w@ USING brin (id)');
SELECT twin_exec($$INSERT INTO w@ SELECT i, i % 100, ARRAY[i % 7, i % 11], repeat('x', i % 30) FROM generate_series(1, 10000) i$$);
SELECT twin_exec('UPDATE w@ SET t = t || 1 WHERE id % 5 = 0');
SELECT twin_exec('DELETE FROM w@ WHERE id % 50 = 0');
CALL settle();
VACUUM (INDEX_CLEANUP off) w_h, w_p;
SELECT same_state('w');
VACUUM (INDEX_CLEANUP on) w_h, w_p;
SELECT same_state('w');
SELECT twin_rows('SELECT ctid, * FROM w@');
SELECT twin_exec('UPDATE w@ SET n = n + 1 WHERE id % 3 = 0');
SELECT twin_exec('DELETE FROM w@ WHERE id BETWEEN 2500 AND 4500');
SET maintenance_work_mem = '1MB';
CALL settle();
VACUUM (PARALLEL 0) w_h, w_p;
SELECT same_state('w');
SELECT twin_exec($$INSERT INTO w@ SELECT i, i % 100, ARRAY[i % 7, i % 11], 'anew' FROM generate_series(2500, 4500) i$$);
SELECT twin_rows('SELECT ctid, * FROM w@');
SELECT twin_exec('UPDATE w@ SET n = n + 1 WHERE id % 2 = 0');
SET min_parallel_index_scan_size = 0;
CALL settle();
VACUUM (PARALLEL 2) w_h, w_p;
SELECT same_state('w');
RESET maintenance_work_mem;
RESET min_parallel_index_scan_size;
SET enable_seqscan = off;
SELECT twin_rows('SELECT * FROM w@ WHERE n BETWEEN 20 AND 30');
SELECT twin_rows('SELECT * FROM w@ WHERE a @> ARRAY[3]');
RESET enable_seqscan;
-- a few dead rows are not worth a scan of the indexes: their line pointers stay, and keep their pages out of the map
SELECT twin_exec('DELETE FROM w@ WHERE id IN (101, 202)');
CALL settle();
VACUUM w_h, w_p;
SELECT same_state('w');
ANALYZE w_h, w_p;
SELECT same_state('w');
VACUUM (INDEX_CLEANUP on) w_h, w_p;
SELECT same_state('w');
-- the failsafe leaves all but freezing out
SELECT twin_exec('DELETE FROM w@ WHERE id > 7500');
SET vacuum_failsafe_age = 0;
SET vacuum_freeze_table_age = 0;
BEGIN;
SELECT twin_exec('INSERT INTO w@ VALUES (-1)');
COMMIT;
CALL settle();
SELECT same_state('w');
VACUUM w_h, w_p;
SELECT same_state('w');
RESET vacuum_failsafe_age;
RESET vacuum_freeze_table_age;
VACUUM w_h, w_p;
SELECT same_state('w');
-- with delays
SET vacuum_cost_delay = '1ms';
SET vacuum_cost_limit = 10000;
SELECT twin_exec('UPDATE w@ SET n = 0 WHERE n = 1');
CALL settle();
VACUUM (ANALYZE) w_h, w_p;
SELECT same_state('w');
RESET vacuum_cost_delay;
RESET vacuum_cost_limit;

-- ANALYZE: the counts, and the statistics of a table all of whose pages are sampled
SELECT twin_exec('ALTER TABLE v@ ALTER n SET STATISTICS 500');
BEGIN;
SELECT twin_exec($$INSERT INTO v@ SELECT i, 50, 'own' FROM generate_series(1, 500) i$$);
SELECT twin_exec('DELETE FROM v@ WHERE id < 200');
ANALYZE v_h, v_p;
COMMIT;
SELECT reltuples FROM pg_class WHERE relname = 'v_p';
SELECT twin_rows($$SELECT attname, null_frac, avg_width, n_distinct, most_common_vals::text, most_common_freqs, correlation
    FROM pg_stats WHERE tablename = 'v@' AND attname IN ('id', 'n')$$);

-- VACUUM FULL and CLUSTER: order, dropped and added columns, toasted values, rows of the same transaction
SELECT twin_exec('ALTER TABLE w@ ADD c text DEFAULT repeat(''added'', 3)');
SELECT twin_exec('ALTER TABLE w@ DROP t');
SELECT twin_exec($$INSERT INTO w@ SELECT -i, i, NULL, (SELECT string_agg(md5((i * j)::text), '') FROM generate_series(1, 200) j) FROM generate_series(2, 20) i$$);
SELECT twin_exec('UPDATE w@ SET c = c || 1 WHERE id % 10 = 0');
CALL settle();
VACUUM FULL w_h, w_p;
SELECT twin_rows('SELECT ctid, * FROM w@');
SELECT same_state('w');
SELECT twin_exec('UPDATE w@ SET n = 7 WHERE id % 7 = 0');
SELECT twin_exec('CLUSTER w@ USING w@_n_idx');
SELECT twin_rows('SELECT ctid, * FROM w@');
SELECT twin_rows('SELECT relpages, reltuples FROM pg_class WHERE relname = ''w@''');
SELECT min(n) = 0 AND bool_and(n >= previous) AS ordered FROM (SELECT n, coalesce(lag(n) OVER (), n) AS previous FROM w_p) s;
SET enable_indexscan = off;
SELECT twin_exec('UPDATE w@ SET id = id + 100000 WHERE id % 5 = 0');
SELECT twin_exec('CLUSTER w@ USING w@_pkey');
SELECT twin_rows('SELECT ctid, * FROM w@');
RESET enable_indexscan;
SET enable_sort = off;
SELECT twin_exec('UPDATE w@ SET id = id + 1000000 WHERE id % 7 = 0');
BEGIN;
SELECT twin_exec('UPDATE w@ SET n = -n WHERE id % 11 = 0');
SELECT twin_exec('DELETE FROM w@ WHERE id % 13 = 0');
SELECT twin_exec('INSERT INTO w@ VALUES (-100)');
SELECT twin_exec('CLUSTER w@');
SELECT twin_rows('SELECT ctid, * FROM w@');
SELECT twin_exec('UPDATE w@ SET n = 3 WHERE n = 4');
ROLLBACK;
SELECT twin_rows('SELECT ctid, * FROM w@');
RESET enable_sort;
VACUUM FULL w_h, w_p;
SELECT twin_rows('SELECT ctid, * FROM w@');
SELECT twin_exec('DELETE FROM w@');
VACUUM FULL w_h, w_p;
SELECT pg_relation_size('w_p');

-- temporary tables keep their rows in local buffers
CREATE TEMP TABLE t_h (id int, t text) USING heap;
CREATE TEMP TABLE t_p (id int, t text) USING pagestore;
SELECT twin_exec($$INSERT INTO t@ SELECT i, repeat('t', 50) FROM generate_series(1, 3000) i$$);
SELECT twin_exec('DELETE FROM t@ WHERE id % 2 = 0');
VACUUM (ANALYZE) t_h, t_p;
SELECT same_state('t');
SELECT twin_exec('CREATE INDEX ON t@ (id)');
SELECT twin_exec('DELETE FROM t@ WHERE id > 1000');
VACUUM (FREEZE) t_h, t_p;
SELECT same_state('t');
VACUUM FULL t_h, t_p;
SELECT twin_rows('SELECT ctid, * FROM t@');
SELECT twin_exec('DELETE FROM t@ WHERE id > 500');
RESET client_min_messages;
VACUUM (PARALLEL 2) t_p;
CREATE INDEX ON t_p (t);
VACUUM (PARALLEL 2) t_p;

-- unlogged
CREATE UNLOGGED TABLE u_h (id int PRIMARY KEY, t text) USING heap WITH (autovacuum_enabled = off);
CREATE UNLOGGED TABLE u_p (id int PRIMARY KEY, t text) USING pagestore WITH (autovacuum_enabled = off);
SELECT twin_exec($$INSERT INTO u@ SELECT i, repeat('u', 50) FROM generate_series(1, 3000) i$$);
SELECT twin_exec('DELETE FROM u@ WHERE id > 100');
CALL settle();
VACUUM (FREEZE) u_h, u_p;
SELECT same_state('u');
VACUUM FULL u_h, u_p;
SELECT twin_rows('SELECT ctid, * FROM u@');

DROP TABLE v_h, v_p, w_h, w_p, t_h, t_p, u_h, u_p, before;
DROP FUNCTION same_state, state;
DROP EXTENSION pg_visibility;
DROP EXTENSION pg_freespacemap;
