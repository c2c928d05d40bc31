-- Nested loops that read ahead for their inner index scan: the rows, plans and counters beside heap.
SET client_min_messages = warning;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_bitmapscan = off;
SET enable_material = off;
SET max_parallel_workers_per_gather = 0;
SELECT twins('inn', 'id int, g int, t text, pad text', 'WITH (fillfactor = 90)');
SELECT twins('outr', 'id int, k int, g int, name text');
SELECT twin_exec($$INSERT INTO inn@ SELECT i, i / 3, 't' || i % 700, repeat('x', 750) FROM generate_series(1, 12000) i$$);
SELECT twin_exec('CREATE UNIQUE INDEX inn_id@ ON inn@ (id)');
SELECT twin_exec('CREATE INDEX inn_g@ ON inn@ (g)');
SELECT twin_exec('CREATE INDEX inn_t@ ON inn@ USING hash (t)');
-- keys in no order, some twice, some that are not there, some null
SELECT twin_exec($$INSERT INTO outr@ SELECT i, nullif(i * 7919 % 14000, 77), i * 613 % 4500, 't' || i % 90 FROM generate_series(1, 3000) i$$);
SELECT twin_exec('DELETE FROM inn@ WHERE id % 11 = 0');
SELECT twin_exec('UPDATE inn@ SET g = g + 1 WHERE id % 13 = 0');
VACUUM ANALYZE inn_h, inn_p, outr_h, outr_p;
SELECT relpages >= 1024 AS large FROM pg_class WHERE relname IN ('inn_h', 'inn_p');

EXPLAIN (COSTS OFF) SELECT o.name, i.pad FROM outr_p o JOIN inn_p i ON i.id = o.k;
EXPLAIN (COSTS OFF, VERBOSE) SELECT o.name, i.pad FROM outr_p o JOIN inn_p i ON i.id = o.k + 1 WHERE o.g < 1000;
-- not for one row, a small table, what may be seen to come early, rows that are locked or changed, or heap
EXPLAIN (COSTS OFF) SELECT o.name, i.pad FROM (SELECT * FROM outr_p LIMIT 1) o JOIN inn_p i ON i.id = o.k;
EXPLAIN (COSTS OFF) SELECT o.name, i.pad FROM outr_p o JOIN inn_p i ON i.id = o.k WHERE random() < 2;
EXPLAIN (COSTS OFF) SELECT o.name, i.pad FROM (SELECT * FROM outr_p FOR UPDATE) o JOIN inn_p i ON i.id = o.k;
EXPLAIN (COSTS OFF) SELECT o.name, i.pad FROM outr_h o JOIN inn_h i ON i.id = o.k;
SET pagestore.enable_nestloop_readahead = off;
EXPLAIN (COSTS OFF) SELECT o.name, i.pad FROM outr_p o JOIN inn_p i ON i.id = o.k;
RESET pagestore.enable_nestloop_readahead;

-- A join that may stop early takes no rows ahead: it does not come to the one for which the expression fails.
EXPLAIN (COSTS OFF) SELECT i.t FROM outr_p o JOIN inn_p i ON i.id = 1000 / (20 - o.id) LIMIT 12;
SELECT count(t) FROM (SELECT i.t FROM outr_p o JOIN inn_p i ON i.id = 1000 / (20 - o.id) LIMIT 12) s;
SELECT twin_error('SELECT i.t FROM outr@ o JOIN inn@ i ON i.id = 1000 / (20 - o.id)');
EXPLAIN (COSTS OFF) SELECT i.t FROM outr_p o JOIN inn_p i ON i.id = o.k ORDER BY o.name LIMIT 12;

