-- Values taken out of rows: tables of many shapes beside heap twins, all columns, from any column on, compiled and not.
SET client_min_messages = warning;

-- fixed lengths that are no multiple of the alignment, which is less or more than usual
CREATE TYPE packed6;
CREATE FUNCTION packed6_in(cstring) RETURNS packed6 IMMUTABLE STRICT LANGUAGE internal AS 'macaddr_in';
CREATE FUNCTION packed6_out(packed6) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'macaddr_out';
CREATE TYPE packed6 (INPUT = packed6_in, OUTPUT = packed6_out, INTERNALLENGTH = 6, ALIGNMENT = char);
CREATE TYPE spread6;
CREATE FUNCTION spread6_in(cstring) RETURNS spread6 IMMUTABLE STRICT LANGUAGE internal AS 'macaddr_in';
CREATE FUNCTION spread6_out(spread6) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'macaddr_out';
CREATE TYPE spread6 (INPUT = spread6_in, OUTPUT = spread6_out, INTERNALLENGTH = 6, ALIGNMENT = double);

-- each with an expression over g, a row, and i, a column
CREATE TABLE kinds (k int, type text, value text);
INSERT INTO kinds VALUES
	(0, 'int', 'g * i'), (1, 'text', $$repeat('x', (g + i) % 9)$$), (2, 'bool', 'g % 2 = i % 2'), (3, '"char"', 'chr(65 + (g + i) % 20)::"char"'),
	(4, 'int2', '(g - i)::int2'), (5, 'int8', '-g * 10000000000::int8 + i'), (6, 'float4', 'g / 3.0 + i'), (7, 'float8', 'g / 7.0 - i'),
	(8, 'numeric', 'g * 1000 / 7.0 + i'), (9, 'name', $$'n' || g * i$$), (10, 'uuid', $$md5(g::text || i)::uuid$$), (11, 'interval', $$g * interval '1 hour'$$),
	(12, 'timetz', $$timetz '12:00+02' + i * interval '1 s'$$), (13, 'macaddr', $$macaddr '08:00:2b:01:02:03'$$), (14, 'tid', $$format('(%s,%s)', g, i)::tid$$),
	(15, 'packed6', $$format('08:00:2b:01:02:%s', 10 + (g + i) % 80)::packed6$$), (16, 'spread6', $$format('08:00:2b:01:%s:00', 10 + (g * i) % 80)::spread6$$), (17, 'oid', 'g::oid'),
	-- long enough for four bytes of length, so aligned; long enough to be toasted; fixed length; arrays
	(18, 'varchar', $$repeat('y', 100 + (g * i) % 90)$$), (19, 'bytea', $$decode(repeat('ab', (g * i) % 200), 'hex')$$), (20, 'char(7)', 'g::text'),
	(21, 'int[]', 'ARRAY[g, i, NULL]'), (22, 'point', 'point(g, i)'), (23, 'timestamptz', $$timestamptz '2000-01-01 00:00Z' + g * interval '1 min'$$);

