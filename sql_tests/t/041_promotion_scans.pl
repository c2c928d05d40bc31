# A scan begun in recovery goes on after promotion, however much later: its rows are those of its snapshot, while the rows
# are changed and frozen and the commit log behind them is cut off; and it reads ahead of use again.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $conf = "autovacuum = off\njit = off\nmax_parallel_workers_per_gather = 0\nsynchronize_seqscans = off\npagestore.pool_size = '2MB'\npagestore.replacement = clock\n";
my $primary = new_server('primary', allows_streaming => 1, conf => $conf);

# Just before the end of a segment of the commit log, so that it can be cut off before long.
my $segment = $primary->data_dir . '/pg_xact/0000';
command_ok([ 'pg_resetwal', '-x', '1048000', '-D', $primary->data_dir ], 'a later transaction id');
open(my $file, '>>', $segment) or die $!;
truncate($file, 262144) or die $!;
close $file;

$primary->start;
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

# The standby has only what the records tell: no row of these is hinted.  About 32 rows a page; a pool of 256 frames.
# ahead_seq is small enough for it, ahead_ring is not; alone is looked at by nobody but the sampling of few rows, which judges each when asked for it.
$primary->safe_psql('postgres', q(
	CREATE EXTENSION pagestore; CREATE EXTENSION pagestore_test;
	ALTER DATABASE template0 ALLOW_CONNECTIONS true;
	CREATE TABLE small (id int PRIMARY KEY, n int, pad text) USING pagestore;
	INSERT INTO small SELECT i, i % 10, repeat('x', 200) FROM generate_series(1, 1000) i;
	UPDATE small SET n = n + 100 WHERE id % 4 = 0;
	DELETE FROM small WHERE id % 9 = 0;
	CREATE TABLE alone USING pagestore AS TABLE small));
