# Index and bitmap scans read the pages to come ahead of use, no further than they are used, and not when all are in memory.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_server('readahead', conf => "pagestore.pool_size = '32MB'\nautovacuum = off\nmax_parallel_workers_per_gather = 0\njit = off\n");
$node->start;
# Keys in no order: neighbours in the index lie on different pages of about 1,500.
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE TABLE t (id int, k int, pad text) USING pagestore;
	INSERT INTO t SELECT i, (i * 7919::bigint) % 60000, repeat('x', 150) FROM generate_series(1, 60000) i;
	CREATE INDEX t_k ON t (k);
	CREATE TABLE twin USING heap AS SELECT id, k FROM t;
	CREATE INDEX ON twin (k);
	VACUUM ANALYZE t;
	VACUUM ANALYZE twin));

my $index = 'SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off; SET enable_sort = off;';
my $bitmap = 'SET enable_seqscan = off; SET enable_indexscan = off;';
my $parallel = 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0;';

sub counts { return map { [ split /\|/ ]->@* } $node->safe_psql('postgres', 'SELECT blks_read, blks_read_ahead FROM pg_stat_pagestore'); }

# A query in an empty pool: its rows are heap's; how many pages it had to wait for, and how many were read ahead.
sub cold
{
	my ($name, $set, $query) = @_;
	(my $twin = $query) =~ s/\bt\b/twin/g;
	my $wanted = $node->safe_psql('postgres', $twin);
	$node->restart;
	my @before = counts();
	is($node->safe_psql('postgres', "$set $query"), $wanted, "$name: rows");
	my @after = counts();
	return ($after[0] - $before[0], $after[1] - $before[1]);
}

my @n = cold('index scan', $index, 'SELECT count(*), sum(id) FROM t WHERE k BETWEEN 1000 AND 2000');
cmp_ok($n[1], '>', 700, 'index scan reads ahead');
cmp_ok($n[0], '<', 100, 'and seldom waits');
@n = cold('backwards', $index, 'SELECT sum(id) FROM (SELECT id FROM t WHERE k < 30000 ORDER BY k DESC LIMIT 800) s');
cmp_ok($n[1], '>', 600, 'backwards too');
@n = cold('inner side of a nested loop', $index, 'SELECT count(*), sum(t.id) FROM generate_series(1, 50000, 1000) g JOIN t ON t.k BETWEEN g AND g + 15');
cmp_ok($n[1], '>', 400, 'the inner side of a nested loop too');
# single rows by keys of outer rows: 60,000 rows, 5,000 of them looked up, on 1,500 pages
$node->safe_psql('postgres', 'CREATE TABLE keys AS SELECT (i * 31::bigint) % 60000 AS k FROM generate_series(1, 5000) i; ANALYZE keys');
my $join = 'SELECT count(*), sum(t.id), sum(t.id * keys.k) FROM keys JOIN t ON t.k = keys.k';
@n = cold('nested loop', $index, $join);
cmp_ok($n[1], '>', 1000, 'a nested loop reads ahead for its inner index scan');
cmp_ok($n[0], '<', 200, 'and seldom waits');
like($node->safe_psql('postgres', "$index EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $join"), qr/Pages Read Ahead: 0$/m, 'not when all is in memory');
@n = cold('nested loop, off', "$index SET pagestore.enable_nestloop_readahead = off;", $join);
cmp_ok($n[1], '<', 100, 'nor where that is off');
@n = cold('nested loop of few rows', $index, "SELECT count(*) FROM (SELECT t.id FROM keys JOIN t ON t.k = keys.k LIMIT 3) s");
cmp_ok($n[1], '<=', 8, 'little for three rows');
# ... and for the leaf pages that it looks the keys up in, of about 165
sub ahead
{
	my ($set, $query) = @_;
	my $plan = $node->safe_psql('postgres', "$index $set EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $query");
	return $plan =~ /\n *Pages Read Ahead: (\d+)\n *Index Pages Read Ahead: (\d+)\n/ ? ($1, $2) : ("no node in $plan") x 2;
}
$node->restart;
@n = ahead('', $join);
cmp_ok($n[1], '>', 150, 'leaf pages of the index are read ahead');
cmp_ok($n[1], '<', 170, 'each once');
is((ahead('', $join))[1], 0, 'none if all is in memory');
$node->restart;
is((ahead('SET effective_io_concurrency = 0;', $join))[1], 0, 'nor without effective_io_concurrency');
$node->restart;
$node->safe_psql('postgres', "$index SELECT count(k) FROM t WHERE k >= 0");
@n = ahead('', $join);
is($n[1], 0, 'none if all are in shared buffers');
cmp_ok($n[0], '>', 1000, 'pages of the table still are');
$node->safe_psql('postgres', q(
	CREATE FUNCTION halved(int) RETURNS int IMMUTABLE LANGUAGE sql RETURN nullif($1, 50000) / 2;
	CREATE INDEX t_down ON t (halved(k) DESC, k);
	CREATE INDEX t_text ON t ((k || '!') COLLATE "C");
	CREATE INDEX t_few ON t (k) WHERE id < 100;
	CREATE INDEX t_none ON t (k) WHERE id < 0;
	ANALYZE t;
	ALTER TABLE twin ADD pad text));
