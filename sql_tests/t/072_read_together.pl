# Pages that are read ahead come to the kernel many at a time; and nobody depends on a process that has entered them and is parked,
# fails or is killed before it has handed over the reads.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('together', conf => "pagestore.pool_size = '16MB'\nshared_buffers = 16MB\nrestart_after_crash = on\nautovacuum = off\nmax_parallel_workers_per_gather = 0\njit = off\n");
$node->start;
# Keys in no order: neighbours in the index lie on different pages of about 3,300.
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE EXTENSION pagestore_test;
	CREATE TABLE t (id int, k int, pad text) USING pagestore;
	INSERT INTO t SELECT i, (i * 7919::bigint) % 40000, repeat('x', 600) FROM generate_series(1, 40000) i;
	CREATE INDEX t_k ON t (k);
	CREATE TABLE twin AS SELECT id, k FROM t;
	CREATE TABLE keys AS SELECT (i * 31::bigint) % 40000 AS k FROM generate_series(1, 3000) i;
	VACUUM ANALYZE));
plan skip_all => 'io_uring is refused here' if $node->safe_psql('postgres', 'SELECT io_method FROM pg_stat_pagestore') ne 'io_uring';

my $set = 'SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off; SET enable_sort = off;';
my %query = (
	'nested loop' => "$set SET enable_bitmapscan = off; SELECT count(*), sum(t.id) FROM keys JOIN t ON t.k = keys.k",
	'index scan' => "$set SET enable_bitmapscan = off; SELECT count(*), sum(id) FROM t WHERE k < 3000",
	'bitmap scan' => "$set SET enable_indexscan = off; SELECT count(*), sum(id) FROM t WHERE k < 1000");
my %rows;

# ---- how many at a time ----

sub read_ahead { return $node->safe_psql('postgres', 'SELECT blks_read_ahead FROM pg_stat_pagestore') }

foreach my $name (sort keys %query)
{
	(my $heap = $query{$name}) =~ s/\bt\b/twin/g;
	$rows{$name} = $node->safe_psql('postgres', $heap);
	$node->restart;
	my $before = read_ahead();
	set_fault($node, op => 'submit', skip => 1000000);	# strikes nobody
	clear_faults($node);
	set_fault($node, op => 'submit', error => '', times => -1);	# counts
	is($node->safe_psql('postgres', $query{$name}), $rows{$name}, "$name: rows");
	my ($pages, $submissions) = (read_ahead() - $before, fault_hits($node));
	clear_faults($node);
	cmp_ok($pages, '>', $name eq 'bitmap scan' ? 200 : 1000, "$name: pages are read ahead");
	cmp_ok($submissions, '>', 10, "$name: asynchronously");
	cmp_ok($submissions, '<', $pages / 8, "$name: many at a time ($pages pages, $submissions times)");
}

# ---- between the first frame and the submission ----

my $query = $query{'nested loop'};

# In an empty pool, past the first few reads: while few pages are read ahead at a time they are few at a point, too.
sub start_parked
{
	my ($point) = @_;
	$node->restart;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	stop_at($node, $point, pid => $pid, skip => 8, times => 1);
	$session->query_until(qr/begun/, "\\echo begun\n$query;\n\\echo finished\n");
	is(wait_stopped($node, $point), $pid, "$point: parked");
	return $session;
}

# Nothing has a name yet: others wait, and can be cancelled; they get their rows when it goes on.
my $session = start_parked('ahead-entered');
my ($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = '1s'; $query");
like($err, qr/canceling statement due to statement timeout/, 'one who waits for a page under read can be cancelled');
my $other = $node->background_psql('postgres', on_error_stop => 0);
my $other_pid = $other->query_safe('SELECT pg_backend_pid()');
$other->query_until(qr/begun/, "\\echo begun\n$query;\n\\echo finished\n");
ok($node->poll_query_until('postgres', "SELECT wait_event IS NOT NULL AND wait_event <> 'ClientRead' FROM pg_stat_activity WHERE pid = $other_pid"), 'another waits');
go($node, 'ahead-entered');
like($session->query_until(qr/finished/, ''), qr/^\Q$rows{'nested loop'}\E$/m, 'the one parked has its rows');
like($other->query_until(qr/finished/, ''), qr/^\Q$rows{'nested loop'}\E$/m, 'the other, too');
$session->quit;
$other->quit;

# All named, nothing submitted: others do without after two seconds.
$session = start_parked('aio-before-submit');
is($node->safe_psql('postgres', "SET statement_timeout = '60s'; $query"), $rows{'nested loop'}, 'others go on without reads that are late');
go($node, 'aio-before-submit');
like($session->query_until(qr/finished/, ''), qr/^\Q$rows{'nested loop'}\E$/m, 'and so does the one that was parked');
$session->quit;

# An error: no frame stays under read, and none counts as read ahead for ever: a quarter of the pool is 512 frames.
$node->restart;
my $errors = 0;
my $all = "$set SET enable_bitmapscan = off; SELECT count(*), sum(id) FROM t WHERE k >= 0";	# more pages than the pool has
for (1 .. 12)
{
	stop_at($node, 'ahead-entered', action => 'error', skip => 6, times => 1);
	($rc, $out, $err) = $node->psql('postgres', $all);
	$errors++ if $err =~ /ahead-entered/;
	go($node);
}
is($errors, 12, 'errors before the submission');
my $before = read_ahead();
is($node->safe_psql('postgres', "SET statement_timeout = '60s'; $query{$_}"), $rows{$_}, "after errors: $_") foreach sort keys %query;
cmp_ok(read_ahead() - $before, '>', 1000, 'reads ahead as before');

# Killed.
foreach my $point ('ahead-entered', 'aio-before-submit', 'aio-after-submit')
{
	stop_at($node, $point, action => 'kill', skip => 8, times => 1);
	($rc, $out, $err) = $node->psql('postgres', $query);
	isnt($rc, 0, "$point: killed");
	ok(wait_for_server($node), 'the server is back');
	is($node->safe_psql('postgres', $query), $rows{'nested loop'}, 'with its rows');
}

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|leak/, 'the log shows no damage');
$node->stop;
done_testing();
