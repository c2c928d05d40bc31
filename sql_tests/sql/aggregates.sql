-- Aggregates that the scan of a whole table computes: results, counters and errors beside heap.
SET client_min_messages = warning;
SET extra_float_digits = 1;
SET max_parallel_workers_per_gather = 0;
SELECT twins('a', 'i2 int2, i4 int4, i8 int8, d date, ts timestamp, tz timestamptz, f8 float8, n numeric, t text, late int4');
-- some pages without a null, some with, one column only nulls until late; dead rows
SELECT twin_exec($$INSERT INTO a@ SELECT g % 300 - 150, g * 7919 % 100003 - 50000, g * 10000000019 % 777777777777 - 400000000000, date '2000-01-01' + g % 5000,
	timestamp '1999-01-01' + g * interval '7 min', timestamptz '1999-01-01 00:00Z' - g * interval '3 min', g / 7.0, g / 9.0, 'text ' || g, NULL FROM generate_series(1, 6000) g$$);
SELECT twin_exec($$UPDATE a@ SET i2 = NULL, i4 = nullif(i4 % 5, 0), i8 = NULL, d = NULL, f8 = CASE WHEN i4 % 2 = 0 THEN f8 END, ts = NULL, tz = NULL WHERE n BETWEEN 200 AND 300$$);
SELECT twin_exec('UPDATE a@ SET late = i4 WHERE n > 600');
SELECT twin_exec('DELETE FROM a@ WHERE i8 % 17 = 0');

