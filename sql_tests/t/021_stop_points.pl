# Stop points and I/O faults themselves: who waits is seen, serves interrupts, goes on; faults strike by file and count.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_server('stops');
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pagestore;
	CREATE TABLE t (i int, filler text) USING pagestore;
	CREATE TABLE other (i int) USING pagestore;
	INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 1000) i;
	INSERT INTO other SELECT generate_series(1, 1000);
	CHECKPOINT;
});

# A write waits under HOLD_INTERRUPTS: it is seen, and goes on when cleared.
stop_at($node, 'write-before-file');
$node->safe_psql('postgres', 'UPDATE other SET i = i + 1');
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_until(qr/begun/, "\\echo begun\nCHECKPOINT;\n\\echo done\n");
my $pid = wait_stopped($node, 'write-before-file');
ok(defined $pid, 'a process waits at the point');
ok(stop_hits($node, 'write-before-file') >= 1, 'which counts');
is($node->safe_psql('postgres', 'SELECT count(*) FROM t'), '1000', 'others go on');
go($node, 'write-before-file');
$session->query_until(qr/done/, '');
pass('the checkpoint is over');
$session->quit;

# For one process only, and for a number of times.
stop_at($node, 'write-before-file', action => 'error', pid => 1);
$node->safe_psql('postgres', 'UPDATE other SET i = i + 1; CHECKPOINT');
is(stop_hits($node, 'write-before-file'), '0', 'a point armed for another process does not act');
go($node);

# Faults by file and count.
my $file = $node->safe_psql('postgres', "SELECT pg_relation_filenode('other')");
# twice: after a first refusal less is asked for
set_fault($node, op => 'extend', error => 'ENOSPC', relfilenode => $file, times => 2);
my ($rc, $out, $err) = $node->psql('postgres', 'INSERT INTO other SELECT generate_series(1, 1000)');
like($err, qr/could not extend file .*No space left on device/, 'an injected fault');
is(fault_hits($node), '2', 'struck as often as it was told');
($rc, $out, $err) = $node->psql('postgres', 'INSERT INTO other SELECT generate_series(1, 1000)');
is($rc, 0, 'and not again');
set_fault($node, op => 'extend', error => 'ENOSPC', relfilenode => $file);
($rc, $out, $err) = $node->psql('postgres', "INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 1000) i");
is($rc, 0, 'nor at another file');
clear_faults($node);
is($node->safe_psql('postgres', 'SELECT count(*) FROM other'), '2000', 'no row lost, none too many');

# A server that dies takes along who waits, interrupts held or not.
stop_at($node, 'write-before-file');
$node->safe_psql('postgres', 'UPDATE other SET i = i + 1');
$session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_until(qr/begun/, "\\echo begun\nCHECKPOINT;\n");
$pid = wait_stopped($node, 'write-before-file');
ok(defined $pid && Pagestore::is_alive($pid), 'a process waits again');
kill 'KILL', $node->{_pid};
for (1 .. 600) { last unless Pagestore::is_alive($pid); usleep(100_000); }
ok(!Pagestore::is_alive($pid), 'and ends with the postmaster');
eval { $session->quit };
ok(start_again($node), 'so that a server can start');
is($node->safe_psql('postgres', 'SELECT count(*) FROM other'), '2000', 'with all rows');

$node->stop;
done_testing();
