# Commands on databases and tablespaces mean the object that core has locked, whatever its name was before;
# what is gone is forgotten, what lives keeps its pages, however the command ends.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_server('right_object', conf => "autovacuum = off\ncheckpoint_timeout = 1h\n"
	  . "default_table_access_method = 'pagestore'\nallow_in_place_tablespaces = on\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub in_db { return $node->safe_psql($_[0], $_[1]); }
sub oid { return sql("SELECT oid FROM pg_database WHERE datname = '$_[0]'"); }
sub frames_of { return sql("SELECT count(*) FROM pagestore_frames WHERE reldatabase = $_[0]"); }

sql('CREATE EXTENSION pagestore');

sub new_db
{
	my ($name) = @_;
	sql("CREATE DATABASE $name TEMPLATE template0");
	in_db($name, "CREATE EXTENSION pagestore; CREATE TABLE t (i int PRIMARY KEY, v text); "
		  . "INSERT INTO t SELECT i, repeat('v', 100) FROM generate_series(1, 5000) i; CREATE TABLE h USING heap AS TABLE t");
}

# Rows of t by a scan, by its index, and of the heap table beside it.
sub counts
{
	return in_db($_[0], 'SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM h), '
		  . '(SELECT count(*) FROM h WHERE EXISTS (SELECT FROM t WHERE t.i = h.i AND t.v = h.v OFFSET 0))');
}

sub wait_until
{
	my ($what, $query) = @_;
	for (1 .. 6000)
	{
		return if sql($query) eq 't';
		usleep(10_000);
	}
	die "timed out: $what";
}

# A command in a session of its own that runs on while others work.
sub begin
{
	my ($command) = @_;
	my %run = (out => '', err => '');
	$run{harness} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') . " application_name=begun", '-c', $command ],
		'<', \undef, '>', \$run{out}, '2>', \$run{err}, IPC::Run::timeout(120));
	return \%run;
}

sub end
{
	my ($run) = @_;
	$run->{harness}->finish;
	return $run->{err};
}

sub begun_waits_for
{
	my ($event) = @_;
	wait_until("waiting for $event", "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'begun' AND wait_event = '$event'");
}

# An idle backend that is stopped answers no barrier: core's drop or move stands between its checkpoint and the files' end.
my $idle = $node->background_psql('postgres');
my $idle_pid = $idle->query_safe('SELECT pg_backend_pid()');
sub stop_idle { kill 'STOP', $idle_pid; }
sub release_idle { kill 'CONT', $idle_pid; }

