# pgbench, the whole server killed in mid-run, restart: the sums agree and no acknowledged transaction is lost.
# PAGESTORE_CRASH_ROUNDS (2), PAGESTORE_CRASH_SCALE (4) and PAGESTORE_CRASH_SECONDS (6) make it longer.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $rounds = $ENV{PAGESTORE_CRASH_ROUNDS} // 2;
my $scale = $ENV{PAGESTORE_CRASH_SCALE} // 4;
my $seconds = $ENV{PAGESTORE_CRASH_SECONDS} // 6;
# a pool of a quarter of the data: 13 MB a scale unit
my $pool = int($scale * 13 / 4) || 1;

my $node = new_server('crash', conf => "pagestore.pool_size = '${pool}MB'\nwal_level = replica\nmax_wal_size = '64MB'\nmin_wal_size = '32MB'\n"
	  . "wal_consistency_checking = 'heap,heap2'\nautovacuum_naptime = 1\ncheckpoint_completion_target = 0.3\n"
	  . "default_table_access_method = 'pagestore'\nfsync = on\nmax_connections = 40\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pagestore; CREATE EXTENSION amcheck');
$node->command_ok([ 'pgbench', '-i', '-q', '-s', $scale, 'postgres' ], "pgbench -i -s $scale");
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relname LIKE 'pgbench%' AND amname = 'pagestore'"),
	'4', 'its tables are pagestore tables');

# A killed server leaves pgbench with an error for each client: expected.
sub load
{
	my ($secs) = @_;
	my ($out, $err) = ('', '');
	my $h = IPC::Run::start([ 'pgbench', '-n', '-c', 8, '-j', 2, '-T', $secs, '-h', $node->host, '-p', $node->port, 'postgres' ],
		'<', \undef, '>', \$out, '2>', \$err);
	return ($h, \$out, \$err);
}

my $sums = q(SELECT (SELECT sum(abalance) FROM pgbench_accounts) AS a, (SELECT sum(tbalance) FROM pgbench_tellers) AS t,
	(SELECT sum(bbalance) FROM pgbench_branches) AS b, (SELECT coalesce(sum(delta), 0) FROM pgbench_history) AS h);
my $agree = "SELECT a = t AND t = b AND b = h FROM ($sums) s";

my ($h, $out, $err) = load($seconds);
$h->finish;
unlike($$err, qr/error|abort/i, 'no error in an undisturbed run');
is($node->safe_psql('postgres', $agree), 't', 'sums agree after it');

my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM pgbench_history');
foreach my $round (1 .. $rounds)
{
	($h, $out, $err) = load($seconds * 10);
	my $end = time + $seconds;
	# checkpoints at odd moments, one of them likely running when the server dies
	while (time < $end)
	{
		sleep(rand(1.0));
		$node->psql('postgres', 'CHECKPOINT') if rand() < 0.5;
	}
	my $ck = IPC::Run::start([ 'psql', '-X', '-q', '-h', $node->host, '-p', $node->port, '-c', 'CHECKPOINT', 'postgres' ],
		'<', \undef, '>', '/dev/null', '2>', '/dev/null');
	sleep(rand(0.3));
	kill_server($node);
	$h->finish;
	$ck->finish;
	my ($acknowledged) = $$out =~ /transactions actually processed: (\d+)/;
	$node->start;
	is($node->safe_psql('postgres', $sums =~ s/^SELECT/SELECT/r) =~ s/\|.*//r ne '', 1, "round $round: readable");
	is($node->safe_psql('postgres', $agree), 't', "round $round: sums agree")
	  or diag($node->safe_psql('postgres', $sums));
	my $now = $node->safe_psql('postgres', 'SELECT count(*) FROM pgbench_history');
	cmp_ok($now, '>=', $before + ($acknowledged // 0), "round $round: nothing acknowledged is lost (" . ($acknowledged // 0) . ')');
	$before = $now;
	is($node->safe_psql('postgres', "SELECT count(*) FROM pgbench_accounts"), $scale * 100000, "round $round: all accounts");
	is($node->safe_psql('postgres', "SELECT count(bt_index_check(c.oid, true)::text) FROM pg_class c WHERE relname ~ '^pgbench.*_pkey'"),
		'3', "round $round: indexes match their tables");
}
my $log = slurp_file($node->logfile);
unlike($log, qr/inconsistent page found/, 'WAL replay made the same pages');
unlike($log, qr/PANIC|TRAP|invalid page|page verification failed/, 'no panic and no damaged page in the log');
$node->stop;
command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], 'pg_checksums finds nothing after a clean stop');
done_testing();
