# What fits becomes resident: a table that is scanned again and again comes into a pool that was full of what nobody uses, and
# stays; one pass over a huge one leaves what is in use as it was.  By counters.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $pool = 4096;
my $node = new_server('passes',
	conf => "pagestore.pool_size = '32MB'\nautovacuum = off\njit = off\nmax_parallel_workers_per_gather = 0\ncheckpoint_timeout = 1h\n");
$node->start;

# One row per page, so that a table of N rows has N pages.
sub make_table
{
	my ($name, $pages) = @_;
	$node->safe_psql('postgres', "CREATE TABLE $name (id int PRIMARY KEY, pad text) USING pagestore; ALTER TABLE $name ALTER pad SET STORAGE PLAIN;
		INSERT INTO $name SELECT i, repeat('x', 5000) FROM generate_series(1, $pages) i; VACUUM (FREEZE) $name");
}
$node->safe_psql('postgres', 'CREATE EXTENSION pagestore');
make_table('old', $pool);
make_table('fits', int($pool * 0.89));
make_table('larger', int($pool * 1.5));
make_table('huge', $pool * 4);
make_table('work', $pool / 2);
make_table('other', int($pool * 0.89));
$node->safe_psql('postgres', 'CHECKPOINT');

# Pages that came from disk, in whatever way, while the queries ran; and those of them around the pool.
sub reads
{
	my @queries = @_;
	my $counts = 'SELECT blks_read + blks_read_ahead + blks_around, blks_around FROM pg_stat_pagestore';
	my @before = split /\|/, $node->safe_psql('postgres', $counts);
	$node->safe_psql('postgres', $_) foreach @queries;
	my @after = split /\|/, $node->safe_psql('postgres', $counts);
	return ($after[0] - $before[0], $after[1] - $before[1]);
}
sub scan { return "SELECT count(pad) FROM $_[0]"; }
# each page of it, by index
sub point_reads { return "SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(pad) FROM $_[0] WHERE id > 0"; }

# A pool of which every page has been used, some of them often.
sub start_full
{
	$node->restart;
	reads(map { point_reads('old') } 1 .. 3);
	my ($n) = reads(point_reads('old'));
	cmp_ok($n, '<', $pool / 20, 'the pool is full of another table');
}

start_full();
my @n = reads(scan('fits'));
cmp_ok($n[1], '>', $pool * 0.8, 'the first pass over a table goes around');
@n = reads(scan('fits'));
cmp_ok($n[0], '>', $pool * 0.8, 'the second one');
cmp_ok($n[1], '<', $pool * 0.1, 'brings it in');
@n = reads(scan('fits'));
cmp_ok($n[0], '<', $pool * 0.05, 'the third one reads next to nothing') or diag("@n");
@n = reads(scan('fits'));
cmp_ok($n[0], '<', $pool * 0.03, 'nor does the fourth') or diag("@n");

# A table larger than the pool: as much of it as there is room for.
start_full();
@n = reads(scan('larger')) for 1 .. 5;
cmp_ok($n[0], '<', $pool * 0.75, 'of a table of one and a half pools most of a pool is resident') or diag("@n");

# One pass over a huge table, and two, and what is in use meanwhile.
start_full();
reads(point_reads('work')) for 1 .. 3;
is((reads(point_reads('work')))[0], 0, 'the working set is resident');
@n = reads(scan('huge'));
cmp_ok($n[1], '>', $pool * 3.9, 'a huge scan goes around the pool');
is((reads(point_reads('work')))[0], 0, 'and leaves the working set there');
for my $pass (2 .. 6)
{
	@n = reads(scan('huge'));
	cmp_ok((reads(point_reads('work')))[0], '<=', $pool / 20, "so does pass $pass") or diag("@n");
}
cmp_ok($n[0], '<', $pool * 3.75, 'the table has got the room that nobody uses') or diag("@n");

# Two tables that fit, but not both: one of them stays, the other does not push it out.
start_full();
for (1 .. 6)
{
	@n = ((reads(scan('fits')))[0], (reads(scan('other')))[0]);
}
cmp_ok($n[0] + $n[1], '<', $pool * 1.3, 'of two tables, by turns, one is resident') or diag("@n");

# Processes of a parallel scan make one pass together.
start_full();
my $parallel = 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; ';
@n = reads($parallel . scan('huge'));
cmp_ok($n[1], '>', $pool * 3.8, 'one pass of several processes goes around') or diag("@n");

# Scans that stop early are less than a pass: nothing comes in by them.
start_full();
@n = reads(map { 'SELECT count(pad) FROM (SELECT pad FROM huge LIMIT 1000) s' } 1 .. 3);
cmp_ok($n[1], '>', 2500, 'scans that stop early go around') or diag("@n");

unlike(slurp_file($node->logfile), qr/still pinned|TRAP|PANIC/, 'nothing was left pinned');
$node->stop;
done_testing();
