# A read that came late, and is over at the last moment: who has waited for it in vain does not take the page away from those who use it since.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('late', conf => "wal_level = replica\npagestore.pool_size = '4MB'\nautovacuum = off\nmax_parallel_workers_per_gather = 0\njit = off\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE EXTENSION pagestore_test;
	CREATE TABLE t (id int, pad text) USING pagestore;
	INSERT INTO t SELECT i, repeat('y', 700) FROM generate_series(1, 1000) i;
	VACUUM ANALYZE));
plan skip_all => 'io_uring is refused here' if $node->safe_psql('postgres', 'SELECT io_method FROM pg_stat_pagestore') ne 'io_uring';

my $rows = 'SELECT count(*), sum(id) FROM t';

# A session in the middle of a query in which it stops at a point.
sub park
{
	my ($name) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');

	stop_at($node, $name, pid => $pid, times => 1);
	$session->query_until(qr/begun/, "\\echo begun\n$rows;\n\\echo finished\n");
	is(wait_stopped($node, $name), $pid, "$name: parked");
	return $session;
}

sub release
{
	my ($name, $session) = @_;
	go($node, $name);
	$session->query_until(qr/finished/, '');
	pass("$name: it goes on, and ends");
	$session->quit;
}

$node->restart;
my $reader = park('aio-before-submit');	# as good as stopped with a request in the kernel
my $waiter = park('read-late');	# has waited for two seconds, and made up its mind
release('aio-before-submit', $reader);
$node->safe_psql('postgres', 'DELETE FROM t WHERE id % 2 = 0');
my $state = $node->safe_psql('postgres', $rows);
is($state, '500|250000', 'the page has arrived, and is changed');
release('read-late', $waiter);
is($node->safe_psql('postgres', $rows), $state, 'and stays changed');
$node->safe_psql('postgres', 'CHECKPOINT');
$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', $rows), $state, 'after a checkpoint and a crash, too');

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|leak/, 'the log shows no damage');
$node->stop;
done_testing();