# The name of `$first` comes to mean `$second` while the command waits for its lock.
sub swap_while_waiting
{
	my ($first, $second, $command) = @_;
	my $swap = $node->background_psql('postgres');
	$swap->query_safe("BEGIN; ALTER DATABASE $first RENAME TO ${first}_old; ALTER DATABASE $second RENAME TO $first");
	my $run = begin($command);
	wait_until('waiting for a lock', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'begun' AND wait_event_type = 'Lock'");
	stop_idle();
	$swap->query_safe('COMMIT');
	$swap->quit;
	begun_waits_for('ProcSignalBarrier');
	return $run;
}


# --- DROP DATABASE of a name that means another database by the time it has its lock
new_db('a');
new_db('c');
my ($a, $c) = (oid('a'), oid('c'));
my $drop = swap_while_waiting('a', 'c', 'DROP DATABASE a');
in_db('a_old', "INSERT INTO t SELECT i, 'late' FROM generate_series(5001, 6000) i; INSERT INTO h SELECT * FROM t WHERE i > 5000; UPDATE t SET v = 'u' WHERE i = 1; UPDATE h SET v = 'u' WHERE i = 1");
release_idle();
is(end($drop), '', 'a database dropped whose name was another\'s');
is(sql("SELECT string_agg(oid::text, ' ') FROM pg_database WHERE oid IN ($a, $c)"), $a, '... the right one');
is(counts('a_old'), '6000|6000|6000', 'the other has all its rows');
is(frames_of($c), '0', 'no frame of the dropped one is left');
sql('CHECKPOINT');

# --- ALTER DATABASE SET TABLESPACE likewise: frames of the files left behind must not serve when the database returns
sql("CREATE TABLESPACE s1 LOCATION ''");
sql('ALTER DATABASE a_old RENAME TO a');
new_db('c');
$c = oid('c');
my $move = swap_while_waiting('a', 'c', 'ALTER DATABASE a SET TABLESPACE s1');
in_db('a_old', "UPDATE t SET v = 'x' WHERE i > 5000; UPDATE h SET v = 'x' WHERE i > 5000");
release_idle();
is(end($move), '', 'a database moved whose name was another\'s');
is(sql("SELECT spcname FROM pg_database d JOIN pg_tablespace s ON s.oid = dattablespace WHERE d.oid = $c"), 's1', '... the right one');
is(frames_of($c), '0', 'no frame of the files left behind');
is(counts('a_old'), '6000|6000|6000', 'the other has all its rows');
is(counts('a'), '5000|5000|5000', 'so has the one that moved');
in_db('a', "UPDATE t SET v = 'there'; UPDATE h SET v = 'there'");
sql('ALTER DATABASE a SET TABLESPACE pg_default');
is(counts('a'), '5000|5000|5000', 'and when it is back: its changes');
sql('DROP DATABASE a');
sql('ALTER DATABASE a_old RENAME TO a');

# --- renamed only
in_db('a', "INSERT INTO t VALUES (0, 'renamed'); INSERT INTO h VALUES (0, 'renamed')");
sql('ALTER DATABASE a RENAME TO b');
is(counts('b'), '6001|6001|6001', 'a database renamed');

# --- drops that end in the middle
stop_idle();
$drop = begin('DROP DATABASE b');
begun_waits_for('ProcSignalBarrier');
sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'begun'");
like(end($drop), qr/canceling statement/, 'a drop cancelled when it had begun');
release_idle();
like(($node->psql('b', 'SELECT 1'))[2], qr/cannot connect to invalid database/, 'the database cannot be used any more');
new_db('c');
is(counts('c'), '5000|5000|5000', 'others can');
sql('CHECKPOINT');
my $b = oid('b');
sql('DROP DATABASE b');
is(frames_of($b), '0', 'a second drop leaves no frame');

# killed in the middle
new_db('d');
my $d = oid('d');
stop_idle();
$drop = begin('DROP DATABASE d WITH (FORCE)');
begun_waits_for('ProcSignalBarrier');
kill_server($node);
eval { end($drop) };
$node->start;
$idle->{run}->kill_kill if exists $idle->{run};
$idle = $node->background_psql('postgres');
$idle_pid = $idle->query_safe('SELECT pg_backend_pid()');
is(counts('c'), '5000|5000|5000', 'after a crash in the middle of a drop the others are whole');
sql('DROP DATABASE d');
is(frames_of($d), '0', 'dropped in the end');

# --- a database of the same number: files of the same numbers, another content
new_db('e');
in_db('e', "DELETE FROM t WHERE i > 100; DELETE FROM h WHERE i > 100");
my $e = oid('e');
my $session = $node->background_psql('e');
$session->query_safe('SELECT count(*) FROM t');
sql('DROP DATABASE e WITH (FORCE)');
eval { $session->quit };
sql("CREATE DATABASE e OID $e TEMPLATE c");
is(counts('e'), '5000|5000|5000', 'a new database with the number of a dropped one');
sql('DROP DATABASE IF EXISTS nobody');
is(counts('e'), '5000|5000|5000', 'no drop, nothing gone');
like(($node->psql('e', 'DROP DATABASE e'))[2], qr/cannot drop the currently open database/, 'a drop refused');
in_db('e', "UPDATE t SET v = 'kept'; UPDATE h SET v = 'kept'");
sql('ALTER DATABASE c IS_TEMPLATE true');
like(($node->psql('postgres', 'DROP DATABASE c'))[2], qr/cannot drop a template database/, 'another');
is(counts('e'), '5000|5000|5000', 'they lose nothing');
is(counts('c'), '5000|5000|5000', '... of the other either');

# --- tables and databases in tablespaces that come and go
sql("CREATE TABLESPACE s2 LOCATION ''");
my $s2 = sql("SELECT oid FROM pg_tablespace WHERE spcname = 's2'");
in_db('e', 'CREATE UNLOGGED TABLE u TABLESPACE s2 AS SELECT i FROM generate_series(1, 3000) i');
like(($node->psql('postgres', 'DROP TABLESPACE s2'))[2], qr/tablespace "s2" (is not empty|cannot be dropped)/, 'a tablespace in use stays');
is(in_db('e', 'SELECT count(*) FROM u'), '3000', '... with its tables');
in_db('e', 'DROP TABLE u');
sql('DROP TABLESPACE s2');
is(sql("SELECT count(*) FROM pagestore_frames WHERE reltablespace = $s2"), '0', 'an empty one goes');

$idle->quit;
$node->restart;
is(counts($_), '5000|5000|5000', "after a restart: $_") foreach ('c', 'e');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|is lost|could not (write|open|stat|fsync)/, 'the log shows no damage');
$node->stop;
done_testing();