-- Twins d_h and d_p: n columns of kinds that seed chooses, nulls as it says; columns dropped and added, rows before and after.
CREATE FUNCTION shape(n int, seed int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	kind int[] := (SELECT array_agg(abs(hashint4(seed * 1000 + i / (1 + seed % 3))) % 24 ORDER BY i) FROM generate_series(1, n) i);
	solid int := abs(hashint4(seed)) % (n + 1);		-- the first columns are never null
	every int := 1 + abs(hashint4(-seed)) % 5;		-- of the others, every so many; 1: none
	columns text := (SELECT string_agg(format('c%s %s%s', i, type, CASE WHEN i <= solid AND seed % 2 = 0 THEN ' NOT NULL' END), ', ' ORDER BY i)
					 FROM generate_series(1, n) i JOIN kinds ON k = kind[i]);
	given text := (SELECT string_agg(CASE WHEN i <= solid OR every = 1 THEN format('(%s)', v) ELSE format('CASE WHEN (g * %s + %s) %% %s > 0 THEN %s END', seed, i, every, v) END, ', ' ORDER BY i)
				   FROM generate_series(1, n) i JOIN kinds ON k = kind[i], LATERAL (SELECT regexp_replace(value, '\yi\y', i::text, 'g')) x(v));
BEGIN
	DROP TABLE IF EXISTS d_h, d_p;
	PERFORM twins('d', columns);
	PERFORM twin_exec(format('INSERT INTO d@ SELECT %s FROM generate_series(1, 20) g', given));
	PERFORM twin_exec('ALTER TABLE d@ ADD missing int DEFAULT 42, ADD more text DEFAULT ''more'', ADD none int');
	PERFORM twin_exec(format('INSERT INTO d@ SELECT %s, g, g, g FROM generate_series(1, 20) g', given));
	PERFORM twin_exec(format('ALTER TABLE d@ DROP c%s', 1 + seed % n));
	PERFORM twin_exec('INSERT INTO d@ (missing) SELECT g FROM generate_series(1, 3) g WHERE ' || (solid = 0 OR seed % 2 > 0));
	PERFORM twin_exec('ALTER TABLE d@ ADD last numeric DEFAULT 1.5');
END $$;

-- Columns as text, from several on and each alone: what the condition has taken out the output goes on from.
CREATE FUNCTION same_values() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	names text[] := (SELECT array_agg(quote_ident(attname) ORDER BY attnum) FROM pg_attribute
					 WHERE attrelid = 'd_p'::regclass AND attnum > 0 AND NOT attisdropped);
	n int := cardinality(names);
	part text[];
BEGIN
	FOREACH part SLICE 1 IN ARRAY ARRAY[ARRAY[1, n, 1], ARRAY[1, n / 2, 1], ARRAY[1 + n / 3, n, 1 + n / 3]]::text[][] LOOP
		PERFORM twin_rows(format('SELECT ctid, concat_ws(''|'', %s) FROM d@ WHERE %s IS NOT NULL OR %s IS NULL',
								 (SELECT string_agg(format('%s IS NULL, %1$s::text', names[i]), ', ') FROM generate_series(part[1]::int, least(part[2]::int, part[1]::int + 40)) i),
								 names[part[3]::int], names[n]));
	END LOOP;
	-- each alone
	FOR i IN 1 .. n BY greatest(1, n / 5) LOOP
		PERFORM twin_rows(format('SELECT ctid, %s::text FROM d@', names[i]));
	END LOOP;
END $$;

CREATE FUNCTION all_shapes(lo int, hi int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	FOR seed IN lo .. hi LOOP
		PERFORM shape(1 + abs(hashint4(seed * 7)) % 80, seed);
		PERFORM same_values();
	END LOOP;
	RETURN (SELECT count(*) FROM d_p);
END $$;
SET jit = off;
SELECT all_shapes(1, 40) > 0;
-- as many columns as there can be
CREATE FUNCTION widest() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	columns text := (SELECT string_agg(format('c%s %s', i, CASE WHEN i % 4 = 0 THEN 'bool' ELSE '"char"' END), ', ') FROM generate_series(1, 1600) i);
	given text := (SELECT string_agg(CASE WHEN i % 4 = 0 THEN 'g % 2 = 0' ELSE format('CASE WHEN (g + %s) %% 7 > g %% 3 THEN ''x''::"char" END', i) END, ', ') FROM generate_series(1, 1600) i);
BEGIN
	DROP TABLE d_h, d_p;
	PERFORM twins('d', columns);
	PERFORM twin_exec(format('INSERT INTO d@ SELECT %s FROM generate_series(0, 9) g', given));
END $$;
SELECT widest();
SELECT twin_rows('SELECT ctid, c1, c2, c63, c64, c65, c127, c128, c129, c1023, c1024, c1600 FROM d@');
SELECT twin_rows('SELECT ctid, c1600 FROM d@ WHERE c901 IS NULL');

-- compiled, where the server can
SET jit = on;
SET jit_above_cost = 0;
SET jit_inline_above_cost = -1;
SET jit_optimize_above_cost = -1;
SELECT all_shapes(41, 48) > 0;
RESET jit;

-- rows that a slot does not borrow: sorted, joined, returned by a trigger, kept by a cursor
SELECT twins('e', 'a int, b text, c numeric, d int DEFAULT 7');
SELECT twin_exec($$INSERT INTO e@ SELECT g, nullif(repeat('z', g % 5), ''), nullif(g % 3, 0) FROM generate_series(1, 100) g$$);
SELECT twin_exec('ALTER TABLE e@ ADD f int2 DEFAULT 3, ADD g text');
SELECT twin_rows('SELECT x.*, y.b FROM e@ x JOIN e@ y ON x.a = y.a + 1 ORDER BY x.c, x.a');
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.g := NEW.b || NEW.f || coalesce(OLD.c, 0); RETURN NEW; END $$;
CREATE TRIGGER change BEFORE UPDATE ON e_h FOR EACH ROW EXECUTE FUNCTION change();
CREATE TRIGGER change BEFORE UPDATE ON e_p FOR EACH ROW EXECUTE FUNCTION change();
SELECT twin_exec('UPDATE e@ SET f = f + a WHERE a % 3 > 0');
SELECT twin_rows('SELECT * FROM e@');
