# Files that a prepared transaction removes: no callback tells when, so no frame of theirs is left once it is prepared.
# Nobody is left to write them, to be stopped by their absence, or to have them synced.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_server('two_phase', conf => "autovacuum = off\nfsync = on\ncheckpoint_timeout = 1h\nmax_prepared_transactions = 20\n"
	  . "wal_level = replica\nrestart_after_crash = on\ndefault_table_access_method = 'pagestore'\npagestore.pool_size = '2MB'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', "SET statement_timeout = '60s'; $_[0]"); }
sub fill { return sprintf("INSERT INTO %s SELECT i, repeat('v', 100) FROM generate_series(1, %d) i", @_); }
sub filenode { return sql("SELECT pg_relation_filenode('$_[0]')"); }
sub frames { return sql("SELECT count(*) FROM pagestore_frames WHERE relfilenode IN (" . join(', ', @_) . ')'); }
sql('CREATE EXTENSION pagestore; CREATE EXTENSION pagestore_test');

# All that pages without a file could be in the way of.
sub nothing_in_the_way
{
	my ($after) = @_;
	is(sql('DROP TABLE IF EXISTS other; CREATE TABLE other (i int, v text); ' . fill('other', 30000) . '; SELECT count(*) FROM other'), '30000', "$after: a table larger than the pool");
	sql('CHECKPOINT');
	sql('CREATE DATABASE copy');
	sql('DROP DATABASE copy');
	command_ok([ 'pg_ctl', '-D', $node->data_dir, '-m', 'fast', '-w', '-t', '60', 'stop' ], "$after: a fast stop");
	$node->{_pid} = undef;
	$node->start;
	is(sql('SELECT count(*) FROM other'), '30000', "$after: its rows after a restart");
}

# --- dirty pages of tables dropped, and of tables made, with the tablespaces they were in
foreach my $end ('COMMIT', 'ROLLBACK')
{
	my $space = PostgreSQL::Test::Utils::tempdir_short();
	sql("CREATE TABLESPACE s LOCATION '$space'");
	my @made;
	foreach my $persistence ('', 'UNLOGGED')
	{
		if ($end eq 'COMMIT')
		{
			sql("CREATE $persistence TABLE d (i int, v text) TABLESPACE s; " . fill('d', 2000));
			push @made, filenode('d');
			sql("BEGIN; DROP TABLE d; PREPARE TRANSACTION 'p'");
		}
		else
		{
			push @made, sql("BEGIN; CREATE $persistence TABLE d (i int, v text) TABLESPACE s; " . fill('d', 2000)
				  . "; SELECT pg_relation_filenode('d'); PREPARE TRANSACTION 'p'");
		}
		is(frames(@made), '0', "prepared to $end, $persistence: no frame");
		sql("$end PREPARED 'p'");
	}
	sql('DROP TABLESPACE s');
	nothing_in_the_way($end);
}

# --- the other end: all is still there
sql('CREATE TABLE keep (i int, v text); CREATE UNLOGGED TABLE ukeep (i int, v text); CREATE TABLE tr (i int, v text); CREATE TABLE hkeep (i int, v text) USING heap; '
	  . fill('hkeep', 2000) . '; INSERT INTO keep TABLE hkeep; INSERT INTO ukeep TABLE hkeep; INSERT INTO tr TABLE hkeep');
sql("UPDATE keep SET v = 'u' WHERE i = 7; UPDATE hkeep SET v = 'u' WHERE i = 7; UPDATE ukeep SET v = 'u' WHERE i = 7; UPDATE tr SET v = 'u' WHERE i = 7");
sql("BEGIN; DROP TABLE keep; DROP TABLE ukeep; TRUNCATE tr; INSERT INTO tr VALUES (1, 'new'); PREPARE TRANSACTION 'p'");
sql('CHECKPOINT');
sql("ROLLBACK PREPARED 'p'");
ok(same_tables($node, $_, 'hkeep'), "$_ after a rollback") foreach ('keep', 'ukeep', 'tr');
sql("BEGIN; CREATE TABLE made AS TABLE hkeep; CREATE UNLOGGED TABLE umade AS TABLE hkeep; TRUNCATE tr; INSERT INTO tr TABLE hkeep; "
	  . "ALTER TABLE keep SET UNLOGGED; CREATE TABLE sub (i int); SAVEPOINT s; DROP TABLE sub; CREATE TABLE sub AS TABLE hkeep; ROLLBACK TO s; PREPARE TRANSACTION 'p'");
sql("COMMIT PREPARED 'p'");
ok(same_tables($node, $_, 'hkeep'), "$_ after a commit") foreach ('made', 'umade', 'tr', 'keep');
is(sql('SELECT count(*) FROM sub'), '0', 'a savepoint within');