CREATE FUNCTION each(what text[], source text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(twin_rows(format('SELECT %s FROM %s', w, source)) || '', ' ') FROM unnest(what) w
$$;
CREATE TABLE whats (id int, what text[]);
INSERT INTO whats VALUES
	-- one after the other, a page at a time
	(1, '{count(*),count(i2),count(t),count(late),sum(i2),sum(i4),avg(i2),avg(i4),sum(f8)::text,sum(late),avg(late)}'),
	(2, '{max(i2),max(i4),max(i8),max(d),max(ts),max(tz),min(i2),min(i4),min(i8),min(d),min(ts),min(tz),max(late),min(late)}'),
	(3, ARRAY['count(*), sum(i4), avg(i4), max(ts), min(i8), sum(f8)::text, count(t)', 'sum(i4), sum(i4) + count(i4), count(*)', 'max(i2), min(late)']),
	-- a row at a time
	(4, '{sum(i8),sum(n),avg(f8)::text,max(t),max(n),sum(i4 + 1),count(i4 + i2),sum(i4) FILTER (WHERE i2 > 0),count(DISTINCT i2),stddev(i4),bool_or(i4 > 5),corr(i4\,i2)::text}'),
	(5, '{"string_agg(t, '','' ORDER BY i4, t)","array_agg(i4 ORDER BY i4)","count(*), count(a), count(ctid)","percentile_cont(0.5) WITHIN GROUP (ORDER BY f8)","mode() WITHIN GROUP (ORDER BY i2)"}'),
	(6, '{"sum(i4), sum(n)","count(*), max(t)"}');
SELECT id, each(what, 'a@ a') FROM whats ORDER BY id;
SELECT id, each(what, 'a@ a WHERE i4 % 3 = 0') FROM whats ORDER BY id;
SELECT id, each(what, 'a@ a WHERE i4 > 1000000') FROM whats ORDER BY id;
SELECT id, each(what, 'a@ a WHERE late IS NOT NULL HAVING count(*) > 1') FROM whats ORDER BY id;
-- the same with the setting off, by one row and by none
SET pagestore.enable_scan_aggregates = off;
SELECT id, each(what, 'a@ a WHERE i4 % 3 = 0') FROM whats ORDER BY id;
RESET pagestore.enable_scan_aggregates;
SELECT twins('one', 'i4 int4, t text');
SELECT twin_rows('SELECT count(*), sum(i4), max(i4), avg(i4), max(t) FROM one@'), twin_exec('INSERT INTO one@ VALUES (NULL)'),
	twin_rows('SELECT count(*), sum(i4), max(i4), avg(i4), max(t) FROM one@'), twin_exec('INSERT INTO one@ VALUES (7)'),
	twin_rows('SELECT count(*), sum(i4), max(i4), avg(i4), max(t) FROM one@'), twin_rows('SELECT max(i4), avg(i4), count(*), sum(i4) FROM one@ WHERE i4 > 0');

-- columns dropped, added and older rows: the scan projects
SELECT twin_exec('ALTER TABLE a@ DROP COLUMN i2, ADD m int4 DEFAULT 42, ADD m8 int8, ADD mt text DEFAULT ''t''');
SELECT twin_exec('INSERT INTO a@ (i4, m, m8) SELECT g, nullif(g % 5, 0), g FROM generate_series(1, 500) g');
SELECT each(ARRAY['count(*), sum(i4), sum(m), avg(m), count(m), count(mt), max(m8), min(m8), count(m8)', 'sum(m)', 'max(m8)', 'sum(i4)', 'count(*), sum(n), max(mt)', 'count(a), max(m)'], 'a@ a'),
	   each(ARRAY['count(*), sum(i4), sum(m), avg(m), count(m), count(mt), max(m8), min(m8), count(m8)', 'sum(m)', 'max(m8)', 'sum(i4)', 'count(*), sum(n), max(mt)', 'count(a), max(m)'], 'a@ a WHERE f8 > 100');

-- partitions, whose columns lie at other places; one of heap
CREATE TABLE parted_h (k int, v int, t text) PARTITION BY RANGE (k);
CREATE TABLE parted_p (k int, v int, t text) PARTITION BY RANGE (k);
SELECT twins('part1', 'k int, v int, t text'), twins('part2', 't text, gone int, v int, k int'), twins('part3', 'k int, v int, t text');
SELECT twin_exec('ALTER TABLE part2@ DROP COLUMN gone');
CREATE TABLE part4_h (k int, v int, t text) USING heap;
CREATE TABLE part4_p (k int, v int, t text) USING heap;
SELECT twin_exec(format('ALTER TABLE parted@ ATTACH PARTITION part%s@ FOR VALUES FROM (%s) TO (%s)', i, i * 1000, (i + 1) * 1000)) FROM generate_series(1, 4) i;
SELECT twin_exec('INSERT INTO parted@ SELECT g, g % 77, ''t'' || g FROM generate_series(1000, 4999) g WHERE g NOT BETWEEN 3000 AND 3998');
SELECT each(ARRAY['count(*)', 'sum(v), count(t)', 'max(v), min(k), avg(v)', 'max(t), count(*)', 'sum(v + k)', 'count(p)'], 'parted@ p'),
	   each(ARRAY['count(*)', 'sum(v), count(t)', 'max(v), min(k), avg(v)', 'max(t), count(*)', 'sum(v + k)', 'count(p)'], 'parted@ p WHERE v > 70');
SET enable_partitionwise_aggregate = on;
SELECT each(ARRAY['count(*)', 'sum(v), count(t)', 'max(v), min(k), avg(v)', 'max(t), count(*)'], 'parted@ p');
RESET enable_partitionwise_aggregate;

-- parallel: each process's part, of tables and of partitions
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT plan_nodes('SELECT count(*) FROM a_p'), plan_nodes('SELECT sum(v), max(t) FROM parted_p');
SELECT each(ARRAY['count(*)', 'count(*), sum(i4), avg(i4), max(ts), min(i8)', 'sum(n)', 'avg(f8)::numeric(20, 6)'], 'a@'), each(ARRAY['count(*)', 'sum(v), max(t)'], 'parted@');
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SET max_parallel_workers_per_gather = 0;

-- started over for each row of a query around it, of one table or the other; below a cursor; in functions called for each row
SELECT twin_rows('SELECT k, (SELECT sum(i4) FROM a@ WHERE a@.i4 < p.k), (SELECT count(*) FROM one@ WHERE i4 = p.v) FROM parted@ p WHERE k % 100 = 3');
SELECT twin_rows('SELECT k, s FROM parted@ p, LATERAL (SELECT max(v) AS s FROM parted@ q WHERE q.v < p.v) x WHERE p.k % 500 = 7');
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT count(*), sum(i4) > 0 FROM a_p WHERE i4 <= (SELECT max(v) FROM part1_p);
FETCH ALL FROM c;
FETCH BACKWARD ALL FROM c;
MOVE FORWARD ALL FROM c;
FETCH BACKWARD 1 FROM c;
COMMIT;
CREATE FUNCTION total(relation text, below int) RETURNS int8 LANGUAGE plpgsql AS $$
DECLARE
	r int8;
BEGIN
	EXECUTE format('SELECT sum(v) FROM %I WHERE v < $1', relation) INTO r USING below;
	RETURN r;
END $$;
SELECT twin_rows('SELECT sum(total(''part1@'', v)), count(*) FROM parted@ WHERE total(''part3@'', v) > 0 AND k % 50 = 0');

-- EXPLAIN ANALYZE and the counters tell what heap's do
CREATE FUNCTION explained(q text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) ' || q LOOP
		RETURN NEXT replace(line, '.00 ', ' ');		-- 18 tells of parts of a row
	END LOOP;
END $$;
SELECT explained('SELECT count(*), sum(i4) FROM a_p WHERE i4 % 3 = 0');
SELECT explained('SELECT max(t) FROM a_p WHERE i4 % 3 = 0');
SELECT explained('SELECT sum(v) FROM parted_p WHERE v < 50');
SELECT twin_rows('SELECT regexp_replace(string_agg(x, '' ''), ''a_[hp]'', ''a'') FROM explained(''SELECT max(t) FROM a@ WHERE i4 % 3 = 0'') x');
SELECT twins('counted', 'i int, t text');
SELECT twin_exec('INSERT INTO counted@ SELECT g, ''t'' || g FROM generate_series(1, 3000) g');
SELECT count(*), sum(i) > 0 AS positive FROM counted_h WHERE i > 5;
SELECT count(*), sum(i) > 0 AS positive FROM counted_p WHERE i > 5;
SELECT max(t) FROM counted_h;
SELECT max(t) FROM counted_p;
CALL settle();
SELECT twin_rows('SELECT seq_scan, seq_tup_read FROM pg_stat_user_tables WHERE relname = ''counted@''');
SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'counted_p';

-- errors: of values, of functions; caught, and the next one works
SELECT twin_error('SELECT sum(1000 / (i4 - 7)) FROM a@'), twin_error('SELECT count(*) FROM a@ WHERE 1000 / (i4 - 7) > 0'), twin_error('SELECT sum(f8 * 1e307) FROM a@');
SELECT twins('big', 'f float8');
SELECT twin_exec('INSERT INTO big@ SELECT CASE WHEN g > 900 THEN 1e308 END FROM generate_series(1, 1000) g');
SELECT twin_error('SELECT sum(f) FROM big@'), twin_rows('SELECT count(f), count(*) FROM big@'), twin_rows('SELECT sum(f) FROM big@ WHERE f IS NULL');

-- a condition that fails for a later row than the sum does
SELECT twins('early', 'i int, f float8');
SELECT twin_exec('INSERT INTO early@ SELECT g, 1e308 FROM generate_series(1, 20) g');
SELECT twin_error('SELECT sum(f) FROM early@ WHERE 1 / (i - 10) < 5'), twin_error('SELECT count(*) FROM early@ WHERE 1 / (i - 10) < 5');
-- what the scan computes though no aggregate asks for it
CREATE SEQUENCE calls_h;
CREATE SEQUENCE calls_p;
SELECT twin_rows('SELECT count(*) FROM (SELECT nextval(''calls@'') FROM early@) s'), twin_rows('SELECT count(i) FROM (SELECT i, nextval(''calls@'') FROM early@ OFFSET 0) s');
SELECT h.last_value = p.last_value AS same, p.last_value > 40 AS many FROM calls_h h, calls_p p;
-- whole numbers whose Datum has zeros before them, as a hash function leaves it, and which become the state as they are
SELECT twins('zeros', 'i int, t text'), twins('nulls_first', 'a int');
SELECT twin_exec('INSERT INTO zeros@ VALUES (1, NULL), (1, ''1'')'), twin_exec('INSERT INTO nulls_first@ VALUES (NULL), (-2147483648), (6)');
SELECT twin_rows('SELECT max(x), min(x), sum(x) FROM (SELECT hashtext(t) x FROM zeros@ UNION ALL SELECT a FROM nulls_first@) s'),
	   twin_rows('SELECT max(x), min(x) FROM (SELECT CASE WHEN t IS NOT NULL THEN ''4294967295''::oid::int4 END x FROM zeros@ UNION ALL SELECT a FROM nulls_first@) s');
SELECT max(x), min(x) FROM (SELECT hashtext(t) x FROM zeros_p UNION ALL SELECT a FROM nulls_first_p) s;

-- aggregates of a user's: with core's functions and another first state, in SQL
CREATE AGGREGATE count_from_ten(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '10');
CREATE AGGREGATE count_to_the_end(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '9223372036854775800');
CREATE AGGREGATE at_least_five(int4) (SFUNC = int4larger, STYPE = int4, INITCOND = '5');
CREATE AGGREGATE sum_from(int4) (SFUNC = int4_sum, STYPE = int8, INITCOND = '-3');
CREATE AGGREGATE bad_average(int4) (SFUNC = int4_avg_accum, STYPE = int8[], INITCOND = '{1}');
CREATE FUNCTION add_one_for_null(int8, int4) RETURNS int8 LANGUAGE sql AS 'SELECT coalesce($1, 0) + coalesce($2, 1)';
CREATE AGGREGATE sum_with_nulls(int4) (SFUNC = add_one_for_null, STYPE = int8);
SELECT each('{count_from_ten(*),at_least_five(i4),sum_from(i4),sum_with_nulls(i4)}', 'a@'),
	   each('{count_from_ten(*),at_least_five(i4),sum_from(i4),sum_with_nulls(i4)}', 'a@ WHERE i4 < 4'), twin_error('SELECT bad_average(late) FROM a@');
SELECT twin_error('SELECT count_to_the_end(*) FROM a@'), twin_rows('SELECT bad_average(late) FROM a@ WHERE late IS NULL'), twin_rows('SELECT bad_average(none) FROM (SELECT m8::int AS none FROM a@ WHERE m8 IS NULL) s');

-- what the snapshot sees, and what the statement does not see of its own
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT twin_rows('SELECT count(*), sum(v) FROM part1@');
SELECT twin_exec('DELETE FROM part1@ WHERE v < 10'), twin_rows('SELECT count(*), sum(v) FROM part1@');
SELECT twin_exec('INSERT INTO part1@ SELECT k, v, t FROM part1@ WHERE v > (SELECT avg(v) FROM part1@)'), twin_rows('SELECT count(*), sum(v) FROM part1@');
SELECT twin_exec('UPDATE part1@ SET v = (SELECT max(v) FROM part1@) + 1 WHERE k % 7 = 0'), twin_rows('SELECT count(*), sum(v), max(v) FROM part1@');
ROLLBACK;
SELECT twin_rows('SELECT count(*), sum(v), max(v) FROM part1@');
DROP SEQUENCE calls_h, calls_p;
DROP TABLE early_h, early_p, zeros_h, zeros_p, nulls_first_h, nulls_first_p, counted_h, counted_p, a_h, a_p, one_h, one_p, parted_h, parted_p, big_h, big_p, whats;