foreach my $t ('ahead_seq', 'ahead_index', 'ahead_bitmap', 'ahead_ring')
{
	$primary->safe_psql('postgres', "CREATE TABLE $t (id int, k int, pad text) USING pagestore;
		INSERT INTO $t SELECT i, (i * 7919::bigint) % 6400, repeat('x', 200) FROM generate_series(1, " . ($t eq 'ahead_ring' ? 16000 : $t eq 'ahead_seq' ? 1900 : 6400) . ") i;
		CREATE INDEX ON $t (k)");
}
# on to the next segment
$primary->safe_psql('postgres', 'DO $$ BEGIN FOR i IN 1..700 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$');
cmp_ok($primary->safe_psql('postgres', 'SELECT pg_current_xact_id()'), '>', 1048576, 'which is in the next segment by now');
$primary->wait_for_catchup($standby);

# name => settings, query; each is a cursor
my %scan = (
	seq => [ '', 'SELECT id, n, length(pad) FROM small' ],
	keys => [ '', 'SELECT id, n FROM small WHERE n > 100' ],
	index => [ 'SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off', 'SELECT id, n FROM small WHERE id > 0 ORDER BY id' ],
	descending => [ 'SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off', 'SELECT id, n FROM small WHERE id > 0 ORDER BY id DESC' ],
	indexonly => [ 'SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off', 'SELECT id FROM small WHERE id > 0 ORDER BY id' ],
	bitmap => [ 'SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off', 'SELECT id, n FROM small WHERE id > 0' ],
	system => [ '', 'SELECT id, n FROM small TABLESAMPLE SYSTEM (80) REPEATABLE (3)' ],
	bernoulli => [ '', 'SELECT id, n FROM alone TABLESAMPLE BERNOULLI (20) REPEATABLE (3)' ],
	bernoulli_many => [ '', 'SELECT id, n FROM small TABLESAMPLE BERNOULLI (60) REPEATABLE (3)' ],
	tid => [ 'SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off',
		q(SELECT id, n FROM small WHERE ctid = ANY (ARRAY(SELECT format('(%s,%s)', b, o)::tid FROM generate_series(0, 30) b, generate_series(1, 40) o))) ],
	tidrange => [ '', q(SELECT id, n FROM small WHERE ctid BETWEEN '(1,3)' AND '(28,7)') ],
	xmax => [ '', 'SELECT id, xmin, cmin, n FROM small' ],
	nested => [ 'SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_material = off; SET LOCAL enable_memoize = off',
		'SELECT a.id, b.n FROM small a JOIN small b ON b.id = a.id + 1' ],
	held => [ '', 'SELECT id, n FROM small WHERE id % 2 = 1' ],
);
my %ahead = (
	ahead_seq => [ '', 'SELECT id FROM ahead_seq' ],
	ahead_index => [ 'SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off', 'SELECT id FROM ahead_index WHERE k BETWEEN 0 AND 1500 ORDER BY k' ],
	ahead_bitmap => [ 'SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off', 'SELECT id FROM ahead_bitmap WHERE k BETWEEN 0 AND 500' ],
	ahead_ring => [ '', 'SELECT id FROM ahead_ring' ],
);
my %all = (%scan, %ahead);

sub rows { my ($out) = @_; return grep { $_ ne '' && !/^done/ } split /\n/, $out; }

# (An index page that a cursor holds would make vacuum wait, hence no index cleanup.)
# The rows as the primary has them; then some of each in recovery.
my %wanted = map { $_ => [ rows($primary->safe_psql('postgres', 'BEGIN; ' . ($all{$_}[0] ? "$all{$_}[0]; " : '') . "$all{$_}[1]; COMMIT")) ] } sort keys %all;
my $session = $standby->background_psql('postgres', on_error_stop => 0);
my %got;
sub fetch
{
	my ($name, $how) = @_;
	$session->{stdout} = '';
	my @rows = rows($session->query_until(qr/^done $name$/m, "FETCH $how FROM $name;\n\\echo done $name\n"));
	push @{ $got{$name} }, @rows;
}

$session->query_until(qr/done begin/, "BEGIN ISOLATION LEVEL REPEATABLE READ;\n\\echo done begin\n");
foreach my $name (sort keys %all)
{
	my ($set, $query) = @{ $all{$name} };
	my $hold = $name eq 'held' ? 'WITH HOLD' : '';
	$session->query_until(qr/done declare/, "$set;\nDECLARE $name CURSOR $hold FOR $query;\nRESET ALL;\n\\echo done declare\n");
	fetch($name, 3);
}
my $another = $standby->background_psql('postgres', on_error_stop => 0);
$another->query_until(qr/begun/, "BEGIN;\nDECLARE back SCROLL CURSOR FOR SELECT id, n FROM small;\nFETCH 40 FROM back;\n\\echo begun\n");

$primary->stop;
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
$standby->safe_psql('postgres', q(
	UPDATE small SET n = n + 1000 WHERE id % 2 = 0;
	DELETE FROM small WHERE id % 5 = 0;
	INSERT INTO small SELECT i, 5000, 'new' FROM generate_series(1001, 1300) i;
	UPDATE alone SET n = n + 1000 WHERE id % 2 = 0;
	VACUUM (INDEX_CLEANUP off) small;
	UPDATE small SET n = n + 1000 WHERE id % 3 = 0));
command_ok([ 'vacuumdb', '--all', '--freeze', '--no-index-cleanup', '-q', '-h', $standby->host, '-p', $standby->port ], 'all is frozen');
ok(!-e $standby->data_dir . '/pg_xact/0000', 'and the commit log cut off');

sub counts { return split /\|/, $standby->safe_psql('postgres', 'SELECT blks_read, blks_read_ahead, blks_around FROM pg_stat_pagestore'); }
my %counts;
foreach my $name (sort keys %all)
{
	next if $name eq 'held';
	# other pages fill the pool; three times, as those used lately have to go, too
	$standby->safe_psql('postgres', 'SET enable_seqscan = off; SET enable_bitmapscan = off; '
		  . 'SELECT sum(n) FROM generate_series(1, 3) g, LATERAL (SELECT count(pad) n FROM ahead_ring WHERE k > g - g) l') if $ahead{$name};
	my @before = counts();
	fetch($name, 'ALL');
	my @after = counts();
	$counts{$name} = [ map { $after[$_] - $before[$_] } 0 .. 2 ];
	is_deeply($got{$name}, $wanted{$name}, "$name: rows");
}
cmp_ok($counts{ahead_seq}[1], '>', 40, 'a sequential scan reads ahead again');
cmp_ok($counts{ahead_index}[1], '>', 150, 'an index scan');
cmp_ok($counts{ahead_bitmap}[1] + $counts{ahead_bitmap}[2], '>', 100, 'a bitmap scan, partly around the pool');
cmp_ok($counts{ahead_ring}[2], '>', 150, 'a large one goes around the pool');
cmp_ok($counts{$_}[0], '<', 60, "$_: seldom waits") foreach grep { $_ ne 'ahead_seq' } sort keys %ahead;
cmp_ok($counts{ahead_seq}[0], '<', 20, 'ahead_seq: seldom waits');

# Its rows are fetched when its transaction ends, all of them.
$session->query_until(qr/done commit/, "COMMIT;\n\\echo done commit\n");
fetch('held', 'ALL');
is_deeply($got{held}, $wanted{held}, 'WITH HOLD: rows');
is($session->{stderr}, '', 'no error, no warning');
$session->quit;

my @back = rows($another->query_until(qr/^done back$/m, "FETCH BACKWARD 50 FROM back;\nFETCH ALL FROM back;\n\\echo done back\n"));
my @seq = map { my @c = split /\|/; "$c[0]|$c[1]" } @{ $wanted{seq} };
is_deeply(\@back, [ reverse(@seq[0 .. 38]), @seq ], 'backward and forward again');
is($another->{stderr}, '', 'no error, no warning');
$another->quit;
unlike(slurp_file($standby->logfile), qr/PANIC|TRAP/, 'nothing in the log');
$standby->stop;
done_testing();
