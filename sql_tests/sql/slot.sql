-- The slot: values borrowed from the page, copies where they must outlive it, system columns.
SET max_parallel_workers_per_gather = 0;
SELECT twins('sl', 'id int, t text, u uuid, n numeric');
SELECT twin_exec($$INSERT INTO sl@ SELECT i, 'text of row ' || i, md5(i::text)::uuid, i / 7.0 FROM generate_series(1, 1000) i$$);

-- A scan's values lie in the pool, uncopied; what has been sorted, computed or kept elsewhere does not.
-- (An aggregate keeps a copy of its first row: the function is called below it.)
CREATE VIEW sl_where AS SELECT pagestore_in_pool(t) AS t, pagestore_in_pool(u) AS u, pagestore_in_pool(n) AS n,
    pagestore_in_pool(id) AS by_value, id, ctid AS tid FROM sl_p OFFSET 0;
SELECT t, u, n, by_value, count(*) FROM sl_where GROUP BY 1, 2, 3, 4;
SELECT bool_or(pagestore_in_pool(t)) FROM (SELECT t FROM sl_p ORDER BY t OFFSET 0) s;
SELECT bool_or(pagestore_in_pool(t || 'x')) FROM sl_p;
SELECT bool_or(pagestore_in_pool(t)) FROM (SELECT t FROM sl_h OFFSET 0) s;
WITH kept AS MATERIALIZED (SELECT t FROM sl_p) SELECT bool_or(pagestore_in_pool(t)) FROM kept;
CREATE INDEX sl_p_id ON sl_p (id);
CREATE INDEX sl_h_id ON sl_h (id);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT pagestore_in_pool(t), t FROM sl_p WHERE id = 77;
SET enable_bitmapscan = on;
SET enable_indexscan = off;
SELECT bool_and(t), count(*) FROM (SELECT pagestore_in_pool(t) AS t FROM sl_p WHERE id BETWEEN 70 AND 200 OFFSET 0) s;
RESET enable_seqscan;
RESET enable_indexscan;
SELECT pagestore_in_pool(t), t FROM sl_p WHERE ctid = ANY (array['(0,1)', '(1,1)']::tid[]);
SELECT bool_and(t), count(*) FROM (SELECT pagestore_in_pool(t) AS t FROM sl_p TABLESAMPLE SYSTEM (100) OFFSET 0) s;
DROP VIEW sl_where;
-- a temporary table's pages are in local buffers
CREATE TEMP TABLE sl_temp USING pagestore AS SELECT * FROM sl_p;
SELECT bool_or(t), count(*) FROM (SELECT pagestore_in_pool(t) AS t FROM sl_temp OFFSET 0) s;
SELECT count(*) FROM (SELECT * FROM sl_temp EXCEPT ALL SELECT * FROM sl_h) s;

-- Whole rows, minimal tuples (hash, sort, tuplestore), composite values.
SELECT twin_rows('SELECT (s).id, (s).t, s::text FROM (SELECT sl AS s FROM sl@ sl) q');
SELECT twin_rows('SELECT a.*, b.t FROM sl@ a JOIN sl@ b ON a.id = b.id + 1');
SELECT twin_rows('SELECT DISTINCT substr(t, 1, 13), count(*) OVER (ORDER BY t ROWS 3 PRECEDING) FROM sl@');
SELECT twin_rows('SELECT lag(sl) OVER (ORDER BY id)::text, id FROM sl@ sl');

-- System columns.
BEGIN;
SELECT twin_exec('UPDATE sl@ SET n = 1 WHERE id = 10');
SELECT twin_exec('DELETE FROM sl@ WHERE id = 11');
SELECT twin_exec('INSERT INTO sl@ (id) VALUES (2000)');
SELECT id, xmin = pg_current_xact_id()::xid AS mine, cmin::text::int >= 0 AS cmin, cmax::text::int >= 0 AS cmax, xmax, tableoid::regclass
FROM sl_p WHERE id IN (9, 10, 2000) ORDER BY id;
SELECT twin_rows('SELECT ctid, id, xmin = pg_current_xact_id()::xid, xmax::text FROM sl@');
ROLLBACK;
-- a row locked while a cursor stands on its page, and after its page has moved to another frame
CREATE FUNCTION sl_cursors() RETURNS TABLE (id int, locked bool) LANGUAGE plpgsql AS $$
DECLARE
    h CURSOR FOR SELECT s.id, s.xmax = pg_current_xact_id()::xid AS locked, s.t FROM sl_h s;
    p CURSOR FOR SELECT s.id, s.xmax = pg_current_xact_id()::xid AS locked, s.t FROM sl_p s;
    rh record;
    rp record;
