# A checkpoint that cannot write fails with an error, as heap's does; others go on, the next one tries again, and nothing is lost.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('ckpt_errors', conf => "wal_level = replica\npagestore.pool_size = '16MB'\nautovacuum = off\nmax_wal_size = '1GB'\n"
	  . "default_table_access_method = 'pagestore'\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE TABLE t (id int, v text);
	CREATE TABLE other (id int, v text);
	CREATE TABLE h (id int, v text) USING heap;
	CREATE UNLOGGED TABLE un (id int);
	INSERT INTO t SELECT i, repeat('a', 100) FROM generate_series(1, 5000) i;
	INSERT INTO un SELECT i FROM generate_series(1, 1000) i;
	CHECKPOINT));
my $file = $node->safe_psql('postgres', "SELECT pg_relation_filenode('t')");

# CHECKPOINT's error, or "done"; a hang is cut off, and told.
sub checkpoint
{
	my ($sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = '60s'; " . ($sql // 'CHECKPOINT'), on_error_stop => 1);
	return $rc == 0 ? 'done' : $err;
}
sub redo_lsn { return $node->safe_psql('postgres', 'SELECT redo_lsn FROM pg_control_checkpoint()'); }

my $n = 0;
foreach my $error ('EIO', 'ENOSPC', 'EROFS')
{
	my %text = (EIO => 'Input/output error', ENOSPC => 'No space left on device', EROFS => 'Read-only file system');
	my $offset = -s $node->logfile;
	my $redo = redo_lsn();

	$n++;
	$node->safe_psql('postgres', "UPDATE t SET v = 'round $n' WHERE id % $n = 0");
	set_fault($node, op => 'write', error => $error, relfilenode => $file);
	my $err = checkpoint();
	like($err, qr/ERROR:  checkpoint request failed/, "$error: CHECKPOINT fails");
	like($err, qr/HINT:  Consult recent messages in the server log/, "$error: with core's hint");
	my $log = slurp_file($node->logfile, $offset);
	like($log, qr/ERROR:  could not write blocks \d+ to \d+ in file "base\/\d+\/$file": $text{$error}/, "$error: the log names file, blocks and cause");
	like($log, qr/a checkpoint under way fails at "global\/1_init"/, "$error: and says what that does to the checkpoint");
	is(redo_lsn(), $redo, "$error: no checkpoint was made");

	# the second try writes no WAL of its own in between, and fails as well
	like(checkpoint(), qr/checkpoint request failed/, "$error: the next one tries, and fails");

	# others go on
	is($node->safe_psql('postgres', 'SELECT count(*) FROM t'), '5000', "$error: rows can be read");
	$node->safe_psql('postgres', "INSERT INTO other SELECT i, 'o' FROM generate_series(1, 500) i; INSERT INTO h SELECT i, 'h' FROM generate_series(1, 500) i;
		UPDATE t SET v = v || '!' WHERE id % 10 = 0");

	# no WAL is written from here to the checkpoint: what makes the next one try is the failure of the last
	clear_faults($node);
	is(checkpoint(), 'done', "$error: the first one after the disk is back passes");
	isnt(redo_lsn(), $redo, "$error: and is made");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM pagestore_frames f JOIN pg_class c USING (relfilenode) WHERE isdirty AND relname IN (\'t\', \'other\')'),
		'0', "$error: all is written");
}

# what the last checkpoint covered is in the files
my $t = table_state($node, 't');
my $other = table_state($node, 'other');
kill_server($node);
command_ok([ 'pg_resetwal', '-f', '-D', $node->data_dir ], 'WAL thrown away');
$node->start;
is(table_state($node, 't'), $t, 'every row is in the files');
is(table_state($node, 'other'), $other, 'of other tables too');

# --- killed while checkpoints fail
$node->safe_psql('postgres', 'CHECKPOINT');
$node->safe_psql('postgres', "UPDATE t SET v = 'before the crash' WHERE id % 3 = 0");
set_fault($node, op => 'write', error => 'EIO', relfilenode => $file);
like(checkpoint(), qr/checkpoint request failed/, 'a checkpoint fails');
$node->safe_psql('postgres', "UPDATE t SET v = 'before the crash, too' WHERE id % 5 = 0; INSERT INTO other VALUES (-1, 'last')");
$t = table_state($node, 't');
kill_server($node);
$node->start;
is(table_state($node, 't'), $t, 'recovery has every row');
is($node->safe_psql('postgres', "SELECT count(*) FROM other WHERE id = -1"), '1', 'every one');

# --- a database copied meanwhile: the checkpoint that it needs fails, or covers unlogged tables too
$node->safe_psql('postgres', "CREATE DATABASE source");
$node->safe_psql('source', "CREATE EXTENSION pagestore; CREATE UNLOGGED TABLE un (id int) USING pagestore; INSERT INTO un SELECT generate_series(1, 3000); CREATE TABLE t (id int) USING pagestore; INSERT INTO t TABLE un");
my $unlogged = $node->safe_psql('source', "SELECT pg_relation_filenode('un')");
set_fault($node, op => 'write', error => 'EIO', relfilenode => $unlogged);
is(checkpoint(), 'done', 'a checkpoint does not care for an unlogged table');
like(checkpoint('CREATE DATABASE copy TEMPLATE source'), qr/checkpoint request failed/, 'the copy of a database does');
clear_faults($node);
is(checkpoint('CREATE DATABASE copy TEMPLATE source'), 'done', 'and is made when the disk is back');
is($node->safe_psql('copy', 'SELECT (SELECT count(*) FROM un) + (SELECT count(*) FROM t)'), '6000', 'with all rows');

# --- stops while the disk is dead: they end, and the next start recovers
foreach my $mode ('fast', 'smart', 'immediate')
{
	$node->safe_psql('postgres', "UPDATE t SET v = '$mode' WHERE id % 7 = 0");
	$t = table_state($node, 't');
	set_fault($node, op => 'write', error => 'EIO', relfilenode => $file);
	like(checkpoint(), qr/checkpoint request failed/, "$mode: the disk is dead");
	my $offset = -s $node->logfile;
	system('pg_ctl', '-D', $node->data_dir, '-m', $mode, '-t', 60, '-s', 'stop');
	ok(!-e $node->data_dir . '/postmaster.pid', "$mode: the server has stopped");
	$node->{_pid} = undef;
	unlike(scalar `pg_controldata @{[$node->data_dir]}`, qr/Database cluster state: *shut down$/m, "$mode: not as after a clean shutdown");
	if ($mode ne 'immediate')
	{
		my $log = slurp_file($node->logfile, $offset);
		like($log, qr/could not write blocks .* Input\/output error.*CONTEXT:.*stops without a shutdown checkpoint/s, "$mode: the log says why");
		like($log, qr/abnormal database system shutdown/, "$mode: as core says it of its own shutdown checkpoint");
	}
	$node->start;
	is(table_state($node, 't'), $t, "$mode: nothing is lost");
}

# --- and none is in the way of a clean one when the disk is back at the last moment
$node->safe_psql('postgres', "UPDATE t SET v = 'back' WHERE id % 11 = 0");
$t = table_state($node, 't');
set_fault($node, op => 'write', error => 'EIO', relfilenode => $file);
like(checkpoint(), qr/checkpoint request failed/, 'the disk is dead once more');
clear_faults($node);
$node->stop;
like(scalar `pg_controldata @{[$node->data_dir]}`, qr/Database cluster state: *shut down$/m, 'a clean shutdown');
command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], 'checksums');
$node->start;
is(table_state($node, 't'), $t, 'and every row');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|invalid page|verification failed|leak/, 'the log shows no damage');
$node->stop;
done_testing();
