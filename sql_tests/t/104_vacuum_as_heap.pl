# VACUUM does and says what heap's does on this server: the lines of VERBOSE, kinds and numbers of its WAL records, and
# from PostgreSQL 18 on which all-visible pages it looks at early.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Pagestore;

# Without checksums: with them heap logs pages that it only hints, ours does not, and what has been logged decides what is frozen.
my $node = new_server('vacuum', checksums => 0, conf => "autovacuum = off\nlogging_collector = off\nmax_wal_size = 10GB\ncheckpoint_timeout = 1h\nmin_parallel_index_scan_size = 0\npagestore.pool_size = '64MB'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sql("CREATE EXTENSION $_") foreach qw(pagestore pg_visibility pg_walinspect);
my $database = sql("SELECT oid FROM pg_database WHERE datname = 'postgres'");
my @twins = ('heap', 'pagestore');
sql('CREATE TABLE flushed (i int)');

# What VERBOSE says of a table, without what depends on the hour, on numbers of transactions and on buffers.
sub report
{
	my ($am, $command) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $command =~ s/TABLE/t_$am/gr);
	die $err if $rc != 0;
	$err =~ s/^.*?(?:finished vacuuming)/finished vacuuming/s;
	$err =~ s/\b([tij])_(?:heap|pagestore)/$1/g;
	$err =~ s/(cutoff|relfrozenxid|relminmxid): \d+/$1: N/g;
	$err =~ s/which (was|is) \d+/which $1 N/g;
	$err =~ s/^(I\/O timings|avg read rate|buffer usage|system usage|delay time|WAL usage): .*/"$1: " . words($&)/gme;
	return $err;
}

sub words { return join(' ', $_[0] =~ /[a-z\/]+/gi); }

# WAL records of the table's own file and of its map, by kind.
sub records
{
	my ($am, $from) = @_;
	sql('INSERT INTO flushed DEFAULT VALUES');    # what VACUUM has logged may not be on disk
	my $file = sql("SELECT pg_relation_filenode('t_$am')");
	return sql("SELECT string_agg(r || ' ' || n, E'\\n' ORDER BY r) FROM (SELECT resource_manager || '/' || record_type AS r, count(*) AS n
		FROM pg_get_wal_records_info('$from', pg_current_wal_flush_lsn()) WHERE block_ref ~ '/$database/$file (fork main|blk)' GROUP BY 1) s");
}

# Both twins through the same commands, then VACUUM: they are to say and log the same.
sub vacuum
{
	my ($name, $before, $options) = @_;
	my (%report, %records);

	foreach my $am (@twins)
	{
		sql($_) foreach split(/;\s*/, $before =~ s/TABLE/t_$am/gr);
		my $from = sql('SELECT pg_current_wal_insert_lsn()');
		$report{$am} = report($am, "VACUUM (VERBOSE, PROCESS_TOAST off$options) TABLE");
		$records{$am} = records($am, $from);
	}
	is($report{pagestore}, $report{heap}, "$name: VERBOSE says the same");
	is($records{pagestore}, $records{heap}, "$name: the same WAL records");
	is(sql("SELECT md5(string_agg((blkno, all_visible, all_frozen)::text, ',' ORDER BY blkno)) FROM pg_visibility_map('t_pagestore')"),
		sql("SELECT md5(string_agg((blkno, all_visible, all_frozen)::text, ',' ORDER BY blkno)) FROM pg_visibility_map('t_heap')"),
		"$name: the same pages visible and frozen");
	return ($report{heap}, $records{heap});
}

# Rows go one to a statement's end where heap and pagestore would extend the table differently: 100 bytes, page after page.
sql("CREATE TABLE t_$_ (id int, v text) USING $_ WITH (fillfactor = 80)") foreach @twins;
my ($said, $logged) = vacuum('new rows', "INSERT INTO TABLE SELECT i, repeat('x', 100) FROM generate_series(1, 3000) i; SELECT count(*) FROM TABLE", '');
like($said, server_major() >= 18 ? qr/visibility map: [1-9]\d* pages set all-visible, 0 pages set all-frozen/ : qr/index scan not needed/, 'something was to be done');

# dead rows without an index, pages not logged since the checkpoint: pruned and, from 17 on, reaped and frozen with one record
($said, $logged) = vacuum('no index', "UPDATE TABLE SET v = v || '+' WHERE id % 3 = 0; DELETE FROM TABLE WHERE id % 10 = 1; CHECKPOINT", '');
like($logged, qr/Heap2\/PRUNE/, 'pages were pruned');
like($said, server_major() >= 17 ? qr/frozen: [1-9]/ : qr/tuples: [1-9]\d* removed/, 'with an image they are frozen') if server_major() >= 17;
unlike($logged, qr/VACUUM_CLEANUP/, 'no record reaps apart') if server_major() >= 17;

# pages logged before: pruned, not frozen
($said) = vacuum('logged before', "UPDATE TABLE SET v = v || '-' WHERE id % 4 = 0; DELETE FROM TABLE WHERE id % 11 = 1", '');
like($said, qr/frozen: 0 pages/, 'without an image they are not frozen') if server_major() >= 17;

