# Single processes killed during load and checkpoint storms: the server restarts, all that was committed is there.
# PAGESTORE_KILL_ROUNDS (1) repeats the whole list.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $rounds = $ENV{PAGESTORE_KILL_ROUNDS} // 1;
my $node = new_server('kill', conf => "wal_level = replica\npagestore.pool_size = '4MB'\nmax_wal_size = '64MB'\nmin_wal_size = '32MB'\n"
	  . "wal_consistency_checking = 'heap,heap2'\ndefault_table_access_method = 'pagestore'\n"
	  . "autovacuum_naptime = 1\nrestart_after_crash = on\nmax_prepared_transactions = 0\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE TABLE acct (id int PRIMARY KEY, bal int NOT NULL, pad text);
	CREATE TABLE hist (id bigserial, a int, b int, d int);
	INSERT INTO acct SELECT i, 0, repeat('p', 150) FROM generate_series(1, 40000) i;
));

# Each transaction moves money between two accounts and notes it: the sum stays 0, and hist explains every balance.
my $script = $node->basedir . '/move.sql';
append_to_file($script, q(\set a random_zipfian(1, 40000, 1.2)
\set b random(1, 40000)
\set d random(1, 100)
BEGIN;
UPDATE acct SET bal = bal - :d WHERE id = :a;
UPDATE acct SET bal = bal + :d WHERE id = :b;
INSERT INTO hist (a, b, d) VALUES (:a, :b, :d);
COMMIT;
));

# Readers that hold pins for a while: pruning has to move pages to other frames, past a checkpoint's scan.
my $readers = $node->basedir . '/read.sql';
append_to_file($readers, q(\set a random_zipfian(1, 39000, 1.2)
BEGIN;
DECLARE c CURSOR FOR SELECT pad, bal FROM acct WHERE id BETWEEN :a AND :a + 500;
FETCH 20 FROM c;
\sleep 3 ms
FETCH 50 FROM c;
\sleep 3 ms
COMMIT;
));

sub pid_of
{
	my ($type) = @_;
	return $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE backend_type = '$type' AND pid <> pg_backend_pid() AND query !~ 'CHECKPOINT' ORDER BY random() LIMIT 1");
}

sub start_load
{
	my @cmd = @_;
	my ($out, $err) = ('', '');
	return { h => IPC::Run::start(\@cmd, '<', \undef, '>', \$out, '2>', \$err), out => \$out };
}

my $acknowledged = 0;
my $moves = 0;
foreach my $round (1 .. $rounds)
{
	foreach my $victim ('client backend', 'pagestore sentinel', 'pagestore writer', 'checkpointer', 'walwriter', 'postmaster')
	{
		my $load = start_load('pgbench', '-n', '-c', 6, '-j', 2, '-T', 20, '-f', "$script\@2", '-f', "$readers\@1",
			'-h', $node->host, '-p', $node->port, 'postgres');
		my $storm = start_load('bash', '-c',
			"for i in \$(seq 200); do psql -X -q -h @{[$node->host]} -p @{[$node->port]} -c CHECKPOINT postgres || break; done");

		sleep(1.5 + rand(1.0));
		$moves += $node->safe_psql('postgres', 'SELECT ghosts_made FROM pg_stat_pagestore');
		if ($victim eq 'postmaster')
		{
			my $pid = $node->{_pid};

			kill 'KILL', $pid;
			$load->{h}->finish;
			$storm->{h}->finish;
			ok(start_again($node), "$victim killed: a new server starts");
		}
		else
		{
			my $pid = pid_of($victim);

			ok($pid, "$victim is there");
			kill 'KILL', $pid;
			$load->{h}->finish;
			$storm->{h}->finish;
		}
		ok(wait_for_server($node), "$victim killed: the server is back");
		my ($n) = ${ $load->{out} } =~ /SQL script 1: .*?- (\d+) transactions/s;
		$acknowledged += $n // 0;

		is($node->safe_psql('postgres', 'SELECT sum(bal), count(*) FROM acct'), '0|40000', "$victim killed: the sum stays");
		is($node->safe_psql('postgres', q(
			SELECT count(*) FROM acct JOIN (
				SELECT id, sum(d) AS d FROM (SELECT a AS id, -d AS d FROM hist UNION ALL SELECT b, d FROM hist) m GROUP BY id) s
			USING (id) WHERE bal <> d)),
			'0', "$victim killed: every balance is explained");
		cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM hist'), '>=', $acknowledged,
			"$victim killed: nothing acknowledged is lost ($acknowledged so far)");
	}
}
cmp_ok($moves, '>', 0, "pages moved to other frames meanwhile ($moves)");
my $log = slurp_file($node->logfile);
unlike($log, qr/inconsistent page found/, 'replay made the same pages');
unlike($log, qr/PANIC|TRAP|invalid page|verification failed|pin leak/, 'the log shows no damage');
$node->stop;
command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], 'checksums after a clean stop');
done_testing();