foreach my $case (
	[ 'two columns, one of them descending', 'halved(t.k) = halved(keys.k::int) AND t.k = keys.k', 150 ],
	[ 'the first of them', 'halved(t.k) = keys.k', 150 ],
	[ 'a key of the same type', 't.k = keys.k::int', 150 ],
	[ 'text', q((t.k || '!') COLLATE "C" = keys.k || '!'), 150 ],
	[ 'a list of keys', 't.k = ANY (ARRAY[keys.k, keys.k + 1])', 0 ],
	[ 'a tree of one page', 't.k = keys.k AND t.id < 100', 0 ],
	[ 'an empty tree', 't.k = keys.k AND t.id < 0', 0 ])
{
	my $query = "SELECT count(*), sum(t.id), sum(t.id * keys.k) FROM keys LEFT JOIN t ON $case->[1]";
	cold($case->[0], $index, $query);
	$node->restart;
	@n = ahead('', $query);
	$case->[2] ? cmp_ok($n[1], '>', $case->[2], "leaf pages: $case->[0]") : is($n[1], 0, "no leaf pages: $case->[0]");
}
$node->safe_psql('postgres', 'DROP INDEX t_down, t_text, t_few, t_none');
@n = cold('nested loop with workers', "$parallel $index SET enable_seqscan = on;", $join);
cmp_ok($n[1], '>', 1000, 'workers too');
@n = cold('one row', $index, 'SELECT id FROM t WHERE k >= 500 ORDER BY k LIMIT 1');
is($n[1], 0, 'nothing is read ahead for a single row');
@n = cold('few rows', $index, 'SELECT count(*) FROM (SELECT id FROM t WHERE k >= 500 ORDER BY k LIMIT 5) s');
cmp_ok($n[1], '<=', 20, 'little for five');

@n = cold('bitmap scan', $bitmap, 'SELECT count(*), sum(id) FROM t WHERE k BETWEEN 1000 AND 2000');
cmp_ok($n[1], '>', 500, 'bitmap scan reads ahead');
cmp_ok($n[0], '<', 100, 'and seldom waits');
@n = cold('parallel bitmap scan', "$parallel $bitmap", 'SELECT count(*), sum(id) FROM t WHERE k BETWEEN 1000 AND 20000');
cmp_ok($n[1], '>', 700, 'parallel bitmap scan reads ahead');
cmp_ok($n[0], '<', 200, 'and seldom waits');
@n = cold('parallel index scan', "$parallel $index", 'SELECT count(*), sum(id) FROM t WHERE k BETWEEN 1000 AND 20000');
cmp_ok($n[1], '>', 700, 'parallel index scan reads ahead');

# A cursor that turns, a join that restores a marked position, an index that mostly answers alone.
is($node->safe_psql('postgres', "$index BEGIN; DECLARE c SCROLL CURSOR FOR SELECT k FROM t WHERE k >= 100 ORDER BY k; MOVE 300 IN c; MOVE BACKWARD 150 IN c; FETCH c; MOVE 1000 IN c; FETCH BACKWARD c; COMMIT"),
	"250\n1249", 'a cursor that turns');
is($node->safe_psql('postgres', "SET enable_seqscan = off; SET enable_sort = off; SET enable_hashjoin = off; SET enable_nestloop = off; SELECT count(*) FROM t a JOIN t b USING (k) WHERE a.k < 3000"),
	'3000', 'a merge join');
$node->safe_psql('postgres', 'UPDATE t SET pad = pad WHERE k % 100 = 0');
@n = cold('index-only scan', "$index SET enable_indexscan = on;", 'SELECT count(k), sum(k) FROM t WHERE k < 20000');
cmp_ok($n[0] + $n[1], '<', 800, 'an index-only scan reads no page that it need not look at');

# All in memory: no read is started.
$node->safe_psql('postgres', 'SELECT count(pad) FROM t');
my @before = counts();
$node->safe_psql('postgres', "$index SELECT sum(id) FROM t WHERE k < 10000; RESET ALL; $bitmap SELECT sum(id) FROM t WHERE k < 10000");
my @after = counts();
is_deeply(\@after, \@before, 'no read while every page is in memory');

# The pages that many rows go to, in a table that has room: found by the free space map.
$node->safe_psql('postgres', q(
	CREATE TABLE room (id int, pad text) USING pagestore;
	INSERT INTO room SELECT i, repeat('r', 1000) FROM generate_series(1, 16000) i;
	DELETE FROM room WHERE id % 2 = 0));
