-- Definitions: truncation, rewrites, changes of access method, persistence, place and kind.
SET client_min_messages = warning;
SELECT twins('d', 'id serial PRIMARY KEY, n int, t text');
SELECT twin_exec($$INSERT INTO d@ (n, t) SELECT i % 10, repeat('t', i % 40) FROM generate_series(1, 3000) i$$);

-- TRUNCATE: rolled back, in the transaction that made the table, with identity, cascading
BEGIN;
TRUNCATE d_h, d_p;
SELECT twin_rows('SELECT * FROM d@');
SELECT twin_exec($$INSERT INTO d@ (n, t) VALUES (1, 'gone')$$);
ROLLBACK;
SELECT twin_rows('SELECT * FROM d@');
BEGIN;
CREATE TABLE fresh (i int) USING pagestore;
INSERT INTO fresh SELECT generate_series(1, 1000);
TRUNCATE fresh;
INSERT INTO fresh SELECT generate_series(1, 10);
TRUNCATE fresh;
INSERT INTO fresh VALUES (42);
COMMIT;
SELECT * FROM fresh;
BEGIN;
INSERT INTO fresh VALUES (43);
SAVEPOINT a;
TRUNCATE fresh;
INSERT INTO fresh VALUES (44);
ROLLBACK TO a;
INSERT INTO fresh VALUES (45);
COMMIT;
SELECT * FROM fresh ORDER BY 1;
TRUNCATE d_p RESTART IDENTITY;
TRUNCATE d_h RESTART IDENTITY;
SELECT twin_exec($$INSERT INTO d@ (n, t) SELECT i % 10, repeat('t', i % 40) FROM generate_series(1, 3000) i$$);
SELECT twin_rows('SELECT * FROM d@');
SELECT min(id), max(id) FROM d_p;

-- rewrites
SELECT twin_exec('ALTER TABLE d@ ALTER COLUMN n TYPE bigint');
SELECT twin_exec('ALTER TABLE d@ ADD COLUMN a int DEFAULT 5');
SELECT twin_exec('ALTER TABLE d@ ADD COLUMN r int DEFAULT length(md5(clock_timestamp()::text))');
SELECT twin_exec($$UPDATE d@ SET a = 6 WHERE id % 5 = 0$$);
SELECT twin_exec('ALTER TABLE d@ DROP COLUMN t');
SELECT twin_exec('ALTER TABLE d@ ADD COLUMN t text');
SELECT twin_rows('SELECT * FROM d@');
SELECT twin_exec('ALTER TABLE d@ ALTER COLUMN a SET NOT NULL, ADD CHECK (a > 0)');
SELECT twin_error('INSERT INTO d@ (n, a) VALUES (1, NULL)');
VACUUM FULL d_p;
VACUUM FULL d_h;
-- in the same places, before 16: since then heap extends by several pages
SELECT twin_rows($$SELECT CASE WHEN current_setting('server_version_num')::int < 160000 THEN ctid END, * FROM d@$$);
CREATE INDEX d_h_n ON d_h (n);
CREATE INDEX d_p_n ON d_p (n);
CLUSTER d_p USING d_p_n;
CLUSTER d_h USING d_h_n;
SELECT twin_rows($$SELECT CASE WHEN current_setting('server_version_num')::int < 160000 THEN ctid END, * FROM d@$$);
SELECT bool_and(ok) FROM (SELECT n >= lag(n) OVER (ORDER BY ctid) IS NOT FALSE AS ok FROM d_p) s;

-- SET ACCESS METHOD both ways, with what is dead, toasted and indexed
SELECT twin_exec($$UPDATE d@ SET t = repeat(md5(id::text), 300) WHERE id % 100 = 0$$);
ALTER TABLE d_p SET ACCESS METHOD heap;
SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE relname = 'd_p';
SELECT twin_rows('SELECT * FROM d@');
SELECT twin_exec('UPDATE d@ SET n = n + 1 WHERE n = 4');
ALTER TABLE d_p SET ACCESS METHOD pagestore;
SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE relname = 'd_p';
SELECT twin_rows('SELECT * FROM d@');
SELECT twin_exec('UPDATE d@ SET n = n + 1 WHERE n = 5');
BEGIN;
ALTER TABLE d_p SET ACCESS METHOD heap;
UPDATE d_p SET n = 99;
ROLLBACK;
SELECT twin_rows('SELECT * FROM d@');

