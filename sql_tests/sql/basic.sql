-- The extension, and rows in and out, against a heap twin.
SELECT amname, amtype FROM pg_am WHERE amname = 'pagestore';
DROP EXTENSION pagestore;
CREATE TABLE no_such_am (i int) USING pagestore;
CREATE EXTENSION pagestore;

SELECT twins('b', 'id int PRIMARY KEY, n int, t text');
SELECT relname, amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE relname IN ('b_h', 'b_p') ORDER BY 1;

-- empty
SELECT twin_rows('SELECT * FROM b@');
SELECT pg_relation_size('b_p');
SELECT twin_exec('UPDATE b@ SET n = 1');
SELECT twin_exec('DELETE FROM b@');

SELECT twin_exec($$INSERT INTO b@ SELECT i, i % 10, repeat('x', i % 50) || i FROM generate_series(1, 5000) i$$);
SELECT twin_rows('SELECT * FROM b@');
SELECT twin_rows('SELECT ctid, * FROM b@');
SELECT pg_relation_size('b_h') = pg_relation_size('b_p') AS same_size;

-- updates: of nothing, one row, many rows, of the key, several in one transaction
SELECT twin_exec('UPDATE b@ SET n = n WHERE id < 0');
SELECT twin_exec('UPDATE b@ SET n = n + 1 WHERE id = 77');
SELECT twin_exec('UPDATE b@ SET n = n + 1 WHERE n = 3');
SELECT twin_exec('UPDATE b@ SET id = id + 100000 WHERE n = 4');
SELECT twin_exec($$UPDATE b@ SET t = repeat('y', 200) WHERE n = 5$$);
BEGIN;
SELECT twin_exec('UPDATE b@ SET n = n + 1 WHERE id <= 10');
SELECT twin_exec('UPDATE b@ SET n = n + 1 WHERE id <= 10');
SELECT twin_exec('DELETE FROM b@ WHERE id = 5');
SELECT twin_rows('SELECT * FROM b@ WHERE id <= 10');
COMMIT;
SELECT twin_rows('SELECT * FROM b@');

-- rolled back
BEGIN;
SELECT twin_exec('DELETE FROM b@ WHERE n > 2');
SELECT twin_exec($$INSERT INTO b@ SELECT -i, 0, 'rolled back' FROM generate_series(1, 500) i$$);
SELECT twin_exec('UPDATE b@ SET n = -n');
SELECT twin_rows('SELECT * FROM b@');
ROLLBACK;
SELECT twin_rows('SELECT * FROM b@');
SELECT min(n), count(*) FROM b_p;

SELECT twin_exec('DELETE FROM b@ WHERE id % 3 = 0');
SELECT twin_rows('SELECT * FROM b@');
SELECT twin_exec($$INSERT INTO b@ SELECT i, 1, 'again' FROM generate_series(3, 5000, 3) i ON CONFLICT DO NOTHING$$);
SELECT twin_rows('SELECT * FROM b@');

-- RETURNING, CTEs, self joins, sources that are the target
SELECT twin_exec('INSERT INTO b@ SELECT id + 200000, n, t FROM b@ WHERE n = 6');
WITH gone AS (DELETE FROM b_p WHERE id BETWEEN 1 AND 20 RETURNING id, n, t),
     gone_h AS (DELETE FROM b_h WHERE id BETWEEN 1 AND 20 RETURNING id, n, t)
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM gone_h),
       (SELECT count(*) FROM (SELECT * FROM gone EXCEPT ALL SELECT * FROM gone_h) s) AS differ;
UPDATE b_p SET n = 1000 WHERE id = 22 RETURNING id, n, t, tableoid::regclass;
SELECT twin_exec('UPDATE b@ SET n = 1000 WHERE id = 22');
SELECT twin_exec('UPDATE b@ a SET n = b.n + 1 FROM b@ b WHERE a.id = b.id + 1 AND b.id < 300');
SELECT twin_rows('SELECT * FROM b@');

-- MERGE
SELECT twin_exec($$MERGE INTO b@ t USING (SELECT i AS id, i % 7 AS n FROM generate_series(1, 60) i) s ON t.id = s.id
    WHEN MATCHED AND s.n = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET n = s.n, t = 'merged'
    WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.n, 'new')$$);
SELECT twin_rows('SELECT * FROM b@');

-- COPY in and out
COPY b_p TO PROGRAM 'cat >/dev/null';
CREATE TABLE copied (LIKE b_p) USING pagestore;
COPY copied FROM STDIN;
1	2	three
2	\N	\N
3	4	
\.
TABLE copied ORDER BY id;
COPY (SELECT id, n FROM copied ORDER BY id) TO STDOUT;

-- system columns
SELECT count(*) FROM b_p WHERE tableoid <> 'b_p'::regclass OR xmin IS NULL OR cmin IS NULL OR cmax IS NULL;
BEGIN;
INSERT INTO copied VALUES (10, 1, 'a');
INSERT INTO copied VALUES (11, 1, 'a');
DELETE FROM copied WHERE id = 2;
SELECT id, cmin, cmax, xmin = pg_current_xact_id()::xid AS mine FROM copied WHERE id >= 10 ORDER BY id;
ROLLBACK;

-- whole rows, nulls, no columns at all
SELECT b_p FROM b_p WHERE id = 22;
CREATE TABLE nothing () USING pagestore;
INSERT INTO nothing DEFAULT VALUES;
INSERT INTO nothing DEFAULT VALUES;
SELECT count(*) FROM nothing;
SELECT FROM nothing;

-- generated columns and triggers
CREATE TABLE gen (a int, b int GENERATED ALWAYS AS (a * 2) STORED, c timestamptz DEFAULT now(), d int GENERATED ALWAYS AS IDENTITY) USING pagestore;
INSERT INTO gen (a) SELECT generate_series(1, 3);
UPDATE gen SET a = 10 WHERE a = 2;
SELECT a, b, c IS NOT NULL AS c, d FROM gen ORDER BY d;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_LEVEL = 'STATEMENT' THEN
        RAISE NOTICE '% %: % old, % new', TG_WHEN, TG_OP, (SELECT count(*) FROM old_rows), (SELECT sum(a) FROM new_rows);
        RETURN NULL;
    END IF;
    RAISE NOTICE '% %: % to %', TG_WHEN, TG_OP, OLD.a, NEW.a;
    RETURN NEW;
END $$;
CREATE TRIGGER before_row BEFORE UPDATE ON gen FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER after_row AFTER UPDATE ON gen FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER after_all AFTER UPDATE ON gen REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note();
UPDATE gen SET a = a + 1 WHERE a > 1;

DROP TABLE b_h, b_p, copied, nothing, gen;
