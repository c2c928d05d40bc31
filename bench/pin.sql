-- Cost of pinning and unpinning a resident page: ours beside ReadBuffer/ReleaseBuffer.
--   make PAGESTORE_BENCH=1 && sudo make PAGESTORE_BENCH=1 install, a restart of the server, and as a superuser
--   psql -X -f bench/pin.sql
-- "hot": always the same page; "spread": random pages of 64 MB, which must fit in
-- pagestore.pool_size and in shared_buffers.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
CREATE EXTENSION pagestore_bench CASCADE;
CREATE TABLE bench_pin_ours (filler text) USING pagestore;
CREATE TABLE bench_pin_heap (filler text) USING heap;
INSERT INTO bench_pin_ours SELECT repeat('x', 900) FROM generate_series(1, 8 * 8192);
INSERT INTO bench_pin_heap SELECT repeat('x', 900) FROM generate_series(1, 8 * 8192);
SELECT CASE WHEN spread THEN 'spread' ELSE 'hot' END AS pages,
       round(pagestore_ns::numeric, 1) AS pagestore_ns, round(heap_ns::numeric, 1) AS heap_ns,
       round((heap_ns / pagestore_ns)::numeric, 2) AS times_as_fast
  FROM (VALUES (false), (true)) AS v(spread),
       LATERAL pagestore_bench_pin('bench_pin_ours', 'bench_pin_heap', 2000000, spread);
ROLLBACK;
