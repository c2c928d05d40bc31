/* pagestore_bench--1.0.sql: for builds with PAGESTORE_BENCH=1 only */

\echo Use "CREATE EXTENSION pagestore_bench" to load this file. \quit

CREATE FUNCTION pagestore_bench_pin(pagestore_table regclass, heap_table regclass, loops integer,
	spread boolean, OUT pagestore_ns double precision, OUT heap_ns double precision)
RETURNS record AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
REVOKE ALL ON FUNCTION pagestore_bench_pin(regclass, regclass, integer, boolean) FROM PUBLIC;

COMMENT ON FUNCTION pagestore_bench_pin(regclass, regclass, integer, boolean) IS
'nanoseconds to pin and unpin a resident page, here and in shared_buffers';
