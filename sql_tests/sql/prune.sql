-- HOT chains, pruning and line pointers against a heap twin: the same rows in the same places.
SET client_min_messages = warning;
CREATE EXTENSION amcheck;

-- Updates of one row on a page with little room: each finds the room that the one before last left.
SELECT twins('pr', 'id int PRIMARY KEY, n int, t text', 'WITH (autovacuum_enabled = off, fillfactor = 80)');
SELECT twin_exec($$INSERT INTO pr@ SELECT i, 0, repeat('x', 100) FROM generate_series(1, 200) i$$);
CALL settle();
CREATE PROCEDURE churn(q text, times int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. times LOOP
        PERFORM twin_exec(replace(q, '#', i::text));
        COMMIT;
    END LOOP;
END $$;
CALL churn('UPDATE pr@ SET n = # WHERE id = 7', 300);
SELECT twin_rows('SELECT ctid, * FROM pr@');
SELECT pg_relation_size('pr_h') = pg_relation_size('pr_p') AS same_size;
CALL churn('UPDATE pr@ SET n = n + 1 WHERE id % 10 = # % 10', 100);
SELECT twin_rows('SELECT ctid, * FROM pr@');
SELECT pg_relation_size('pr_h') = pg_relation_size('pr_p') AS same_size;

-- by the index, through redirects; and by TID, which leads to the version or nowhere
SET enable_seqscan = off;
SELECT plan_nodes('SELECT * FROM pr_p WHERE id BETWEEN 1 AND 20');
SELECT twin_rows('SELECT ctid, * FROM pr@ WHERE id BETWEEN 1 AND 20');
RESET enable_seqscan;
SELECT count(*) FROM pr_h h FULL JOIN pr_p p ON h.ctid = p.ctid WHERE h.id IS DISTINCT FROM p.id;

-- Rolled back: the versions are dead at once, whoever looks on.
CREATE PROCEDURE abandon(times int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. times LOOP
        PERFORM twin_exec('UPDATE pr@ SET n = -1 WHERE id < 60');
        PERFORM twin_exec('UPDATE pr@ SET n = -2 WHERE id < 30');
        PERFORM twin_exec(format('INSERT INTO pr@ VALUES (%s, -1)', 1000 + i));
        ROLLBACK;
    END LOOP;
END $$;
CALL abandon(20);
SELECT twin_rows('SELECT ctid, * FROM pr@');
-- (PostgreSQL 19's heap, which looks at new rows' pages, too, but needs a cleanup lock, takes a page more)
SELECT pg_relation_size('pr_h') >= pg_relation_size('pr_p') AS no_larger;

-- A part of a transaction rolled back, the rest not.
BEGIN;
SELECT twin_exec('UPDATE pr@ SET n = 1 WHERE id = 3');
SAVEPOINT a;
SELECT twin_exec('UPDATE pr@ SET n = 2 WHERE id = 3');
SELECT twin_exec('DELETE FROM pr@ WHERE id = 4');
ROLLBACK TO a;
SELECT twin_exec('UPDATE pr@ SET n = 3 WHERE id IN (3, 4)');
COMMIT;
SELECT twin_rows('SELECT ctid, * FROM pr@ WHERE id IN (3, 4)');

-- Deleted rows leave dead line pointers until vacuum has cleaned the indexes, then they are used again.
SELECT twin_exec('DELETE FROM pr@ WHERE id % 4 = 0');
CALL churn('UPDATE pr@ SET n = # WHERE id % 4 = 1', 3);
SELECT twin_rows('SELECT ctid, * FROM pr@');
CALL settle();
VACUUM pr_h, pr_p;
SELECT twin_exec($$INSERT INTO pr@ SELECT i, 5, repeat('y', 50) FROM generate_series(2001, 2100) i$$);
SELECT twin_rows('SELECT ctid, * FROM pr@');

-- A page pruned under our own cursor: it goes on with the bytes that it holds.
CREATE TABLE pin_p (id int PRIMARY KEY, n int, t text) USING pagestore WITH (autovacuum_enabled = off);
INSERT INTO pin_p SELECT i, 0, repeat('r' || i, 30) FROM generate_series(1, 60) i;
CALL settle();
UPDATE pin_p SET n = 1 WHERE id <= 10;
UPDATE pin_p SET n = 2 WHERE id <= 10;
CALL settle();
BEGIN;
SELECT ghosts_made AS ghosts FROM pg_stat_pagestore \gset
DECLARE c CURSOR FOR SELECT id, n, t = repeat('r' || id, 30) AS whole FROM pin_p;
FETCH 2 FROM c;
UPDATE pin_p SET n = 3 WHERE id <= 40;
UPDATE pin_p SET n = 4 WHERE id <= 40;
SELECT ghosts_made > :ghosts AS page_moved FROM pg_stat_pagestore;
SELECT id, n, t = repeat('r' || id, 30) AS whole FROM pin_p WHERE id IN (1, 20, 60) ORDER BY id;
FETCH 3 FROM c;
MOVE FORWARD 50 IN c;
FETCH 2 FROM c;
FETCH 100 FROM c;
COMMIT;
SELECT count(*), sum(n) FROM pin_p;

-- Versions of rows whose indexed columns never change do not make the indexes grow (bottom-up deletion).
SELECT twins('bu', 'id int PRIMARY KEY, n int, c int', 'WITH (autovacuum_enabled = off)');
SELECT twin_exec('INSERT INTO bu@ SELECT i, 0, i % 5 FROM generate_series(1, 5000) i');
SELECT twin_exec('CREATE INDEX ON bu@ (c)');
SELECT twin_exec('CREATE INDEX ON bu@ (n)');
SELECT pg_relation_size('bu_p_pkey') AS pkey, pg_relation_size('bu_p_c_idx') AS c \gset
CALL settle();
CALL churn('UPDATE bu@ SET n = n + 1 WHERE id % 4 = # % 4', 24);
SELECT twin_rows('SELECT * FROM bu@');
SELECT pg_relation_size('bu_p_pkey') <= :pkey * 3 AS pkey_kept_small, pg_relation_size('bu_p_c_idx') <= :c * 3.5 AS c_kept_small;
SELECT bt_index_check(indexrelid, true) FROM pg_index WHERE indrelid IN ('bu_p'::regclass, 'pr_p'::regclass);
-- what heap makes of the pages
SELECT pagestore_convert('pr_p', 'heap'), pagestore_convert('bu_p', 'heap'), pagestore_convert('pin_p', 'heap');
SELECT count(*) FROM (SELECT * FROM verify_heapam('pr_p') UNION ALL SELECT * FROM verify_heapam('bu_p') UNION ALL SELECT * FROM verify_heapam('pin_p')) s;
DROP TABLE pr_h, pr_p, bu_h, bu_p, pin_p;
DROP PROCEDURE churn, abandon;
DROP EXTENSION amcheck;
