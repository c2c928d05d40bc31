-- Helpers of the other tests.  A test makes twins t_h (heap) and t_p (pagestore), does the same
-- to both, and asks whether they still hold the same rows.  In a query, t@ stands for t_h or t_p.

SET client_min_messages = warning;

-- Do it to both; the number of rows must be the same, and is returned.
CREATE FUNCTION twin_exec(q text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    h bigint;
    p bigint;
BEGIN
    EXECUTE regexp_replace(q, '(?<=\w)@', '_h', 'g');
    GET DIAGNOSTICS h = ROW_COUNT;
    EXECUTE regexp_replace(q, '(?<=\w)@', '_p', 'g');
    GET DIAGNOSTICS p = ROW_COUNT;
    IF h <> p THEN
        RAISE EXCEPTION 'heap: % rows, pagestore: % rows', h, p;
    END IF;
    RETURN h;
END $$;

-- A query's rows must be the same; their number is returned.
CREATE FUNCTION twin_rows(q text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    h bigint;
    p bigint;
    more bigint;
    less bigint;
BEGIN
    EXECUTE 'SELECT count(*) FROM (' || regexp_replace(q, '(?<=\w)@', '_h', 'g') || ') s' INTO h;
    EXECUTE 'SELECT count(*) FROM (' || regexp_replace(q, '(?<=\w)@', '_p', 'g') || ') s' INTO p;
    EXECUTE format('SELECT count(*) FROM (%s EXCEPT ALL %s) s',
                   '(' || regexp_replace(q, '(?<=\w)@', '_p', 'g') || ')', '(' || regexp_replace(q, '(?<=\w)@', '_h', 'g') || ')') INTO more;
    EXECUTE format('SELECT count(*) FROM (%s EXCEPT ALL %s) s',
                   '(' || regexp_replace(q, '(?<=\w)@', '_h', 'g') || ')', '(' || regexp_replace(q, '(?<=\w)@', '_p', 'g') || ')') INTO less;
    IF more <> 0 OR less <> 0 OR h <> p THEN
        RAISE EXCEPTION 'heap: % rows, pagestore: % rows, % too many, % missing', h, p, more, less;
    END IF;
    RETURN h;
END $$;

-- Both must fail, in the same way.
CREATE FUNCTION twin_error(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    h text := 'no error';
    p text := 'no error';
BEGIN
    BEGIN
        EXECUTE regexp_replace(q, '(?<=\w)@', '_h', 'g');
    EXCEPTION WHEN OTHERS THEN
        h := SQLSTATE || ' ' || regexp_replace(SQLERRM, '_h(?=_|\y)', '@', 'g');
    END;
    BEGIN
        EXECUTE regexp_replace(q, '(?<=\w)@', '_p', 'g');
    EXCEPTION WHEN OTHERS THEN
        p := SQLSTATE || ' ' || regexp_replace(SQLERRM, '_p(?=_|\y)', '@', 'g');
    END;
    IF h <> p THEN
        RAISE EXCEPTION 'heap: %, pagestore: %', h, p;
    END IF;
    RETURN h;
END $$;

-- Twin tables of the same columns.
CREATE FUNCTION twins(name text, columns text, options text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (%s) USING heap %s', name || '_h', replace(columns, '@', '_h'), replace(options, '@', '_h'));
    EXECUTE format('CREATE TABLE %I (%s) USING pagestore %s', name || '_p', replace(columns, '@', '_p'), replace(options, '@', '_p'));
END $$;

-- The nodes of a plan, without costs.
CREATE FUNCTION plan_nodes(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    j json;
    r text;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON, COSTS OFF) ' || q INTO j;
    SELECT string_agg(m[1], ', ') INTO r
    FROM regexp_matches(j::text, '"Node Type": "([^"]+)"', 'g') m;
    RETURN r;
END $$;

-- How often an index-only scan had to look at the table.
CREATE FUNCTION heap_fetches(q text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    j json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON, COSTS OFF, TIMING OFF) ' || q INTO j;
    RETURN j #>> '{0,Plan,Heap Fetches}';
END $$;

-- Others' snapshots would keep dead rows: wait until there are none.
CREATE PROCEDURE settle() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. 600 LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid());
        PERFORM pg_sleep(0.1);
        PERFORM pg_stat_clear_snapshot();
    END LOOP;
    PERFORM pg_stat_force_next_flush();
END $$;
