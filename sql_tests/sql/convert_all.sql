-- pagestore_convert() of partitioned tables, and pagestore_convert_all().
SET client_min_messages = warning;
CREATE ROLE regress_ps_other;
CREATE SCHEMA ca;
SET search_path = ca, public;
CREATE FUNCTION ca_ams() RETURNS TABLE (relation text, am name) LANGUAGE sql AS $$
    SELECT c.oid::regclass::text, amname FROM pg_class c LEFT JOIN pg_am a ON a.oid = c.relam WHERE relnamespace = 'ca'::regnamespace AND relkind IN ('r', 'm', 'p', 'f') ORDER BY 1
$$;

-- a tree of partitions, one of them foreign
CREATE FOREIGN DATA WRAPPER ca_wrapper;
CREATE SERVER ca_server FOREIGN DATA WRAPPER ca_wrapper;
SET default_table_access_method = heap;
CREATE TABLE tree (i int, j int) PARTITION BY RANGE (i);
CREATE TABLE leaf_a PARTITION OF tree FOR VALUES FROM (0) TO (1000);
CREATE TABLE branch PARTITION OF tree FOR VALUES FROM (1000) TO (2000) PARTITION BY LIST (j);
CREATE TABLE leaf_b PARTITION OF branch FOR VALUES IN (1);
CREATE TABLE leaf_c PARTITION OF branch DEFAULT;
CREATE FOREIGN TABLE leaf_f PARTITION OF tree FOR VALUES FROM (2000) TO (3000) SERVER ca_server;
INSERT INTO tree SELECT i, i % 3 FROM generate_series(0, 1999) i;
SELECT string_agg(pg_relation_filepath(relid), ',') AS files FROM pg_partition_tree('tree') \gset
SELECT pagestore_convert('tree', 'pagestore');
SELECT * FROM ca_ams();
SELECT string_agg(pg_relation_filepath(relid), ',') = :'files' AS files_kept FROM pg_partition_tree('tree');
SELECT count(*), sum(i) FROM branch;
UPDATE leaf_b SET i = i WHERE i % 2 = 0;
SELECT pagestore_convert('tree', 'pagestore'), pagestore_convert('branch', 'heap'), pagestore_convert('tree', 'heap'), pagestore_convert('tree', 'heap');
SELECT count(*), sum(i) FROM branch;
-- all or none
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
ALTER TABLE leaf_c SET ACCESS METHOD heap2;
SELECT pagestore_convert('tree', 'pagestore');
SELECT * FROM ca_ams() WHERE relation ~ 'leaf';
ALTER TABLE leaf_c SET ACCESS METHOD heap;
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM tree WHERE i < 1500;
FETCH 1 FROM c;
SELECT pagestore_convert('tree', 'pagestore');
ROLLBACK;
-- whose they are is asked of each
ALTER TABLE tree OWNER TO regress_ps_other;
ALTER TABLE branch OWNER TO regress_ps_other;
GRANT USAGE ON SCHEMA ca TO regress_ps_other;
SET ROLE regress_ps_other;
SELECT pagestore_convert('tree', 'pagestore');
RESET ROLE;
SET ROLE regress_ps_other;
SELECT pagestore_convert('leaf_a', 'pagestore');
RESET ROLE;
ALTER TABLE leaf_a OWNER TO regress_ps_other;
ALTER TABLE leaf_b OWNER TO regress_ps_other;

