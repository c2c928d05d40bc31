# What happens to a table while the sentinel has writes of its pages in flight, or on disk and not yet clean: dropped, truncated,
# cut by VACUUM, changed, grown, moved, switched, its database copied, moved, dropped.  Nothing is lost and nothing comes back,
# also after a crash.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_server('in_flight', conf => "wal_level = replica\npagestore.pool_size = '8MB'\nautovacuum = off\ncheckpoint_timeout = '1h'\n"
	  . "default_table_access_method = 'pagestore'\nfull_page_writes = off\n");
$node->start;
my $space = PostgreSQL::Test::Utils::tempdir_short();
$node->safe_psql('postgres', "CREATE EXTENSION pagestore; CREATE TABLESPACE other LOCATION '$space'");

# Every second page of 60 is changed since the last checkpoint: the writes are many.
my $changed = "UPDATE t SET v = v + 1 WHERE id % (2 * (SELECT count(*) FROM t WHERE ctid < '(1,0)')) = 1";
my $all = 'SELECT count(*), sum(v), sum(length(pad)), md5(string_agg(id::text, \',\' ORDER BY id)) FROM t';
sub make
{
	my ($db) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0");
	$node->safe_psql($db, "CREATE EXTENSION pagestore; CREATE TABLE t (id int, v int, pad text) WITH (fillfactor = 75);
		INSERT INTO t SELECT i, 0, repeat('x', 900) FROM generate_series(1, 360) i");
	$node->safe_psql('postgres', 'CHECKPOINT');
	$node->safe_psql($db, $changed);
}

# It is done, or waits for something.
sub goes_on
{
	my ($actor, $out) = @_;
	for (1 .. 1200)
	{
		$actor->pump_nb;
		return 1 if $$out =~ /done/ || $node->safe_psql('postgres',
			"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'actor' AND state = 'active' AND wait_event IS NOT NULL");
		usleep(50_000);
	}
	return 0;
}

# what is done, in which database (postgres: to the database), and what is there afterwards
my %acts = (
	drop => [ 'DROP TABLE t; CREATE TABLE t AS SELECT 1 AS id, 1 AS v, \'\'::text AS pad', sub { '1|1|0' } ],
	truncate => [ 'TRUNCATE t; INSERT INTO t VALUES (5, 6, \'7\')', sub { '1|6|1' } ],
	cut => [ 'DELETE FROM t WHERE id > 20; VACUUM t', sub { '20|' } ],
	change => [ 'UPDATE t SET v = v + 10', sub { "360|" } ],
	grow => [ 'INSERT INTO t SELECT i, 7, repeat(\'y\', 900) FROM generate_series(1001, 1100) i', sub { '460|' } ],
	move => [ 'ALTER TABLE t SET TABLESPACE other', sub { $_[0] } ],
	switch => [ 'ALTER TABLE t SET ACCESS METHOD heap', sub { $_[0] } ],
	there_and_back => [ 'ALTER TABLE t SET ACCESS METHOD heap; UPDATE t SET v = v + 100 WHERE id < 50; ALTER TABLE t SET ACCESS METHOD pagestore', sub { '360|' } ],
	copied => [ 'CREATE DATABASE NAME_copy TEMPLATE NAME', sub { $_[0] }, 'postgres' ],
	by_log => [ 'CREATE DATABASE NAME_copy TEMPLATE NAME STRATEGY wal_log', sub { $_[0] }, 'postgres' ],
	moved => [ 'ALTER DATABASE NAME SET TABLESPACE other', sub { $_[0] }, 'postgres' ],
	gone => [ 'DROP DATABASE NAME', undef, 'postgres' ]);

my $is_async = $node->safe_psql('postgres', 'SELECT io_method FROM pg_stat_pagestore') eq 'io_uring';
my (%is, %files);
foreach my $point ($is_async ? 'aio-writes-started' : 'write-before-file', 'write-before-clean')
{
	foreach my $act (sort keys %acts)
	{
		my ($sql, $after, $where) = @{ $acts{$act} };
		my $db = $act . ($point =~ /clean/ ? '_written' : '_started');
		make($db);
		my $before = $node->safe_psql($db, $all);
		my $file = $node->data_dir . '/' . $node->safe_psql($db, "SELECT pg_relation_filepath('t')");

		stop_at($node, $point, times => 1);
		my $checkpoint = $node->background_psql('postgres', on_error_stop => 0);
		$checkpoint->query_until(qr/begun/, "\\echo begun\nCHECKPOINT;\n\\echo finished\n");
		ok(defined wait_stopped($node, $point), "$db: writes are under way");

		my ($out, $err) = ('', '');
		my $actor = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($where // $db),
				map { ('-c', s/NAME/$db/gr) } "SET application_name = 'actor'", split(/; /, $sql), "SELECT 'done'" ], '<', \undef, '>', \$out, '2>', \$err);
		ok(goes_on($actor, \$out), "$db: it goes through, or waits");
		go($node);
		ok($actor->finish, "$db: done") or diag($err);
		$checkpoint->query_until(qr/finished/, '');
		$checkpoint->quit;

		$node->safe_psql('postgres', 'CHECKPOINT');
		foreach my $there ($db, $db . '_copy')
		{
			next if $node->safe_psql('postgres', "SELECT count(*) FROM pg_database WHERE datname = '$there'") eq '0';
			$is{$there} = $node->safe_psql($there, $all);
			is(substr($is{$there}, 0, length $after->($before)), $after->($before), "$there: its rows");
			is($node->safe_psql($there, 'SELECT count(*) FROM t WHERE v IS NULL OR pad IS NULL'), '0', "$there: each of them");
			$files{$there} = $node->safe_psql($there, "SELECT pg_relation_size('t')");
		}
		ok(!-s $file, "$db: its old file is gone") if $act =~ /^(drop|truncate|move|moved|gone)$/;
		cmp_ok($files{$db}, '<', 10 * 8192, "$db: its end stays cut off") if $act eq 'cut';
	}
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM pagestore_frames WHERE reldatabase NOT IN (SELECT oid FROM pg_database)'), '0', 'no frame of what is gone');

# --- the same after a crash, and in the files alone
kill_server($node);
ok(start_again($node), 'it starts again');
is($node->safe_psql($_, $all), $is{$_}, "$_: after a crash") foreach sort keys %is;
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|is lost|pin leak|invalid page|could not (write|open|stat|fsync)/, 'the log shows no damage');
command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], 'checksums');
done_testing();
