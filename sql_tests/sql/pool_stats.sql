-- The pool's statistics, of all of it, by table and by process: beside what is counted another way.
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SET vacuum_cost_delay = 0;
SELECT twins('ps', 'id int PRIMARY KEY, n int, t text', 'WITH (autovacuum_enabled = off)');
SELECT twin_exec($$INSERT INTO ps@ SELECT i, i % 10, repeat('t', 100) FROM generate_series(1, 2000) i$$);
CHECKPOINT;
SELECT twin_rows('SELECT * FROM ps@');

-- the table's row, beside its frames, its size and core's counts of its pages (from 19 on heap's scans visit the map, too)
CREATE VIEW ps_row AS SELECT * FROM pg_stat_pagestore_tables WHERE relid = 'ps_p'::regclass;
SELECT pg_stat_force_next_flush();
SELECT s.schemaname = current_schema AS schema, s.relname, s.blks_total = pg_relation_size('ps_p') / current_setting('block_size')::int AS size,
       s.blks_resident = f.n AS resident, s.blks_resident > 0 AS some, s.blks_dirty = f.dirty AS dirty,
       round(s.resident_percent) = round(100.0 * f.n / s.blks_total) AS percent,
       s.blks_hit = i.heap_blks_hit AND s.blks_read = i.heap_blks_read AS as_core, h.heap_blks_hit + h.heap_blks_read = s.blks_hit + s.blks_read OR current_setting('server_version_num')::int >= 190000 AS as_heap
FROM ps_row s, pg_statio_user_tables i, pg_statio_user_tables h,
     (SELECT count(*) AS n, count(*) FILTER (WHERE isdirty) AS dirty FROM pagestore_frames WHERE relfilenode = pg_relation_filenode('ps_p') AND NOT ghost) f
WHERE i.relid = s.relid AND h.relid = 'ps_h'::regclass;

-- no page is dirty after a checkpoint, one is after a change
CHECKPOINT;
SELECT blks_dirty FROM ps_row;
BEGIN;
UPDATE ps_p SET n = -1 WHERE id = 1;
SELECT blks_dirty > 0 AS dirty FROM ps_row;
ROLLBACK;

-- no row without a pagestore table: heap, partitioned, temporary ones, indexes, sequences
CREATE TEMP TABLE ps_temp (id int) USING pagestore;
CREATE TABLE ps_parent (id int) PARTITION BY RANGE (id);
CREATE TABLE ps_part PARTITION OF ps_parent FOR VALUES FROM (0) TO (10) USING pagestore;
CREATE MATERIALIZED VIEW ps_mv USING pagestore AS SELECT * FROM ps_p WHERE n = 1;
CREATE UNLOGGED TABLE ps_unlogged (id int) USING pagestore;
CREATE SCHEMA "ps Schema";
CREATE TABLE "ps Schema"."a Table" (id int) USING pagestore;
SELECT schemaname, relname, blks_total, resident_percent IS NULL AS empty FROM pg_stat_pagestore_tables WHERE relname ~ '^ps_' OR relname = 'a Table' ORDER BY relname COLLATE "C";

-- whoever holds a table makes nobody wait who asks
BEGIN;
LOCK ps_p IN ACCESS EXCLUSIVE MODE;
SELECT count(*) FROM ps_row;
SELECT count(*) FROM pg_locks WHERE relation = 'ps_mv'::regclass;
COMMIT;

-- a rewrite, a truncation, a switch and a drop
SELECT twin_exec('TRUNCATE ps@');
SELECT blks_total, blks_resident FROM ps_row;
SELECT twin_exec($$INSERT INTO ps@ SELECT i, i % 10, repeat('t', 100) FROM generate_series(1, 500) i$$);
SELECT blks_total = pg_relation_size('ps_p') / current_setting('block_size')::int AS size, blks_resident > 0 AS resident FROM ps_row;
ALTER TABLE ps_p SET ACCESS METHOD heap;
SELECT count(*) FROM ps_row;
ALTER TABLE ps_p SET ACCESS METHOD pagestore;
SELECT blks_resident, blks_read_ahead, evictions FROM ps_row;
SELECT twin_rows('SELECT * FROM ps@');
SELECT blks_resident > 0 AS resident FROM ps_row;
DROP VIEW ps_row;
DROP TABLE ps_parent, ps_unlogged, ps_temp, ps_p CASCADE;
SELECT relname FROM pg_stat_pagestore_tables WHERE relname LIKE 'ps\_%';

-- this process, beside all together
SELECT a.blks_hit > 0 AS hits, a.blks_hit <= s.blks_hit AS part, a.usename = current_user AS who, a.datname = current_database() AS db, a.backend_type
FROM pg_stat_pagestore_activity a, pg_stat_pagestore s WHERE a.pid = pg_backend_pid();
SELECT count(*) = count(DISTINCT pid) AS once, count(*) FILTER (WHERE backend_type = 'pagestore sentinel') AS sentinel FROM pg_stat_pagestore_activity;
CREATE TABLE ps_p (id int) USING pagestore;
INSERT INTO ps_p SELECT generate_series(1, 10);
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM ps_p;
FETCH c;
SELECT frames_pinned FROM pg_stat_pagestore_activity WHERE pid = pg_backend_pid();
CLOSE c;
SELECT frames_pinned FROM pg_stat_pagestore_activity WHERE pid = pg_backend_pid();
COMMIT;

-- reset: counts begin anew, what is in the pool stays
SELECT stats_reset AS before FROM pg_stat_pagestore \gset
SELECT blks_hit AS own_hits FROM pg_stat_pagestore_activity WHERE pid = pg_backend_pid() \gset
SELECT frames - frames_free AS used FROM pg_stat_pagestore \gset
SELECT pg_stat_reset_pagestore();
SELECT blks_hit, blks_read, blks_read_ahead, blks_read_ahead_wasted, blks_around, writes_backend, evictions, ghosts_made, blk_read_time,
       stats_reset > :'before' AS newer, frames - frames_free = :used AS kept FROM pg_stat_pagestore;
SELECT count(*) FROM ps_p;
SELECT blks_hit FROM pg_stat_pagestore;
SELECT blks_hit > :own_hits AS goes_on FROM pg_stat_pagestore_activity WHERE pid = pg_backend_pid();
DROP TABLE ps_p, ps_h, "ps Schema"."a Table";
DROP SCHEMA "ps Schema";
