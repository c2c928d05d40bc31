# Bitmap scans of large tables: dense stretches are read around the pool, sparse ones through it; rows are heap's, whatever is
# changed meanwhile.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('bitmaps', conf => "pagestore.pool_size = '4MB'\npagestore.replacement = clock\nautovacuum = off\njit = off\nmax_parallel_workers_per_gather = 0\ncheckpoint_timeout = 1h\n");
$node->start;
# 18 rows a page, about 2,800 pages, 5 times the pool; a key in no order
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore; CREATE EXTENSION pagestore_test;
	CREATE TABLE t_p (id int, k int, v int, pad text) USING pagestore WITH (fillfactor = 50);
	CREATE TABLE t_h (id int, k int, v int, pad text) USING heap WITH (fillfactor = 50);
	CREATE TABLE other (id int PRIMARY KEY, pad text) USING pagestore;
	INSERT INTO other SELECT i, repeat('y', 1000) FROM generate_series(1, 8000) i;
	CREATE TABLE few AS SELECT i AS id, i * 100 AS low FROM generate_series(1, 3) i));
$node->safe_psql('postgres', "INSERT INTO t_$_ SELECT i, (i * 7919::bigint) % 50000, 0, repeat('x', 170) FROM generate_series(1, 50000) i; CREATE INDEX ON t_$_ (k); CREATE INDEX ON t_$_ (id); VACUUM ANALYZE t_$_")
  foreach ('p', 'h');
$node->safe_psql('postgres', 'CHECKPOINT');

my $bitmap = 'SET enable_seqscan = off; SET enable_indexscan = off; SET enable_indexonlyscan = off;';
my $shell = 'psql -XAtq -h ' . $node->host . ' -p ' . $node->port . ' -d postgres';
my $evict = 'SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_material = off; ' .
	'SELECT sum(n) FROM generate_series(1, 3) g, LATERAL (SELECT count(pad) n FROM other WHERE id > g - g) l;';

sub around { return $node->safe_psql('postgres', 'SELECT blks_around FROM pg_stat_pagestore'); }