-- The rows of each kind of join, and that the node was there.
CREATE FUNCTION joined(q text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN twin_rows(q) || ' rows, ' || plan_nodes(regexp_replace(q, '(?<=\w)@', '_p', 'g'));
END $$;
SELECT joined('SELECT o.id, i.id, i.t FROM outr@ o JOIN inn@ i ON i.id = o.k');
SELECT joined('SELECT o.id, i.id, i.t FROM outr@ o LEFT JOIN inn@ i ON i.id = o.k AND i.g % 2 = 0');
SELECT joined('SELECT o.id, i.id FROM outr@ o JOIN inn@ i ON i.g = o.g');
SELECT joined($$SELECT o.id FROM outr@ o WHERE EXISTS (SELECT FROM inn@ i WHERE i.g = o.g AND i.t > 't2')$$);
SELECT joined($$SELECT o.id FROM outr@ o WHERE NOT EXISTS (SELECT FROM inn@ i WHERE i.g = o.g AND i.t > 't2')$$);
SELECT joined($$SELECT o.id, i.id FROM outr@ o JOIN inn@ i ON i.t = 't' || o.id WHERE o.id % 5 = 0$$);
SELECT joined('SELECT o.id, i.id, j.id FROM outr@ o JOIN inn@ i ON i.id = o.k JOIN inn@ j ON j.g = i.g + o.g % 3');
SELECT joined('SELECT o.id, i.id, i.t FROM outr@ o JOIN inn@ i ON i.id = ANY (ARRAY[o.k, o.k + 1])');
SELECT joined('SELECT o.id, i.id, i.g FROM outr@ o JOIN inn@ i ON i.t = o.name');
-- started over for each row of a subquery's parent
SELECT twin_rows('SELECT s.v, (SELECT sum(i.id) FROM outr@ o JOIN inn@ i ON i.id = o.k WHERE o.g > s.v) FROM generate_series(0, 4000, 500) s(v)');
SELECT twin_rows('SELECT s.v, x.id FROM generate_series(0, 9) s(v),
    LATERAL (SELECT i.id FROM outr@ o JOIN inn@ i ON i.id = o.k WHERE o.g % 10 = s.v ORDER BY i.id LIMIT 20) x');
-- given up early, and looked at a piece at a time
SELECT count(*) FROM (SELECT i.id FROM outr_p o JOIN inn_p i ON i.id = o.k LIMIT 5) s;
BEGIN;
DECLARE c CURSOR FOR SELECT o.id, i.id = o.k AS same FROM outr_p o JOIN inn_p i ON i.id = o.k;
FETCH 3 FROM c;
MOVE 1000 FROM c;
FETCH 3 FROM c;
COMMIT;
-- changes go by the join as it was, also to the tables that are read ahead
SELECT twin_exec('UPDATE outr@ o SET name = i.t FROM inn@ i WHERE i.id = o.k');
SELECT twin_exec('UPDATE inn@ i SET g = i.g + 1 FROM outr@ o WHERE i.id = o.k');
SELECT twin_exec('DELETE FROM inn@ i USING outr@ o WHERE i.id = o.k AND o.id % 9 = 0');
SELECT twin_rows('SELECT id, g, t FROM inn@');
SELECT twin_rows('SELECT * FROM outr@');
-- serializable transactions note what they read: they read no more than heap's
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT joined('SELECT o.id, i.id, i.t FROM outr@ o JOIN inn@ i ON i.id = o.k');
COMMIT;
-- with workers
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT joined('SELECT o.id, i.id, i.t FROM outr@ o JOIN inn@ i ON i.id = o.k');
SET max_parallel_workers_per_gather = 0;

-- Pages are read ahead, and the statistics of the index count what the join looks up.
CREATE FUNCTION looked_up(name text) RETURNS TABLE (scans bigint, entries bigint, fetched bigint) LANGUAGE sql AS $$
    SELECT idx_scan, idx_tup_read, idx_tup_fetch FROM pg_stat_user_indexes WHERE indexrelname = name
$$;
SELECT pg_stat_force_next_flush();
CREATE TABLE before_h AS SELECT * FROM looked_up('inn_id_h');
CREATE TABLE before_p AS SELECT * FROM looked_up('inn_id_p');
CREATE TABLE result_h AS SELECT i.id FROM outr_h o JOIN inn_h i ON i.id = o.k;
CREATE TABLE result_p AS SELECT i.id FROM outr_p o JOIN inn_p i ON i.id = o.k;
SELECT pg_stat_force_next_flush();
SELECT a.scans - b.scans AS scans,
       (a.scans - b.scans, a.entries - b.entries, a.fetched - b.fetched)
       = (ah.scans - bh.scans, ah.entries - bh.entries, ah.fetched - bh.fetched) AS same
FROM before_p b, looked_up('inn_id_p') a, before_h bh, looked_up('inn_id_h') ah;

DROP TABLE inn_h, inn_p, outr_h, outr_p, result_h, result_p, before_h, before_p;
DROP FUNCTION joined(text), looked_up(text);
