# The sentinel: no checkpoint completes over frames that are not on disk, and shutdown leaves nothing behind.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_server('checkpoint', conf => "wal_level = replica\npagestore.pool_size = '16MB'\nautovacuum = off\nrestart_after_crash = on\nmax_wal_size = '1GB'\n"
	  . "default_table_access_method = 'pagestore'\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE TABLE t (id int, v text);
	CREATE UNLOGGED TABLE un (id int, v text);
	INSERT INTO t SELECT i, repeat('a', 100) FROM generate_series(1, 20000) i;
	INSERT INTO un TABLE t));

my $dirty = "SELECT count(*) FROM pagestore_frames WHERE isdirty AND relfilenode = (SELECT relfilenode FROM pg_class WHERE relname = '%s')";
cmp_ok($node->safe_psql('postgres', sprintf($dirty, 't')), '>', 0, 'the table is dirty in the pool');

# --- it writes everything
$node->safe_psql('postgres', 'CHECKPOINT');
is($node->safe_psql('postgres', sprintf($dirty, 't')), '0', 'clean after CHECKPOINT');
my $state = table_state($node, 't');
kill_server($node);
# without any WAL to replay, the files alone must be the table
command_ok([ 'pg_resetwal', '-f', '-D', $node->data_dir ], 'WAL thrown away');
$node->start;
is(table_state($node, 't'), $state, 'what a checkpoint covered needs no WAL');

# --- no checkpoint without the sentinel
sub pid_of
{
	my ($type) = @_;
	return $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = '$type'");
}
sub start_checkpoint
{
	return IPC::Run::start([ 'psql', '-X', '-q', '-h', $node->host, '-p', $node->port, '-c', 'CHECKPOINT', 'postgres' ],
		'<', \undef, '>', '/dev/null', '2>', '/dev/null');
}
sub redo_lsn { return $node->safe_psql('postgres', 'SELECT redo_lsn FROM pg_control_checkpoint()'); }

my $sentinel = pid_of('pagestore sentinel');
$node->safe_psql('postgres', "UPDATE t SET v = 'b' WHERE id % 3 = 0");
my $redo = redo_lsn();
kill 'STOP', $sentinel;
my $ck = start_checkpoint();
sleep(2);
is(redo_lsn(), $redo, 'a checkpoint waits for a sentinel that does not answer');
$node->safe_psql('postgres', "UPDATE t SET v = 'c' WHERE id % 5 = 0");
kill 'CONT', $sentinel;
$ck->finish;
isnt(redo_lsn(), $redo, 'and completes when it does');

