-- Every way to read a table, against a heap twin.
SET synchronize_seqscans = off;
SELECT twins('s', 'id int, n int, t text');
SELECT twin_exec($$INSERT INTO s@ SELECT i, i % 100, repeat('t', i % 30) || i FROM generate_series(1, 40000) i$$);
-- updated before anything is dead: what a scan prunes on its way must not decide where rows go
SELECT twin_exec('UPDATE s@ SET t = t || n WHERE n = 20');
SELECT twin_exec('DELETE FROM s@ WHERE n IN (13, 14)');
CREATE INDEX s_h_id ON s_h (id);
CREATE INDEX s_p_id ON s_p (id);
CREATE INDEX s_h_n ON s_h (n);
CREATE INDEX s_p_n ON s_p (n);
VACUUM ANALYZE s_h;
VACUUM ANALYZE s_p;
SELECT h.reltuples = p.reltuples AS tuples, h.relpages = p.relpages AS pages, h.relallvisible = p.relallvisible AS visible
FROM pg_class h, pg_class p WHERE h.relname = 's_h' AND p.relname = 's_p';

-- sequential
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SET enable_bitmapscan = off;
SET max_parallel_workers_per_gather = 0;
SELECT plan_nodes('SELECT * FROM s_p WHERE n = 7');
SELECT twin_rows('SELECT ctid, * FROM s@ WHERE n = 7');
SELECT twin_rows('SELECT * FROM s@');
SELECT count(*), sum(id), sum(length(t)) FROM s_p;
SELECT count(*), sum(id), sum(length(t)) FROM s_h;
-- rescans, inside a nested loop and through a limit
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
SELECT twin_rows('SELECT a.id, b.t FROM generate_series(1, 5) a(id), s@ b WHERE b.id = a.id * 31');
SELECT twin_rows('SELECT x, (SELECT t FROM s@ b WHERE b.id >= x LIMIT 1) FROM generate_series(1, 20) x');
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_material;

-- parallel
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT plan_nodes('SELECT count(*) FROM s_p');
SELECT count(*), sum(id), sum(length(t)) FROM s_p;
SELECT n, count(*), md5(string_agg(t, ',' ORDER BY id)) FROM s_p WHERE n < 3 GROUP BY n
EXCEPT SELECT n, count(*), md5(string_agg(t, ',' ORDER BY id)) FROM s_h WHERE n < 3 GROUP BY n;
SELECT count(*) FROM (SELECT * FROM s_p EXCEPT ALL SELECT * FROM s_h) s;
SELECT count(*) FROM s_p a JOIN s_p b USING (id);
RESET enable_indexscan;
RESET enable_indexonlyscan;
SET enable_seqscan = off;
SELECT plan_nodes('SELECT count(t) FROM s_p WHERE id > 100');
SELECT count(t), sum(id) FROM s_p WHERE id > 100;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SET enable_bitmapscan = on;
SELECT plan_nodes('SELECT count(t) FROM s_p WHERE n > 50');
SELECT count(t), sum(id) FROM s_p WHERE n > 50;
SET max_parallel_workers_per_gather = 0;

-- bitmap: exact, combined, lossy
SELECT plan_nodes('SELECT * FROM s_p WHERE n = 5 OR id BETWEEN 30 AND 90');
SELECT twin_rows('SELECT ctid, * FROM s@ WHERE n = 5 OR id BETWEEN 30 AND 90');
SELECT twin_rows('SELECT ctid, * FROM s@ WHERE n = 20 AND id > 20000');
SET work_mem = '64kB';
SELECT twin_rows('SELECT ctid, * FROM s@ WHERE n > 1 AND id <> 40');
RESET work_mem;

-- index and index-only, forward and backward
SET enable_bitmapscan = off;
SET enable_indexscan = on;
SELECT plan_nodes('SELECT * FROM s_p WHERE id BETWEEN 100 AND 300');
SELECT twin_rows('SELECT ctid, * FROM s@ WHERE id BETWEEN 100 AND 300');
SELECT twin_rows('(SELECT * FROM s@ ORDER BY id DESC LIMIT 50)');
SELECT twin_rows('SELECT * FROM s@ WHERE id = ANY (array[5, 10, 15, 113, 20000, 39999, 50000])');
SET enable_indexonlyscan = on;
SELECT plan_nodes('SELECT id FROM s_p WHERE id < 1000');
SELECT twin_rows('SELECT id FROM s@ WHERE id < 1000');
-- after a VACUUM every page is visible to all: the index alone answers
SELECT heap_fetches('SELECT id FROM s_p WHERE id < 1000');
SELECT twin_exec('UPDATE s@ SET t = t WHERE id = 500');
SELECT heap_fetches('SELECT id FROM s_p WHERE id < 1000') > 0 AS some;
SELECT twin_rows('SELECT id FROM s@ WHERE id < 1000');
RESET enable_bitmapscan;
RESET enable_seqscan;

