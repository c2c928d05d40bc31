-- What a heap user looks at: EXPLAIN's buffers, table statistics, sizes; and the pool's own views.
SET client_min_messages = warning;
SELECT twins('st', 'id int PRIMARY KEY, n int, t text', 'WITH (autovacuum_enabled = off)');
SELECT twin_exec($$INSERT INTO st@ SELECT i, i % 10, repeat('t', 100) FROM generate_series(1, 3000) i$$);
SELECT pg_stat_force_next_flush();
VACUUM st_h;
VACUUM st_p;

-- pages that a query touched, hit or read, are as many as heap's
CREATE FUNCTION touched(q text, OUT pages int, OUT n int) LANGUAGE plpgsql AS $$
DECLARE
    j json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON, COSTS OFF, TIMING OFF) ' || q INTO j;
    pages := (j #>> '{0,Plan,Shared Hit Blocks}')::int + (j #>> '{0,Plan,Shared Read Blocks}')::int;
    n := (j #>> '{0,Plan,Actual Rows}')::numeric;
END $$;
SET max_parallel_workers_per_gather = 0;
SELECT p.pages = h.pages AS same_pages, p.pages = pg_relation_size('st_p') / current_setting('block_size')::int AS all_pages, p.n
FROM touched('SELECT * FROM st_p WHERE n >= 0') p, touched('SELECT * FROM st_h WHERE n >= 0') h;
SET enable_seqscan = off;
SELECT p.pages = h.pages AS same_pages, p.n
FROM touched('SELECT * FROM st_p WHERE id = 17') p, touched('SELECT * FROM st_h WHERE id = 17') h;
RESET enable_seqscan;

-- WAL of a change is counted, and about as much as heap's
CREATE FUNCTION wal_records(q text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    j json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, WAL, FORMAT JSON, COSTS OFF, TIMING OFF) ' || q INTO j;
    RETURN (j #>> '{0,Plan,WAL Records}')::int;
END $$;
SELECT wal_records('UPDATE st_p SET n = n + 1 WHERE id <= 10') >= 10 AS counted;
SELECT wal_records('UPDATE st_h SET n = n + 1 WHERE id <= 10') >= 10 AS counted;

-- cumulative statistics
SELECT twin_exec('UPDATE st@ SET n = 5 WHERE id BETWEEN 100 AND 110');
SELECT twin_exec('UPDATE st@ SET id = id + 10000 WHERE id BETWEEN 200 AND 210');
SELECT twin_exec('DELETE FROM st@ WHERE id BETWEEN 300 AND 350');
SELECT twin_rows('SELECT * FROM st@');
BEGIN;
SELECT twin_exec('DELETE FROM st@ WHERE id BETWEEN 400 AND 450');
ROLLBACK;
SELECT pg_stat_force_next_flush();
SELECT relname, n_tup_ins, n_tup_upd, n_tup_del, n_live_tup, n_dead_tup, n_mod_since_analyze, vacuum_count FROM pg_stat_user_tables WHERE relname LIKE 'st\__' ORDER BY 1;
SELECT p.seq_scan = h.seq_scan AS seq_scan, p.seq_tup_read = h.seq_tup_read AS seq_tup_read, p.idx_scan = h.idx_scan AS idx_scan,
       p.idx_tup_fetch = h.idx_tup_fetch AS idx_tup_fetch, p.n_tup_hot_upd = h.n_tup_hot_upd AS hot
FROM pg_stat_user_tables h, pg_stat_user_tables p WHERE h.relname = 'st_h' AND p.relname = 'st_p';
SELECT p.heap_blks_hit > 0 AS hits, (p.heap_blks_read > 0) = (h.heap_blks_read > 0) AS reads, p.idx_blks_hit > 0 AS index_hits
FROM pg_statio_user_tables h, pg_statio_user_tables p WHERE h.relname = 'st_h' AND p.relname = 'st_p';

-- sizes
SELECT pg_relation_size('st_p') = pg_relation_size('st_h') AS main, pg_relation_size('st_p', 'vm') = pg_relation_size('st_h', 'vm') AS vm,
       pg_table_size('st_p') = pg_table_size('st_h') AS whole, pg_indexes_size('st_p') = pg_indexes_size('st_h') AS indexes;

-- nothing of the table is in the way of others: locks
BEGIN;
SELECT count(*) FROM st_p;
UPDATE st_p SET n = 1 WHERE id = 1;
SELECT locktype, mode FROM pg_locks WHERE relation = 'st_p'::regclass AND pid = pg_backend_pid() ORDER BY 1, 2;
ROLLBACK;

-- the pool's views
SELECT io_method IN ('io_uring', 'sync') AS method, frames * block_size = pg_size_bytes(current_setting('pagestore.pool_size')) AS size,
       frames_free + frames_dirty <= frames AS sane, frames_pinned >= 0 AS pins, blks_hit > 0 AS hits FROM pg_stat_pagestore;
SELECT count(*) > 0 AS some, bool_and(relblocknumber < pg_relation_size('st_p') / current_setting('block_size')::int) AS blocks, bool_and(pins = 0) AS unpinned
FROM pagestore_frames WHERE relfilenode = pg_relation_filenode('st_p') AND reldatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) AND NOT ghost;
DROP FUNCTION touched, wal_records;
DROP TABLE st_h, st_p;
