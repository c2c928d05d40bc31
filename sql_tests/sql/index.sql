-- Every kind of index, built before and after the rows, used and checked against a heap twin.
SET client_min_messages = warning;
CREATE EXTENSION amcheck;
SELECT twins('x', 'id int, n int, a int[], t text, p point, r int4range, w tsvector');
SELECT twin_exec($$INSERT INTO x@ SELECT i, i % 50, array[i % 10, i % 20], 'text' || i % 300, point(i % 100, i % 37),
    int4range(i, i + 3), to_tsvector('simple', 'w' || i % 40 || ' x' || i % 7) FROM generate_series(1, 8000) i$$);
SELECT twin_exec('DELETE FROM x@ WHERE id % 17 = 0');
SELECT twin_exec('UPDATE x@ SET n = n + 1 WHERE id % 5 = 0');
DO $$
DECLARE
    kind text;
BEGIN
    FOREACH kind IN ARRAY array['btree (id)', 'btree (n) INCLUDE (t)', 'btree (lower(t)) WHERE n < 25', 'hash (n)', 'gin (a)', 'gin (w)',
                                'gist (p)', 'gist (r)', 'spgist (t)', 'brin (id) WITH (pages_per_range = 4)'] LOOP
        PERFORM twin_exec('CREATE INDEX ON x@ USING ' || kind);
    END LOOP;
END $$;
SELECT indexrelid::regclass, bt_index_check(indexrelid, true) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
WHERE indrelid = 'x_p'::regclass AND relam = (SELECT oid FROM pg_am WHERE amname = 'btree') ORDER BY 1;

CREATE FUNCTION by_index(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    SET LOCAL enable_seqscan = off;
    n := twin_rows(q);
    -- which kind of scan is the planner's affair, and its version's
    RETURN n || ' rows, ' || regexp_replace(plan_nodes(regexp_replace(q, '(?<=\w)@', '_p', 'g')), '.*Index.*', 'by index');
END $$;
CREATE FUNCTION by_all() RETURNS TABLE (what text) LANGUAGE sql AS $$
    SELECT by_index('SELECT id FROM x@ WHERE id BETWEEN 100 AND 120')
    UNION ALL SELECT by_index('SELECT id FROM x@ WHERE n = 7 AND id < 4000')
    UNION ALL SELECT by_index($q$SELECT id FROM x@ WHERE lower(t) = 'text7' AND n < 25$q$)
    UNION ALL SELECT by_index('SELECT id FROM x@ WHERE a @> array[7, 17]')
    UNION ALL SELECT by_index($q$SELECT id FROM x@ WHERE w @@ 'w7 & x3'$q$)
    UNION ALL SELECT by_index($q$SELECT id FROM x@ WHERE p <@ box '(3,3),(10,10)'$q$)
    UNION ALL SELECT by_index('SELECT id FROM x@ WHERE r && int4range(500, 510)')
    UNION ALL SELECT by_index($q$SELECT id FROM x@ WHERE t ~>=~ 'text29' AND t ~<~ 'text2:'$q$)
$$;
SELECT * FROM by_all();
SELECT by_index('(SELECT p <-> point(5, 5) FROM x@ ORDER BY p <-> point(5, 5) LIMIT 10)');

-- rows that come, go and move while all those indexes exist
SELECT twin_exec($$INSERT INTO x@ SELECT i, i % 50, array[i % 10, i % 20], 'text' || i % 300, point(i % 100, i % 37),
    int4range(i, i + 3), to_tsvector('simple', 'w' || i % 40 || ' x' || i % 7) FROM generate_series(8001, 12000) i$$);
SELECT twin_exec('UPDATE x@ SET id = id + 100000, n = n + 2, a = a || 99 WHERE id % 4 = 0');
SELECT twin_exec('DELETE FROM x@ WHERE id % 6 = 0');
SELECT * FROM by_all();
VACUUM x_h;
VACUUM x_p;
SELECT * FROM by_all();
SELECT twin_exec($$INSERT INTO x@ SELECT i, i % 50, array[i % 10, i % 20], 'text' || i % 300, point(i % 100, i % 37),
    int4range(i, i + 3), to_tsvector('simple', 'w' || i % 40 || ' x' || i % 7) FROM generate_series(20001, 24000) i$$);
SELECT brin_summarize_new_values('x_p_id_idx1') IS NOT NULL AS summarized;
SELECT * FROM by_all();
REINDEX TABLE x_p;
SELECT * FROM by_all();
REINDEX TABLE CONCURRENTLY x_p;
SELECT * FROM by_all();
SELECT count(bt_index_check(indexrelid, true)::text) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
WHERE indrelid = 'x_p'::regclass AND relam = (SELECT oid FROM pg_am WHERE amname = 'btree');

-- CONCURRENTLY, unique, over broken HOT chains
CREATE UNIQUE INDEX CONCURRENTLY x_p_unique ON x_p (id, n);
CREATE UNIQUE INDEX x_h_unique ON x_h (id, n);
SELECT bt_index_check('x_p_unique', true);
SELECT twin_error('INSERT INTO x@ (id, n) SELECT id, n FROM x@ LIMIT 1') LIKE '23505%' AS unique_violation;
BEGIN;
SELECT twin_exec('UPDATE x@ SET t = upper(t) WHERE id % 10 = 1');
CREATE INDEX x_p_late ON x_p (t);
CREATE INDEX x_h_late ON x_h (t);
SELECT by_index($$SELECT id FROM x@ WHERE t = 'TEXT1'$$);
COMMIT;
SELECT by_index($$SELECT id FROM x@ WHERE t = 'TEXT1'$$);

-- parallel build
SET min_parallel_table_scan_size = 0;
SET max_parallel_maintenance_workers = 2;
ALTER TABLE x_p SET (parallel_workers = 2);
CREATE INDEX x_p_parallel ON x_p (n, id, t);
SELECT bt_index_check('x_p_parallel', true);
RESET min_parallel_table_scan_size;

-- entries that only old versions need go when a leaf fills up (bottom-up and simple deletion)
SELECT twins('hot', 'id int PRIMARY KEY, n int', 'WITH (autovacuum_enabled = off)');
CREATE INDEX hot_h_n ON hot_h (n);
CREATE INDEX hot_p_n ON hot_p (n);
SELECT twin_exec('INSERT INTO hot@ SELECT i, i FROM generate_series(1, 300) i');
CREATE PROCEDURE churn() LANGUAGE plpgsql AS $$
BEGIN
    FOR r IN 1..60 LOOP
        PERFORM twin_exec('UPDATE hot@ SET n = n + 1000');
        COMMIT;
    END LOOP;
END $$;
CALL churn();
SELECT pg_relation_size('hot_p_n') <= pg_relation_size('hot_h_n') * 1.5 AS small_index,
       pg_relation_size('hot_p') <= pg_relation_size('hot_h') * 1.5 AS small_table;
SELECT bt_index_check('hot_p_n', true), bt_index_check('hot_p_pkey', true);
SELECT twin_rows('SELECT * FROM hot@');

DROP FUNCTION by_all, by_index;
DROP PROCEDURE churn;
DROP TABLE x_h, x_p, hot_h, hot_p;
DROP EXTENSION amcheck;