BEGIN
    OPEN h;
    OPEN p;
    FETCH h INTO rh;
    FETCH p INTO rp;
    BEGIN
        -- rows that are dead at once: reason to prune
        UPDATE sl_h s SET t = t || 'x' WHERE s.id < 60;
        UPDATE sl_p s SET t = t || 'x' WHERE s.id < 60;
        RAISE EXCEPTION 'undo';
    EXCEPTION WHEN raise_exception THEN
        NULL;
    END;
    PERFORM count(*) FROM sl_h;
    PERFORM count(*) FROM sl_p;
    PERFORM 1 FROM sl_h s WHERE s.id IN (3, 5) FOR UPDATE;
    PERFORM 1 FROM sl_p s WHERE s.id IN (3, 5) FOR UPDATE;
    FOR i IN 2..7 LOOP
        FETCH h INTO rh;
        FETCH p INTO rp;
        IF rh IS DISTINCT FROM rp THEN
            RAISE EXCEPTION 'heap: %, pagestore: %', rh, rp;
        END IF;
        id := rp.id;
        locked := rp.locked;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT * FROM sl_cursors();
DROP FUNCTION sl_cursors;

-- Triggers and transition tables.
CREATE FUNCTION sl_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE NOTICE '% -> %', OLD, NEW;
    ELSE
        RAISE NOTICE '%', (SELECT string_agg(o::text, ' ' ORDER BY id) FROM o);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER a AFTER UPDATE ON sl_p FOR EACH ROW EXECUTE FUNCTION sl_note();
CREATE TRIGGER b AFTER DELETE ON sl_p REFERENCING OLD TABLE AS o FOR EACH STATEMENT EXECUTE FUNCTION sl_note();
BEGIN;
UPDATE sl_p SET n = -1 WHERE id = 5;
DELETE FROM sl_p WHERE id IN (5, 6);
ROLLBACK;
DROP TRIGGER a ON sl_p;
DROP TRIGGER b ON sl_p;

-- Values stay when their pin has gone: a cursor kept over the end of its transaction, a variable.
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT id, t FROM sl_p WHERE id <= 3 ORDER BY ctid;
COMMIT;
DELETE FROM sl_p WHERE id <= 3;
DELETE FROM sl_h WHERE id <= 3;
VACUUM sl_p;
FETCH ALL FROM c;
CLOSE c;
DO $$
DECLARE
    r sl_p;
BEGIN
    SELECT * INTO r FROM sl_p WHERE id = 4;
    COMMIT;
    DELETE FROM sl_p WHERE id = 4;
    DELETE FROM sl_h WHERE id = 4;
    COMMIT;
    RAISE NOTICE '%', r.t;
END $$;
SELECT twin_rows('SELECT * FROM sl@');
DROP TABLE sl_h, sl_p, sl_temp;

-- Extracting columns: every mix of widths, alignments and nulls, read whole and in part.
CREATE FUNCTION deform_differences(rounds int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    types text[] := '{bool,"\"char\"",int2,int4,int8,float8,text,"varchar(9)",name,uuid,interval,numeric,point,date,bytea,"char(5)",int4[],timetz,macaddr}';
    samples text[] := array['true', '''x''::"char"', '7::int2', '-5', '123456789012', '2.5', 'repeat(''t'', i % 40)',
        'left(i::text, 9)', '''n''||i', 'md5(i::text)::uuid', 'make_interval(days => i)', 'i/3.0', 'point(i,1)',
        'current_date', 'decode(md5(i::text),''hex'')', '''c''||i%9', 'array[i,null,2]', '''10:00+02''::timetz',
        '''08:00:2b:01:02:03''::macaddr'];
    columns text;
    vals text;
    k int;
    n int;
    bad int := 0;
BEGIN
    PERFORM setseed(0.15);
    FOR round IN 1..rounds LOOP
        columns := '';
        vals := '';
        n := 1 + (random() * 20)::int;
        FOR c IN 1..n LOOP
            k := 1 + floor(random() * array_length(types, 1))::int;
            columns := columns || format('%sc%s %s', CASE WHEN c > 1 THEN ', ' END, c, types[k]);
            vals := vals || format('%sCASE WHEN random() < %s THEN %s END', CASE WHEN c > 1 THEN ', ' END,
                                   CASE WHEN random() < 0.5 THEN 1 ELSE 0.7 END, samples[k]);
        END LOOP;
        PERFORM twins('df', columns);
        EXECUTE format('INSERT INTO df_h SELECT %s FROM generate_series(1, 60) i', vals);
        INSERT INTO df_p SELECT * FROM df_h;
        IF round % 3 = 0 THEN
            EXECUTE 'ALTER TABLE df_h ADD later text DEFAULT ''missing'', ADD more int';
            EXECUTE 'ALTER TABLE df_p ADD later text DEFAULT ''missing'', ADD more int';
        END IF;
        IF round % 4 = 0 AND n > 2 THEN
            EXECUTE 'ALTER TABLE df_h DROP c2';
            EXECUTE 'ALTER TABLE df_p DROP c2';
        END IF;
        IF (SELECT string_agg(df_h::text, ';' ORDER BY ctid) FROM df_h) IS DISTINCT FROM
           (SELECT string_agg(df_p::text, ';' ORDER BY ctid) FROM df_p) THEN
            bad := bad + 1;
        END IF;
        -- a late column first, then an early one
        PERFORM twin_rows(format('SELECT c%s::text, c1::text, ctid FROM df@ WHERE c%s IS NOT NULL OR c1 IS NULL', n, n));
        DROP TABLE df_h, df_p;
    END LOOP;
    RETURN bad;
END $$;
SELECT deform_differences(60);
DROP FUNCTION deform_differences;
