/* pagestore_test--1.0.sql: for builds with PAGESTORE_DEBUG=1 only */

\echo Use "CREATE EXTENSION pagestore_test" to load this file. \quit

CREATE FUNCTION pagestore_stop_set(name text, action text DEFAULT 'wait', pid integer DEFAULT 0,
	skip integer DEFAULT 0, times integer DEFAULT -1, milliseconds integer DEFAULT 10)
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
REVOKE ALL ON FUNCTION pagestore_stop_set(text, text, integer, integer, integer, integer) FROM PUBLIC;

CREATE FUNCTION pagestore_stop_clear(name text DEFAULT NULL)
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C;
REVOKE ALL ON FUNCTION pagestore_stop_clear(text) FROM PUBLIC;

CREATE FUNCTION pagestore_stops(OUT name text, OUT action text, OUT hits integer, OUT waiting integer[])
RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
REVOKE ALL ON FUNCTION pagestore_stops() FROM PUBLIC;

CREATE FUNCTION pagestore_fault_set(op text, error text DEFAULT '', relfilenode oid DEFAULT 0, tablespace oid DEFAULT 0,
	skip integer DEFAULT 0, times integer DEFAULT -1, bytes integer DEFAULT -1, milliseconds integer DEFAULT 0, pid integer DEFAULT 0)
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
REVOKE ALL ON FUNCTION pagestore_fault_set(text, text, oid, oid, integer, integer, integer, integer, integer) FROM PUBLIC;

CREATE FUNCTION pagestore_fault_clear()
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
REVOKE ALL ON FUNCTION pagestore_fault_clear() FROM PUBLIC;

CREATE FUNCTION pagestore_faults(OUT op text, OUT relfilenode oid, OUT hits integer)
RETURNS SETOF record AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
REVOKE ALL ON FUNCTION pagestore_faults() FROM PUBLIC;

CREATE FUNCTION pagestore_next_oid(next oid)
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
REVOKE ALL ON FUNCTION pagestore_next_oid(oid) FROM PUBLIC;

CREATE FUNCTION pagestore_behind(relation regclass, what text, block bigint)
RETURNS tid AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
REVOKE ALL ON FUNCTION pagestore_behind(regclass, text, bigint) FROM PUBLIC;

CREATE FUNCTION pagestore_barrier()
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
REVOKE ALL ON FUNCTION pagestore_barrier() FROM PUBLIC;

CREATE FUNCTION pagestore_can_touch(frame bigint)
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
REVOKE ALL ON FUNCTION pagestore_can_touch(bigint) FROM PUBLIC;

COMMENT ON FUNCTION pagestore_can_touch(bigint) IS
'whether this session could read a frame now (see pagestore.debug_protect_frames)';
