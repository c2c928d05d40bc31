# Scans turn pages all visible as heap's do (PostgreSQL 19): which scans, on which pages, by which records; rows whose
# insertion was undone are pruned.  Redo, which compares each page with what it was, comes to the same map.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Pagestore;

plan skip_all => 'new in PostgreSQL 19' if server_major() < 19;

# Without checksums: with them heap marks pages dirty that it only hints, ours does not.
my $node = new_server('access', checksums => 0,
	conf => "autovacuum = off\nmax_wal_size = 10GB\ncheckpoint_timeout = 1h\nwal_consistency_checking = 'heap,heap2'\npagestore.pool_size = '64MB'\nmax_parallel_workers_per_gather = 0\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sql("CREATE EXTENSION $_") foreach qw(pagestore pg_visibility pg_walinspect pageinspect);
my $database = sql("SELECT oid FROM pg_database WHERE datname = 'postgres'");
my @twins = ('heap', 'pagestore');
sql('CREATE TABLE flushed (i int)');

sub visible_map { return sql("SELECT string_agg(blkno || CASE WHEN all_visible THEN 'v' ELSE '-' END || CASE WHEN pd_all_visible THEN 'p' ELSE '-' END, ' ' ORDER BY blkno) FROM pg_visibility('$_[0]')"); }
sub items { return sql("SELECT string_agg(b || ':' || f, ' ' ORDER BY b) FROM (SELECT b, string_agg(lp_flags::text, '' ORDER BY lp) AS f FROM generate_series(0, pg_relation_size('$_[0]') / 8192 - 1) b, heap_page_items(get_raw_page('$_[0]', b::int)) GROUP BY b) s"); }

# Twins, made and changed alike, then read by a query: the same pages are visible and pruned, the same records were logged.
# Statements are parted by semicolons; @@ is one inside of what is sent at once.  Returns how many pages are visible.
sub twins
{
	my ($name, $before, $query) = @_;
	my (%map, %items, %records);
	foreach my $am (@twins)
	{
		my $name = "t_$am";
		sql("DROP TABLE IF EXISTS $name; CREATE TABLE $name (id int, n int, v text) USING $am WITH (fillfactor = 100); CREATE INDEX ON $name (id)");
		sql(s/@@/;/gr) foreach split(/;\s*/, $before =~ s/\bTABLE\b/$name/gr);
		sql('INSERT INTO flushed DEFAULT VALUES');    # what was committed is on disk
		my $file = sql("SELECT pg_relation_filenode('$name')");
		my $from = sql('SELECT pg_current_wal_insert_lsn()');
		sql(s/@@/;/gr) foreach split(/;\s*/, $query =~ s/\bTABLE\b/$name/gr);
		sql('INSERT INTO flushed DEFAULT VALUES');
		$records{$am} = sql("SELECT string_agg(r || ' ' || n, ', ' ORDER BY r) FROM (SELECT record_type AS r, count(*) AS n FROM pg_get_wal_records_info('$from', pg_current_wal_flush_lsn())
			WHERE record_type LIKE 'PRUNE%' AND block_ref ~ '/$database/$file (fork main|blk)' GROUP BY 1) s");
		$map{$am} = visible_map($name);
		$items{$am} = items($name);
	}
	is($map{pagestore}, $map{heap}, "$name: the same pages visible");
	is($items{pagestore}, $items{heap}, "$name: the same line pointers");
	is($records{pagestore}, $records{heap}, "$name: the same records");
	is(sql("SELECT count(*) FROM pg_check_visible('t_pagestore')"), 0, "$name: the map is right");
	return scalar(() = $map{heap} =~ /\dvp/g);
}

my $rows = "INSERT INTO TABLE SELECT i, i % 7, repeat('x', 100) FROM generate_series(1, 1000) i";
my %scans = (
	'sequential scan' => 'SELECT count(*) FROM TABLE',
	'sample' => 'SELECT count(*) FROM TABLE TABLESAMPLE system (100)',
	'TID range' => "SET enable_seqscan = off@@ SELECT count(*) FROM TABLE WHERE ctid < '(8,1)'",
	'index scan' => 'SET enable_seqscan = off@@ SET enable_bitmapscan = off@@ SELECT count(n) FROM TABLE WHERE id < 400',
	'index-only scan' => 'SET enable_seqscan = off@@ SET enable_bitmapscan = off@@ SELECT count(id) FROM TABLE WHERE id < 400',
	'bitmap scan' => 'SET enable_seqscan = off@@ SET enable_indexscan = off@@ SELECT count(n) FROM TABLE WHERE id < 400',
);
foreach my $scan (sort keys %scans)
{
	cmp_ok(twins("new rows, $scan", $rows, $scans{$scan}), '>', 0, "$scan: there are visible ones");
}
twins('new rows, clean pages', "$rows; CHECKPOINT", 'SELECT count(*) FROM TABLE');    # but for the scan's hints
is(twins('FOR UPDATE', $rows, 'SELECT count(*) FROM (SELECT * FROM TABLE FOR UPDATE) s'), 0, 'none by a scan that changes rows');
is(twins('UPDATE', $rows, "UPDATE TABLE SET v = 'y' WHERE n = 100"), 0, 'nor by one that might');
cmp_ok(twins('deleted rows', "$rows; DELETE FROM TABLE WHERE id BETWEEN 100 AND 300", 'SELECT count(*) FROM TABLE; SELECT count(*) FROM TABLE'), '>', 0, 'deleted rows: pages without any are visible');
cmp_ok(twins('HOT updates', "INSERT INTO TABLE SELECT i, i % 7, repeat('x', 100) FROM generate_series(1, 1000) i; UPDATE TABLE SET n = 9 WHERE id % 20 = 1; UPDATE TABLE SET n = 10 WHERE id % 20 = 1; CHECKPOINT",
	'SELECT count(*) FROM TABLE'), '>', 0, 'pruned pages are visible, though clean');
is(twins('undone rows', "BEGIN@@ $rows@@ ROLLBACK", 'SELECT count(*) FROM TABLE'), 0, 'undone rows: their line pointers wait for VACUUM');
like(items('t_pagestore'), qr/0:3+ /, 'but the rows are gone');
cmp_ok(twins('in the making', "$rows; VACUUM TABLE; INSERT INTO TABLE SELECT i, i % 7, repeat('x', 100) FROM generate_series(1001, 1500) i",
	'SELECT count(*) FROM TABLE; SELECT count(*) FROM TABLE'), '>', 0, 'behind visible pages');

# ---- after a crash ----

my @maps = map { visible_map("t_$_") } @twins;
kill_server($node);
start_again($node);
is(visible_map("t_$twins[$_]"), $maps[$_], "$twins[$_]: after a crash") foreach 0, 1;
is(sql("SELECT count(*) FROM pg_check_visible('t_pagestore')"), 0, 'the map is right');
is(sql("SELECT count(*) FROM pagestore_check('t_pagestore')"), 0, 'and the table sound');

$node->stop;
done_testing();
