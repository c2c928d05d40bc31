-- pagestore_convert(): what it takes and what it refuses, beside ALTER TABLE on heap.
SET client_min_messages = warning;

CREATE ROLE regress_ps_other;
CREATE TABLE cv (id int PRIMARY KEY, t text) USING heap;
INSERT INTO cv SELECT i, 'row ' || i FROM generate_series(1, 2000) i;
CREATE VIEW cv_view AS SELECT 1 AS i;
CREATE MATERIALIZED VIEW cv_matview USING heap AS SELECT * FROM cv;
CREATE SEQUENCE cv_seq;
CREATE INDEX cv_index ON cv (t);
CREATE TYPE cv_type AS (i int);
CREATE TEMP TABLE cv_temp (i int) USING heap;
INSERT INTO cv_temp SELECT generate_series(1, 500);

-- the same errors, whoever asks
CREATE FUNCTION state_of(q text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE q;
    RETURN 'none';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
CREATE FUNCTION beside_heap() RETURNS TABLE (relation text, alter_table text, convert text) LANGUAGE sql AS $$
    SELECT r, state_of(format('ALTER TABLE %s SET ACCESS METHOD pagestore', r)), state_of(format('SELECT pagestore_convert(%L, %L)', r, 'pagestore'))
    FROM unnest(ARRAY['cv_view', 'cv_seq', 'cv_index', 'pg_class', 'pg_catalog.pg_class_oid_index', 'no_such_table',
        (SELECT reltoastrelid::regclass::text FROM pg_class WHERE oid = 'cv'::regclass)]) WITH ORDINALITY u(r, n) ORDER BY n
$$;
SELECT regexp_replace(relation, '\d+', 'N') AS relation, alter_table, convert, alter_table = convert AS same FROM beside_heap();
SELECT pagestore_convert(1, 'pagestore');
SELECT pagestore_convert('cv', 'no_such_method');
SELECT pagestore_convert('cv', 'btree');
SET ROLE regress_ps_other;
SELECT pagestore_convert('cv', 'pagestore');
SELECT pagestore_convert('cv', 'heap');
SELECT pagestore_convert('pg_class', 'pagestore');
SELECT pagestore_convert('cv_view', 'pagestore');
RESET ROLE;

-- in use
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM cv;
FETCH 1 FROM c;
SELECT pagestore_convert('cv', 'pagestore');
ROLLBACK;

-- there and back
SELECT pagestore_convert('cv', 'heap'), pagestore_convert('cv', 'pagestore'), pagestore_convert('cv', 'pagestore');
SELECT count(*), sum(id) FROM cv;
SELECT pagestore_convert('cv_matview', 'pagestore'), pagestore_convert('cv_temp', 'pagestore');
REFRESH MATERIALIZED VIEW cv_matview;
UPDATE cv_temp SET i = i + 1;
SELECT (SELECT count(*) FROM cv_matview), (SELECT sum(i) FROM cv_temp);
SELECT relname, amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE relname IN ('cv', 'cv_matview', 'cv_temp') ORDER BY 1;
-- the access method is kept from being dropped by each
SELECT count(*) FROM pg_depend WHERE refobjid = (SELECT oid FROM pg_am WHERE amname = 'pagestore') AND objid IN ('cv'::regclass, 'cv_matview'::regclass, 'cv_temp'::regclass);

-- within a transaction, savepoints, changes on both sides
BEGIN;
UPDATE cv SET t = 'a' WHERE id % 3 = 0;
SELECT pagestore_convert('cv', 'heap');
UPDATE cv SET t = 'b' WHERE id % 3 = 1;
SAVEPOINT s;
SELECT pagestore_convert('cv', 'pagestore');
UPDATE cv SET t = 'c';
DELETE FROM cv WHERE id % 2 = 0;
ROLLBACK TO s;
SELECT t, count(*) FROM cv WHERE id % 3 < 2 GROUP BY 1 ORDER BY 1;
SELECT pagestore_convert('cv', 'pagestore');
DELETE FROM cv WHERE id > 1000;
COMMIT;
SELECT count(*), count(*) FILTER (WHERE t = 'a'), count(*) FILTER (WHERE t = 'b') FROM cv;
SET enable_seqscan = off;
SELECT count(*), min(id), max(id) FROM cv WHERE id > 0;
RESET enable_seqscan;
BEGIN;
SELECT pagestore_convert('cv', 'heap');
DELETE FROM cv;
ROLLBACK;
SELECT count(*), count(*) FILTER (WHERE t = 'a'), count(*) FILTER (WHERE t = 'b') FROM cv;

-- parallel workers read what the transaction has just switched
BEGIN;
SELECT pagestore_convert('cv', 'heap');
UPDATE cv SET t = 'p' WHERE id <= 500;
SELECT pagestore_convert('cv', 'pagestore');
UPDATE cv SET t = 'q' WHERE id <= 250;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_leader_participation = off;
SET LOCAL max_parallel_workers_per_gather = 2;
SELECT count(*) FILTER (WHERE t = 'p') AS p, count(*) FILTER (WHERE t = 'q') AS q, count(*) FROM cv;
COMMIT;
SELECT count(*) FILTER (WHERE t = 'p') AS p, count(*) FILTER (WHERE t = 'q') AS q, count(*) FROM cv;

DROP TABLE cv CASCADE;
DROP VIEW cv_view;
DROP SEQUENCE cv_seq;
DROP TYPE cv_type;
DROP FUNCTION state_of, beside_heap;
DROP ROLE regress_ps_other;
