-- Who may call what: as of core's counterparts.  A role without rights gets an error from each function that
-- shows rows, bytes, names or activity, before a lock is taken; nothing runs as anybody else.

-- Every function and view of the extension, and who but superusers may use it.
SELECT p.oid::regprocedure AS function, p.prosecdef AS definer,
       coalesce((SELECT string_agg(CASE grantee WHEN 0 THEN 'public' ELSE grantee::regrole::text END, ', ' ORDER BY grantee)
                 FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))
                 WHERE privilege_type = 'EXECUTE' AND grantee <> p.proowner), '') AS granted
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pagestore'
ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT c.oid::regclass AS view,
       coalesce((SELECT string_agg(CASE grantee WHEN 0 THEN 'public' ELSE grantee::regrole::text END, ', ' ORDER BY grantee)
                 FROM aclexplode(c.relacl) WHERE privilege_type = 'SELECT' AND grantee <> c.relowner), '') AS granted
FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pagestore'
WHERE c.relkind = 'v'
ORDER BY c.relname COLLATE "C";

-- Nothing of it is written in SQL that a search_path could turn: the views name what they call by oid, functions are C.
SELECT count(*) FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pagestore'
JOIN pg_language l ON l.oid = p.prolang WHERE l.lanname <> 'c';

CREATE TABLE priv_t (id int PRIMARY KEY, secret text) USING pagestore;
INSERT INTO priv_t SELECT i, 'secret ' || i FROM generate_series(1, 100) i;
CREATE ROLE priv_nobody;
CREATE ROLE priv_reader;
GRANT SELECT ON priv_t TO priv_reader;
CREATE ROLE priv_scanner IN ROLE pg_stat_scan_tables;
CREATE ROLE priv_monitor IN ROLE pg_monitor;