-- LOGGED, UNLOGGED
SELECT twin_exec('ALTER TABLE d@ SET UNLOGGED');
SELECT relpersistence FROM pg_class WHERE relname = 'd_p';
SELECT twin_exec('UPDATE d@ SET n = n + 1 WHERE n = 6');
SELECT twin_rows('SELECT * FROM d@');
SELECT twin_exec('ALTER TABLE d@ SET LOGGED');
SELECT twin_exec('DELETE FROM d@ WHERE n = 2');
SELECT twin_rows('SELECT * FROM d@');

-- tablespaces
SET allow_in_place_tablespaces = true;
CREATE TABLESPACE ts_pagestore LOCATION '';
ALTER TABLE d_p SET TABLESPACE ts_pagestore;
SELECT twin_rows('SELECT * FROM d@');
SELECT twin_exec('UPDATE d@ SET n = n + 1 WHERE n = 7');
BEGIN;
ALTER TABLE d_p SET TABLESPACE pg_default;
ROLLBACK;
SELECT twin_rows('SELECT * FROM d@');
ALTER TABLE d_p SET TABLESPACE pg_default;
SELECT twin_rows('SELECT * FROM d@');
CREATE TABLE there (i int PRIMARY KEY) USING pagestore TABLESPACE ts_pagestore;
INSERT INTO there SELECT generate_series(1, 1000);
SELECT count(*), sum(i) FROM there;
DROP TABLE there;
DROP TABLESPACE ts_pagestore;

-- made from queries
CREATE TABLE made USING pagestore AS SELECT * FROM d_h;
SELECT count(*) FROM (SELECT * FROM made EXCEPT ALL SELECT * FROM d_h) s;
SELECT count(*) FROM made;
CREATE TABLE made_empty USING pagestore AS SELECT * FROM d_h WITH NO DATA;
SELECT count(*) FROM made_empty;
SET default_table_access_method = pagestore;
SELECT * INTO made_into FROM d_h WHERE n < 3;
RESET default_table_access_method;
SELECT amname, (SELECT count(*) FROM made_into) = (SELECT count(*) FROM d_h WHERE n < 3) AS same
FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE relname = 'made_into';

-- materialized views
CREATE MATERIALIZED VIEW mv USING pagestore AS SELECT id, n, t FROM d_p;
CREATE UNIQUE INDEX ON mv (id);
SELECT count(*) FROM (SELECT * FROM mv EXCEPT ALL SELECT id, n, t FROM d_h) s;
SELECT twin_exec('UPDATE d@ SET n = 50 WHERE id % 50 = 1');
REFRESH MATERIALIZED VIEW CONCURRENTLY mv;
SELECT count(*) FROM (SELECT * FROM mv EXCEPT ALL SELECT id, n, t FROM d_h) s;
SELECT twin_exec('DELETE FROM d@ WHERE n = 50');
REFRESH MATERIALIZED VIEW mv;
SELECT count(*) FROM (SELECT * FROM mv EXCEPT ALL SELECT id, n, t FROM d_h) s;
SELECT count(*) FROM mv;
DROP MATERIALIZED VIEW mv;

-- temporary tables
CREATE TEMP TABLE tmp (i int PRIMARY KEY, t text) USING pagestore;
INSERT INTO tmp SELECT i, repeat('x', i % 100) FROM generate_series(1, 5000) i;
UPDATE tmp SET t = 'u' WHERE i % 2 = 0;
DELETE FROM tmp WHERE i % 5 = 0;
SELECT count(*), sum(i), sum(length(t)) FROM tmp;
VACUUM tmp;
SELECT count(*), sum(i), sum(length(t)) FROM tmp;
TRUNCATE tmp;
SELECT count(*) FROM tmp;
BEGIN;
CREATE TEMP TABLE tmp_rows (i int) USING pagestore ON COMMIT DELETE ROWS;
CREATE TEMP TABLE tmp_drop (i int) USING pagestore ON COMMIT DROP;
INSERT INTO tmp_rows SELECT generate_series(1, 10);
INSERT INTO tmp_drop SELECT generate_series(1, 10);
SELECT (SELECT count(*) FROM tmp_rows), (SELECT count(*) FROM tmp_drop);
COMMIT;
SELECT count(*) FROM tmp_rows;
SELECT to_regclass('tmp_drop');

