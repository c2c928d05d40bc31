/* pagestore--1.0.sql */

\echo Use "CREATE EXTENSION pagestore" to load this file. \quit

CREATE FUNCTION pagestore_tableam_handler(internal)
RETURNS table_am_handler
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT;

COMMENT ON FUNCTION pagestore_tableam_handler(internal) IS 'handler of the pagestore table access method';

CREATE ACCESS METHOD pagestore TYPE TABLE HANDLER pagestore_tableam_handler;
COMMENT ON ACCESS METHOD pagestore IS 'heap-format tables on their own O_DIRECT pool';

CREATE FUNCTION pagestore_convert(relation regclass, access_method name, force boolean DEFAULT false)
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION pagestore_convert(regclass, name, boolean) IS
'give a table, or the partitions of one, the access method heap or pagestore without rewriting it; false if it has it already. force: also one that belongs to an extension';

CREATE PROCEDURE pagestore_convert_all(access_method name, schema regnamespace DEFAULT NULL, dry_run boolean DEFAULT false,
	INOUT converted bigint DEFAULT NULL, INOUT skipped bigint DEFAULT NULL)
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON PROCEDURE pagestore_convert_all(name, regnamespace, boolean, bigint, bigint) IS
'give all tables of a schema, or of the database, the access method heap or pagestore, each in a transaction of its own';

CREATE FUNCTION pagestore_in_pool("any")
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION pagestore_in_pool("any") IS
'does this value lie, uncopied, in a frame of the pool? NULL for a type passed by value';

CREATE FUNCTION pagestore_stat(
	OUT io_method text,
	OUT io_fallback_reason text,
	OUT frames bigint,
	OUT frames_target bigint,
	OUT frames_free bigint,
	OUT frames_dirty bigint,
	OUT frames_pinned bigint,
	OUT frames_ghost bigint,
	OUT blks_hit bigint,
	OUT blks_read bigint,
	OUT blks_read_ahead bigint,
	OUT blks_read_ahead_wasted bigint,
	OUT blks_around bigint,
	OUT blks_around_shared bigint,
	OUT writes_worker bigint,
	OUT writes_checkpoint bigint,
	OUT writes_backend bigint,
	OUT evictions bigint,
	OUT ghosts_made bigint,
	OUT blk_read_time double precision,
	OUT blk_write_time double precision,
	OUT block_size bigint,
	OUT stats_reset timestamp with time zone)
RETURNS record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

CREATE VIEW pg_stat_pagestore AS SELECT * FROM pagestore_stat();
COMMENT ON VIEW pg_stat_pagestore IS
'state of the pool, and counts since stats_reset: one row';
GRANT SELECT ON pg_stat_pagestore TO PUBLIC;

CREATE FUNCTION pg_stat_reset_pagestore()
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE PARALLEL SAFE;

COMMENT ON FUNCTION pg_stat_reset_pagestore() IS
'count from zero: pg_stat_pagestore and what pg_stat_pagestore_tables and pg_stat_pagestore_sizes count, in all databases';
REVOKE ALL ON FUNCTION pg_stat_reset_pagestore() FROM PUBLIC;

