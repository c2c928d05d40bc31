# Scans around the pool that go backward give heap's rows, whatever is changed meanwhile; and one stays there when others bring
# its pages into the pool.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('backward', conf => "pagestore.pool_size = '4MB'\nautovacuum = off\njit = off\nmax_parallel_workers_per_gather = 0\ncheckpoint_timeout = 1h\n"
	  . "synchronize_seqscans = off\npagestore.replacement = clock\n");
$node->start;
# 18 rows a page, about 2,800 pages, 5 times the pool
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE TABLE other (id int PRIMARY KEY, pad text) USING pagestore;
	INSERT INTO other SELECT i, repeat('y', 1000) FROM generate_series(1, 8000) i));
$node->safe_psql('postgres', "CREATE TABLE t_$_->[0] (id int PRIMARY KEY, v int, pad text) USING $_->[1] WITH (fillfactor = 50);
	INSERT INTO t_$_->[0] SELECT i, 0, repeat('x', 180) FROM generate_series(1, 50000) i;
	VACUUM ANALYZE t_$_->[0]") foreach ([ 'h', 'heap' ], [ 'p', 'pagestore' ]);
$node->safe_psql('postgres', 'CHECKPOINT');

my $shell = 'psql -XAtq -h ' . $node->host . ' -p ' . $node->port . ' -d postgres';
# clock, and three times: pages that were used lately have to go, too
my $evict = 'SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_material = off; ' .
	'SELECT sum(n) FROM generate_series(1, 3) g, LATERAL (SELECT count(pad) n FROM other WHERE id > g - g) l;';

sub around { return $node->safe_psql('postgres', 'SELECT blks_around FROM pg_stat_pagestore'); }

# The rows of a cursor on t_@ that is moved about are heap's, and come in its order unless they have changed places; returns
# how many pages came from around the pool.
my $in_order = 1;
sub same
{
	my ($name, @moves) = @_;
	my $query = join(' ', 'BEGIN ISOLATION LEVEL REPEATABLE READ; DECLARE c SCROLL CURSOR FOR SELECT id, v FROM t_@;', (map { /^\\/ ? "\n$_\n" : "$_ c;" } @moves), 'COMMIT');
	my ($p, $h) = map { my $q = $query; $q =~ s/@/$_/g; $q } ('p', 'h');
	my $wanted = $node->safe_psql('postgres', $h);
	my $before = around();
	my $got = $node->safe_psql('postgres', $p);
	my $read = around() - $before;
	($wanted, $got) = map { join("\n", sort(split /\n/)) } ($wanted, $got) unless $in_order;
	ok($got eq $wanted && length($got) > 0, "$name: rows");
	return $read;
}

my $n = same('backward from the end', 'MOVE ALL IN', 'FETCH BACKWARD ALL IN');
cmp_ok($n, '>', 4000, 'forward and backward, around the pool');
$n = same('to and fro', 'MOVE 20000 IN', 'FETCH BACKWARD 7001 IN', 'FETCH 3000 IN', 'FETCH BACKWARD 12000 IN', 'FETCH ALL IN', 'FETCH BACKWARD 1 IN');
cmp_ok($n, '>', 3500, 'to and fro, around the pool');
$n = same('in the middle of a piece', map { ("FETCH $_ IN", 'FETCH BACKWARD ' . ($_ - 500) . ' IN') } 600, 1300, 2900, 9000, 20000);
same('single rows', 'MOVE 9000 IN', ('FETCH PRIOR', 'FETCH PRIOR', 'FETCH NEXT') x 300);

$in_order = 0;

# Pages changed, written and evicted after they have been read ahead: what the snapshot sees, and no more.
my $ahead = 'id = ANY (ARRAY(SELECT generate_series(20000, 36000, 100)))';
$node->safe_psql('postgres', "DELETE FROM t_$_ WHERE id % 777 = 0") foreach ('h', 'p');
same('changes of others', 'MOVE ALL IN', 'MOVE BACKWARD 12000 IN',
	qq(\\! $shell -c "UPDATE t_@ SET v = v + 1000 WHERE $ahead" -c "DELETE FROM t_@ WHERE id % 777 = 1" -c "VACUUM t_@" -c "CHECKPOINT" -c "$evict" >/dev/null), 'FETCH BACKWARD ALL IN');
same('and the next snapshot', 'MOVE ALL IN', 'FETCH BACKWARD ALL IN');

# A writer of the same process: what the cursor has found is changed, behind it and ahead.
same('changes of its own', 'MOVE ALL IN', 'MOVE BACKWARD 3000 IN', 'UPDATE t_@ SET v = v + 1 WHERE CURRENT OF', 'FETCH BACKWARD 3000 IN');
is($node->safe_psql('postgres', 'SELECT count(*), sum(v) FROM t_p'), $node->safe_psql('postgres', 'SELECT count(*), sum(v) FROM t_h'), 'all rows are the same');

# Another session reads what the scan has just found, through the pool.
my $block = $node->safe_psql('postgres', "SELECT (ctid::text::point)[0]::int FROM t_p ORDER BY ctid OFFSET 20000 LIMIT 1");
$node->safe_psql('postgres', $evict);
my $scan = $node->background_psql('postgres');
$scan->query_safe('BEGIN; DECLARE c CURSOR FOR SELECT v FROM t_p; MOVE 20000 IN c');
my $first = int($block / 64) * 64;
cmp_ok($block - $first, '>', 16, 'a scan has found many pages of a piece, and not all');
$node->safe_psql('postgres', "SET enable_seqscan = off; SELECT count(v) FROM t_p WHERE ctid = ANY (ARRAY(SELECT format('(%s,1)', b)::tid FROM generate_series($first, $block - 1) b))");
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM pagestore_frames WHERE relfilenode = pg_relation_filenode('t_p') AND relblocknumber BETWEEN $first AND $block - 1"),
	'>', 16, 'another session has brought them in');
my $before = around();
$scan->query_safe('MOVE ALL IN c');
cmp_ok(around() - $before, '>', 1000, 'the scan goes on around the pool');
$scan->query_safe('COMMIT');

# One that locks the rows is better served by the pool.
$node->safe_psql('postgres', $evict);
$before = around();
$scan->query_safe('SELECT count(*) FROM (SELECT 1 FROM t_p FOR UPDATE) s');
cmp_ok(around() - $before, '<', 700, 'a scan whose own process fetches its pages again leaves the ring');
$scan->quit;

unlike(slurp_file($node->logfile), qr/still pinned|TRAP|PANIC/, 'nothing was left pinned');
$node->stop;
done_testing();
