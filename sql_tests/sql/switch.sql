-- ALTER TABLE ... SET ACCESS METHOD between heap and pagestore: the catalog only, and else what core's rewrite gives.
-- Core's own way is had by naming the present access method first: then it is left to core.
SET client_min_messages = warning;
CREATE ROLE regress_ps_owner;
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE sw_parent (id int PRIMARY KEY) USING heap;
INSERT INTO sw_parent SELECT generate_series(1, 10);
CREATE FUNCTION sw_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;

CREATE FUNCTION am_of(r regclass) RETURNS name LANGUAGE sql AS $$ SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE c.oid = r $$;
CREATE FUNCTION core_switch(r text, am text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s SET ACCESS METHOD %s, SET ACCESS METHOD %s', r, am_of(r::regclass), am);
END $$;

-- table, indexes, TOAST table and its index
CREATE FUNCTION sw_parts(r regclass) RETURNS TABLE (part regclass) LANGUAGE sql AS $$
    SELECT r UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid = r
    UNION ALL SELECT reltoastrelid FROM pg_class WHERE oid = r AND reltoastrelid <> 0
    UNION ALL SELECT indexrelid FROM pg_index JOIN pg_class c ON indrelid = c.reltoastrelid WHERE c.oid = r
$$;
CREATE FUNCTION sw_named(x text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(x, 'sw_[ic]|\d{5,}', 'sw', 'g') $$;
-- what the catalog says of them, but for what a rewrite changes by its nature
CREATE FUNCTION sw_catalog(r regclass) RETURNS TABLE (entry text) LANGUAGE sql AS $$
    SELECT sw_named((to_jsonb(c) - '{oid,reltype,relfilenode,relam,reltoastrelid,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,xmin}'::text[])::text || coalesce(am_of(c.oid), ''))
        FROM pg_class c WHERE oid IN (SELECT part FROM sw_parts(r))
    UNION ALL SELECT sw_named(concat_ws(' ', pg_describe_object(classid, objid, objsubid), deptype, pg_describe_object(refclassid, refobjid, refobjsubid)))
        FROM pg_depend WHERE (classid = 'pg_class'::regclass AND objid IN (SELECT part FROM sw_parts(r))) OR (refclassid = 'pg_class'::regclass AND refobjid IN (SELECT part FROM sw_parts(r)))
    UNION ALL SELECT sw_named((to_jsonb(i) - '{indexrelid,indrelid}'::text[])::text) FROM pg_index i WHERE indrelid = r
    UNION ALL SELECT sw_named((to_jsonb(a) - 'attrelid')::text) FROM pg_attribute a WHERE attrelid = r
    UNION ALL SELECT sw_named(concat_ws(' ', tgname, tgenabled, pg_get_triggerdef(oid))) FROM pg_trigger WHERE tgrelid = r AND NOT tgisinternal
    UNION ALL SELECT sw_named(pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid = r OR confrelid = r
    UNION ALL SELECT sw_named(concat_ws(' ', polname, polcmd)) FROM pg_policy WHERE polrelid = r
    UNION ALL SELECT sw_named(concat_ws(' ', objsubid, description)) FROM pg_description WHERE objoid = r
    UNION ALL SELECT sw_named(pg_get_statisticsobjdef(oid)) FROM pg_statistic_ext WHERE stxrelid = r
$$;
CREATE FUNCTION sw_compare() RETURNS TABLE (what text, place text) LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY
    (SELECT entry, 'only in place' FROM (SELECT sw_catalog('sw_i') AS entry EXCEPT ALL SELECT sw_catalog('sw_c')) s)
    UNION ALL (SELECT entry, 'only in core''s' FROM (SELECT sw_catalog('sw_c') AS entry EXCEPT ALL SELECT sw_catalog('sw_i')) s);
END $$;
-- what must not change
CREATE FUNCTION sw_files(r regclass) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', c.oid, pg_relation_filepath(c.oid), relpages, reltuples, relallvisible, relfrozenxid, relminmxid), ', ' ORDER BY c.oid)
    FROM pg_class c WHERE oid IN (SELECT part FROM sw_parts(r))
$$;

DO $$
DECLARE r text;
BEGIN
    FOREACH r IN ARRAY ARRAY['sw_i', 'sw_c'] LOOP
        EXECUTE format($f$
            CREATE TABLE %1$s (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, p int REFERENCES sw_parent, v text DEFAULT 'x' CHECK (v <> 'no'), long text,
                d int GENERATED ALWAYS AS (p * 2) STORED) USING heap WITH (fillfactor = 80, autovacuum_enabled = off, toast.autovacuum_enabled = off);
            INSERT INTO %1$s (p, v, long) SELECT i %% 10 + 1, 'v' || i, CASE WHEN i %% 50 = 0 THEN (SELECT string_agg(md5((i * j)::text), '') FROM generate_series(1, 200) j) END FROM generate_series(1, 2000) i;
            CREATE INDEX %1$s_v ON %1$s (v) WHERE p > 3;
            CREATE UNIQUE INDEX %1$s_pi ON %1$s (p, id);
            CREATE INDEX %1$s_hash ON %1$s USING hash (v);
            ALTER TABLE %1$s ALTER p SET NOT NULL, REPLICA IDENTITY USING INDEX %1$s_pi, CLUSTER ON %1$s_pi, ENABLE ROW LEVEL SECURITY, ALTER v SET STATISTICS 50, ALTER v SET (n_distinct = -0.5);
            CREATE TRIGGER tr BEFORE INSERT ON %1$s FOR EACH ROW EXECUTE FUNCTION sw_trigger();
            ALTER TABLE %1$s DISABLE TRIGGER tr;
            CREATE POLICY po ON %1$s FOR SELECT USING (true);
            CREATE STATISTICS %1$s_st ON p, v FROM %1$s;
            COMMENT ON TABLE %1$s IS 'commented'; COMMENT ON COLUMN %1$s.v IS 'v';
            CREATE TABLE %1$s_child () INHERITS (%1$s);
            CREATE VIEW %1$s_view AS SELECT id, v FROM %1$s;
            CREATE RULE ru AS ON DELETE TO %1$s WHERE old.id < 0 DO NOTHING;
            GRANT SELECT ON %1$s TO regress_ps_owner; GRANT UPDATE (v) ON %1$s TO regress_ps_owner;
            UPDATE %1$s SET v = v || 'u' WHERE id %% 5 = 0;
            DELETE FROM %1$s WHERE id %% 9 = 0;
            ALTER TABLE %1$s OWNER TO regress_ps_owner;
        $f$, r);
    END LOOP;
END $$;
VACUUM ANALYZE sw_i, sw_c;
SELECT count(*) > 50 AS entries FROM sw_catalog('sw_i');
SELECT * FROM sw_compare();

-- there: catalog as core leaves it, files as they were
SELECT sw_files('sw_i') AS files_i, sw_files('sw_c') AS files_c \gset
ALTER TABLE sw_i SET ACCESS METHOD pagestore;
SELECT core_switch('sw_c', 'pagestore');
SELECT am_of('sw_i'), am_of('sw_c'), sw_files('sw_i') = :'files_i' AS files_kept, sw_files('sw_c') = :'files_c' AS files_kept_by_core;
SELECT * FROM sw_compare();
SELECT count(*) FROM (TABLE sw_i EXCEPT TABLE sw_c) s;
-- again: nothing to do
ALTER TABLE sw_i SET ACCESS METHOD pagestore;
SELECT sw_files('sw_i') = :'files_i' AS files_kept;
UPDATE sw_i SET v = v || 'p' WHERE id % 7 = 0;
UPDATE sw_c SET v = v || 'p' WHERE id % 7 = 0;
-- and back
SELECT sw_files('sw_i') AS files_i \gset
ALTER TABLE sw_i SET ACCESS METHOD heap;
SELECT core_switch('sw_c', 'heap');
SELECT am_of('sw_i'), am_of('sw_c'), sw_files('sw_i') = :'files_i' AS files_kept;
SELECT * FROM sw_compare();
SELECT count(*) FROM (TABLE sw_i EXCEPT TABLE sw_c) s;
SET enable_seqscan = off;
SELECT count(*), sum(length(long)) FROM sw_i WHERE id > 0;
RESET enable_seqscan;

DROP VIEW sw_i_view;

-- other access methods are rewritten, as is what needs it anyway: once, into the new one
CREATE FUNCTION rewritten(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE f oid := pg_relation_filenode('sw_i');
BEGIN
    EXECUTE q;
    RETURN am_of('sw_i') || CASE WHEN f = pg_relation_filenode('sw_i') THEN '' ELSE ', rewritten' END;
END $$;
SELECT q, rewritten(q) FROM unnest(ARRAY[
    'ALTER TABLE sw_i SET ACCESS METHOD heap2',
    'ALTER TABLE sw_i SET ACCESS METHOD pagestore',
    'ALTER TABLE sw_i SET ACCESS METHOD heap2',
    'ALTER TABLE sw_i SET ACCESS METHOD heap',
    'ALTER TABLE sw_i SET (fillfactor = 70), SET ACCESS METHOD pagestore',
    'ALTER TABLE sw_i SET ACCESS METHOD heap, DROP COLUMN d, ADD CHECK (id > 0), ALTER v DROP DEFAULT, OWNER TO CURRENT_USER',
    'ALTER TABLE ONLY sw_i SET ACCESS METHOD pagestore, REPLICA IDENTITY FULL, SET WITHOUT CLUSTER',
    'ALTER TABLE IF EXISTS public.sw_i SET ACCESS METHOD heap',
    'ALTER TABLE sw_i ADD COLUMN w float DEFAULT random(), SET ACCESS METHOD pagestore',
    'ALTER TABLE sw_i ALTER p TYPE bigint, SET ACCESS METHOD heap',
    'ALTER TABLE sw_i SET ACCESS METHOD pagestore, SET UNLOGGED',
    'ALTER TABLE sw_i SET ACCESS METHOD heap',
    'ALTER TABLE sw_i SET ACCESS METHOD pagestore, ALTER v TYPE varchar',
    'ALTER TABLE sw_i SET ACCESS METHOD pagestore, SET ACCESS METHOD heap',
    'ALTER TABLE sw_i SET ACCESS METHOD pagestore']) WITH ORDINALITY u(q, n) ORDER BY n;
SELECT count(*) FROM (SELECT id, p, v, long FROM sw_i EXCEPT SELECT id, p, v, long FROM sw_c) s;
SELECT count(*), count(w) FROM sw_i;
-- the children of an inheritance parent stay what they are
SELECT am_of('sw_i_child');

-- every error is core's
CREATE FUNCTION error_of(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text; h text;
BEGIN
    EXECUTE q;
    RETURN 'none';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    RETURN concat_ws(' ', SQLSTATE, SQLERRM, nullif(d, ''), nullif(h, ''));
END $$;
CREATE VIEW sw_view AS SELECT 1 AS i;
CREATE MATERIALIZED VIEW sw_mat USING heap AS SELECT 1 AS i;
CREATE SEQUENCE sw_seq;
CREATE TYPE sw_type AS (i int);
CREATE TABLE sw_parted (i int) PARTITION BY LIST (i);
CREATE INDEX sw_parted_i ON sw_parted (i);
CREATE FOREIGN DATA WRAPPER sw_wrapper;
CREATE SERVER sw_server FOREIGN DATA WRAPPER sw_wrapper;
CREATE FOREIGN TABLE sw_foreign (i int) SERVER sw_server;
CREATE TABLE sw_cat (i int) USING heap WITH (user_catalog_table = true);
CREATE TABLE sw_plain (i int) USING heap;
CREATE TABLE sw_pending (i int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED) USING heap;
CREATE FUNCTION compare_errors(who text) RETURNS TABLE (statement text, same boolean, error text) LANGUAGE plpgsql AS $$
BEGIN
    FOR statement IN SELECT q FROM unnest(ARRAY['ALTER TABLE sw_view', 'ALTER VIEW sw_view', 'ALTER TABLE sw_seq', 'ALTER TABLE sw_type', 'ALTER TABLE sw_parted', 'ALTER TABLE sw_parted_i',
        'ALTER INDEX sw_parted_i', 'ALTER TABLE sw_foreign', 'ALTER FOREIGN TABLE sw_foreign', 'ALTER TABLE sw_cat', 'ALTER TABLE pg_class', 'ALTER TABLE pg_toast.pg_toast_1255',
        'ALTER TABLE no_such', 'ALTER TABLE no_schema.sw_plain', 'ALTER TABLE IF EXISTS no_such', 'ALTER TABLE no_db.public.sw_plain', 'ALTER MATERIALIZED VIEW sw_plain', 'ALTER MATERIALIZED VIEW sw_view',
        'ALTER TABLE sw_plain DROP COLUMN j,', 'ALTER TABLE sw_plain']) WITH ORDINALITY u(q, n) ORDER BY n
    LOOP
        error := error_of(statement || ' SET ACCESS METHOD pagestore');
        same := error = error_of(statement || ' SET ACCESS METHOD heap2');
        -- since 17 partitioned tables have one, for partitions to come
        error := replace(error, '42809 cannot change access method of a partitioned table', 'none');
        RETURN NEXT;
    END LOOP;
END $$;
SELECT * FROM compare_errors('owner');
GRANT CREATE ON SCHEMA public TO regress_ps_owner;
SET ROLE regress_ps_owner;
SELECT * FROM compare_errors('another');
RESET ROLE;
SELECT error_of('ALTER TABLE sw_plain SET ACCESS METHOD nonesuch'), error_of('ALTER TABLE sw_plain SET ACCESS METHOD btree');
-- in use, events pending, read only
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM sw_c;
FETCH 1 FROM c \gset
SELECT error_of('ALTER TABLE sw_c SET ACCESS METHOD pagestore') AS error, error_of('ALTER TABLE sw_c SET ACCESS METHOD heap2') = error_of('ALTER TABLE sw_c SET ACCESS METHOD pagestore') AS same;
ROLLBACK;
BEGIN;
INSERT INTO sw_pending VALUES (1); INSERT INTO sw_pending VALUES (1);
SELECT error_of('ALTER TABLE sw_pending SET ACCESS METHOD pagestore') AS error, error_of('ALTER TABLE sw_pending SET ACCESS METHOD heap2') = error_of('ALTER TABLE sw_pending SET ACCESS METHOD pagestore') AS same;
ROLLBACK;
BEGIN READ ONLY;
SELECT error_of('ALTER TABLE sw_plain SET ACCESS METHOD pagestore'), error_of('ALTER TABLE no_such SET ACCESS METHOD pagestore'), error_of($$SELECT pagestore_convert('sw_plain', 'pagestore')$$);
ROLLBACK;
SET allow_system_table_mods = on;
SELECT error_of('ALTER TABLE pg_class SET ACCESS METHOD pagestore'), error_of('ALTER TABLE pg_statistic SET ACCESS METHOD pagestore');
RESET allow_system_table_mods;
SELECT am_of('sw_plain'), am_of('sw_c'), am_of('sw_mat'), am_of('sw_cat');
-- where a rewrite would not do in some minor versions: another table has a column of its row type
ALTER TABLE sw_plain SET ACCESS METHOD heap;
CREATE TABLE sw_uses (x sw_plain);
ALTER TABLE sw_plain SET ACCESS METHOD pagestore;
SELECT am_of('sw_plain');
DROP TABLE sw_uses;

-- event triggers
CREATE FUNCTION sw_event() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE x text;
BEGIN
    IF tg_event = 'ddl_command_end' THEN
        SELECT string_agg(concat_ws(' ', command_tag, object_type, object_identity, am_of(objid)), ', ') INTO x FROM pg_event_trigger_ddl_commands();
    ELSIF tg_event = 'table_rewrite' THEN
        x := pg_event_trigger_table_rewrite_oid()::regclass || ' ' || pg_event_trigger_table_rewrite_reason();
    END IF;
    RAISE WARNING '%: %: %', tg_event, tg_tag, x;
END $$;
CREATE EVENT TRIGGER sw_start ON ddl_command_start EXECUTE FUNCTION sw_event();
CREATE EVENT TRIGGER sw_end ON ddl_command_end EXECUTE FUNCTION sw_event();
CREATE EVENT TRIGGER sw_rewrite ON table_rewrite EXECUTE FUNCTION sw_event();
CREATE EVENT TRIGGER sw_drop ON sql_drop EXECUTE FUNCTION sw_event();
ALTER TABLE sw_plain SET ACCESS METHOD heap;
SELECT core_switch('sw_plain', 'pagestore');
ALTER TABLE sw_plain SET ACCESS METHOD heap, ALTER i TYPE bigint;
ALTER MATERIALIZED VIEW sw_mat SET ACCESS METHOD pagestore;
SELECT pagestore_convert('sw_mat', 'heap');
DROP EVENT TRIGGER sw_start, sw_end, sw_rewrite, sw_drop;
-- one that forbids it
CREATE FUNCTION sw_forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no % today', tg_tag; END $$;
CREATE EVENT TRIGGER sw_start ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION sw_forbid();
ALTER TABLE sw_plain SET ACCESS METHOD pagestore;
DROP EVENT TRIGGER sw_start;
SELECT am_of('sw_plain');

-- transactions, savepoints, functions, plans
INSERT INTO sw_plain SELECT generate_series(1, 1000);
PREPARE q AS SELECT count(*), sum(i) FROM sw_plain;
CREATE FUNCTION sw_sum() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT sum(i) FROM sw_plain); END $$;
EXECUTE q;
SELECT sw_sum();
BEGIN;
UPDATE sw_plain SET i = i + 1;
ALTER TABLE sw_plain SET ACCESS METHOD pagestore;
EXECUTE q;
UPDATE sw_plain SET i = i + 1;
SAVEPOINT s;
ALTER TABLE sw_plain SET ACCESS METHOD heap;
UPDATE sw_plain SET i = i + 1;
EXECUTE q;
ROLLBACK TO s;
SELECT am_of('sw_plain'), sw_sum();
DELETE FROM sw_plain WHERE i > 500;
COMMIT;
EXECUTE q;
SELECT am_of('sw_plain'), sw_sum();
BEGIN;
ALTER TABLE sw_plain SET ACCESS METHOD heap;
DELETE FROM sw_plain;
ROLLBACK;
EXECUTE q;
SELECT am_of('sw_plain'), sw_sum();
CREATE FUNCTION sw_to(am text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'ALTER TABLE sw_plain SET ACCESS METHOD ' || am;
    INSERT INTO sw_plain VALUES (0);
    RETURN sw_sum();
END $$;
SELECT sw_to('heap'), am_of('sw_plain');
SELECT sw_to('pagestore'), am_of('sw_plain');
EXECUTE q;
-- made, switched and filled in one transaction
BEGIN;
CREATE TABLE sw_new (i int PRIMARY KEY) USING heap;
INSERT INTO sw_new SELECT generate_series(1, 100);
ALTER TABLE sw_new SET ACCESS METHOD pagestore;
INSERT INTO sw_new SELECT generate_series(101, 200);
ALTER TABLE sw_new SET ACCESS METHOD heap;
ALTER TABLE sw_new SET ACCESS METHOD pagestore;
TRUNCATE sw_new;
INSERT INTO sw_new SELECT generate_series(1, 50);
COMMIT;
SELECT am_of('sw_new'), count(*), sum(i) FROM sw_new;
-- kinds of tables
CREATE TEMP TABLE sw_temp (i int) USING heap;
INSERT INTO sw_temp SELECT generate_series(1, 100);
ALTER TABLE sw_temp SET ACCESS METHOD pagestore;
UPDATE sw_temp SET i = i + 1;
CREATE UNLOGGED TABLE sw_unlogged (i int) USING pagestore;
INSERT INTO sw_unlogged SELECT generate_series(1, 100);
ALTER TABLE sw_unlogged SET ACCESS METHOD heap;
UPDATE sw_unlogged SET i = i + 1;
ALTER MATERIALIZED VIEW sw_mat SET ACCESS METHOD pagestore;
REFRESH MATERIALIZED VIEW sw_mat;
SELECT am_of('sw_temp'), am_of('sw_unlogged'), am_of('sw_mat'), (SELECT sum(i) FROM sw_temp) AS temp, (SELECT sum(i) FROM sw_unlogged) AS unlogged, (SELECT sum(i) FROM sw_mat) AS mat;
-- the same name further up the search path
CREATE SCHEMA sw_first;
SET search_path = sw_first, public;
ALTER TABLE sw_unlogged SET ACCESS METHOD pagestore;
CREATE TABLE sw_first.sw_unlogged (i int) USING heap;
ALTER TABLE sw_unlogged SET ACCESS METHOD pagestore;
ALTER TABLE public.sw_unlogged SET ACCESS METHOD heap;
SELECT am_of('sw_first.sw_unlogged'), am_of('public.sw_unlogged');
RESET search_path;

DROP SCHEMA sw_first CASCADE;
DROP TABLE sw_i, sw_c, sw_parent, sw_parted, sw_cat, sw_plain, sw_pending, sw_new, sw_unlogged, sw_temp CASCADE;
DROP FOREIGN DATA WRAPPER sw_wrapper CASCADE;
DROP VIEW sw_view;
DROP MATERIALIZED VIEW sw_mat;
DROP SEQUENCE sw_seq;
DROP TYPE sw_type;
DROP FUNCTION am_of, core_switch, sw_parts, sw_named, sw_compare, sw_files, sw_trigger, rewritten, error_of, compare_errors, sw_event, sw_forbid, sw_sum, sw_to;
DROP FUNCTION sw_catalog(regclass);
DROP ACCESS METHOD heap2;
REVOKE CREATE ON SCHEMA public FROM regress_ps_owner;
DROP ROLE regress_ps_owner;
