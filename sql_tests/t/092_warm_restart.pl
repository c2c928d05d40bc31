# Pages that were in the pool are there again after a start, without being asked for: after a stop, after a crash, as
# far as a smaller pool has frames.  What is gone is passed over, a damaged list is ignored.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);
use FindBin;
use lib $FindBin::RealBin;
use Pagestore;

my $node = new_server('warm', allows_streaming => 1, conf => "autovacuum = off\n");
$node->append_conf('postgresql.conf', "pagestore.autoprewarm = on\npagestore.autoprewarm_interval = 0\npagestore.pool_size = '16MB'\nrestart_after_crash = on\n");
$node->start;

sub sql { return $node->safe_psql($_[1] // 'postgres', $_[0]); }
my $list = $node->data_dir . '/pagestore.resident';

# Pages in the pool: which, of tables of all databases.
my $pages = "SELECT reldatabase, relfilenode, relblocknumber FROM pagestore_frames WHERE NOT ghost AND NOT reading ORDER BY 1, 2, 3";
sub resident { return sql($pages); }
# Frames are counted per relation of a database.
sub frames_of { my ($table, $db) = @_; return sql("SELECT count(*) FROM pagestore_frames WHERE relfilenode = pg_relation_filenode('$table') AND reldatabase = (SELECT oid FROM pg_database WHERE datname = current_database())", $db); }

# Wait until the leader has read back what it could.
sub wait_warm
{
	my ($server) = @_;
	for (1 .. 300)
	{
		return if ($server // $node)->safe_psql('postgres', 'SELECT phase FROM pagestore_prewarm_progress') eq 'done';
		usleep(100_000);
	}
	die 'not read back in time';
}

sql('CREATE EXTENSION pagestore; CREATE EXTENSION pagestore_test; CREATE DATABASE second; CREATE DATABASE gone');
sql('CREATE EXTENSION pagestore', $_) foreach qw(second gone);
my $fill = 'CREATE TABLE %1$s (i int, v text) USING pagestore; INSERT INTO %1$s SELECT i, repeat(\'v\', 500) FROM generate_series(1, %2$d) i;';
sql(sprintf($fill, 'a', 3000) . sprintf($fill, 'b', 3000) . sprintf($fill, 'dropped', 600) . sprintf($fill, 'cut', 1500) . sprintf($fill, 'switched', 600));
sql(sprintf($fill, 'c', 3000), 'second');
sql(sprintf($fill, 'd', 300), 'gone');
sql('VACUUM b');    # from 19 on a scan would set bits of its map

# ---- a stop and a start ----

# some pages of a table, and all of others
$node->restart;
wait_warm();
sql("SELECT pagestore_prewarm('a', 10, 50), pagestore_prewarm('a', 70, 70), pagestore_prewarm('a', 130, 140), pagestore_prewarm('b')");
my $before = resident();
$node->stop;
my $log = -s $node->logfile;
$node->start;
wait_warm();
is(resident(), $before, 'after a restart the same pages are in the pool');
is(sql('SELECT pages_listed = pages_read AND pages_listed > 200 FROM pagestore_prewarm_progress'), 't', '... and counted');
like(slurp_file($node->logfile, $log), qr/LOG:  pagestore: (\d+) of \1 pages that were in the pool are there again/, '... and told');
is(sql('SELECT blks_read + blks_read_ahead > 0 AND evictions = 0 FROM pg_stat_pagestore'), 't', '... read, none of them evicted');
is(sql("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT count(*) FROM b") =~ /Buffers: shared hit=\d+\n/ ? 1 : 0, 1, '... a scan reads nothing');
is(sql('SELECT count(*) FROM a') . sql('SELECT count(*) FROM c', 'second'), '30003000', 'rows');

# ---- a crash ----

sql('ALTER SYSTEM SET pagestore.autoprewarm_interval = 1; SELECT pg_reload_conf()');
my $old = (stat($list))[1];
for (1 .. 600)
{
	last if (stat($list))[1] != $old;
	usleep(100_000);
}
isnt((stat($list))[1], $old, 'the list is written now and then');
sql('ALTER SYSTEM SET pagestore.autoprewarm_interval = 0; SELECT pg_reload_conf()');
$before = resident();
kill_server($node);
ok(start_again($node), 'start after a crash');
wait_warm();
my %was = map { $_ => 1 } split /\n/, $before;
my %is = map { $_ => 1 } split /\n/, resident();
is(scalar(grep { !$is{$_} } keys %was), 0, 'after a crash the pages of the list are in the pool');
# a backend that dies: shared memory is made anew, the postmaster goes on
my ($bystander, undef) = split /\n/, sql('SELECT pg_backend_pid()');
my $victim = $node->background_psql('postgres');
my $pid = $victim->query_safe('SELECT pg_backend_pid()');
$log = -s $node->logfile;
kill 'KILL', $pid;
ok($node->wait_for_log(qr/pages that were in the pool are there again/, $log), 'after the crash of a backend');
eval { $victim->quit };
ok(wait_for_server($node), 'the server is there');
wait_warm();
%is = map { $_ => 1 } split /\n/, resident();
is(scalar(grep { !$is{$_} } keys %was), 0, '... the pages of the list are in the pool');

# ---- what is gone or changed ----

# The list is put back after all this has happened.
sql("SELECT pagestore_prewarm(t) FROM unnest('{dropped,cut,switched,b}'::regclass[]) t");
sql("SELECT pagestore_prewarm('d')", 'gone');
my $cut = sql("SELECT pg_relation_size('cut') / 8192");
$node->stop;
my $saved = slurp_file($list);
$node->start;
wait_warm();
is(frames_of('cut'), $cut, 'all pages of a table');
sql('DROP TABLE dropped; DELETE FROM cut WHERE i > 500; VACUUM cut; TRUNCATE b');
sql("SELECT pagestore_convert('switched', 'heap')");
sql('DROP DATABASE gone');
$node->stop;
sub put_list { my ($bytes) = @_; open(my $fh, '>:raw', $list) or die $!; print $fh $bytes; close $fh; return; }
put_list($saved);
$log = -s $node->logfile;
$node->start;
wait_warm();
my $said = slurp_file($node->logfile, $log);
unlike($said, qr/ERROR|FATAL|PANIC|WARNING/, 'what is gone is passed over without a word');
is(frames_of('cut'), sql("SELECT pg_relation_size('cut') / 8192"), '... pages past the end');
is(sql("SELECT count(*) FROM pagestore_frames f WHERE NOT EXISTS (SELECT FROM pg_class c WHERE f.relfilenode IN (pg_relation_filenode(c.oid), 0))
	AND reldatabase = (SELECT oid FROM pg_database WHERE datname = 'postgres')"), '0', '... tables dropped and truncated');
is(frames_of('switched'), '0', "... a table that is heap's");
cmp_ok(frames_of('a'), '>', 0, 'what is there is read');
is(sql('SELECT pages_read > 0 AND pages_read < pages_listed FROM pagestore_prewarm_progress'), 't', '... and the rest not counted');

# ---- a list that is damaged ----

$node->stop;
$saved = slurp_file($list);
my @lists = (
	[ 'a byte changed', do { my $x = $saved; substr($x, 40, 1) = chr(ord(substr($x, 40, 1)) ^ 1); $x } ],
	[ 'cut off', substr($saved, 0, length($saved) - 3) ],
	[ 'bytes too many', $saved . 'x' ],
	[ 'a count too large', do { my $x = $saved; substr($x, 8, 4) = pack('V', 0x7fffffff); $x } ],
	[ 'empty', '' ],
	[ 'of another version', do { my $x = $saved; substr($x, 4, 4) = 'abcd'; $x } ]);
foreach my $l (@lists)
{
	put_list($l->[1]);
	$log = -s $node->logfile;
	$node->start;
	wait_warm();
	like(slurp_file($node->logfile, $log), qr/LOG:  file "pagestore.resident" is damaged or of another version: it is ignored/, "a list with $l->[0] is ignored");
	is(resident(), '', '... and nothing read');
	$node->stop;
	is(-s $list, 16, '... and a new one written');
}
unlink $list;
$log = -s $node->logfile;
$node->start;
wait_warm();
is(resident(), '', 'without a list nothing is read');
unlike(slurp_file($node->logfile, $log), qr/resident/, '... and nothing said');

# ---- damaged pages and a pool that is smaller ----

sql("TRUNCATE cut; INSERT INTO b SELECT i, repeat('v', 500) FROM generate_series(1, 9000) i; CHECKPOINT; SELECT pagestore_prewarm('a'), pagestore_prewarm('b')");
my $file = main_file($node, 'a');
my $nb = frames_of('b');
$node->stop;
$saved = slurp_file($list);
open(my $fh, '+<:raw', $file) or die $!;
seek($fh, 8192 * 20 + 5000, 0);
print $fh 'damaged';
close $fh;
$log = -s $node->logfile;
$node->start;
wait_warm();
like(slurp_file($node->logfile, $log), qr/ERROR:  invalid page in block 20 of relation/, 'a damaged page is reported');
is(frames_of('a'), sql("SELECT pg_relation_size('a') / 8192 - 1"), '... and the others are read');
is(frames_of('b'), $nb, '... and other tables');
sql('DROP TABLE a');
$node->append_conf('postgresql.conf', "pagestore.pool_size = '2MB'\n");
$node->stop;
put_list($saved);
$node->start;
wait_warm();
is(sql('SELECT evictions FROM pg_stat_pagestore'), '0', 'a smaller pool: nothing was evicted for it');
cmp_ok(sql('SELECT count(*) FROM pagestore_frames'), '>=', 250, '... and it is full');
is(sql('SELECT count(*) FROM b'), '9000', 'rows');

# ---- in the middle of it ----

# A stop while pages are read back keeps the list; and does not wait for the rest.
$node->append_conf('postgresql.conf', "pagestore.pool_size = '16MB'\npagestore.debug_stops = 'read-back-page:wait'\n");
sql("SELECT pagestore_prewarm('b')");
$node->stop;
put_list($saved);
$node->start;
ok(wait_stopped($node, 'read-back-page'), 'pages are being read back');
is(sql("SELECT phase || (pages_read < pages_listed) FROM pagestore_prewarm_progress"), 'readingtrue', '... and that is seen');
$node->stop;
is(slurp_file($list), $saved, 'a stop meanwhile leaves the list as it was');
# somebody who wants a lock does not wait for the end of it
$node->start;
ok(wait_stopped($node, 'read-back-page'), 'pages are being read back');
my $ddl = $node->background_psql('postgres');
$ddl->{stdin} .= "BEGIN; ALTER TABLE b ADD COLUMN n int;\n\\echo altered\n";
$ddl->{run}->pump_nb;
ok($node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"), 'ALTER TABLE waits');
go($node);
$ddl->{run}->pump until $ddl->{stdout} =~ /altered/ || $ddl->{timeout}->is_expired;
wait_warm();
cmp_ok(frames_of('b'), '<', $nb, 'a table that somebody waits for is left');
$ddl->query_safe('COMMIT');
$ddl->quit;
# nor who wants the database for itself
$node->append_conf('postgresql.conf', "pagestore.debug_stops = ''\n");
$node->stop;
put_list('');
$node->start;
wait_warm();
my $nc = sql("SELECT pagestore_prewarm('c')", 'second');
sql('CREATE ROLE anybody CREATEDB');
$node->append_conf('postgresql.conf', "pagestore.debug_stops = 'read-back-page:wait'\n");
$node->stop;
my $of_c = slurp_file($list);
foreach my $command ('CREATE DATABASE copied TEMPLATE second', 'ALTER DATABASE second RENAME TO third',
	'ALTER DATABASE third OWNER TO anybody; SET ROLE anybody; DROP DATABASE third WITH (FORCE)')
{
	put_list($of_c);
	$node->start;
	ok(wait_stopped($node, 'read-back-page'), 'pages are being read back');
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->{stdin} .= "$command;\n\\echo :SQLSTATE\n";
	$session->{run}->pump_nb;
	ok($node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND lower(wait_event) = 'bgworkershutdown'"), "$command waits");
	go($node);
	$session->{run}->pump until $session->{stdout} =~ /\d{5}/ || $session->{timeout}->is_expired;
	like($session->{stdout}, qr/^00000/m, '... and succeeds');
	$session->quit;
	wait_warm();
	cmp_ok(sql('SELECT pages_read FROM pagestore_prewarm_progress'), '<', $nc, '... because the database is left');
	$node->stop;
}
$node->append_conf('postgresql.conf', "pagestore.debug_stops = ''\n");
$node->start;

# ---- a standby ----

sql("SELECT pagestore_prewarm('b')");
$node->restart;
wait_warm();
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is($standby->safe_psql('postgres', 'SELECT phase, pages_read, (SELECT count(*) FROM pagestore_frames) FROM pagestore_prewarm_progress'), 'waiting|0|0', 'a standby reads nothing back');
$standby->promote;
wait_warm($standby);
cmp_ok($standby->safe_psql('postgres', 'SELECT pages_read FROM pagestore_prewarm_progress'), '>', 0, '... until it is promoted');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM b'), '9000', 'rows of the promoted standby');
$standby->stop;

# ---- switched off ----

$node->append_conf('postgresql.conf', "pagestore.autoprewarm = off\n");
$node->restart;
is(sql('SELECT phase, (SELECT count(*) FROM pagestore_frames) FROM pagestore_prewarm_progress'), 'off|0', 'switched off');
is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pagestore prewarm%'"), '0', '... no worker');
$node->stop;
done_testing();
