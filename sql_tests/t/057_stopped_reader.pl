# A process that is stopped in the middle of reading holds up nobody for ever: others go on, or can be cancelled and ended.
# Processes are parked where a SIGSTOP would do the most harm.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('stopped', conf => "wal_level = replica\npagestore.pool_size = '4MB'\nautovacuum = off\nmax_parallel_workers_per_gather = 0\njit = off\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE EXTENSION pagestore_test;
	CREATE TABLE t (id int, k int, pad text) USING pagestore;
	INSERT INTO t SELECT i, (i * 7919::bigint) % 10000, repeat('x', 700) FROM generate_series(1, 10000) i;
	CREATE INDEX t_k ON t (k);
	CREATE TABLE small (id int, pad text) USING pagestore;
	INSERT INTO small SELECT i, repeat('y', 700) FROM generate_series(1, 1000) i;
	VACUUM ANALYZE));
my $method = $node->safe_psql('postgres', 'SELECT io_method FROM pg_stat_pagestore');
plan skip_all => 'io_uring is refused here' if $method ne 'io_uring';

my $small = "SELECT count(*), sum(id), sum(length(pad)) FROM small";	# read into the pool
my $large = "SELECT count(*), sum(id), sum(length(pad)) FROM t";		# around it
my $index = "SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*), sum(id) FROM t WHERE k < 3000";
my %rows = map { $_ => $node->safe_psql('postgres', $_) } ($small, $large, $index);

# A session that is parked at a point in the middle of a query in an empty pool; its pid.
sub park
{
	my ($name, $query) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');

	stop_at($node, $name, pid => $pid, times => 1);
	$session->query_until(qr/begun/, "\\echo begun\n$query;\n\\echo finished\n");
	is(wait_stopped($node, $name), $pid, "$name: parked");
	return ($session, $pid);
}

sub release
{
	my ($name, $session) = @_;
	go($node, $name);
	$session->query_until(qr/finished/, '');
	pass("$name: it goes on, and ends");
	$session->quit;
}

# Others need what it is reading: they get it, in bounded time.
sub others_go_on
{
	my ($name, @queries) = @_;
	foreach my $query (@queries)
	{
		my ($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = '30s'; $query");
		is("$out$err", $rows{$query}, "$name: others go on: " . substr($query, -30));
	}
}

# Others that wait can be cancelled, by themselves and by others, and ended; they are seen to wait before.
sub others_can_be_ended
{
	my ($name, $query) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = '300ms'; $query", timeout => 60);
	like($err, qr/canceling statement due to statement timeout/, "$name: a timeout ends a wait");
	foreach my $how ('cancel', 'terminate')
	{
		my ($in, $o, $e) = ("SELECT pg_backend_pid();\n", '', '');
		my $waiter = IPC::Run::start([ 'psql', '-X', '-A', '-t', '-q', '-f', '-', $node->connstr('postgres') ], '<', \$in, '>', \$o, '2>', \$e, IPC::Run::timeout(100));
		$waiter->pump until $o =~ /(\d+)\n/;
		my $pid = $1;
		$in .= "$query;\n\\q\n";
		$waiter->pump_nb;
		$node->poll_query_until('postgres', "SELECT wait_event IS NOT NULL AND state = 'active' FROM pg_stat_activity WHERE pid = $pid") or die;
		$node->safe_psql('postgres', "SELECT pg_${how}_backend($pid)");
		$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid AND state = 'active'") or die;
		eval { $waiter->finish };
		like($e, $how eq 'cancel' ? qr/canceling statement due to user request/ : qr/terminating connection/, "$name: $how ends a wait");
	}
}

# --- stopped before its request reaches the kernel, as good as after it: the kernel completes nothing for one that is stopped
$node->restart;
my ($session, $pid) = park('aio-before-submit', $small);
others_go_on('aio-before-submit', $small, $large);
is($node->safe_psql('postgres', "SET statement_timeout = '30s'; UPDATE small SET id = id WHERE id % 100 = 0; VACUUM small; SELECT count(*) FROM small"), '1000', 'and change the pages');
release('aio-before-submit', $session);
others_go_on('after aio-before-submit', $small);

# --- the same, of index read-ahead
$node->restart;
($session, $pid) = park('aio-before-submit', $index);
others_go_on('index, aio-before-submit', $index);
release('aio-before-submit', $session);

# --- one ring for all: stopped with its locks, and as the one who sleeps for all
$node->append_conf('postgresql.conf', 'max_files_per_process = ' . files_for_rings(1));
foreach my $point ('aio-sleeping', 'aio-before-submit', 'aio-reaping')
{
	foreach my $query ($small, $large)
	{
		$node->restart;
		($session, $pid) = park($point, $query);
		others_can_be_ended($point, $large) if $point eq 'aio-reaping';
		others_go_on($point, $point eq 'aio-reaping' ? ($small, $index) : ($small, $large, $index));
		release($point, $session);
		others_go_on("after $point", $small, $large, $index);
	}
}
like(slurp_file($node->logfile), qr/pagestore shares 1 io_uring rings instead of \d+ among all processes: max_files_per_process/, 'there was one ring');

# max_files_per_process that leaves descriptors for so many rings: asked of servers, as what is open at start differs.
sub files_for_rings
{
	my ($n) = @_;
	for (my $files = 66; $files < 160; $files += 2)
	{
		my $offset = -s $node->logfile;
		$node->append_conf('postgresql.conf', "max_files_per_process = $files");
		$node->restart(fail_ok => 1);
		return $files if slurp_file($node->logfile, $offset) =~ /shares $n io_uring rings/;
	}
	die "no max_files_per_process leaves $n ring";
}

# --- a process that goes leaves no slot behind: as many as there are sessions with reads under way, many times over
$node->restart;
for (1 .. 3)
{
	my $cursors = join(' ', map { "DECLARE c$_ CURSOR FOR SELECT * FROM t; FETCH 50 FROM c$_;" } 1 .. 10);
	$node->psql('postgres', "BEGIN; $cursors SELECT pg_terminate_backend(pg_backend_pid())");
	$node->psql('postgres', "BEGIN; $cursors SELECT 1 / 0");
}
set_fault($node, op => 'submit', skip => 1000000);	# strikes nobody
clear_faults($node);
set_fault($node, op => 'submit', error => '', times => -1);	# counts
others_go_on('after exits', $large);
cmp_ok(fault_hits($node), '>', 5, 'reads are still asynchronous');
clear_faults($node);

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|leak/, 'the log shows no damage');
$node->stop;
done_testing();
