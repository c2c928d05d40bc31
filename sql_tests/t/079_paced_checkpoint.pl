# A checkpoint that nobody waits for is spread: its pages are written as WAL and time go on, and at once when somebody wants the
# checkpointer, when WAL runs away, and at a stop.  Whatever happens meanwhile, it covers what it should.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# ten segments of WAL (20 / (1 + 0.9)) are a checkpoint's; time is none that this test will see the end of
my $node = new_server('paced', extra => [ '-k', '--wal-segsize=1' ],
	conf => "wal_level = replica\npagestore.pool_size = '32MB'\nautovacuum = off\ncheckpoint_timeout = '1d'\nmin_wal_size = '2MB'\nmax_wal_size = '20MB'\n"
	  . "checkpoint_completion_target = 0.9\nlog_checkpoints = on\ndefault_table_access_method = 'pagestore'\nfull_page_writes = off\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE TABLE t (id int, v int, pad text) WITH (fillfactor = 75);
	INSERT INTO t SELECT i, 0, repeat('t', 900) FROM generate_series(1, 9000) i;
	CREATE TABLE gone AS SELECT 1 AS v;
	VACUUM));
my $per_page = $node->safe_psql('postgres', "SELECT count(*) FROM t WHERE ctid < '(1,0)'");
my $file = $node->safe_psql('postgres', "SELECT pg_relation_filenode('t')");

sub redo_lsn { return $node->safe_psql('postgres', 'SELECT redo_lsn FROM pg_control_checkpoint()'); }
sub ndirty { return $node->safe_psql('postgres', "SELECT count(*) FROM pagestore_frames WHERE relfilenode = $file AND isdirty"); }
sub change { $node->safe_psql('postgres', "UPDATE t SET v = v + 1 WHERE id % $per_page = 1"); }
sub switch_wal
{
	my ($n) = @_;
	$node->safe_psql('postgres', join('; ', ("SELECT pg_logical_emit_message(false, '', '')", 'SELECT pg_switch_wal()') x $n));
}

# Begin a checkpoint because of WAL, with many dirty pages, and stop the sentinel when it is ahead of its schedule.
my $redo;
sub begin_paced
{
	my ($name) = @_;

	# settings that have just changed would be a reason for haste
	$node->poll_query_until('postgres', "SELECT clock_timestamp() - pg_conf_load_time() > '3s'");
	is($node->psql('postgres', 'CHECKPOINT'), 0, "$name: a checkpoint before");
	change();
	$redo = redo_lsn();
	stop_at($node, 'checkpoint-on-schedule', times => 1);
	switch_wal(10);
	ok(defined wait_stopped($node, 'checkpoint-on-schedule'), "$name: a checkpoint is ahead of its schedule");
	cmp_ok(ndirty(), '>', 1000, "$name: most pages are dirty still");
	is(redo_lsn(), $redo, "$name: and it is not completed");
}
sub completed
{
	my ($name) = @_;
	ok($node->poll_query_until('postgres', "SELECT redo_lsn <> '$redo' FROM pg_control_checkpoint()"), "$name: it is completed");
	is($node->safe_psql('postgres', "SELECT count(*) FROM pagestore_frames WHERE dirty_since < (SELECT redo_lsn FROM pg_control_checkpoint())"),
		'0', "$name: and covers what it should");
}
my $written = server_major() >= 17 ? 'SELECT buffers_written FROM pg_stat_checkpointer' : 'SELECT buffers_checkpoint FROM pg_stat_bgwriter';

# --- the sentinel, which looks ten times a second when nothing happens, is told of a checkpoint that is about to be asked for
foreach my $command ('CHECKPOINT', 'CREATE DATABASE copy TEMPLATE template0')
{
	stop_at($node, 'sentinel-woken', times => 1);
	is(stop_hits($node, 'sentinel-woken'), 0, "$command: nobody has woken the sentinel");
	my $session = $node->background_psql('postgres');
	$session->query_until(qr/asks/, "\\echo asks\n$command;\n");
	ok(defined wait_stopped($node, 'sentinel-woken'), "$command: it is woken");
	go($node, 'sentinel-woken');
	is($session->query_safe("SELECT 'done'"), 'done', "$command: done");
	$session->quit;
}

