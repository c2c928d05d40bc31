# Large scans read around the pool and see what the pool has changed; nothing is left behind by those that fail.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('around', conf => "pagestore.pool_size = '4MB'\npagestore.replacement = clock\nautovacuum = off\nmax_parallel_workers_per_gather = 0\ncheckpoint_timeout = 1h\n");
$node->start;
# 18 rows a page: about 2,800 pages, 5 times the pool
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE TABLE t (id int PRIMARY KEY, v int, pad text) USING pagestore WITH (fillfactor = 50);
	INSERT INTO t SELECT i, 0, repeat('x', 180) FROM generate_series(1, 50000) i;
	CREATE TABLE other (id int PRIMARY KEY, pad text) USING pagestore;
	INSERT INTO other SELECT i, repeat('y', 1000) FROM generate_series(1, 8000) i;
	CHECKPOINT));

sub around { return $node->safe_psql('postgres', 'SELECT blks_around FROM pg_stat_pagestore'); }
my $shell = 'psql -XAtq -h ' . $node->host . ' -p ' . $node->port . ' -d postgres';
# clock, and three times: pages that were used lately have to go, too
my $evict = 'SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_material = off; ' .
	'SELECT sum(n) FROM generate_series(1, 3) g, LATERAL (SELECT count(pad) n FROM other WHERE id > g - g) l;';
# rows in every fifth page of those that the cursor below has read ahead, but not used, when it stops
my $ahead = 'id = ANY (ARRAY(SELECT generate_series(5000, 9000, 100)))';

my $before = around();
is($node->safe_psql('postgres', 'SELECT count(*), sum(v) FROM t'), '50000|0', 'a large scan');
cmp_ok(around() - $before, '>', 2000, 'goes around the pool');
$before = around();
is($node->safe_psql('postgres', 'SELECT count(*) FROM t WHERE id < 0 OR id IS NULL'), '0', 'an index scan');
is($node->safe_psql('postgres', 'BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(v) FROM t; COMMIT'), '50000', 'a serializable scan');
is(around(), $before, 'do not');

# Changed before the snapshot, still dirty in the pool when the piece is read, and when it is used.
is($node->safe_psql('postgres', "$evict UPDATE t SET v = 1 WHERE $ahead; RESET ALL; SELECT sum(v) FROM t"), "24000\n41", 'dirty pages are taken from the pool');

# Dirty when the piece is read, written and evicted before it is used.
my $out = $node->safe_psql('postgres', qq(
	CREATE TEMP TABLE got (v int);
	$evict
	UPDATE t SET v = 2 WHERE $ahead;
	RESET ALL;
	BEGIN;
	DECLARE c CURSOR FOR SELECT v FROM t;
	MOVE 4000 IN c;
	\\! $shell -c "CHECKPOINT" -c "$evict" >/dev/null
	DO \$\$ DECLARE r record; c refcursor := 'c'; s bigint := 0; BEGIN LOOP FETCH c INTO r; EXIT WHEN NOT FOUND; s := s + r.v; END LOOP; INSERT INTO got VALUES (s); END \$\$;
	TABLE got;
	COMMIT;));
is($out, "24000\n82", 'pages written since the piece was read are read again');

# What the scan's own snapshot must not see stays unseen, wherever it comes from.
$out = $node->safe_psql('postgres', qq(
	BEGIN ISOLATION LEVEL REPEATABLE READ;
	DECLARE c CURSOR FOR SELECT v FROM t;
	MOVE 4000 IN c;
	\\! $shell -c "UPDATE t SET v = 1000 WHERE $ahead" -c "VACUUM t" -c "CHECKPOINT" -c "$evict" >/dev/null
	CREATE TEMP TABLE got (v int);
	DO \$\$ DECLARE r record; c refcursor := 'c'; s bigint := 0; BEGIN LOOP FETCH c INTO r; EXIT WHEN NOT FOUND; s := s + r.v; END LOOP; INSERT INTO got VALUES (s); END \$\$;
	TABLE got;
	COMMIT;));
is($out, '82', 'later changes stay unseen');
is($node->safe_psql('postgres', 'SELECT sum(v) FROM t'), '41000', 'and are seen by the next snapshot');

# Scans that end early, are rescanned, fail, or live on beside others.
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT pad FROM t LIMIT 9000) s'), '9000', 'LIMIT');
is($node->safe_psql('postgres', 'SELECT sum(n) FROM generate_series(1, 3) g, LATERAL (SELECT count(*) n FROM (SELECT 1 FROM t OFFSET g LIMIT 20000) s) l'),
	'60000', 'rescans');
is($node->safe_psql('postgres', 'SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_indexscan = off; SET enable_bitmapscan = off;
	SELECT count(*) FROM (VALUES (1), (30000), (50000)) x(i) JOIN t ON t.id = x.i'), '3', 'inner side of a nested loop');
is($node->safe_psql('postgres', q(
	DO $$ BEGIN
		FOR i IN 1..60 LOOP
			BEGIN
				PERFORM v / (id - 20000 - i) FROM t;
			EXCEPTION WHEN division_by_zero THEN NULL;
			END;
		END LOOP;
	END $$;
	SELECT count(v) FROM t)), '50000', 'scans that fail in subtransactions');
is($node->safe_psql('postgres', q(
	BEGIN;
	DECLARE a CURSOR FOR SELECT id FROM t;
	DECLARE b CURSOR WITH HOLD FOR SELECT id FROM t;
	SAVEPOINT s;
	DECLARE x CURSOR FOR SELECT id FROM t;
	MOVE 20000 IN a; MOVE 10000 IN b; MOVE 30000 IN x;
	ROLLBACK TO s;
	FETCH a; FETCH b;
	MOVE 10000 IN a;
	COMMIT;
	MOVE 30000 IN b; FETCH b)), "20001\n10001\n40002", 'cursors, one of them rolled back, one held');
my ($rc, $stdout, $stderr) = $node->psql('postgres', q(
	SET statement_timeout = '30ms';
	SELECT count(*) FROM t a, t b WHERE a.v > b.v));
like($stderr, qr/statement timeout/, 'a scan that is cancelled');
# twelve cursors at once want more reads in flight than one ring of the kernel keeps results for
$out = join("\n", map { "DECLARE c$_ CURSOR FOR SELECT id FROM t; MOVE 5000 IN c$_;" } 1 .. 12);
is($node->safe_psql('postgres', "BEGIN; $out FETCH c1; FETCH c12; SELECT count(v) FROM t; MOVE ALL IN c7; COMMIT"), "5001\n5001\n50000",
	'many scans at once');

# Damage on disk is reported, not read.
$node->stop;
my $file = $node->data_dir . '/' . 'damaged';
$node->start;
$file = main_file($node, 't');
$node->stop;
open(my $fh, '+<', $file) or die $!;
seek($fh, 2000 * 8192 + 5000, 0);
print $fh 'damage';
close $fh;
$node->start;
($rc, $stdout, $stderr) = $node->psql('postgres', 'SELECT sum(v) FROM t');
like($stderr, qr/invalid page in block 2000 of relation/, 'a damaged page is an error');
open($fh, '+<', $file) or die $!;
truncate($fh, 2500 * 8192 + 4096);
close $fh;
is($node->safe_psql('postgres', 'SET zero_damaged_pages = on; SELECT count(v) < 50000 FROM t'), 't', 'or zeroed');
$node->safe_psql('postgres', 'DROP TABLE t');

unlike(slurp_file($node->logfile), qr/still pinned|TRAP|PANIC/, 'nothing was left pinned');
$node->stop;
done_testing();