$node->safe_psql('postgres', 'VACUUM room');
$node->restart;
@before = counts();
$node->safe_psql('postgres', "INSERT INTO room SELECT 20000 + i, repeat('s', 1000) FROM generate_series(1, 4000) i");
@after = counts();
cmp_ok($after[1] - $before[1], '>', 700, 'pages that rows go to are read ahead');
cmp_ok($after[0] - $before[0], '<', 100, 'and seldom waited for');
$node->restart;
@before = counts();
$node->safe_psql('postgres', "INSERT INTO room VALUES ($_, repeat('o', 1000))") foreach (30000 .. 30019);
@after = counts();
is($after[1] - $before[1], 0, 'nothing is read ahead for single rows');
is($node->safe_psql('postgres', 'SELECT count(*), sum(id) FROM room'), '12020|152602190', 'all rows are there');

# A scan larger than the pool whose rows are changed or locked goes on through the pool.
$node->append_conf('postgresql.conf', "pagestore.pool_size = '4MB'");
$node->restart;
sub around { return $node->safe_psql('postgres', 'SELECT blks_around FROM pg_stat_pagestore'); }
my $around = around();
$node->safe_psql('postgres', 'SELECT count(pad) FROM t');
cmp_ok(around() - $around, '>', 1000, 'a scan that only reads goes around the pool');
$around = around();
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT 1 FROM t WHERE id % 30 = 0 FOR UPDATE) s'), '2000', 'rows locked');
cmp_ok(around() - $around, '<', 700, 'one that locks does so only at first');
is($node->safe_psql('postgres', 'SELECT count(*), sum(id), sum(k) FROM t'), $node->safe_psql('postgres', 'SELECT count(*), sum(id), sum(k) FROM twin'), 'all rows are there');

# Where all that is used is dirty, the clean pages are those read ahead: reading further ahead does not take them.
$node->append_conf('postgresql.conf', "pagestore.pool_size = '16MB'\nmax_wal_size = '4GB'");
$node->restart;
$node->safe_psql('postgres', q(
	CREATE TABLE changed (id int, v int, pad text) USING pagestore WITH (fillfactor = 90);
	INSERT INTO changed SELECT i, 0, repeat('c', 80) FROM generate_series(1, 400000) i));
foreach my $round (1 .. 2)
{
	$node->safe_psql('postgres', $_) foreach ('VACUUM changed', 'CHECKPOINT', 'SELECT pg_stat_reset_pagestore()', 'UPDATE changed SET v = v + 1');
	my ($read, $ahead, $wasted) = split /\|/, $node->safe_psql('postgres', 'SELECT blks_read, blks_read_ahead, blks_read_ahead_wasted FROM pg_stat_pagestore');
	cmp_ok($ahead, '>', 5000, "an UPDATE of all rows reads ahead, round $round");
	cmp_ok($wasted, '<', $ahead / 20, 'and uses what it reads');
	note("$read waited for, $ahead read ahead, $wasted of them in vain");
}
is($node->safe_psql('postgres', 'SELECT count(*), sum(v) FROM changed'), '400000|800000', 'all rows are changed');

# Through shared buffers, as on a standby, bitmap scans have the kernel read ahead, as far as core's setting says. Here it is a
# table whose creation is not over, at wal_level minimal.
$node->append_conf('postgresql.conf', "wal_level = minimal\nmax_wal_senders = 0\nshared_buffers = '1MB'");
$node->restart;
my $session = $node->background_psql('postgres');
$session->query_safe("$bitmap BEGIN; CREATE TABLE unfinished (id int, k int, pad text) USING pagestore;
	INSERT INTO unfinished SELECT i, (i * 7919::bigint) % 60000, repeat('x', 150) FROM generate_series(1, 60000) i; CREATE INDEX ON unfinished (k)");
my $file = $node->data_dir . '/' . $session->query_safe("SELECT pg_relation_filepath('unfinished')");
my %resident;
foreach my $concurrency (0, 100)
{
	$session->query_safe('SELECT count(*) FROM pg_class a, pg_class b, pg_attribute');    # other pages for the buffers
	system_or_bail('dd', 'if=/dev/null', "of=$file", 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none');
	$session->query_safe("SET effective_io_concurrency = $concurrency; DECLARE c CURSOR FOR SELECT id FROM unfinished WHERE k < 200; MOVE 20 IN c");
	my $enough = $concurrency == 0 ? 0 : 1.5 * $resident{0};
	for (1 .. 100)
	{
		$resident{$concurrency} = resident_bytes($file);
		last if $resident{$concurrency} > $enough;
		usleep(50_000);
	}
	is($session->query_safe('MOVE ALL IN c; CLOSE c; SELECT count(*) FROM unfinished WHERE k < 200'), '200', "$concurrency pages ahead through shared buffers: rows");
}
cmp_ok($resident{100}, '>', 1.5 * $resident{0}, 'where 20 pages are asked for, the kernel reads ahead of them');
note("of the file in memory: $resident{0} bytes without, $resident{100} with it");
$session->quit;

unlike(slurp_file($node->logfile), qr/still pinned|TRAP|PANIC/, 'nothing was left pinned');
$node->stop;
done_testing();