# with indexes: two passes
sql("CREATE INDEX i_$_ ON t_$_ (id)") foreach @twins;
foreach my $options ('', ', FREEZE', ', INDEX_CLEANUP off', ', INDEX_CLEANUP on', ', DISABLE_PAGE_SKIPPING')
{
	($said, $logged) = vacuum("an index$options", "DELETE FROM TABLE WHERE id % 50 IN (0, " . (2 + length($options)) . "); UPDATE TABLE SET v = v || '.' WHERE id % 9 = 1", $options);
	unlike($said, qr/index scan not needed/, "an index$options: there were dead rows");
}
if (server_major() >= 19)
{
	sql("CREATE INDEX j_$_ ON t_$_ (v)") foreach @twins;
	($said) = vacuum('workers', "DELETE FROM TABLE WHERE id % 50 = 7; UPDATE TABLE SET v = v || '!' WHERE id % 9 = 2", ', PARALLEL 1, INDEX_CLEANUP on');
	like($said, qr/parallel workers: index vacuum: 1 planned, 1 launched/, 'workers are told of');
	like($said, qr/dead item storage \d+\.\d\d MB accumulated across 1 reset /, 'and memory');
	sql("DROP INDEX j_$_") foreach @twins;
}
vacuum('cut off', 'DELETE FROM TABLE WHERE id > 200', '');
vacuum('nothing left', 'DELETE FROM TABLE', ', FREEZE');

# ---- what VACUUM sleeps for (18) ----

if (server_major() >= 18)
{
	sql("INSERT INTO t_$_ SELECT i, repeat('y', 100) FROM generate_series(1, 3000) i") foreach @twins;
	foreach my $am (@twins)
	{
		my ($rc, $out, $err) = $node->psql('postgres',
			"SET track_cost_delay_timing = on; SET vacuum_cost_delay = 1; SET vacuum_cost_limit = 20; SET vacuum_cost_page_dirty = 20; VACUUM (VERBOSE, PROCESS_TOAST off) t_$am");
		my ($slept) = $err =~ /^delay time: ([\d.]+) ms$/m;
		ok(defined $slept && $slept > 1, "$am: VERBOSE tells what it slept for (track_cost_delay_timing)");
	}
}

# ---- visible pages looked at early (18) ----

# Two regions of 4096 pages and more, a row on each page; all pages are visible and none is frozen.  One row, the first, is
# older than the others.
my $pages = 9000;
sub large_table
{
	my ($am) = @_;
	sql("DROP TABLE IF EXISTS t_$am");
	sql("CREATE TABLE t_$am (id int, v text STORAGE PLAIN) USING $am");
	sql("INSERT INTO t_$am VALUES (0, repeat('z', 5000))");
	sql('SELECT txid_current()') for 1 .. 10;
	sql("INSERT INTO t_$am SELECT i, repeat('z', 5000) FROM generate_series(1, $pages - 1) i");
	sql("SET vacuum_freeze_min_age = 1000000; VACUUM t_$am");
	is(map_pages($am), "$pages|0", "$am: all pages visible, none frozen");
}
sub map_pages { return sql("SELECT all_visible, all_frozen FROM pg_visibility_map_summary('t_$_[0]')"); }

# How many were looked at early, and what VERBOSE said.
sub early
{
	my ($am, $settings) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', "$settings; VACUUM (VERBOSE, PROCESS_TOAST off) t_$am");
	my ($n) = $err =~ /, (\d+) eagerly scanned/;
	return ($n, $err);
}

if (server_major() >= 18)
{
	my %ends;
	foreach my $am (@twins)
	{
		large_table($am);
		my ($n) = early($am, 'SET vacuum_freeze_min_age = 1; SET vacuum_max_eager_freeze_failure_rate = 0');
		is($n, 0, "$am: none with vacuum_max_eager_freeze_failure_rate = 0");

		# Rows too new, but for one: 3 in a hundred of each region are looked at in vain, and what was chosen ahead.
		sql("SET vacuum_freeze_min_age = 1000000; VACUUM (DISABLE_PAGE_SKIPPING) t_$am");
		($n) = early($am, 'SET vacuum_freeze_min_age = 6; SET vacuum_max_eager_freeze_failure_rate = 0.03');
		cmp_ok($n, '>=', 122, "$am: new rows are looked at early");
		cmp_ok($n, '<', 3 * (122 + 300), "$am: not for long where nothing can be frozen");

		# Rows that are old: a fifth of their pages is frozen.
		large_table($am);
		sql('SELECT txid_current()') for 1 .. 3;
		($n, my $said) = early($am, 'SET vacuum_freeze_min_age = 1');
		($ends{$am}) = $said =~ /disabling eager scanning after freezing (\d+) eagerly/;
		my $frozen = (split(/\|/, map_pages($am)))[1];
		is($ends{$am}, int($pages / 5), "$am: a fifth is frozen early");
		cmp_ok($n, '>=', $ends{$am}, "$am: $n were looked at");
		cmp_ok($frozen, '>=', $ends{$am}, "$am: $frozen are frozen");
		cmp_ok($frozen, '<', $pages / 2, "$am: not all");
	}
	is($ends{pagestore}, $ends{heap}, 'as many as in heap');
}

$node->stop;
done_testing();
