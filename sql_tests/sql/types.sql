-- Values of all shapes: by value and by reference, aligned, null, compressed, out of line.
SELECT twins('v', $$id int PRIMARY KEY, a "char", b smallint, c bigint, d float8, e numeric, f text, g bytea, h timestamptz, i uuid,
    j jsonb, k int[], l box, m interval, n name, o bool, p char(7), q varchar(9), r bit varying, s inet, t tsvector, u int4range$$);
SELECT twin_exec($$INSERT INTO v@ SELECT x, chr(65 + x % 26)::"char", x, x::bigint << 33, x / 7.0, (x::numeric ^ 5) / 3,
    CASE WHEN x % 4 <> 0 THEN repeat(md5(x::text), x % 8) END, CASE WHEN x % 3 <> 0 THEN decode(md5(x::text), 'hex') END,
    '2020-01-01 UTC'::timestamptz + x * interval '1 minute', md5(x::text)::uuid,
    CASE WHEN x % 5 <> 0 THEN jsonb_build_object('k', x, 'l', array[x, x]) END, array[x, NULL, -x], box(point(x, x), point(0, 1)),
    x * interval '1 hour', 'name' || x, x % 2 = 0, 'c' || x, 'v' || x, x::bit(20), ('10.0.0.' || x % 256)::inet,
    to_tsvector('simple', 'a b c' || x), int4range(x, x + 5) FROM generate_series(1, 1500) x$$);
-- box has no hash or sort of its own: compared as text
SELECT twin_rows('SELECT id, a, b, c, d, e, f, g, h, i, j, k, l::text, m, n, o, p, q, r, s, t, u FROM v@');
SELECT twin_exec('UPDATE v@ SET f = NULL, e = NULL, k = NULL WHERE id % 10 = 0');
SELECT twin_exec($$UPDATE v@ SET f = 'set', j = '{"a": null}' WHERE id % 10 = 5$$);
SELECT twin_rows('SELECT id, a, b, c, d, e, f, g, h, i, j, k, l::text, m, n, o, p, q, r, s, t, u FROM v@');
SELECT twin_rows('SELECT u, f FROM v@ WHERE f IS NOT NULL AND e > 1000');
SELECT twin_rows('SELECT count(*), sum(c), max(f), min(i::text), avg(e) FROM v@ GROUP BY a');

-- many columns, nulls in most of them
DO $$
DECLARE
    cols text;
BEGIN
    SELECT string_agg(format('c%s %s', i, (array['int', 'text', 'bigint', '"char"'])[1 + i % 4]), ', ') INTO cols FROM generate_series(1, 900) i;
    PERFORM twins('wide', cols);
    FOR r IN 1..40 LOOP
        PERFORM twin_exec(format('INSERT INTO wide@ (c%s, c%s, c900) VALUES (%s, %s, %s)', r * 4, r * 4 + 1, r, quote_literal('t' || r), r));
    END LOOP;
END $$;
SELECT twin_rows('SELECT * FROM wide@');
SELECT count(*), sum(c4), max(c161), sum(c900) FROM wide_p;

-- out of line and compressed
CREATE FUNCTION noise(seed int, chars int) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT substr(string_agg(md5(seed || '.' || i), ''), 1, chars) FROM generate_series(0, chars / 32) i $$;
SELECT twins('big', 'id int PRIMARY KEY, body text, other bytea, n int');
ALTER TABLE big_p ALTER COLUMN other SET STORAGE EXTERNAL;
ALTER TABLE big_h ALTER COLUMN other SET STORAGE EXTERNAL;
SELECT twin_exec($$INSERT INTO big@ SELECT i, noise(i, i * 300), convert_to(noise(-i, 5000), 'UTF8'), 0 FROM generate_series(1, 100) i$$);
SELECT twin_exec($$INSERT INTO big@ SELECT i, repeat('compress me ', i * 20), NULL, 0 FROM generate_series(101, 200) i$$);
SELECT twin_rows('SELECT * FROM big@');
SELECT amname FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid JOIN pg_am a ON a.oid = t.relam WHERE c.relname = 'big_p';
-- the value stays where it is when another column changes
SELECT twin_exec('UPDATE big@ SET n = n + 1');
SELECT twin_exec($$UPDATE big@ SET body = body || '!' WHERE id % 7 = 0$$);
SELECT twin_exec('UPDATE big@ SET other = NULL WHERE id % 9 = 0');
SELECT twin_exec('DELETE FROM big@ WHERE id % 11 = 0');
SELECT twin_rows('SELECT * FROM big@');
SELECT twin_rows('SELECT id, substr(body, 5000, 20), octet_length(other), md5(body) FROM big@');
VACUUM big_p;
VACUUM big_h;
SELECT twin_rows('SELECT * FROM big@');
SELECT (SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'big_h') =
       (SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'big_p') AS same_toast_size;