-- partitions of both kinds, rows that move, inheritance
CREATE TABLE part (k int, v text) PARTITION BY RANGE (k);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (100) USING pagestore;
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (100) TO (200) USING heap;
CREATE TABLE part_3 PARTITION OF part DEFAULT USING pagestore;
INSERT INTO part SELECT i, 'v' || i FROM generate_series(0, 299) i;
SELECT tableoid::regclass, count(*), sum(k) FROM part GROUP BY 1 ORDER BY 1;
UPDATE part SET k = k + 50 WHERE k % 100 >= 50;
SELECT tableoid::regclass, count(*), sum(k) FROM part GROUP BY 1 ORDER BY 1;
ALTER TABLE part DETACH PARTITION part_3;
SELECT count(*) FROM part;
CREATE TABLE parent (i int) USING pagestore;
CREATE TABLE child (j int) INHERITS (parent) USING pagestore;
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (2, 3);
UPDATE parent SET i = i + 10;
SELECT tableoid::regclass, i FROM parent ORDER BY i;

-- what was created and rolled back, or dropped in a savepoint
BEGIN;
CREATE TABLE never (i int) USING pagestore;
INSERT INTO never SELECT generate_series(1, 10000);
ROLLBACK;
SELECT to_regclass('never');
BEGIN;
SAVEPOINT a;
DROP TABLE fresh;
ROLLBACK TO a;
INSERT INTO fresh VALUES (46);
COMMIT;
SELECT * FROM fresh ORDER BY 1;

-- two-phase commit
BEGIN;
CREATE TABLE prepared (i int) USING pagestore;
INSERT INTO prepared SELECT generate_series(1, 100);
INSERT INTO fresh VALUES (47);
PREPARE TRANSACTION 'pagestore_one';
SELECT to_regclass('prepared'), count(*) FROM fresh;
COMMIT PREPARED 'pagestore_one';
SELECT count(*), (SELECT count(*) FROM fresh) AS fresh FROM prepared;
BEGIN;
TRUNCATE prepared;
INSERT INTO prepared VALUES (1000);
PREPARE TRANSACTION 'pagestore_two';
ROLLBACK PREPARED 'pagestore_two';
SELECT count(*), sum(i) FROM prepared;
BEGIN;
DELETE FROM prepared WHERE i > 10;
DROP TABLE fresh;
PREPARE TRANSACTION 'pagestore_three';
COMMIT PREPARED 'pagestore_three';
SELECT count(*), to_regclass('fresh') FROM prepared;

-- vacuum: space that comes back, pages that go
SELECT twins('vac', 'id int PRIMARY KEY, t text', 'WITH (autovacuum_enabled = off)');
SELECT twin_exec($$INSERT INTO vac@ SELECT i, repeat('v', 100) FROM generate_series(1, 20000) i$$);
SELECT twin_exec('DELETE FROM vac@ WHERE id % 2 = 0');
VACUUM vac_p;
VACUUM vac_h;
SELECT pg_relation_size('vac_p') = pg_relation_size('vac_h') AS same_size;
SELECT twin_exec($$INSERT INTO vac@ SELECT i, repeat('w', 100) FROM generate_series(30001, 39000) i$$);
SELECT pg_relation_size('vac_p') = pg_relation_size('vac_h') AS same_size;
SELECT twin_rows('SELECT * FROM vac@');
SELECT twin_exec('DELETE FROM vac@ WHERE id > 1000');
VACUUM (FREEZE, INDEX_CLEANUP ON, TRUNCATE ON) vac_p;
VACUUM (FREEZE, INDEX_CLEANUP ON, TRUNCATE ON) vac_h;
SELECT pg_relation_size('vac_p') < 1000000 AS truncated, twin_rows('SELECT * FROM vac@');
SELECT age(relfrozenxid) < 100 AS frozen FROM pg_class WHERE relname = 'vac_p';
SELECT twin_exec('DELETE FROM vac@');
VACUUM vac_p;
SELECT pg_relation_size('vac_p');
VACUUM (PARALLEL 0, DISABLE_PAGE_SKIPPING, SKIP_LOCKED, ANALYZE) vac_p;
SELECT reltuples, relpages FROM pg_class WHERE relname = 'vac_p';

DROP TABLE d_h, d_p, made, made_empty, made_into, tmp, tmp_rows, part, part_3, child, parent, prepared, vac_h, vac_p;
