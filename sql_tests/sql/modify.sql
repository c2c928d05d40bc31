-- Changing rows: where they go, what is logged, counted and refused, against a heap twin.
SELECT twins('m', 'id int PRIMARY KEY, n int, t text', 'WITH (fillfactor = 70)');

-- placement: same rows at the same places, fillfactor kept
SELECT twin_exec($$INSERT INTO m@ SELECT i, 0, repeat('p', i % 200) FROM generate_series(1, 2000) i$$);
SELECT twin_rows('SELECT ctid, * FROM m@');
SELECT pg_relation_size('m_h') = pg_relation_size('m_p') AS same_size;
SELECT pg_stat_force_next_flush();
SELECT pg_stat_get_tuples_inserted('m_p'::regclass) AS ins;

-- HOT where no indexed column changes and there is room, and only there; counted so
BEGIN;
SELECT twin_exec('UPDATE m@ SET n = n + 1 WHERE id % 4 = 0');
SELECT twin_rows('SELECT ctid, * FROM m@');
SELECT twin_exec('UPDATE m@ SET id = id + 100000 WHERE id % 100 = 1');
SELECT twin_rows('SELECT ctid, * FROM m@');
SELECT twin_exec($$UPDATE m@ SET t = repeat('long', 400) WHERE id % 50 = 2$$);
SELECT twin_rows('SELECT ctid, * FROM m@');
SELECT twin_exec('DELETE FROM m@ WHERE id % 10 = 3');
SELECT pg_stat_get_xact_tuples_updated(p) AS upd,
       pg_stat_get_xact_tuples_hot_updated(p) > 0 AS hot,
       pg_stat_get_xact_tuples_hot_updated(p) = pg_stat_get_xact_tuples_hot_updated(h) AS same_hot,
       pg_stat_get_xact_tuples_deleted(p) AS del
FROM (SELECT 'm_p'::regclass::oid AS p, 'm_h'::regclass::oid AS h) o;
COMMIT;
SELECT twin_rows('SELECT xmin::text::bigint > 0 AS x, * FROM m@');