# a table that leaves heap, or comes back to it, in a prepared transaction
sql("BEGIN; SELECT pagestore_convert('hkeep', 'pagestore'); UPDATE hkeep SET v = 'c' WHERE i = 8; PREPARE TRANSACTION 'p'");
sql("COMMIT PREPARED 'p'; CHECKPOINT");
sql("BEGIN; SELECT pagestore_convert('hkeep', 'heap'); UPDATE hkeep SET v = 'h' WHERE i = 9; PREPARE TRANSACTION 'p'");
sql("ROLLBACK PREPARED 'p'; CHECKPOINT");
is(sql("SELECT count(*), string_agg(v, '' ORDER BY i) FILTER (WHERE i IN (7, 8)) FROM hkeep"), '2000|uc', 'switches of access method');

# --- through a crash
sql("BEGIN; DROP TABLE made; CREATE TABLE later (i int, v text); " . fill('later', 2000) . "; PREPARE TRANSACTION 'c'");
sql("BEGIN; DROP TABLE tr; CREATE TABLE never (i int, v text); " . fill('never', 2000) . "; PREPARE TRANSACTION 'r'");
kill_server($node);
$node->start;
sql("COMMIT PREPARED 'c'");
sql("ROLLBACK PREPARED 'r'");
is(sql('SELECT (SELECT count(*) FROM later), (SELECT count(*) FROM tr)'), '2000|2000', 'ended after a crash');
nothing_in_the_way('after a crash');

# --- a page that can't be written: the transaction fails before it is prepared, and nothing is lost
my $file = filenode('later');
sql("UPDATE later SET v = 'w'");
set_fault($node, op => 'write', error => 'EIO', relfilenode => $file);
like(($node->psql('postgres', "BEGIN; DROP TABLE later; PREPARE TRANSACTION 'p'"))[2], qr/could not write blocks .*: Input\/output error/, 'a disk that fails');
clear_faults($node);
is(sql("SELECT count(*) FROM later WHERE v = 'w'"), '2000', 'loses nothing');
is(sql('SELECT count(*) FROM pg_prepared_xacts'), '0', 'nothing is prepared');

# --- a write under way when the file is doomed: waited for, with its request to have the file synced, before core removes
# the file.  A second segment, as core unlinks it at once (the first stays until a checkpoint is over): the first is a hole.
sql("CREATE TABLE big (i int, v text); INSERT INTO big VALUES (0, 'first')");
my $path = main_file($node, 'big');
$node->stop;
truncate($path, 1024 * 1024 * 1024) or die $!;
$node->start;
sql("INSERT INTO big SELECT i, repeat('v', 100) FROM generate_series(1, 1000) i; CHECKPOINT");
ok(-s "$path.1", 'a second segment');
my $sentinel = sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'pagestore sentinel'");

sub background
{
	my ($command) = @_;
	my %run = (out => '', err => '');
	$run{harness} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') . ' application_name=background', '-c', $command ],
		'<', \undef, '>', \$run{out}, '2>', \$run{err}, IPC::Run::timeout(120));
	return \%run;
}

# Is the one background session waiting within the pool, or has it been seen to end without?
sub waits
{
	my $seen = 0;
	for (1 .. 6000)
	{
		my $state = sql("SELECT coalesce((SELECT coalesce(wait_event, '') FROM pg_stat_activity WHERE application_name = 'background' AND query !~ '^CHECKPOINT'), 'done')");
		return 1 if $state =~ /^(BufferIO|PagestoreWrite)$/;	# before 17, and from then on
		return 0 if $state eq 'done' && $seen;
		$seen = 1 if $state ne 'done';
		usleep(10_000);
	}
	die 'timed out';
}

foreach my $case ([ 'write-before-file', "BEGIN; DROP TABLE big; PREPARE TRANSACTION 'p'", "ROLLBACK PREPARED 'p'" ],
	[ 'write-before-sync', "BEGIN; DROP TABLE big; PREPARE TRANSACTION 'p'", "COMMIT PREPARED 'p'" ])
{
	my ($point, $doom, $end) = @$case;
	sql("UPDATE big SET v = 'u' WHERE i = 1000");
	stop_at($node, $point, pid => $sentinel);
	my $checkpoint = background('CHECKPOINT');
	is(wait_stopped($node, $point), $sentinel, "a write is held: $point");
	my $run = background($doom);
	ok(waits(), 'PREPARE waits for it');
	go($node, $point);
	$_->{harness}->finish foreach ($run, $checkpoint);
	is($run->{err} . $checkpoint->{err}, '', '... and goes on');
	sql($end);
	is(sql("SELECT count(*) FROM big WHERE i > 0"), '1000', 'rolled back: all is there') if $end =~ /ROLLBACK/;
}
ok(!-e "$path.1", 'committed: the segment is gone');
sql('CHECKPOINT');
is(sql('SELECT count(*) FROM later'), '2000', 'the server lives');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|is lost|could not (open|stat|fsync)/, 'the log shows no damage');
done_testing();