-- What each role gets of each function: rows, or the error.
CREATE FUNCTION priv_try(role text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE 'SELECT count(*) FROM ' || call INTO n;
    RESET ROLE;
    RETURN 'allowed';
EXCEPTION WHEN OTHERS THEN
    RESET ROLE;
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT call, role, priv_try(role, call)
FROM unnest(ARRAY[
    'pagestore_check(''priv_t'')', 'pagestore_page(''priv_t'', 0)', 'pagestore_stattuple(''priv_t'')',
    'pagestore_stattuple_approx(''priv_t'')', 'pagestore_rowlocks(''priv_t'')', 'pagestore_prewarm(''priv_t'')',
    'pagestore_frames()', 'pagestore_frames', 'pagestore_stat()', 'pg_stat_pagestore', 'pg_stat_reset_pagestore()',
    'pagestore_stat_tables()', 'pg_stat_pagestore_tables', 'pagestore_stat_activity()', 'pg_stat_pagestore_activity',
    'pagestore_progress(''CONVERT'')', 'pg_stat_progress_pagestore_convert', 'pg_stat_progress_pagestore_prewarm',
    'pagestore_prewarm_progress()', 'pagestore_prewarm_progress', 'pagestore_stat_sizes()', 'pg_stat_pagestore_sizes', 'pagestore_advice()',
    'pagestore_convert(''priv_t'', ''heap'')',
    'pagestore_in_pool(''x''::text)', 'priv_t']) WITH ORDINALITY c (call, n),
    unnest(ARRAY['priv_nobody', 'priv_reader', 'priv_scanner', 'priv_monitor']) WITH ORDINALITY r (role, m)
ORDER BY n, m;
-- A procedure, which commits: it has what the caller owns.
CREATE SCHEMA priv_s;
CREATE TABLE priv_s.t (i int) USING heap;
SET ROLE priv_nobody;
CALL pagestore_convert_all('pagestore', 'priv_s', dry_run => true);
CALL pagestore_convert_all('pagestore', 'priv_s');
RESET ROLE;
-- The right to EXECUTE does not make pages readable, as of get_raw_page().
GRANT EXECUTE ON FUNCTION pagestore_page(regclass, bigint) TO priv_reader;
SELECT priv_try('priv_reader', 'pagestore_page(''priv_t'', 0)');
REVOKE EXECUTE ON FUNCTION pagestore_page(regclass, bigint) FROM priv_reader;

-- What others do in the pool is for those who may see what they do: as pg_stat_activity keeps it from the rest.
CREATE FUNCTION priv_sees(role text) RETURNS TABLE (processes boolean, of_others boolean, of_own boolean) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    RETURN QUERY SELECT count(pid) > 0, count(blks_hit) FILTER (WHERE usename IS DISTINCT FROM role) > 0,
        count(blks_hit) FILTER (WHERE usename = role) > 0 FROM pg_stat_pagestore_activity;
    RESET ROLE;
END $$;
SELECT role, s.* FROM unnest(ARRAY['priv_nobody', 'priv_monitor']) role, priv_sees(role) s;
-- One's own processes are shown: the session that becomes another role has begun as this one.
SELECT count(*) FROM pg_stat_pagestore_activity WHERE pid = pg_backend_pid() AND blks_hit >= 0 AND usename = current_user;
DROP FUNCTION priv_sees;

-- The right to reset is to be granted, as that of pg_stat_reset_shared().
GRANT EXECUTE ON FUNCTION pg_stat_reset_pagestore() TO priv_reader;
SELECT priv_try('priv_reader', 'pg_stat_reset_pagestore()');
REVOKE EXECUTE ON FUNCTION pg_stat_reset_pagestore() FROM priv_reader;

-- Privileges are asked for before the lock: a refused caller leaves none, and waits for nobody.
BEGIN;
SAVEPOINT s;
SET LOCAL ROLE priv_nobody;
SELECT * FROM pagestore_rowlocks('priv_t');
ROLLBACK TO s;
SET LOCAL ROLE priv_nobody;
SELECT pagestore_prewarm('priv_t');
ROLLBACK TO s;
SELECT count(*) FROM pg_locks WHERE relation = 'priv_t'::regclass AND pid = pg_backend_pid();
ROLLBACK;

-- A search_path full of traps: operators and functions of the same names, in a schema that comes first.
CREATE SCHEMA priv_traps;
CREATE FUNCTION priv_traps.trap() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE FUNCTION priv_traps.trap_eq(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT priv_traps.trap()';
CREATE FUNCTION priv_traps.trap_eq(name, name) RETURNS boolean LANGUAGE sql AS 'SELECT priv_traps.trap()';
CREATE FUNCTION priv_traps.trap_eq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT priv_traps.trap()';
CREATE FUNCTION priv_traps.trap_eq(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT priv_traps.trap()';
CREATE OPERATOR priv_traps.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = priv_traps.trap_eq);
CREATE OPERATOR priv_traps.= (LEFTARG = name, RIGHTARG = name, FUNCTION = priv_traps.trap_eq);
CREATE OPERATOR priv_traps.= (LEFTARG = text, RIGHTARG = text, FUNCTION = priv_traps.trap_eq);
CREATE OPERATOR priv_traps.= (LEFTARG = int, RIGHTARG = int, FUNCTION = priv_traps.trap_eq);
CREATE FUNCTION priv_traps.verify_heapam(regclass, boolean, boolean, text, bigint, bigint) RETURNS TABLE (blkno bigint, offnum int, attnum int, msg text) LANGUAGE sql AS 'SELECT 1, 1, 1, priv_traps.trap()::text';
CREATE FUNCTION priv_traps.bt_index_check(regclass, boolean) RETURNS void LANGUAGE sql AS 'SELECT priv_traps.trap()';
CREATE FUNCTION priv_traps.pagestore_stat() RETURNS boolean LANGUAGE sql AS 'SELECT priv_traps.trap()';
CREATE FUNCTION priv_traps.pagestore_frames() RETURNS boolean LANGUAGE sql AS 'SELECT priv_traps.trap()';
CREATE FUNCTION priv_traps.pagestore_stat_tables() RETURNS boolean LANGUAGE sql AS 'SELECT priv_traps.trap()';
CREATE FUNCTION priv_traps.pagestore_stat_activity() RETURNS boolean LANGUAGE sql AS 'SELECT priv_traps.trap()';
CREATE FUNCTION priv_traps.pagestore_progress(text) RETURNS boolean LANGUAGE sql AS 'SELECT priv_traps.trap()';
CREATE FUNCTION priv_traps.pg_stat_get_blocks_hit(oid) RETURNS bigint LANGUAGE sql AS 'SELECT priv_traps.trap()::int';
CREATE FUNCTION priv_traps.trap_minus(bigint, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT priv_traps.trap()::int';
CREATE OPERATOR priv_traps.- (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = priv_traps.trap_minus);
CREATE TABLE priv_traps.pg_class (relname name);
CREATE FUNCTION priv_traps.pagestore_stat_sizes() RETURNS boolean LANGUAGE sql AS 'SELECT priv_traps.trap()';
CREATE FUNCTION priv_traps.pagestore_prewarm_progress() RETURNS boolean LANGUAGE sql AS 'SELECT priv_traps.trap()';
SET search_path = priv_traps, pg_catalog, public;
SET client_min_messages = error;
SELECT count(*) FROM pagestore_check('priv_t');
SELECT tuple_count FROM pagestore_stattuple('priv_t');
SELECT approx_tuple_count FROM pagestore_stattuple_approx('priv_t');
SELECT count(*) FROM pagestore_rowlocks('priv_t');
SELECT pagestore_prewarm('priv_t'), length(pagestore_page('priv_t', 0));
SELECT count(*) FROM pg_stat_pagestore;
SELECT count(*) > 0 FROM public.pagestore_frames;
SELECT count(*) FROM public.pg_stat_pagestore_tables WHERE relid OPERATOR(pg_catalog.=) 'priv_t'::regclass;
SELECT count(*) > 0 FROM public.pg_stat_pagestore_activity;
SELECT pg_stat_reset_pagestore();
SELECT count(*) FROM public.pg_stat_progress_pagestore_convert, public.pg_stat_progress_pagestore_prewarm;
SELECT count(*) FROM public.pagestore_prewarm_progress;
SELECT count(*) > 0 FROM public.pg_stat_pagestore_sizes;
SELECT count(*) FROM pagestore_advice();
SELECT pagestore_convert('priv_t', 'heap'), pagestore_convert('priv_t', 'pagestore');
CALL public.pagestore_convert_all('pagestore', 'priv_s');
CALL public.pagestore_convert_all('heap', 'priv_s');
SELECT public.pagestore_in_pool(v) FROM (SELECT 'x'::text AS v) s;
SELECT count(*) FROM priv_t;
VACUUM ANALYZE priv_t;
RESET search_path;

DROP SCHEMA priv_traps, priv_s CASCADE;
RESET client_min_messages;
DROP TABLE priv_t;
DROP FUNCTION priv_try;
DROP ROLE priv_nobody, priv_reader, priv_scanner, priv_monitor;
