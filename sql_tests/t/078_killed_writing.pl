# A process is killed at each point on the way of a write, by both I/O methods: the sentinel in a checkpoint, a session that
# writes out a table or needs a frame, the server as a whole.  What was committed is there after the restart, in the files too.
# And a server that starts waits for writes of before that have not landed.
use strict;
use warnings;
use Fcntl qw(:flock);
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

sub checkpoint
{
	my ($node) = @_;
	$node->psql('postgres', "SET statement_timeout = '60s'; CHECKPOINT");
}

foreach my $method ('io_uring', 'sync')
{
	my $node = new_server($method, conf => "wal_level = replica\npagestore.pool_size = '4MB'\npagestore.io_method = $method\nautovacuum = off\n"
		  . "max_wal_size = '1GB'\ndefault_table_access_method = 'pagestore'\nrestart_after_crash = on\n");
	$node->start;
	$node->safe_psql('postgres', q(
		CREATE EXTENSION pagestore;
		CREATE TABLE t (id int, v int, pad text) WITH (fillfactor = 80);
		INSERT INTO t SELECT i, 0, repeat('t', 500) FROM generate_series(1, 4000) i;
		CREATE TABLE big (id int, pad text);
		INSERT INTO big SELECT i, repeat('b', 900) FROM generate_series(1, 8000) i;
		CHECKPOINT));
	my $is_async = $node->safe_psql('postgres', 'SELECT io_method FROM pg_stat_pagestore') eq 'io_uring';
	my $step = 1;

	my $change = sub {
		$step++;
		$node->safe_psql('postgres', "UPDATE t SET v = $step WHERE id % 14 = $step % 14");
		return table_state($node, 't');
	};
	# After the crash, and again when the files alone are read.
	my $right = sub {
		my ($name, $state) = @_;
		ok(wait_for_server($node), "$method, $name: the server is back");
		is(table_state($node, 't'), $state, "$method, $name: with what was committed");
		is($node->safe_psql('postgres', 'SELECT count(*) FROM pagestore_frames WHERE writing'), '0', "$method, $name: nothing is claimed");
		$node->safe_psql('postgres', "CHECKPOINT; SELECT pagestore_convert('t', 'heap')");
		is(table_state($node, 't'), $state, "$method, $name: which the files have, too: heap finds it");
		$node->safe_psql('postgres', "SELECT pagestore_convert('t', 'pagestore')");
	};

	my @batch = ('write-before-file', 'write-before-sync', 'write-before-clean');
	push @batch, 'aio-writes-started' if $is_async;
	foreach my $point (@batch)
	{
		my $state = $change->();
		my $sentinel = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pagestore sentinel'");
		stop_at($node, $point, action => 'kill', pid => $sentinel);
		checkpoint($node);
		$right->("sentinel, $point", $state);

		# a session that writes the table out
		next unless $is_async;
		$state = $change->();
		my ($rc, $out, $err) = $node->psql('postgres',
			"SELECT pagestore_stop_set('$point', 'kill', pg_backend_pid()); SELECT pagestore_convert('t', 'heap')", on_error_stop => 0);
		like($err, qr/server closed the connection|terminating connection/, "$method, session, $point: it dies");
		$right->("session, $point", $state);
	}
	foreach my $point ('write-one-before-file', 'write-one-before-sync', 'write-one-before-clean')
	{
		last if $is_async;	# the same by both methods
		my $state = $change->();
		my ($rc, $out, $err) = $node->psql('postgres',
			"SELECT pagestore_stop_set('$point', 'kill', pg_backend_pid()); INSERT INTO big SELECT i, repeat('c', 900) FROM generate_series(1, 20000) i", on_error_stop => 0);
		like($err, qr/server closed the connection|terminating connection/, "$method, frame needed, $point: it dies");
		$right->("frame needed, $point", $state);
	}

	# --- the whole server at once, writes under way
	foreach my $point (@batch)
	{
		my $state = $change->();
		stop_at($node, $point);
		my $checkpoint = IPC::Run::start([ 'psql', '-X', '-c', 'CHECKPOINT', $node->connstr('postgres') ], '<', \undef, '>', \my $out, '2>', \my $err);
		ok(defined wait_stopped($node, $point), "$method, server, $point: a write is under way");
		kill_server($node);
		eval { $checkpoint->finish };
		$node->start;
		$right->("server, $point", $state);
	}

	# --- the lock that writes hold, and a start waits for
	SKIP:
	{
		open(my $place, '<', $node->data_dir . '/global') or die $!;
		$change->();
		$node->safe_psql('postgres', 'CHECKPOINT');
		is(flock($place, LOCK_EX | LOCK_NB) ? 'free' : 'held', $is_async ? 'held' : 'free', "$method: a process that writes holds the lock");
		flock($place, LOCK_UN);
		$node->stop;
		my $free = 0;
		for (1 .. 1000)
		{
			last if $free = flock($place, LOCK_EX | LOCK_NB);
			usleep(10_000);
		}
		ok($free, "$method: with the process the lock is gone");
		flock($place, LOCK_UN);
		flock($place, LOCK_SH) or die $!;	# as if a write of before were on its way
		my $offset = -s $node->logfile;
		system('pg_ctl', '-W', '-s', '-D', $node->data_dir, '-l', $node->logfile, '-o', '--cluster-name=' . $node->name, 'start');
		my $told = 0;
		for (1 .. 600)
		{
			last if $told = slurp_file($node->logfile, $offset) =~ /waiting for writes of pagestore tables by processes that have ended/;
			usleep(100_000);
		}
		ok($told, "$method: a server that starts waits for them, and says so");
		unlike(slurp_file($node->logfile, $offset), qr/database system was shut down at/, "$method: recovery has not begun");
		flock($place, LOCK_UN);
		ok(wait_for_server($node), "$method: and goes on when they have landed");
		$node->_update_pid(1);
	}
	$node->stop;
}

done_testing();
