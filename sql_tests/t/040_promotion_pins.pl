# Who pinned a page in recovery and goes on with it after promotion: nothing that it does touches the page that the pool
# has changed meanwhile, and it sees what its snapshot saw.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_server('primary', allows_streaming => 1, conf => "autovacuum = off\nbgwriter_lru_maxpages = 0\njit = off\nmax_connections = 40\nmax_worker_processes = 16\n");
$primary->start;
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
my $replica = PostgreSQL::Test::Cluster->new('replica');
$standby->backup('base');
$replica->init_from_backup($standby, 'base', has_streaming => 1);
$replica->start;

# prune: one page, three versions of each row and little room; its first scan wants to prune.  The others: some 60 pages.
# late is like prune, but is changed only when its old pin has been used.
my @tables = ('prune', 'seq', 'idx', 'bitmap', 'par');
$primary->safe_psql('postgres', q(
	CREATE EXTENSION pagestore; CREATE EXTENSION pagestore_test; CREATE EXTENSION pg_buffercache; CREATE EXTENSION amcheck;
	CREATE TABLE prune (id int, n int, pad text) USING pagestore;
	INSERT INTO prune SELECT i, 0, repeat('x', 208) FROM generate_series(1, 10) i;
	CREATE TABLE late USING pagestore AS TABLE prune;
	UPDATE prune SET n = n + 1;
	UPDATE prune SET n = n + 1;
	UPDATE late SET n = n + 1;
	UPDATE late SET n = n + 1));
$primary->safe_psql('postgres', qq(
	CREATE TABLE $_ (id int PRIMARY KEY, n int, pad text) USING pagestore;
	INSERT INTO $_ SELECT i, 1, repeat('x', 200) FROM generate_series(1, 2000) i;
	UPDATE $_ SET n = 2 WHERE id % 3 = 0;
	DELETE FROM $_ WHERE id % 10 = 0)) foreach @tables[1 .. $#tables];
$primary->wait_for_catchup($standby);
my %before = map { $_ => $primary->safe_psql('postgres', "SELECT count(*) || ' ' || sum(n) || ' ' || sum(id) FROM $_") } @tables[1 .. $#tables];
$before{prune} = '10 20 55';	# a look would prune it here and now

# A session of the standby that stops in the middle of its statement.
sub parked
{
	my ($point, $waiting, $sql) = @_;
	my $session = $standby->background_psql('postgres', on_error_stop => 0);
	$session->query_until(qr/begun/, "\\echo begun\n$sql;\n\\echo ended\n");
	$standby->poll_query_until('postgres', "SELECT cardinality(waiting) >= $waiting FROM pagestore_stops() WHERE name = '$point'")
	  or die "nobody waits at $point";
	return $session;
}

my $sum = "count(*) || ' ' || sum(n) || ' ' || sum(id)";
my %session;
$standby->safe_psql('postgres', "SELECT pagestore_stop_set('prune-asked', times => 2)");
$session{prune} = parked('prune-asked', 1, "SELECT $sum FROM prune");
$session{late} = parked('prune-asked', 2, "SELECT $sum FROM late");
# It has been decided where the page is; it has not been read.
$standby->safe_psql('postgres', "SELECT pagestore_stop_set('pin-origin-known', times => 6)");
$session{seq} = parked('pin-origin-known', 1, "SELECT $sum FROM seq");
$session{idx} = parked('pin-origin-known', 2, "SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT $sum FROM idx WHERE id > 0");
$session{bitmap} = parked('pin-origin-known', 3, "SET enable_seqscan = off; SET enable_indexscan = off; SELECT $sum FROM bitmap WHERE id > 0");
$session{par} = parked('pin-origin-known', 6, 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; '
	  . "SET min_parallel_table_scan_size = 0; SELECT $sum FROM par");

$primary->stop;
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');

# The pool has the pages now, and what is dead on them gives way to new versions.
$standby->safe_psql('postgres', qq(
	UPDATE $_ SET n = n + 1000 WHERE id % 2 = 0;
	DELETE FROM $_ WHERE id % 7 = 0;
	VACUUM $_;
	UPDATE $_ SET n = n + 1000 WHERE id % 3 = 1)) foreach @tables;
my %after = map { $_ => table_state($standby, $_) } @tables;

# One who has passed the gate and not read the page yet; meanwhile the old pin is used.
$standby->safe_psql('postgres', "SELECT pagestore_stop_set('pin-gate-passed', times => 1)");
my $first = parked('pin-gate-passed', 1, 'UPDATE late SET n = n + 1000 WHERE id <= 5');
go($standby, 'prune-asked');
my $out = $session{late}->query_until(qr/ended/, '');
like($out, qr/^10 20 55$/m, 'late: the snapshot of the standby sees what it saw');
go($standby, 'pin-gate-passed');
$first->query_until(qr/ended/, '');
$_->quit foreach ($first, $session{late});
$after{late} = table_state($standby, 'late');
is($standby->safe_psql('postgres', "SELECT $sum FROM late"), '10 5020 55', 'late: who has passed the gate changes it');

go($standby);
foreach my $table (@tables)
{
	$out = $session{$table}->query_until(qr/ended/, '');
	like($out, qr/^\Q$before{$table}\E$/m, "$table: the snapshot of the standby sees what it saw");
	$session{$table}->query_until(qr/again/, "BEGIN;\nUPDATE $table SET n = n + 0;\nROLLBACK;\nSELECT count(*) FROM $table;\n\\echo again\n");
	is($session{$table}->{stderr}, '', "$table: and its session goes on");
	$session{$table}->quit;
}
is($standby->safe_psql('postgres', 'SELECT count(*) FROM pg_buffercache b JOIN pg_class c ON b.relfilenode = pg_relation_filenode(c.oid) '
	. "JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'pagestore' AND b.relforknumber = 0 AND b.isdirty"), '0', 'no shared buffer of a table is dirty');
push @tables, 'late';
is(table_state($standby, $_), $after{$_}, "$_: rows after it") foreach @tables;

$standby->wait_for_catchup($replica);
is(table_state($replica, $_), $after{$_}, "$_: rows of the replica") foreach @tables;
$standby->restart;
is(table_state($standby, $_), $after{$_}, "$_: rows after a clean restart") foreach @tables;
$standby->safe_psql('postgres', "SELECT bt_index_check('${_}_pkey', true)") foreach @tables[1 .. 4];
$standby->safe_psql('postgres', "UPDATE $_ SET n = -1 WHERE id = 1") foreach @tables;
%after = map { $_ => table_state($standby, $_) } @tables;
kill_server($standby);
$standby->start;
is(table_state($standby, $_), $after{$_}, "$_: rows after a crash") foreach @tables;
unlike(slurp_file($standby->logfile), qr/PANIC|TRAP|WARNING/, 'nothing in the log');
$standby->stop;
$replica->stop;
command_ok([ 'pg_checksums', '--check', '-D', $standby->data_dir ], 'checksums');
done_testing();
