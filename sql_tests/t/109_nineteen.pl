# What came with PostgreSQL 19 and asks the access method for something: TID ranges read by many; COPY FREEZE and
# VACUUM, whose records set the map's bits; REPACK; buffers marked dirty by hand; EXPLAIN (IO).
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Pagestore;

plan skip_all => 'new in PostgreSQL 19' if server_major() < 19;

my $node = new_server('nineteen', allows_streaming => 1, conf => "autovacuum = off\nmax_worker_processes = 16\nmax_parallel_workers_per_gather = 2\nwal_consistency_checking = 'heap,heap2'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sql('CREATE EXTENSION pagestore; CREATE EXTENSION pg_visibility');

# ---- TID ranges ----

sql("CREATE TABLE r (i int, v text) USING pagestore; INSERT INTO r SELECT i, repeat('v', 200) FROM generate_series(1, 40000) i; ANALYZE r");
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_seqscan = off; SET debug_parallel_query = off;';
foreach my $range ("ctid < '(700,5)'", "ctid >= '(100,7)' AND ctid < '(900,2)'", "ctid > '(600,1)'", "ctid > '(5000,1)'", "ctid < '(0,1)'", "ctid > '(9,1)' AND ctid < '(3,1)'")
{
	my $query = "SELECT count(*), sum(i), min(ctid), max(ctid) FROM r WHERE $range";
	like(sql("$parallel EXPLAIN (COSTS off) $query"), qr/Parallel Tid Range Scan/, "planned for workers: $range") if $range =~ /700|900|600/;
	is(sql("$parallel $query"), sql("SET max_parallel_workers_per_gather = 0; SET enable_tidscan = off; $query"), "and right: $range");
}
is(sql("$parallel SELECT string_agg(n::text, ' ' ORDER BY k) FROM (VALUES (100), (300), (1)) v(k), LATERAL (SELECT count(*) AS n FROM r WHERE ctid < ('(' || k || ',1)')::tid) s"),
	sql("SELECT string_agg(n::text, ' ' ORDER BY k) FROM (VALUES (100), (300), (1)) v(k), LATERAL (SELECT count(*) AS n FROM r WHERE (ctid::text::point)[0] < k) s"), 'again and again');

# ---- EXPLAIN (IO): reads and their pages, as many as the table has, then none ----

sub io_of
{
	my ($set, $query) = @_;
	my $plan = sql("SET max_parallel_workers_per_gather = 0; $set; EXPLAIN (ANALYZE, IO, BUFFERS off, COSTS off, TIMING off, SUMMARY off) $query");
	my ($ahead) = $plan =~ /Prefetch: avg=([\d.]+) max=\d+ capacity=\d+/;
	my ($count, $size) = $plan =~ /I\/O: count=(\d+) waits=\d+ size=([\d.]+)/;
	return ($ahead // 0, $count // 0, ($count // 0) * ($size // 0));
}
sql("CREATE TABLE large (i int, v text) USING pagestore; INSERT INTO large SELECT i, repeat('v', 2000) FROM generate_series(1, 40000) i; CREATE INDEX ON large (i); VACUUM (FREEZE, ANALYZE) large");
foreach my $scan ([ 'r', '', 'count(v)', 'true' ], [ 'large', '', 'count(v)', 'true' ], [ 'large', 'SET enable_seqscan = off; SET enable_indexscan = off', 'count(v)', 'i BETWEEN 1 AND 10000' ],
	[ 'r', 'SET enable_seqscan = off', 'count(v)', "ctid < '(500,1)'" ])
{
	my ($table, $set, $what, $condition) = @$scan;
	$node->restart;
	my $n = sql("SELECT count(DISTINCT (ctid::text::point)[0]) FROM $table WHERE $condition");
	$node->restart;
	my ($ahead, $count, $pages) = io_of($set || 'RESET enable_seqscan', "SELECT $what FROM $table WHERE $condition");
	cmp_ok($ahead, '>', 2, "$table, $condition: it looks $ahead pages ahead");
	cmp_ok($count, '<', $n / 4, "... and reads $n pages by $count reads");
	cmp_ok(abs($pages - $n), '<=', $n / 20 + 4, "... which is what they sum up to: $pages");
	next unless $condition =~ /ctid/;	# the others do not fit into the pool
	($ahead, $count, $pages) = io_of($set || 'RESET enable_seqscan', "SELECT $what FROM $table WHERE $condition");
	is("$ahead|$count", '1.00|0', '... and then there are no more');
}
like(sql("$parallel EXPLAIN (ANALYZE, IO, BUFFERS off, COSTS off, TIMING off, SUMMARY off) SELECT count(v) FROM large"), qr/Prefetch/, 'of parallel scans, too');

# ---- map bits in the record of a change; redo compares each page with what it was ----

sql('BEGIN; CREATE TABLE f (i int, v text) USING pagestore; COPY f FROM PROGRAM $$seq 1 20000 | sed "s/$/\tfrozen/"$$ (FREEZE); COMMIT');
my $bits = "SELECT count(*) = pg_relation_size('f') / 8192, bool_and(all_visible AND all_frozen AND pd_all_visible) FROM pg_visibility('f')";
is(sql($bits), 't|t', 'COPY FREEZE leaves pages all frozen');
sql("CREATE TABLE w (i int, v text) USING pagestore; INSERT INTO w SELECT i, repeat('w', 100) FROM generate_series(1, 20000) i; CREATE INDEX ON w (i)");
sql($_) foreach 'DELETE FROM w WHERE i % 3 = 0', 'VACUUM w', 'UPDATE w SET v = v || v WHERE i % 5 = 1', 'VACUUM (FREEZE) w', "UPDATE w SET v = 'x' WHERE i % 1000 = 1";
my $map = "SELECT md5(string_agg(v::text, ',' ORDER BY blkno)) FROM pg_visibility('w') v";
my $before = sql($map);
kill_server($node);
start_again($node);
is(sql($bits), 't|t', 'after a crash, too');
is(sql($map), $before, 'and the map that VACUUM made and an update changed');
is(sql("SELECT (SELECT count(*) FROM pg_check_visible('w')), (SELECT count(*) FROM pg_check_frozen('f'))"), '0|0', 'which tells the truth');

# ---- REPACK ----

my $rows = 'SELECT count(*), sum(i), md5(string_agg(v, $$,$$ ORDER BY i)) FROM t';
sql("CREATE TABLE t (i int PRIMARY KEY, n int, v text) USING pagestore; INSERT INTO t SELECT i, i % 10, repeat(md5(i::text), CASE WHEN i % 500 = 0 THEN 400 ELSE 3 END) FROM generate_series(1, 20000) i; CREATE INDEX ON t (n); DELETE FROM t WHERE i % 4 = 0");
foreach my $command ('REPACK t', 'REPACK t USING INDEX t_pkey', 'CLUSTER t USING t_n_idx', 'VACUUM FULL t')
{
	my ($was, $file) = (sql($rows), sql("SELECT pg_relation_filenode('t')"));
	sql($command);
	is(sql($rows), $was, "$command keeps the rows");
	isnt(sql("SELECT pg_relation_filenode('t')"), $file, 'in another file');
	is(sql("SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE c.oid = 't'::regclass"), 'pagestore', 'of the same access method');
	is(sql("SELECT count(*) FROM pagestore_check('t')"), '0', 'and sound');
}

my ($rc, $out, $err) = $node->psql('postgres', 'REPACK (CONCURRENTLY) t');
like($err, qr/only supported for the "heap" access method/, 'core keeps REPACK (CONCURRENTLY) to heap');
my $was = sql($rows);

# ---- buffers marked dirty by hand: none is a table's ----

sql('CREATE EXTENSION pg_buffercache');
is(sql("SELECT count(*) FROM pg_buffercache WHERE relfilenode = pg_relation_filenode('t') AND relforknumber = 0"), '0', 'pages of a table are in no shared buffer');
is(sql("SELECT buffers_dirtied + buffers_already_dirty = (SELECT count(*) FROM pg_buffercache WHERE relfilenode = pg_relation_filenode('t')) FROM pg_buffercache_mark_dirty_relation('t')"), 't',
	'pg_buffercache_mark_dirty_relation() reaches its maps alone');
sql('SELECT pg_buffercache_mark_dirty_all()');
is(sql($rows), $was, 'nothing has come of it');
sql('CHECKPOINT');
sql("UPDATE t SET v = v || '!' WHERE i % 7 = 0");
$was = sql($rows);
kill_server($node);
start_again($node);
is(sql($rows), $was, 'after a crash');

$node->stop;
done_testing();