-- rows too large, too long, toasted, and not
SELECT twins('w', (SELECT string_agg(format('c%s char(800)', i), ', ') FROM generate_series(1, 12) i));
SELECT twin_error('ALTER TABLE w@ ALTER c1 SET STORAGE plain, ALTER c2 SET STORAGE plain, ALTER c3 SET STORAGE plain, ALTER c4 SET STORAGE plain,
	ALTER c5 SET STORAGE plain, ALTER c6 SET STORAGE plain, ALTER c7 SET STORAGE plain, ALTER c8 SET STORAGE plain,
	ALTER c9 SET STORAGE plain, ALTER c10 SET STORAGE plain, ALTER c11 SET STORAGE plain, ALTER c12 SET STORAGE plain');
SELECT twin_error($$INSERT INTO w@ VALUES ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l')$$);
SELECT twin_exec($$INSERT INTO w@ VALUES ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i')$$);
SELECT twin_error($$UPDATE w@ SET c10 = 'x', c11 = 'y'$$);
SELECT twin_rows('SELECT * FROM w@');

SELECT twins('l', 'id int PRIMARY KEY, n int, t text');
ALTER TABLE l_h ALTER t SET STORAGE EXTERNAL;
ALTER TABLE l_p ALTER t SET STORAGE EXTERNAL;
SELECT twin_exec($$INSERT INTO l@ SELECT i, 0, repeat('e', i * 100) FROM generate_series(1, 100) i$$);
SELECT twin_exec('UPDATE l@ SET n = n + 1');
SELECT twin_exec('UPDATE l@ SET t = t || t WHERE id % 3 = 0');
SELECT twin_exec($$UPDATE l@ SET t = 'short' WHERE id % 3 = 1$$);
SELECT twin_exec('DELETE FROM l@ WHERE id > 90');
BEGIN;
SELECT twin_exec($$UPDATE l@ SET t = repeat('gone', 5000)$$);
ROLLBACK;
SELECT twin_rows('SELECT id, n, md5(t), length(t) FROM l@');
-- out-of-line values of old versions go with them
CREATE FUNCTION toast_values(t regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE 'SELECT count(DISTINCT chunk_id) FROM pg_toast.pg_toast_' || t::oid INTO n;
    RETURN n;
END $$;
SELECT toast_values('l_p') > 0 AS some, toast_values('l_p') = toast_values('l_h') AS same;

-- loading frozen rows: visible to all at once, and index-only scans need no look at the table
BEGIN;
CREATE TABLE fr (id int, t text) USING pagestore;
COPY fr FROM PROGRAM 'seq 1 3000 | sed "s/$/\tfrozen/"' WITH (FREEZE);
COMMIT;
SELECT count(*), min(id), max(id) FROM fr;
CREATE INDEX ON fr (id);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT plan_nodes('SELECT id FROM fr WHERE id < 10'), heap_fetches('SELECT id FROM fr WHERE id < 10');
UPDATE fr SET t = 'not any more' WHERE id = 5;
SELECT heap_fetches('SELECT id FROM fr WHERE id = 2');
SELECT * FROM fr WHERE id IN (4, 5);
RESET enable_seqscan;
RESET enable_bitmapscan;

-- ON CONFLICT: nothing, update, within one command, with an exclusion constraint
SELECT twins('c', 'id int PRIMARY KEY, n int, r int4range, EXCLUDE USING gist (r WITH &&)');
SELECT twin_exec('INSERT INTO c@ SELECT i, 0, int4range(i * 10, i * 10 + 5) FROM generate_series(1, 50) i');
SELECT twin_exec('INSERT INTO c@ SELECT i, -1, int4range(i * 10, i * 10 + 5) FROM generate_series(40, 60) i ON CONFLICT DO NOTHING');
SELECT twin_exec('INSERT INTO c@ SELECT i, 1, NULL FROM generate_series(1, 70, 7) i ON CONFLICT (id) DO UPDATE SET n = c@.n + 1 WHERE c@.id % 2 = 1');
SELECT twin_error('INSERT INTO c@ VALUES (500, 0, NULL), (500, 1, NULL) ON CONFLICT (id) DO UPDATE SET n = 2');
SELECT twin_error('INSERT INTO c@ VALUES (600, 0, int4range(1, 1000))');
SELECT twin_rows('SELECT * FROM c@');

-- combo command ids: a cursor sees its own command's past, rows made and removed in one transaction
BEGIN;
DECLARE cp CURSOR FOR SELECT id, n FROM m_p WHERE id < 8 ORDER BY id;
SELECT twin_exec('UPDATE m@ SET n = 100 WHERE id < 8');
SELECT twin_exec('UPDATE m@ SET n = 200 WHERE id < 6');
SELECT twin_exec('DELETE FROM m@ WHERE id < 4');
SELECT twin_exec('INSERT INTO m@ VALUES (2, 2, NULL)');
FETCH ALL FROM cp;
SELECT twin_rows('SELECT id, n, cmin = cmax AS same FROM m@ WHERE id < 8');
SAVEPOINT s;
SELECT twin_exec('DELETE FROM m@ WHERE id < 8');
ROLLBACK TO s;
SELECT twin_rows('SELECT id, n FROM m@ WHERE id < 8');
COMMIT;
SELECT twin_rows('SELECT * FROM m@');

-- WHERE CURRENT OF
BEGIN;
DECLARE ch CURSOR FOR SELECT * FROM m_h WHERE id BETWEEN 20 AND 30 ORDER BY id FOR UPDATE;
DECLARE cp CURSOR FOR SELECT * FROM m_p WHERE id BETWEEN 20 AND 30 ORDER BY id FOR UPDATE;
MOVE 3 IN ch;
MOVE 3 IN cp;
UPDATE m_h SET n = -5 WHERE CURRENT OF ch;
UPDATE m_p SET n = -5 WHERE CURRENT OF cp;
MOVE 2 IN ch;
MOVE 2 IN cp;
DELETE FROM m_h WHERE CURRENT OF ch;
DELETE FROM m_p WHERE CURRENT OF cp;
COMMIT;
SELECT twin_rows('SELECT * FROM m@');

-- an update of a row that this command has changed already
CREATE FUNCTION m_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE %I SET n = n + 1 WHERE id = $1', TG_TABLE_NAME) USING OLD.id;
    RETURN NEW;
END $$;
CREATE TRIGGER again BEFORE UPDATE OF t ON m_h FOR EACH ROW EXECUTE FUNCTION m_again();
CREATE TRIGGER again BEFORE UPDATE OF t ON m_p FOR EACH ROW EXECUTE FUNCTION m_again();
SELECT twin_error($$UPDATE m@ SET t = 'x' WHERE id = 28$$);

-- temporary and unlogged tables take the same ways
CREATE TEMP TABLE tmp_p (id int PRIMARY KEY, t text) USING pagestore;
INSERT INTO tmp_p SELECT i, repeat('t', i % 3000) FROM generate_series(1, 300) i;
UPDATE tmp_p SET t = t || 'x' WHERE id % 2 = 0;
DELETE FROM tmp_p WHERE id % 3 = 0;
SELECT count(*), sum(length(t)) FROM tmp_p;
CREATE UNLOGGED TABLE unl_p (id int PRIMARY KEY, t text) USING pagestore;
INSERT INTO unl_p SELECT * FROM tmp_p;
UPDATE unl_p SET t = 'u' WHERE id % 5 = 0;
SELECT count(*), sum(length(t)) FROM unl_p;

DROP TABLE m_h, m_p, w_h, w_p, l_h, l_p, c_h, c_p, fr, tmp_p, unl_p;
DROP FUNCTION m_again, toast_values;