# --- a disk that does not take its pages: the checkpoint fails, nothing is lost (the limit must spare WAL's files)
$node->safe_psql('postgres', "CREATE TABLE big AS SELECT i, repeat('b', 1000) AS v FROM generate_series(1, 20000) i; CHECKPOINT");
SKIP:
{
	skip 'prlimit is not to be had', 2 if system('which prlimit > /dev/null 2>&1') != 0;
	$redo = redo_lsn();
	system('prlimit', "--pid=$sentinel", '--fsize=17000000:unlimited');
	$node->safe_psql('postgres', "UPDATE big SET v = 'short' WHERE i % 7 = 0");
	$node->psql('postgres', 'CHECKPOINT');
	is(redo_lsn(), $redo, 'no checkpoint is made when the disk does not take the pages');
	system('prlimit', "--pid=$sentinel", '--fsize=unlimited:unlimited');
	$node->safe_psql('postgres', 'CHECKPOINT');
	like(slurp_file($node->logfile), qr/could not write blocks \d+ to \d+ in file "base/, 'the error names file and blocks');
}

# --- a directory that is away for a while: as above
my $away = PostgreSQL::Test::Utils::tempdir_short();
$node->safe_psql('postgres', "CREATE TABLESPACE away LOCATION '$away'");
$node->safe_psql('postgres', "CREATE TABLE there TABLESPACE away AS SELECT i FROM generate_series(1, 5000) i; CHECKPOINT");
# a tail is cut: descriptors of the table are closed
$node->safe_psql('postgres', $_) foreach ('DELETE FROM there WHERE i > 4000', 'VACUUM there', 'UPDATE there SET i = -i');
$redo = redo_lsn();
my $link = $node->data_dir . '/pg_tblspc/' . $node->safe_psql('postgres', "SELECT oid FROM pg_tablespace WHERE spcname = 'away'");
my $dboid = $node->safe_psql('postgres', "SELECT oid FROM pg_database WHERE datname = 'postgres'");
my ($dir) = glob("$link/PG_*/$dboid");
rename($dir, "$dir.away") or die $!;
$node->psql('postgres', 'CHECKPOINT');
is(redo_lsn(), $redo, 'no checkpoint is made while a directory is missing');
rename("$dir.away", $dir) or die $!;
$node->safe_psql('postgres', 'CHECKPOINT');
is($node->safe_psql('postgres', 'SELECT sum(i) FROM there'), '-8002000', 'and its pages are not forgotten');

# --- under load, the sentinel slow at odd moments: no page is left dirty from before the redo pointer of a completed checkpoint
my $script = $node->basedir . '/load.sql';
append_to_file($script, q(\set i random(1, 20000)
UPDATE big SET v = repeat('l', :i % 50) WHERE ctid = (SELECT ctid FROM big WHERE i = :i LIMIT 1);
INSERT INTO big VALUES (:i, 'new');
));
$node->safe_psql('postgres', 'CREATE INDEX ON big (i)');
my $load = IPC::Run::start([ 'pgbench', '-n', '-c', 4, '-T', 170, '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ],
	'<', \undef, '>', '/dev/null', '2>', '/dev/null');
my $brake = IPC::Run::start([ 'bash', '-c',
		"end=\$((SECONDS + 170)); while [ \$SECONDS -lt \$end ]; do kill -STOP $sentinel; sleep 0.0\$((RANDOM % 9)); kill -CONT $sentinel; sleep 0.00\$((RANDOM % 9)); done" ]);
my ($checkpoints, $old) = (0, 0);
my $end = time + 7;
while (time < $end || $checkpoints < 6)
{
	$node->safe_psql('postgres', 'CHECKPOINT');
	my $covered = redo_lsn();
	$old += $node->safe_psql('postgres', "SELECT count(*) FROM pagestore_frames WHERE dirty_since < '$covered'");
	$checkpoints++;
}
foreach my $helper ($brake, $load)
{
	$helper->signal('TERM');
	$helper->finish;
}
kill 'CONT', $sentinel;
is($old, 0, "none of $checkpoints checkpoints under load completed over a page that it should have written");

# --- killed while a checkpoint waits for it
$state = table_state($node, 't');
$node->safe_psql('postgres', "UPDATE t SET v = 'd' WHERE id % 7 = 0");
$state = table_state($node, 't');
kill 'STOP', $sentinel;
$ck = start_checkpoint();
sleep(0.5);
kill 'KILL', $sentinel;
$ck->finish;
ok(wait_for_server($node), 'the death of the sentinel restarts the server');
is(table_state($node, 't'), $state, 'nothing lost');
is($node->safe_psql('postgres', 'SELECT count(*) FROM un'), '0', 'it was a crash: the unlogged table is empty');

# --- asked to go when nobody shuts down
$sentinel = pid_of('pagestore sentinel');
$node->safe_psql('postgres', "SELECT pg_cancel_backend($sentinel), pg_terminate_backend($sentinel)");
sleep(0.5);
is(pid_of('pagestore sentinel'), $sentinel, 'the sentinel stays when asked to go');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(" . pid_of('pagestore writer') . ")");
$node->safe_psql('postgres', "INSERT INTO un SELECT i, 'u' FROM generate_series(1, 3000) i; UPDATE t SET v = 'e' WHERE id % 11 = 0; CHECKPOINT");
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pagestore writer'"),
	'the writer comes back');

# --- the postmaster dies while a checkpoint waits
$node->safe_psql('postgres', "UPDATE t SET v = 'f' WHERE id % 13 = 0");
$state = table_state($node, 't');
kill 'STOP', $sentinel;
$ck = start_checkpoint();
sleep(0.5);
kill 'KILL', $node->{_pid};
kill 'CONT', $sentinel;
$ck->finish;
ok(start_again($node), 'the next server is not kept from starting by the last one\'s checkpointer');

# --- nor by a session that looks at nothing but its work
my $busy = IPC::Run::start([ 'psql', '-X', '-q', '-h', $node->host, '-p', $node->port, '-c', "/* busy */ SELECT sum(i::numeric * j) FROM generate_series(1, 100000) i, generate_series(1, 100000) j", 'postgres' ],
	'<', \undef, '>', '/dev/null', '2>', '/dev/null');
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^/. busy' AND state = 'active'"), 'a session is busy');
kill 'KILL', $node->{_pid};
ok(start_again($node), 'the next server is not kept from starting by a busy session');
$busy->kill_kill;
is(table_state($node, 't'), $state, 'nothing lost');

# --- shutdown under load: smart waits for sessions, fast ends them
foreach my $mode ('smart', 'fast')
{
	$node->safe_psql('postgres', "TRUNCATE un; INSERT INTO un TABLE t; UPDATE t SET v = '$mode' WHERE id % 17 = 0");
	my $load = IPC::Run::start([ 'psql', '-X', '-q', '-h', $node->host, '-p', $node->port, '-c',
			"INSERT INTO t SELECT 0, 'x' FROM generate_series(1, 1000), pg_sleep(1.5)", 'postgres' ],
		'<', \undef, '>', '/dev/null', '2>', '/dev/null');
	sleep(0.5);
	$node->stop($mode);
	$load->finish;
	like(scalar `pg_controldata @{[$node->data_dir]}`, qr/Database cluster state: *shut down$/m, "$mode: a clean shutdown");
	command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], "$mode: checksums");

	# the files alone, read through shared_buffers by a server without WAL to replay
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'postgres', '--single', '-D', $node->data_dir, 'postgres' ],
		'<', \"SELECT count(*) AS n FROM t WHERE id = 0;\nSELECT count(*) AS u FROM un;\nSELECT sum(id) AS s FROM t;\n",
		'>', \$out, '2>', \$err);
	like($out, qr/n = "1000"/, "$mode: the session that was waited for has its rows, the one ended none");
	like($out, qr/u = "2\d000"/, "$mode: rows of the unlogged table");
	like($out, qr/s = "200010000"/, "$mode: sum of the rest");
	$node->start;
	is($node->safe_psql('postgres', 'SELECT count(*), sum(id) FROM t'), '21000|200010000', "$mode: through the pool");
}
my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP|invalid page|verification failed|pin leak/, 'the log shows no damage');
$node->stop;
done_testing();