# --- somebody asks for a checkpoint meanwhile
begin_paced('asked for');
my $offset = -s $node->logfile;
my $before = $node->safe_psql('postgres', $written);
$node->safe_psql('postgres', 'UPDATE t SET v = -v WHERE id < 100; DROP TABLE gone');
go($node, 'checkpoint-on-schedule');
is($node->psql('postgres', "SET statement_timeout = '60s'; CHECKPOINT"), 0, 'asked for: another one is done at once');
completed('asked for');
is(ndirty(), '0', 'asked for: all is clean');
cmp_ok($node->safe_psql('postgres', $written) - $before, '>', 1000, 'asked for: core\'s statistics count the pages');
my ($logged) = slurp_file($node->logfile, $offset) =~ /LOG:  checkpoint: wrote (\d+) pages of pagestore tables \(\d+\.\d%\); write=\d+\.\d+ s/;
cmp_ok($logged // 0, '>', 1000, 'asked for: the log tells our share');

# --- a barrier, which the checkpointer has to pass
begin_paced('barrier');
go($node, 'checkpoint-on-schedule');
is($node->psql('postgres', "SET statement_timeout = '60s'; SELECT pagestore_barrier()"), 0, 'barrier: passed');
completed('barrier');

# --- settings that the checkpointer has to know
begin_paced('settings');
go($node, 'checkpoint-on-schedule');
$node->reload;
completed('settings');

# --- WAL runs away: half of the pages are due, then all, though nobody waits
begin_paced('WAL');
switch_wal(5);
go($node, 'checkpoint-on-schedule');
ok($node->poll_query_until('postgres', "SELECT count(*) < 1000 FROM pagestore_frames WHERE relfilenode = $file AND isdirty"), 'WAL: some pages are written');
cmp_ok(ndirty(), '>', 300, 'WAL: not all of them');
is(redo_lsn(), $redo, 'WAL: it is not completed');
switch_wal(5);
completed('WAL');

# --- pages that can't be written: the checkpoint fails as any, the next one passes
begin_paced('error');
$offset = -s $node->logfile;
set_fault($node, op => 'write', error => 'EIO', relfilenode => $file);
go($node, 'checkpoint-on-schedule');
switch_wal(5);
ok($node->poll_query_until('postgres', "SELECT pg_read_file('" . $node->logfile . "', $offset, 1000000) LIKE '%while writing pages of pagestore tables; a checkpoint under way fails%'"),
	'error: it is reported');
like($node->safe_psql('postgres', 'SELECT io_method FROM pg_stat_pagestore'), qr/./, 'error: others go on');
clear_faults($node);
is($node->psql('postgres', "SET statement_timeout = '60s'; CHECKPOINT"), 0, 'error: the next one is done');
completed('error');
is(ndirty(), '0', 'error: all is clean');

# --- a crash while it is spread
begin_paced('crash');
switch_wal(5);
$node->safe_psql('postgres', 'UPDATE t SET v = v + 1000 WHERE id % 7 = 0');
go($node, 'checkpoint-on-schedule');
my $state = table_state($node, 't');
kill_server($node);
$node->start;
is(table_state($node, 't'), $state, 'crash: every row');

# --- stops while it is spread
foreach my $mode ('fast', 'smart')
{
	begin_paced($mode);
	$state = table_state($node, 't');
	go($node, 'checkpoint-on-schedule');
	$node->stop($mode);
	like(scalar `pg_controldata @{[$node->data_dir]}`, qr/Database cluster state: *shut down$/m, "$mode: a clean shutdown");
	command_ok([ 'pg_resetwal', '-f', '-D', $node->data_dir ], "$mode: WAL thrown away");
	$node->append_conf('postgresql.conf', 'archive_timeout = 1') if $mode eq 'smart';
	$node->start;
	is(table_state($node, 't'), $state, "$mode: every row is in the files");
}

# --- archive_timeout, for which the checkpointer has no time
begin_paced('archive_timeout');
$node->safe_psql('postgres', "SELECT pg_logical_emit_message(false, '', '')");
my $segment = $node->safe_psql('postgres', 'SELECT pg_walfile_name(pg_current_wal_insert_lsn())');
go($node, 'checkpoint-on-schedule');
ok($node->poll_query_until('postgres', "SELECT pg_walfile_name(pg_current_wal_insert_lsn()) <> '$segment'"), 'archive_timeout: the segment is switched');
cmp_ok(ndirty(), '>', 300, 'archive_timeout: pages are dirty still');
is(redo_lsn(), $redo, 'archive_timeout: the checkpoint goes on');
is($node->psql('postgres', "SET statement_timeout = '60s'; CHECKPOINT"), 0, 'archive_timeout: and ends');

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|invalid page|verification failed|leak/, 'the log shows no damage');
$node->stop;
done_testing();
