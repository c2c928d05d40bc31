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
CREATE TABLE priv_calls AS
SELECT n, call
FROM unnest(ARRAY[
    'pagestore_check(''priv_t'')', 'pagestore_page(''priv_t'', 0)', 'pagestore_stattuple(''priv_t'')',
    'pagestore_stattuple_approx(''priv_t'')', 'pagestore_rowlocks(''priv_t'')', 'pagestore_prewarm(''priv_t'')',
    'pagestore_frames()', 'pagestore_frames', 'pagestore_stat()', 'pg_stat_pagestore', 'pg_stat_reset_pagestore()',
    'pagestore_stat_tables()', 'pg_stat_pagestore_tables', 'pagestore_stat_activity()', 'pg_stat_pagestore_activity',
    'pagestore_progress(''CONVERT'')', 'pg_stat_progress_pagestore_convert', 'pg_stat_progress_pagestore_prewarm',
    'pagestore_prewarm_progress()', 'pagestore_prewarm_progress', 'pagestore_stat_sizes()', 'pg_stat_pagestore_sizes', 'pagestore_advice()',
    'pagestore_convert(''priv_t'', ''heap'')',
    'pagestore_in_pool(''x''::text)', 'priv_t']) WITH ORDINALITY c (call, n);
SELECT call, role, priv_try(role, call)
FROM priv_calls, unnest(ARRAY['priv_nobody', 'priv_reader', 'priv_scanner', 'priv_monitor']) WITH ORDINALITY r (role, m)
ORDER BY n, m;
-- None is left out, but for what SQL cannot call, and the procedure.
SELECT pg_describe_object(d.classid, d.objid, 0) AS "not tried"
FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pagestore'
LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
WHERE d.deptype = 'e' AND d.classid IN ('pg_proc'::regclass, 'pg_class'::regclass)
    AND NOT EXISTS (SELECT FROM priv_calls WHERE call = c.relname OR starts_with(call, p.proname || '('))
ORDER BY 1;
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

-- A search_path full of traps: all that SQL can name in pg_catalog or of ours stands in a schema that comes first, and
-- is an error when it is used: functions, operators, types (so that a cast to one is an error), relations.
CREATE SCHEMA priv_traps;
CREATE SCHEMA priv_amcheck;
CREATE EXTENSION amcheck SCHEMA priv_amcheck;
CREATE FUNCTION priv_traps.trap() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE FUNCTION priv_trap_all() RETURNS void LANGUAGE plpgsql SET check_function_bodies = off AS $$
DECLARE
    r record;
    body text := $b$ LANGUAGE plpgsql AS 'BEGIN PERFORM priv_traps.trap(); END'$b$;
