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
SELECT plan_nodes('WITH l AS (SELECT * FROM outr_p FOR UPDATE) SELECT l.name, i.pad FROM l JOIN inn_p i ON i.id = l.k');
SELECT plan_nodes('WITH u AS (UPDATE outr_p SET name = name RETURNING *) SELECT u.name, i.pad FROM u JOIN inn_p i ON i.id = u.k');
EXPLAIN (COSTS OFF) SELECT o.name, i.pad FROM outr_h o JOIN inn_h i ON i.id = o.k;
-- nor where a second look at the key would run a subquery
SELECT plan_nodes('SELECT o.name, i.pad FROM outr_p o JOIN inn_p i ON i.id = (SELECT max(j.g) FROM inn_p j WHERE j.id = o.k)');
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
-- A run that may end before the last row does not come to the one for which the expression fails.
CREATE FUNCTION first_rows(q text, n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    am text;
    c refcursor;
    r record;
    got int := 0;
BEGIN
    FOREACH am IN ARRAY '{h,p}'::text[] LOOP
        OPEN c FOR EXECUTE regexp_replace(q, '(?<=\w)@', '_' || am, 'g');
        FOR i IN 1 .. n LOOP
            FETCH c INTO r;
            got := got + found::int;
        END LOOP;
        CLOSE c;
    END LOOP;
    RETURN got || ' rows, ' || plan_nodes(regexp_replace(q, '(?<=\w)@', '_p', 'g'));
END $$;
SELECT first_rows('SELECT i.t FROM outr@ o JOIN inn@ i ON i.id = 1000 / (14 - o.id)', 10);
SELECT first_rows('SELECT i.t FROM (SELECT *, 1000 / (14 - id) AS x FROM outr@) o JOIN inn@ i ON i.id = o.x', 10);
SELECT first_rows('SELECT i.t FROM (SELECT * FROM outr@ WHERE 1000 / (14 - id) > 0) o JOIN inn@ i ON i.id = o.id + 1', 10);
CREATE FUNCTION joined_h() RETURNS SETOF int STABLE LANGUAGE sql AS
    'SELECT i.id FROM outr_h o JOIN inn_h i ON i.id = 1000 / (14 - o.id) WHERE i.t > ''t''';
CREATE FUNCTION joined_p() RETURNS SETOF int STABLE LANGUAGE sql AS
    'SELECT i.id FROM outr_p o JOIN inn_p i ON i.id = 1000 / (14 - o.id) WHERE i.t > ''t''';
SELECT twin_rows('SELECT joined@() LIMIT 10');
SELECT plan_nodes('SELECT * FROM (SELECT i.t, row_number() OVER () AS n FROM outr_p o JOIN inn_p i ON i.id = o.k) s WHERE n < 12');
-- nor does one that ends after its first row, as the other side is empty
CREATE TABLE nobody (id int);
ANALYZE nobody;
SET enable_hashjoin = on;
SELECT twin_rows($$SELECT * FROM (SELECT o.id, i.t FROM outr@ o JOIN inn@ i
        ON i.id BETWEEN 1000 / (11 - o.id) + CASE WHEN o.id < 8 THEN 20000 ELSE 0 END AND 1000 / (11 - o.id) AND i.t > 't' OFFSET 0) s
    JOIN nobody USING (id)$$);
SELECT plan_nodes('SELECT * FROM (SELECT o.id, i.t FROM outr_p o JOIN inn_p i ON i.id BETWEEN 1000 / (11 - o.id) AND o.k OFFSET 0) s JOIN nobody USING (id)');
SELECT plan_nodes('SELECT * FROM (SELECT o.id, i.t FROM outr_p o JOIN inn_p i ON i.id BETWEEN o.g AND o.k OFFSET 0) s JOIN nobody USING (id)');
SET enable_hashjoin = off;
DROP TABLE nobody;
-- Rows in hand are not many if they are large.
CREATE FUNCTION memory() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts';
SELECT count(*), max(memory()) < 50000000 AS little
FROM (SELECT k, repeat('y', 4000000) AS x FROM outr_p WHERE id < 100 OFFSET 0) o JOIN inn_p i ON i.id = o.k AND i.t <> o.x;
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
-- the nodes of a plan have numbers of their own: what workers have counted is told by them
CREATE TABLE few (id int, a int, b int);
INSERT INTO few SELECT i, i % 1000, i % 997 FROM generate_series(1, 20000) i;
CREATE INDEX few_a ON few (a);
CREATE INDEX few_b ON few (b);
ANALYZE few;
CREATE FUNCTION counted(q text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || q LOOP
        RETURN NEXT substring(line FROM '(?:Bitmap Index Scan on|Custom Scan).*? rows=[0-9]+');
    END LOOP;
END $$;
SET enable_hashjoin = on;
SET enable_bitmapscan = on;
SET join_collapse_limit = 1;
SET enable_parallel_hash = off;
SELECT substring(c FROM 'Custom Scan|Bitmap.*') AS c FROM counted($$SELECT o.id FROM (outr_p o JOIN inn_p i ON i.id BETWEEN o.k AND o.k AND i.t > 't') JOIN few ON few.id = o.g AND (few.a = 7 OR few.b = 8)$$) c WHERE c IS NOT NULL;
RESET join_collapse_limit;
SET enable_bitmapscan = off;
SET enable_hashjoin = off;
DROP TABLE few;
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
DROP FUNCTION joined(text), looked_up(text), first_rows(text, int), joined_h(), joined_p(), memory(), counted(text);