-- all of a schema
RESET client_min_messages;
CREATE TABLE plain USING heap AS SELECT i, 'v' || i AS v FROM generate_series(1, 1000) i;
CREATE TABLE other USING heap2 AS SELECT 1 AS i;
CREATE TABLE cat (i int) USING heap WITH (user_catalog_table = true);
CREATE MATERIALIZED VIEW mat USING heap AS SELECT * FROM plain;
CREATE UNLOGGED TABLE "Un Logged" (i int) USING heap;
CREATE TABLE public.ca_outside (i int) USING heap;
CALL pagestore_convert_all('pagestore', 'ca', dry_run => true);
SELECT DISTINCT am FROM ca_ams() WHERE am IS NOT NULL ORDER BY 1;
CALL pagestore_convert_all('pagestore', 'ca');
SELECT * FROM ca_ams();
SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relname = 'ca_outside';
-- called again it goes on with the rest
ALTER TABLE cat RESET (user_catalog_table);
ALTER TABLE plain SET ACCESS METHOD heap;
CALL pagestore_convert_all('pagestore', schema => 'ca');
CALL pagestore_convert_all('pagestore', 'ca');
-- as somebody else: only his own
SET ROLE regress_ps_other;
CALL pagestore_convert_all('heap', 'ca', true);
CALL pagestore_convert_all('heap', 'ca');
RESET ROLE;
SELECT relation FROM ca_ams() WHERE am = 'heap';
-- a table in use by the caller; its cursor outlives the commits
CREATE PROCEDURE in_use() LANGUAGE plpgsql AS $$
DECLARE r record; n bigint; s bigint; rows bigint := 0;
BEGIN
    FOR r IN SELECT * FROM leaf_c LOOP
        IF rows = 0 THEN
            CALL pagestore_convert_all('heap', 'ca', false, n, s);
            RAISE NOTICE '% converted, % skipped', n, s;
        END IF;
        rows := rows + 1;
    END LOOP;
    RAISE NOTICE '% rows', rows;
END $$;
CALL in_use();
SELECT relation FROM ca_ams() WHERE am = 'pagestore';
-- with plans and variables of a procedure that goes on
CREATE PROCEDURE goes_on() LANGUAGE plpgsql AS $$
DECLARE n bigint; s bigint; before bigint; now bigint;
BEGIN
    SELECT count(*) INTO before FROM plain;
    CALL pagestore_convert_all('pagestore', 'ca', false, n, s);
    SELECT count(*) INTO now FROM plain;
    RAISE NOTICE '% converted, % skipped, rows: %', n, s, before = now;
END $$;
CALL goes_on();
-- where it can't commit, or is asked for what it can't do
BEGIN;
CALL pagestore_convert_all('heap', 'ca', dry_run => true);
CALL pagestore_convert_all('heap', 'ca');
ROLLBACK;
CREATE FUNCTION no_commit() RETURNS void LANGUAGE plpgsql AS $$ DECLARE n bigint; s bigint; BEGIN CALL pagestore_convert_all('heap', 'ca', false, n, s); END $$;
SELECT no_commit();
CALL pagestore_convert_all('heap2', 'ca');
CALL pagestore_convert_all('btree', 'ca');
CALL pagestore_convert_all('nonesuch', 'ca');
CALL pagestore_convert_all(NULL, 'ca');
CALL pagestore_convert_all('heap', 'no_schema');
SET default_transaction_read_only = on;
CALL pagestore_convert_all('heap', 'ca', true);
CALL pagestore_convert_all('heap', 'ca');
RESET default_transaction_read_only;
CALL pagestore_convert_all('heap', 'ca');
SELECT DISTINCT am FROM ca_ams() WHERE am IS NOT NULL ORDER BY 1;
SELECT count(*), sum(i) FROM plain;

-- beside a table of an access method whose library is gone
SET client_min_messages = warning;
CREATE FUNCTION handler(internal) RETURNS table_am_handler LANGUAGE internal AS 'heap_tableam_handler';
CREATE ACCESS METHOD gone TYPE TABLE HANDLER handler;
CREATE TABLE of_gone (i int) USING gone;
UPDATE pg_proc SET prolang = (SELECT oid FROM pg_language WHERE lanname = 'c'), probin = '$libdir/gone' WHERE oid = 'handler'::regproc;
CALL pagestore_convert_all('pagestore', 'ca');
UPDATE pg_proc SET prolang = (SELECT oid FROM pg_language WHERE lanname = 'internal'), probin = NULL WHERE oid = 'handler'::regproc;
DROP ACCESS METHOD gone CASCADE;

RESET search_path;
DROP SCHEMA ca CASCADE;
DROP TABLE ca_outside;
DROP FOREIGN DATA WRAPPER ca_wrapper CASCADE;
DROP ACCESS METHOD heap2;
DROP ROLE regress_ps_other;