BEGIN
    CREATE TEMP TABLE usable AS SELECT oid FROM pg_type WHERE typtype <> 'p' OR typname IN ('record', 'anyelement', 'anyarray', 'anynonarray',
        'anyenum', 'anyrange', 'anymultirange', 'anycompatible', 'anycompatiblearray', 'anycompatiblenonarray', 'anycompatiblerange', 'anycompatiblemultirange');
    CREATE TEMP TABLE ours AS SELECT classid, objid FROM pg_depend JOIN pg_extension e ON e.oid = refobjid
        WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND extname IN ('pagestore', 'amcheck');
    FOR r IN SELECT DISTINCT ON (proname, proargtypes) proname,
                (SELECT coalesce(string_agg(format_type(a, NULL), ', ' ORDER BY n), '') FROM unnest(proargtypes) WITH ORDINALITY u (a, n)) AS args,
                CASE WHEN proretset THEN 'SETOF ' ELSE '' END || format_type(prorettype, NULL) AS result
            FROM pg_proc WHERE (pronamespace = 'pg_catalog'::regnamespace OR oid IN (SELECT objid FROM ours WHERE classid = 'pg_proc'::regclass))
                AND proargtypes::oid[] <@ ARRAY(SELECT oid FROM usable) AND (prorettype IN (SELECT oid FROM usable) OR prorettype = 'void'::regtype) LOOP
        EXECUTE format('CREATE FUNCTION priv_traps.%I (%s) RETURNS %s', r.proname, r.args, r.result) || body;
    END LOOP;
    FOR r IN SELECT oid, oprname, CASE WHEN oprleft <> 0 THEN format_type(oprleft, NULL) END AS l, format_type(oprright, NULL) AS r,
                format_type(oprresult, NULL) AS result
            FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprcode <> 0 LOOP
        EXECUTE format('CREATE FUNCTION priv_traps.operator_%s (%s) RETURNS %s', r.oid, concat_ws(', ', r.l, r.r), r.result) || body;
        EXECUTE format('CREATE OPERATOR priv_traps.%s (%s, FUNCTION = priv_traps.operator_%s)', r.oprname,
            concat_ws(', ', 'LEFTARG = ' || r.l, 'RIGHTARG = ' || r.r), r.oid);
    END LOOP;
    FOR r IN SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm') AND typcategory <> 'A' LOOP
        EXECUTE format('CREATE DOMAIN priv_traps.%I AS pg_catalog.%1$I CHECK (priv_traps.trap())', r.typname);
    END LOOP;
    FOR r IN SELECT relname FROM pg_class WHERE (relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v'))
            OR oid IN (SELECT objid FROM ours WHERE classid = 'pg_class'::regclass AND relkind = 'v') LOOP
        EXECUTE format('CREATE VIEW priv_traps.%I AS SELECT priv_traps.trap()', r.relname);
    END LOOP;
    DROP TABLE usable, ours;
END $$;
SELECT priv_trap_all();
SELECT (SELECT count(*) FROM pg_proc WHERE pronamespace = n.oid) > 2500 AS functions, (SELECT count(*) FROM pg_operator WHERE oprnamespace = n.oid) > 750 AS operators,
    (SELECT count(*) FROM pg_type WHERE typnamespace = n.oid AND typtype = 'd') > 50 AS types, (SELECT count(*) FROM pg_class WHERE relnamespace = n.oid) > 120 AS relations
FROM pg_namespace n WHERE nspname = 'priv_traps';
-- an index of each kind that pagestore_check() has a way for, and values in the TOAST table
CREATE INDEX ON priv_t USING hash (secret);
CREATE INDEX ON priv_t USING brin (id);
CREATE INDEX ON priv_t USING gin ((ARRAY[id, id + 1])) WHERE id % 2 = 0;
CREATE INDEX ON priv_t USING gist ((point(id, id)));
CREATE INDEX ON priv_t USING spgist ((point(id, -id)));
CREATE INDEX ON priv_t (substr(secret, 1, 9), (id * 2.5));
UPDATE priv_t SET secret = (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 1000) i) WHERE id = 7;
SET client_min_messages = warning;
SET search_path = priv_traps, pg_catalog, public;
\set VERBOSITY terse
-- they do catch
SELECT 1 + 1;
SELECT lower('A');
SELECT 'a'::text;
TABLE pg_class;
SELECT pagestore_advice();
-- and none of ours is caught
SELECT * FROM public.pagestore_check('priv_t');
SELECT tuple_count FROM public.pagestore_stattuple('priv_t');
SELECT approx_tuple_count FROM public.pagestore_stattuple_approx('priv_t');
SELECT * FROM public.pagestore_rowlocks('priv_t');
SELECT public.pagestore_prewarm('priv_t') OPERATOR(pg_catalog.>) 0 AS prewarmed, pg_catalog.length(public.pagestore_page('priv_t', 0));
SELECT pg_catalog.count(*) FROM public.pg_stat_pagestore;
SELECT pg_catalog.count(*) FROM public.pagestore_stat();
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS frames FROM public.pagestore_frames;
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS frames FROM public.pagestore_frames();
SELECT pg_catalog.count(*) FROM public.pg_stat_pagestore_tables WHERE relname OPERATOR(pg_catalog.=) 'priv_t' AND resident_percent OPERATOR(pg_catalog.>) 0;
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS tables FROM public.pagestore_stat_tables();
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS processes FROM public.pg_stat_pagestore_activity;
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS processes FROM public.pagestore_stat_activity();
SELECT public.pg_stat_reset_pagestore();
SELECT * FROM public.pg_stat_progress_pagestore_convert, public.pg_stat_progress_pagestore_prewarm;
SELECT * FROM public.pagestore_progress('CONVERT');
SELECT pg_catalog.count(*) FROM public.pagestore_prewarm_progress;
SELECT pg_catalog.count(*) FROM public.pagestore_prewarm_progress();
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS sizes FROM public.pg_stat_pagestore_sizes;
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS sizes FROM public.pagestore_stat_sizes();
SELECT pg_catalog.count(*) FROM public.pagestore_advice();
SELECT public.pagestore_convert('priv_t', 'heap'), public.pagestore_convert('priv_t', 'pagestore');
ALTER TABLE public.priv_t SET ACCESS METHOD heap;
ALTER TABLE public.priv_t SET ACCESS METHOD pagestore;
SELECT * FROM public.pagestore_check('priv_t');
CALL public.pagestore_convert_all('pagestore', 'priv_s', dry_run => true);
CALL public.pagestore_convert_all('pagestore', 'priv_s');
CALL public.pagestore_convert_all('heap', 'priv_s');
SELECT public.pagestore_in_pool(secret) FROM public.priv_t WHERE id OPERATOR(pg_catalog.=) 1;
SELECT pg_catalog.count(*) FROM public.priv_t;
VACUUM ANALYZE public.priv_t;
RESET search_path;
\set VERBOSITY default
SET client_min_messages = error;
DROP SCHEMA priv_traps, priv_s CASCADE;
DROP EXTENSION amcheck;
DROP SCHEMA priv_amcheck;
RESET client_min_messages;
DROP TABLE priv_t, priv_calls;
DROP FUNCTION priv_try, priv_trap_all;
DROP ROLE priv_nobody, priv_reader, priv_scanner, priv_monitor;