# The rows of a query on t_@ are heap's; returns how many pages came from around the pool.
sub same
{
	my ($name, $query, %opt) = @_;
	my ($p, $h) = map { my $q = $query; $q =~ s/@/$_/g; $q } ('p', 'h');
	my $set = $bitmap . ($opt{set} // '');
	my $wanted = $node->safe_psql('postgres', "$set $h");
	my $before = around();
	is($node->safe_psql('postgres', "$set $p"), $wanted, "$name: rows");
	return around() - $before;
}

sub both
{
	my ($statement) = @_;
	foreach my $side ('p', 'h') { (my $s = $statement) =~ s/@/$side/g; $node->safe_psql('postgres', "$bitmap $s"); }
}

# ---- where pages come from ----
my $sum = 'SELECT count(*), sum(id), sum(v), max(pad) FROM t_@ WHERE k';
like($node->safe_psql('postgres', "$bitmap EXPLAIN (COSTS OFF) SELECT sum(id) FROM t_p WHERE k < 5000"), qr/Bitmap Heap Scan/, 'the plan is a bitmap scan');
cmp_ok(same('dense', "$sum < 5000"), '>', 2000, 'a dense bitmap goes around the pool');
cmp_ok(same('every second page', "$sum < 2000"), '>', 1000, 'one with gaps, too');
is(same('sparse', "$sum < 100"), 0, 'a sparse one does not');
is(same('dense in a small part', "$sum < 5000 AND id < 300"), 0, 'nor one of few pages');
cmp_ok(same('dense and sparse', "$sum < 100 OR (k < 20000 AND id BETWEEN 20000 AND 40000)"), '>', 700, 'each stretch is as it is');
cmp_ok(same('lossy', "$sum < 5000", set => "SET work_mem = '64kB';"), '>', 2000, 'lossy pages go around the pool');
cmp_ok(same('and', "$sum < 20000 AND id BETWEEN 5000 AND 45000"), '>', 1500, 'two indexes');
cmp_ok(same('rescans', 'SELECT f.id, s.* FROM few f, LATERAL (SELECT count(*), sum(t.v), sum(t.id) FROM t_@ t WHERE t.k BETWEEN f.low AND f.low + 10000) s', set => 'SET enable_material = off;'),
	'>', 5000, 'a scan that starts over');
is(same('serializable', "BEGIN ISOLATION LEVEL SERIALIZABLE; $sum < 5000; COMMIT"), 0, 'a serializable scan goes through the pool');
cmp_ok(same('first rows', 'SELECT count(*) FROM (SELECT id FROM t_@ WHERE k < 5000 LIMIT 3) s'), '<', 100, 'a scan that stops early reads little');
same('parallel', "$sum < 5000", set => 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;');

# ---- the visibility map ----
same('all visible', 'SELECT count(*) FROM t_@ WHERE k < 5000');
both('UPDATE t_@ SET v = v + 1 WHERE id % 36 = 0 AND k < 25000');
same('partly visible', 'SELECT count(*) FROM t_@ WHERE k < 5000');

# While the scan has read ahead, pages that it will not be asked for become visible to all, and others are changed.
my $wanted = $node->safe_psql('postgres', 'SELECT count(*) FROM t_h WHERE k < 20000');
my $session = $node->background_psql('postgres');
my $pid = $session->query('SELECT pg_backend_pid()');
$session->query_safe("$bitmap SET work_mem = '64MB'");
stop_at($node, 'aio-before-submit', pid => $pid, skip => 12);
$session->query_until(qr/started/, "\\echo started\nSELECT count(*) FROM t_p WHERE k < 20000;\n");
is(wait_stopped($node, 'aio-before-submit'), $pid, 'a scan is stopped as it reads ahead');
$node->safe_psql('postgres', 'VACUUM t_p');
both('UPDATE t_@ SET v = v + 1 WHERE id > 10000 AND id % 50 < 20 AND k > 20000');
go($node);
chomp(my $got = $session->query('SELECT 1'));
is($got, "$wanted\n1", 'its rows are those of its snapshot');
$session->quit;
same('afterwards', "$sum < 20000");

# ---- what others change meanwhile ----
my $ahead = 'id = ANY (ARRAY(SELECT generate_series(5000, 9000, 100)))';
is($node->safe_psql('postgres', "BEGIN; CREATE TEMP TABLE was AS SELECT sum(v) s FROM t_p WHERE k < 40000; $evict UPDATE t_p SET v = v + 1 WHERE $ahead; RESET ALL; $bitmap SELECT sum(v) - (SELECT s FROM was) = (SELECT count(*) FROM t_p WHERE k < 40000 AND $ahead) FROM t_p WHERE k < 40000; COMMIT"),
	"24000\nt", 'dirty pages are taken from the pool');
$node->safe_psql('postgres', "UPDATE t_h SET v = v + 1 WHERE $ahead");
my $before = $node->safe_psql('postgres', "$bitmap SELECT sum(v) FROM (SELECT v FROM t_h WHERE k < 40000 OFFSET 3000) s");
my $out = $node->safe_psql('postgres', qq(
	$bitmap
	BEGIN ISOLATION LEVEL REPEATABLE READ;
	DECLARE c CURSOR FOR SELECT v FROM t_p WHERE k < 40000;
	MOVE 3000 IN c;
	\\! $shell -c "UPDATE t_p SET v = v + 1000 WHERE $ahead" -c "VACUUM t_p" -c "CHECKPOINT" -c "$evict" >/dev/null
	CREATE TEMP TABLE got (v int);
	DO \$\$ DECLARE r record; c refcursor := 'c'; s bigint := 0; BEGIN LOOP FETCH c INTO r; EXIT WHEN NOT FOUND; s := s + r.v; END LOOP; INSERT INTO got VALUES (s); END \$\$;
	TABLE got;
	COMMIT;));
$node->safe_psql('postgres', "UPDATE t_h SET v = v + 1000 WHERE $ahead");
is($out, $before, 'later changes stay unseen');
same('and are seen by the next snapshot', "$sum < 40000");

# ---- rows that are changed and locked by what the scan finds ----
$before = around();
both('UPDATE t_@ SET v = v + 1 WHERE k < 5000');
cmp_ok(around() - $before, '<', 700, 'a scan whose rows are changed leaves the ring');
$before = around();
is($node->safe_psql('postgres', "$bitmap SELECT count(*) FROM (SELECT 1 FROM t_p WHERE k < 5000 FOR UPDATE) s"), '5000', 'rows locked');
cmp_ok(around() - $before, '<', 700, 'so does one whose rows are locked');
both('DELETE FROM t_@ WHERE k < 5000 AND v % 2 = 0');
same('changed and deleted', 'SELECT count(*), sum(id), sum(v) FROM t_@ WHERE k < 50000');

# A row found by the scan is changed by another transaction, which is waited for: it is checked again, as heap's.
foreach my $change ('SET v = v + 100', 'SET k = k + 100000')
{
	my %got;
	foreach my $side ('p', 'h')
	{
		my $row = $node->safe_psql('postgres', "SELECT id FROM t_$side WHERE k < 20000 AND id > 40000 ORDER BY id LIMIT 1");
		my $writer = $node->background_psql('postgres');
		$writer->query_safe("BEGIN; UPDATE t_$side $change WHERE id = $row");
		my $waiter = $node->background_psql('postgres');
		$pid = $waiter->query('SELECT pg_backend_pid()');
		$waiter->query_safe($bitmap);
		$waiter->query_until(qr/started/, "\\echo started\nUPDATE t_$side SET v = v + 1 WHERE k < 20000 AND v % 7 < 7;\n");
		$node->poll_query_until('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid") or die 'nobody waits';
		$writer->query_safe('COMMIT');
		$waiter->query_safe('SELECT 1');
		$_->quit foreach ($writer, $waiter);
	}
	same("checked again ($change)", 'SELECT count(*), sum(id), sum(v), sum(k) FROM t_@ WHERE k >= 0');
}

# A subplan stands in two expressions of a parallel plan: its node is met twice as the plan starts.
my $twice = q(SELECT count(*) FROM a_@ a JOIN b_@ b ON a.x = (SELECT max(c.y) FROM c_@ c WHERE c.k = b.k) WHERE a.k < 50000);
foreach my $side ('p', 'h')
{
	my $am = $side eq 'p' ? 'pagestore' : 'heap';
	$node->safe_psql('postgres', "CREATE TABLE a_$side (k int, x int, pad text) USING $am; INSERT INTO a_$side SELECT i, i % 5000, repeat('x', 100) FROM generate_series(1, 60000) i; CREATE INDEX ON a_$side (k);
		CREATE TABLE b_$side (k int) USING $am; INSERT INTO b_$side SELECT generate_series(1, 300);
		CREATE TABLE c_$side (k int, y int) USING $am; INSERT INTO c_$side SELECT i % 300, i FROM generate_series(1, 4900) i; CREATE INDEX ON c_$side (k);
		ANALYZE a_$side, b_$side, c_$side");
}
my $parallel = "$bitmap SET enable_indexonlyscan = off; SET enable_mergejoin = off; SET enable_nestloop = off; SET max_parallel_workers_per_gather = 2;
	SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;";
like($node->safe_psql('postgres', "$parallel EXPLAIN " . $twice =~ s/@/p/gr), qr/Parallel Bitmap Heap Scan on a_p/, 'a shared bitmap scan beside a subplan');
is($node->safe_psql('postgres', $parallel . $twice =~ s/@/p/gr, timeout => 60), $node->safe_psql('postgres', $parallel . $twice =~ s/@/h/gr), 'its rows');

# What a scan kept of the pages ahead goes with the end of the scan, not of the query: 20 partitions, one after another.
$node->append_conf('postgresql.conf', "pagestore.pool_size = '16MB'");
$node->restart;
foreach my $side ('p', 'h')
{
	my $am = $side eq 'p' ? 'pagestore' : 'heap';
	$node->safe_psql('postgres', "CREATE TABLE parts_$side (k int, pad text) PARTITION BY RANGE (k); SET default_table_access_method = $am;
		SELECT format('CREATE TABLE parts_${side}_%s PARTITION OF parts_$side FOR VALUES FROM (%s) TO (%s)', i, i * 20000, (i + 1) * 20000) FROM generate_series(0, 19) i \\gexec
		INSERT INTO parts_$side SELECT i, repeat('x', 20) FROM generate_series(0, 399999) i; CREATE INDEX ON parts_$side (k); VACUUM ANALYZE parts_$side");
}
$node->restart;
my %memory;
foreach my $side ('h', 'p')
{
	my $reader = $node->background_psql('postgres');
	$reader->query_safe("$bitmap BEGIN; DECLARE c CURSOR FOR SELECT pad FROM parts_$side WHERE k >= 0; MOVE ALL IN c");
	$memory{$side} = $reader->query_safe("SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name = 'ExecutorState'");
	$reader->quit;
}
cmp_ok($memory{p}, '<', $memory{h} + 20 * 20000, "memory of 20 scans that have ended: $memory{p} bytes, heap's $memory{h}");

unlike(slurp_file($node->logfile), qr/still pinned|TRAP|PANIC/, 'nothing was left pinned');
$node->stop;
done_testing();