CREATE FUNCTION pagestore_stat_tables(
	OUT relid oid,
	OUT blks_total bigint,
	OUT blks_resident bigint,
	OUT blks_dirty bigint,
	OUT blks_read_ahead bigint,
	OUT blks_read_ahead_wasted bigint,
	OUT blks_around bigint,
	OUT evictions bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

REVOKE ALL ON FUNCTION pagestore_stat_tables() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pagestore_stat_tables() TO pg_monitor;

CREATE VIEW pg_stat_pagestore_tables AS
SELECT t.relid, n.nspname AS schemaname, c.relname, t.blks_total, t.blks_resident,
	100.0::float8 * t.blks_resident::float8 / nullif(t.blks_total, 0)::float8 AS resident_percent, t.blks_dirty,
	pg_stat_get_blocks_hit(t.relid) AS blks_hit,
	pg_stat_get_blocks_fetched(t.relid) - pg_stat_get_blocks_hit(t.relid) AS blks_read,
	t.blks_read_ahead, t.blks_read_ahead_wasted, t.blks_around, t.evictions
FROM pagestore_stat_tables() t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace;
COMMENT ON VIEW pg_stat_pagestore_tables IS
'pagestore tables of this database: what of them is in the pool, and how it came there';
GRANT SELECT ON pg_stat_pagestore_tables TO pg_monitor;

CREATE FUNCTION pagestore_stat_activity(
	OUT pid integer,
	OUT frames_pinned bigint,
	OUT ring_bytes bigint,
	OUT reads_in_flight bigint,
	OUT writes_in_flight bigint,
	OUT blks_hit bigint,
	OUT blks_read bigint,
	OUT blks_read_ahead bigint,
	OUT blks_around bigint,
	OUT blks_written bigint,
	OUT evictions bigint,
	OUT blk_read_time double precision,
	OUT blk_write_time double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

CREATE VIEW pg_stat_pagestore_activity AS
SELECT s.pid, a.datid, a.datname, a.usesysid, a.usename, a.backend_type,
	s.frames_pinned, s.ring_bytes, s.reads_in_flight, s.writes_in_flight, s.blks_hit, s.blks_read,
	s.blks_read_ahead, s.blks_around, s.blks_written, s.evictions, s.blk_read_time, s.blk_write_time
FROM pagestore_stat_activity() s LEFT JOIN pg_stat_activity a ON a.pid = s.pid;
COMMENT ON VIEW pg_stat_pagestore_activity IS
'processes that use the pool: what they hold now, and have done since they began';
GRANT SELECT ON pg_stat_pagestore_activity TO PUBLIC;

CREATE FUNCTION pagestore_frames(
	OUT frame bigint,
	OUT reltablespace oid,
	OUT reldatabase oid,
	OUT relfilenode oid,
	OUT relblocknumber bigint,
	OUT isdirty boolean,
	OUT dirty_since pg_lsn,
	OUT reading boolean,
	OUT writing boolean,
	OUT ghost boolean,
	OUT pins integer)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

REVOKE ALL ON FUNCTION pagestore_frames() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pagestore_frames() TO pg_monitor;

CREATE VIEW pagestore_frames AS SELECT * FROM pagestore_frames();
COMMENT ON VIEW pagestore_frames IS
'the frames of the pool in use, as pg_buffercache shows shared buffers';
GRANT SELECT ON pagestore_frames TO pg_monitor;

CREATE FUNCTION pagestore_stat_sizes(
	OUT setting text,
	OUT size bigint,
	OUT is_current boolean,
	OUT accesses bigint,
	OUT expected_reads bigint,
	OUT expected_hit_ratio double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

CREATE VIEW pg_stat_pagestore_sizes AS SELECT * FROM pagestore_stat_sizes();
COMMENT ON VIEW pg_stat_pagestore_sizes IS
'what a pool and shared_buffers of other sizes would have read for the page accesses of late';
GRANT SELECT ON pg_stat_pagestore_sizes TO PUBLIC;

CREATE FUNCTION pagestore_advice()
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION pagestore_advice() IS
'how the memory that pool and shared_buffers have is better divided, in one sentence';

/* ---- tools for one table: see "Tools" in README.md ---- */

CREATE FUNCTION pagestore_check(
	relation regclass,
	heapallindexed boolean DEFAULT true,
	check_toast boolean DEFAULT true,
	check_indexes boolean DEFAULT true,
	on_error_stop boolean DEFAULT false,
	skip text DEFAULT 'none',
	startblock bigint DEFAULT NULL,
	endblock bigint DEFAULT NULL,
	OUT blkno bigint,
	OUT offnum integer,
	OUT attnum integer,
	OUT msg text)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE;

COMMENT ON FUNCTION pagestore_check(regclass, boolean, boolean, boolean, boolean, text, bigint, bigint) IS
'what is wrong with a table, its TOAST values and its indexes: one row for each finding';
REVOKE ALL ON FUNCTION pagestore_check(regclass, boolean, boolean, boolean, boolean, text, bigint, bigint) FROM PUBLIC;

CREATE FUNCTION pagestore_page(relation regclass, blkno bigint)
RETURNS bytea
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION pagestore_page(regclass, bigint) IS
'bytes of a page as it is now, for the functions of pageinspect; for superusers';
REVOKE ALL ON FUNCTION pagestore_page(regclass, bigint) FROM PUBLIC;

CREATE FUNCTION pagestore_stattuple(
	relation regclass,
	OUT table_len bigint,
	OUT tuple_count bigint,
	OUT tuple_len bigint,
	OUT tuple_percent double precision,
	OUT dead_tuple_count bigint,
	OUT dead_tuple_len bigint,
	OUT dead_tuple_percent double precision,
	OUT free_space bigint,
	OUT free_percent double precision)
RETURNS record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION pagestore_stattuple(regclass) IS
'live rows, dead rows and free space of a table, as pgstattuple';
REVOKE ALL ON FUNCTION pagestore_stattuple(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pagestore_stattuple(regclass) TO pg_stat_scan_tables;

CREATE FUNCTION pagestore_stattuple_approx(
	relation regclass,
	OUT table_len bigint,
	OUT scanned_percent double precision,
	OUT approx_tuple_count bigint,
	OUT approx_tuple_len bigint,
	OUT approx_tuple_percent double precision,
	OUT dead_tuple_count bigint,
	OUT dead_tuple_len bigint,
	OUT dead_tuple_percent double precision,
	OUT approx_free_space bigint,
	OUT approx_free_percent double precision)
RETURNS record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION pagestore_stattuple_approx(regclass) IS
'the same, without a look at pages that are all-visible, as pgstattuple_approx';
REVOKE ALL ON FUNCTION pagestore_stattuple_approx(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pagestore_stattuple_approx(regclass) TO pg_stat_scan_tables;

CREATE FUNCTION pagestore_rowlocks(
	relation regclass,
	OUT locked_row tid,
	OUT locker xid,
	OUT multi boolean,
	OUT xids xid[],
	OUT modes text[],
	OUT pids integer[])
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE;

COMMENT ON FUNCTION pagestore_rowlocks(regclass) IS
'which rows of a table are locked, by whom and how, as pgrowlocks; wants SELECT on it, or pg_stat_scan_tables';

CREATE FUNCTION pagestore_prewarm(
	relation regclass,
	first_block bigint DEFAULT NULL,
	last_block bigint DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE;

COMMENT ON FUNCTION pagestore_prewarm(regclass, bigint, bigint) IS
'read a table, or some of its blocks, into the pool: how many blocks; wants SELECT on it';

CREATE FUNCTION pagestore_prewarm_progress(
	OUT phase text,
	OUT pages_listed bigint,
	OUT pages_read bigint)
RETURNS record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

CREATE VIEW pagestore_prewarm_progress AS SELECT * FROM pagestore_prewarm_progress();
COMMENT ON VIEW pagestore_prewarm_progress IS
'pages that were in the pool when the server stopped, and how many of them have been read back: one row';
GRANT SELECT ON pagestore_prewarm_progress TO PUBLIC;

/* ---- progress ---- */

CREATE FUNCTION pagestore_progress(
	command text,
	OUT pid integer,
	OUT datid oid,
	OUT relid oid,
	OUT param1 bigint,
	OUT param2 bigint,
	OUT param3 bigint,
	OUT param4 bigint,
	OUT param5 bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

CREATE VIEW pg_stat_progress_pagestore_convert AS
SELECT s.pid, s.datid, d.datname, s.relid,
	CASE s.param1 WHEN 1 THEN 'heap' WHEN 0 THEN 'pagestore' END AS access_method,
	CASE s.param2 WHEN 0 THEN 'initializing' WHEN 1 THEN 'writing changed pages'
		WHEN 2 THEN 'waiting for lock' WHEN 3 THEN 'changing the catalog' END AS phase,
	s.param3 AS tables_total, s.param4 AS tables_done, s.param5 AS tables_skipped
FROM pagestore_progress('CONVERT'::text) s LEFT JOIN pg_database d ON d.oid = s.datid;
COMMENT ON VIEW pg_stat_progress_pagestore_convert IS
'switches between heap and pagestore under way: one row for each process';
GRANT SELECT ON pg_stat_progress_pagestore_convert TO PUBLIC;

CREATE VIEW pg_stat_progress_pagestore_prewarm AS
SELECT s.pid, s.datid, d.datname, s.relid, s.param1 AS blocks_total, s.param2 AS blocks_done
FROM pagestore_progress('PREWARM'::text) s LEFT JOIN pg_database d ON d.oid = s.datid;
COMMENT ON VIEW pg_stat_progress_pagestore_prewarm IS
'tables that are being read into the pool, by pagestore_prewarm(), pg_prewarm() or after a start: one row for each process';
GRANT SELECT ON pg_stat_progress_pagestore_prewarm TO PUBLIC;
