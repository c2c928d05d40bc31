# What memory of other sizes would bring: the curve beside loops over tables of known size, which are found in a pool that
# has room for them and in no smaller one; scans around the pool; counts that fade; and advice that is followed.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Utils;
use Test::More;

# The pool has 248 frames: all pages are in the sample.
my $node = new_server('advice', conf => "pagestore.pool_size = '1984kB'\nshared_buffers = '4MB'\nautovacuum = off\njit = off\nmax_parallel_workers_per_gather = 0\n"
	  . "checkpoint_timeout = 1h\nenable_seqscan = off\nenable_bitmapscan = off\n");
$node->start;
sub ask { return $node->safe_psql('postgres', $_[0]); }
ask('CREATE EXTENSION pagestore');
ask('SELECT pg_stat_reset_pagestore()');
like(ask('SELECT pagestore_advice()'), qr/^Too little has been seen to give advice/, 'no advice at first');
is(ask('SELECT count(*) FROM pg_stat_pagestore_sizes WHERE expected_reads > accesses OR expected_reads < 0'), '0', 'nor nonsense');

# One row per page.
sub make_table
{
	my ($name, $pages) = @_;
	ask("CREATE TABLE $name (id int PRIMARY KEY, pad text) USING pagestore; ALTER TABLE $name ALTER pad SET STORAGE PLAIN;
		INSERT INTO $name SELECT i, repeat('x', 5000) FROM generate_series(1, $pages) i; VACUUM (FREEZE, ANALYZE) $name");
	return;
}
make_table('small', 100);
make_table('more', 300);
make_table('large', 700);
make_table('huge', 5000);
ask('CHECKPOINT');

# Each page of the table in order, by its index, so many times.
sub loops
{
	my ($table, $n) = @_;
	ask("DO \$\$ BEGIN FOR i IN 1 .. $n LOOP PERFORM count(pad) FROM $table WHERE id > 0; END LOOP; END \$\$");
	return;
}

# By scans that may go around the pool.
sub scans
{
	my ($table, $n) = @_;
	ask("SET enable_seqscan = on; SELECT count(pad) FROM $table") for 1 .. $n;
	return;
}

# Reads expected with so many eighths of the pool, of shared_buffers.
sub reads_of { my ($setting, $eighths) = @_; return ask("SELECT expected_reads FROM pg_stat_pagestore_sizes WHERE setting = '$setting' AND size = pg_size_bytes(current_setting('$setting')) * $eighths / 8"); }
sub reads_with { return reads_of('pagestore.pool_size', $_[0]); }
sub reads_now { return ask('SELECT blks_read + blks_read_ahead + blks_around FROM pg_stat_pagestore'); }
sub zero { ask('SELECT pg_stat_reset_pagestore()'); return; }

# --- a table of 300 pages, 248 frames: it wants 10/8 of them
loops('more', 1);
zero();
is(ask("SELECT max(accesses) FROM pg_stat_pagestore_sizes WHERE setting LIKE 'pagestore%'"), '0', 'a reset is one of these counts, too');
loops('more', 20);
is(ask("SELECT DISTINCT accesses = blks_hit + blks_read + blks_read_ahead + blks_around FROM pg_stat_pagestore_sizes, pg_stat_pagestore WHERE setting = 'pagestore.pool_size'"),
	't', 'accesses are what the pool counts');
is(reads_with(8), reads_now(), 'with the size that it has, reads are those that there were');
is(reads_with(7), reads_with(8), 'a pool that is smaller still would have no less');
cmp_ok(reads_now(), '>', 20 * 300 / 4, 'which are many');
is(reads_with(10), '0', 'a pool that has room for the table would not read it again');
is(reads_with(32), '0', 'nor would a larger one');

# --- one of 100 pages: between 93 frames and 124
loops('small', 2);
zero();
loops('small', 20);
is(reads_with(8), reads_now(), 'a table that fits');
is(reads_with(4), reads_now(), 'would fit into half of the pool');
is(reads_with(3), reads_now() + 20 * 100, 'but not into three eighths');

# --- a pool of another size: counting begins anew, with a row for that size
sub resize
{
	my ($how, $frames) = @_;
	ask($_) foreach "ALTER SYSTEM $how", 'SELECT pg_reload_conf()';
	return $node->poll_query_until('postgres', "SELECT frames = $frames FROM pg_stat_pagestore");
}
my $current = "FROM pg_stat_pagestore_sizes WHERE setting = 'pagestore.pool_size' AND is_current";
ok(resize("SET pagestore.pool_size = '1MB'", 128), 'the pool becomes smaller');
is(ask("SELECT size, accesses $current"), '1048576|0', 'counting begins anew');
zero();
loops('small', 20);
is(ask("SELECT expected_reads $current"), reads_now(), 'with this size, reads are those that there were');
ok(resize('RESET pagestore.pool_size', 248), 'and larger again');

# --- one pass over a huge table, around the pool, leaves that as it was
zero();
loops('small', 10);
scans('huge', 1);
loops('small', 10);
cmp_ok(reads_with(3) - reads_with(4), '>=', 18 * 100, 'one pass over a huge table leaves the curve as it was');
is(reads_with(32), reads_with(8), 'and would have been one in any pool');

# --- one that is scanned around the pool again and again would be found in a pool that has room for it
scans('large', 2);
zero();
scans('large', 8);
my $around = ask('SELECT blks_around FROM pg_stat_pagestore');
cmp_ok($around, '>', 8 * 700 / 3, "$around pages are read around the pool");
is(reads_with(8), reads_now(), 'with the size that it has, these are reads');
cmp_ok(reads_with(32), '<', reads_now() / 20, 'a pool of four times the size would have them');

# --- what was done before counts less and less
loops('more', 2);
zero();
loops('more', 100);
my $saved = reads_with(8) - reads_with(10);
cmp_ok($saved, '>', 100 * 300 / 4, "$saved reads that a larger pool would save");
loops('small', 6_000);
my $left = reads_with(8) - reads_with(10);
cmp_ok($left, '<', $saved / 8, "$left are left of them after other work");
cmp_ok(ask('SELECT min(accesses) FROM pg_stat_pagestore_sizes'), '<', 256 * (248 + 512) + 100_000, 'accesses are those of late');
zero();
loops('small', 1_000);
like(ask('SELECT pagestore_advice()'), qr/^Leave pagestore\.pool_size = 1984kB and shared_buffers = 4MB: (99|100)\.\d+% of page accesses/, 'all is well');

# --- shared_buffers, by core's counts: not those of pagestore tables, each access once, of parallel workers too
ask("CREATE TABLE narrow (id int PRIMARY KEY, v int) USING pagestore; INSERT INTO narrow SELECT i, i FROM generate_series(1, 180000) i; VACUUM (FREEZE, ANALYZE) narrow;
	CREATE TABLE buffered USING heap AS SELECT i FROM generate_series(1, 600000) i; VACUUM (FREEZE, ANALYZE) buffered; CHECKPOINT");
sub shared { return ask("SELECT accesses FROM pg_stat_pagestore_sizes WHERE setting = 'shared_buffers' AND is_current"); }
my $pages = ask("SELECT relpages FROM pg_class WHERE relname = 'buffered'");
my $set = 'SET enable_seqscan = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = ';
foreach my $workers (0, 2)
{
	ask("SELECT count(*) FROM buffered; SELECT count(*) FROM narrow");
	zero();
	ask($set . "$workers; SELECT count(*) FROM narrow; SELECT count(*) FROM narrow; SELECT count(*) FROM narrow");
	my $few = shared();
	cmp_ok($few, '<', 1000, "scans of a pagestore table, $workers workers: $few accesses of shared_buffers");
	zero();
	ask($set . "$workers; SELECT count(*) FROM buffered");
	my $n = shared();
	cmp_ok(abs($n - $pages), '<', $pages / 2, "a heap table of $pages pages: $n");
}

# --- advice, followed twice from a bad split, is as good as the best split
sub split_to
{
	my ($pool, $shared) = @_;
	$node->append_conf('postgresql.conf', "pagestore.pool_size = '$pool'\nshared_buffers = '$shared'");
	$node->restart;
	return;
}

# Reads of all, after a first round.
sub work
{
	my ($what) = @_;
	$what->();
	zero();
	$what->();
	return reads_with(8) + reads_of('shared_buffers', 8);
}
sub follow
{
	my ($pool, $shared, $what) = @_;
	my $reads;
	my $said;

	split_to("${pool}MB", "${shared}MB");
	foreach my $round (0 .. 2)
	{
		$reads = work($what);
		$said = ask('SELECT pagestore_advice()');
		note("pool $pool MB, shared_buffers $shared MB: $reads reads. $said");
		last unless $said =~ /^Set pagestore\.pool_size = (\d+)MB \(now ${pool}MB\) and shared_buffers = (\d+)MB \(now ${shared}MB\), and restart: about \d+% fewer reads are expected/;
		is($1 + $2, $pool + $shared, 'the memory is the same') or last;
		last if $round == 2;
		($pool, $shared) = ($1, $2);
		split_to("${pool}MB", "${shared}MB");
	}
	return ($reads, $pool, $shared, $said);
}
my $points = sub { ask('SELECT count(v) FROM generate_series(1, 20000) g, LATERAL (SELECT v FROM narrow WHERE id = 1 + abs(hashint4(g) % 180000) OFFSET 0) n'); };
my %reads;
foreach my $pool (4, 7, 11, 16)
{
	split_to("${pool}MB", 21 - $pool . 'MB');
	$reads{$pool} = work($points);
	note("pool $pool MB: $reads{$pool} reads");
}
my ($best) = sort { $a <=> $b } values %reads;
foreach my $first ([ 20, 1 ], [ 1, 20 ])
{
	my ($reads, $pool, $shared, $said) = follow(@$first, $points);
	isnt($pool, $first->[0], "advice is given where the pool has $first->[0] MB of 21");
	cmp_ok($reads, '<=', $best * 1.1 + 200, "followed at most twice it ends with $reads reads, where there are $best at best");
	like($said, qr/^Leave /, 'and is to leave it so');
}

# --- a table a little larger than the pool, whichever of its pages are in the sample by the hash of its number
split_to('6MB', '15MB');
foreach my $copy (1 .. 8)
{
	ask("CREATE TABLE copy$copy USING pagestore AS SELECT * FROM narrow; ALTER TABLE copy$copy ADD PRIMARY KEY (id); VACUUM (FREEZE, ANALYZE) copy$copy");
	my $reads = work(sub { ask("SELECT count(v) FROM generate_series(1, 20000) g, LATERAL (SELECT v FROM copy$copy WHERE id = 1 + abs(hashint4(g) % 180000) OFFSET 0) n") });
	my $larger = reads_with(10);
	cmp_ok($reads, '>', 300, "copy $copy of a table that does not fit: $reads reads");
	cmp_ok($larger, '<', 0.9 * reads_now(), "... which are $larger in a pool of 10/8");
}

unlike(slurp_file($node->logfile), qr/TRAP|PANIC/, 'no assertion failed');
$node->stop;
done_testing();