-- values that outlive their slot: sorts, hashes, functions, arrays, cursors
SELECT md5(string_agg(body, ',' ORDER BY n, id DESC)) = (SELECT md5(string_agg(body, ',' ORDER BY n, id DESC)) FROM big_h) AS same FROM big_p;
SELECT count(*) FROM (SELECT DISTINCT body, other FROM big_p OFFSET 0) s;
DO $$
DECLARE
    r record;
    kept text[] := '{}';
BEGIN
    FOR r IN SELECT * FROM big_p ORDER BY id LIMIT 30 LOOP
        kept := kept || r.body;
        UPDATE big_p SET body = 'gone' WHERE id = r.id;
    END LOOP;
    RAISE NOTICE '%', (SELECT count(*) FROM unnest(kept) k WHERE k IN (SELECT body FROM big_h WHERE id <= 40));
END $$;

-- compression methods: pglz and, where the server has it, lz4
CREATE TABLE comp (id int, a text COMPRESSION pglz, b text) USING pagestore;
INSERT INTO comp SELECT i, repeat('abc', 2000 + i), repeat('abc', 2000 + i) FROM generate_series(1, 20) i;
DO $$
BEGIN
    ALTER TABLE comp ALTER COLUMN b SET COMPRESSION lz4;
    INSERT INTO comp SELECT i, repeat('abc', 2000 + i), repeat('abc', 2000 + i) FROM generate_series(21, 40) i;
    IF (SELECT count(*) FROM comp WHERE id > 20 AND pg_column_compression(b) = 'lz4') <> 20 THEN
        RAISE WARNING 'not lz4';
    END IF;
EXCEPTION WHEN feature_not_supported THEN
    INSERT INTO comp SELECT i, repeat('abc', 2000 + i), repeat('abc', 2000 + i) FROM generate_series(21, 40) i;
END $$;
SELECT count(*), sum(length(a)), sum(length(b)), bool_and(a = b) FROM comp;
VACUUM FULL comp;
SELECT count(*), sum(length(a)), sum(length(b)), bool_and(a = b) FROM comp;

-- SET STORAGE PLAIN: a row that fits no page is an error, and nothing is left behind
SELECT twins('plain', 'id int, t text');
ALTER TABLE plain_h ALTER COLUMN t SET STORAGE PLAIN;
ALTER TABLE plain_p ALTER COLUMN t SET STORAGE PLAIN;
SELECT twin_error($$INSERT INTO plain@ VALUES (1, repeat('x', 9000))$$);
SELECT twin_exec($$INSERT INTO plain@ VALUES (1, repeat('x', 8100))$$);
SELECT twin_exec($$INSERT INTO plain@ VALUES (2, repeat('y', 4000)), (3, repeat('z', 4100))$$);
SELECT twin_error($$UPDATE plain@ SET t = t || t WHERE id = 1$$);
SELECT twin_exec($$UPDATE plain@ SET t = repeat('w', 8000) WHERE id = 2$$);
SELECT twin_rows('SELECT ctid, * FROM plain@');

DROP TABLE v_h, v_p, wide_h, wide_p, big_h, big_p, comp, plain_h, plain_p;