-- by TID: one, many, ranges, none, beyond the end, current of
SELECT plan_nodes($$SELECT * FROM s_p WHERE ctid = '(3,7)'$$);
SELECT twin_rows($$SELECT ctid, * FROM s@ WHERE ctid = '(3,7)'$$);
SELECT twin_rows($$SELECT ctid, * FROM s@ WHERE ctid = ANY (array['(0,1)', '(5,5)', '(5,5)', '(1000000,1)', '(2,65000)']::tid[])$$);
SELECT plan_nodes($$SELECT * FROM s_p WHERE ctid >= '(3,0)' AND ctid < '(9,4)'$$);
SELECT twin_rows($$SELECT ctid, * FROM s@ WHERE ctid >= '(3,0)' AND ctid < '(9,4)'$$);
SELECT twin_rows($$SELECT ctid, * FROM s@ WHERE ctid > '(100,0)'$$);
SELECT twin_rows($$SELECT ctid, * FROM s@ WHERE ctid < '(0,1)' OR ctid > '(4294967294,0)'$$);
SELECT twin_rows($$(SELECT ctid, * FROM s@ WHERE ctid <= '(2,0)' ORDER BY ctid DESC LIMIT 7)$$);
SELECT currtid2('s_p', '(0,1)') = currtid2('s_h', '(0,1)') AS same;

-- samples: the same blocks and rows as of heap
SELECT twin_rows('SELECT ctid, * FROM s@ TABLESAMPLE SYSTEM (20) REPEATABLE (7)');
SELECT twin_rows('SELECT ctid, * FROM s@ TABLESAMPLE BERNOULLI (3) REPEATABLE (9)');
SELECT twin_rows('SELECT ctid, * FROM s@ TABLESAMPLE SYSTEM (100)');
SELECT count(*) FROM s_p TABLESAMPLE SYSTEM (0);

-- cursors: forward, backward, absolute, held
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM s_p;
FETCH 3 FROM c;
FETCH BACKWARD 2 FROM c;
MOVE FORWARD ALL FROM c;
FETCH BACKWARD 2 FROM c;
FETCH ABSOLUTE 1000 FROM c;
FETCH PRIOR FROM c;
FETCH FIRST FROM c;
FETCH LAST FROM c;
DECLARE h CURSOR WITH HOLD FOR SELECT id, t FROM s_p WHERE id < 5 ORDER BY id;
COMMIT;
FETCH ALL FROM h;
CLOSE h;
BEGIN;
DECLARE c CURSOR FOR SELECT id, n FROM s_p WHERE id IN (3, 4) FOR UPDATE;
FETCH 1 FROM c;
UPDATE s_p SET n = -1 WHERE CURRENT OF c;
FETCH 1 FROM c;
DELETE FROM s_p WHERE CURRENT OF c;
SELECT id, n FROM s_p WHERE id IN (3, 4);
ROLLBACK;
-- a cursor does not see what came after it
BEGIN;
DECLARE c CURSOR FOR SELECT count(*) FROM s_p;
DELETE FROM s_p;
FETCH c;
SELECT count(*) FROM s_p;
ROLLBACK;
SELECT twin_rows('SELECT * FROM s@');

-- savepoints
BEGIN;
SELECT twin_exec('DELETE FROM s@ WHERE n = 1');
SAVEPOINT a;
SELECT twin_exec('UPDATE s@ SET n = 1 WHERE n = 2');
SAVEPOINT b;
SELECT twin_exec('INSERT INTO s@ SELECT * FROM s@ WHERE n = 1');
SELECT twin_rows('SELECT * FROM s@ WHERE n IN (1, 2)');
ROLLBACK TO b;
SELECT twin_rows('SELECT * FROM s@ WHERE n IN (1, 2)');
SELECT twin_exec('UPDATE s@ SET n = 3 WHERE n = 1');
RELEASE a;
SELECT twin_rows('SELECT * FROM s@ WHERE n IN (1, 2, 3)');
COMMIT;
SELECT twin_rows('SELECT * FROM s@');
-- more subtransactions than a process keeps in shared memory
DO $$
BEGIN
    FOR i IN 1..150 LOOP
        BEGIN
            PERFORM twin_exec(format('UPDATE s@ SET n = n + 1000 WHERE id = %s', i));
            IF i % 3 = 0 THEN
                RAISE EXCEPTION 'undo';
            END IF;
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
    END LOOP;
END $$;
SELECT twin_rows('SELECT * FROM s@');
SELECT count(*) FROM s_p WHERE n >= 1000;
DROP FUNCTION heap_fetches;
DROP TABLE s_h, s_p;
