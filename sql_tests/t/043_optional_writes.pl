# What a reader would like to write, and need not: without a sentinel, or while the page is on its way to the disk, it reads on.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('optional', conf => "autovacuum = off\njit = off\ncheckpoint_timeout = 1h\nmax_parallel_workers_per_gather = 0\n");

# A page with three versions of each row and little room: its next scan wants to prune.
sub make_table
{
	my ($table) = @_;
	$node->safe_psql('postgres', "DROP TABLE IF EXISTS $table;
		CREATE TABLE $table (id int, n int, pad text) USING pagestore;
		INSERT INTO $table SELECT i, 0, repeat('x', 208) FROM generate_series(1, 10) i;
		UPDATE $table SET n = n + 1;
		UPDATE $table SET n = n + 1");
}

# Versions that have bytes on the page.
sub versions
{
	my ($table) = @_;
	return $node->safe_psql('postgres', "SELECT count(*) FROM heap_page_items(get_raw_page('$table', 0)) WHERE lp_flags = 1");
}

$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pagestore; CREATE EXTENSION pagestore_test; CREATE EXTENSION pageinspect');

# ---- the page is being written, and somebody holds it: it can be moved only when that is over ----
make_table('t');
my $holder = $node->background_psql('postgres', on_error_stop => 0);
stop_at($node, 'prune-asked', times => 1);
$holder->query_until(qr/begun/, "BEGIN;\n\\echo begun\nDECLARE c CURSOR FOR SELECT n FROM t;\nFETCH 1 FROM c;\n\\echo fetched\n");
wait_stopped($node, 'prune-asked');
stop_at($node, 'write-before-file');
my $writer = $node->background_psql('postgres', on_error_stop => 0);
$writer->query_until(qr/begun/, "\\echo begun\nCHECKPOINT;\n\\echo done\n");
ok(defined wait_stopped($node, 'write-before-file'), 'the page is on its way to the disk');
my $timed_out;
my (undef, $rows) = $node->psql('postgres', 'SELECT count(*), sum(n) FROM t', timeout => 60, timed_out => \$timed_out);
is($rows, '10|20', 'who would prune it reads on');
go($node);
$writer->query_until(qr/done/, '');
$holder->query_until(qr/fetched/, '');
is($node->safe_psql('postgres', 'SELECT count(*), sum(n) FROM t'), '10|20', 'and when it is written');
$holder->query_until(qr/ended/, "COMMIT;\n\\echo ended\n");
$_->quit foreach ($writer, $holder);
is(versions('t'), '10', 'it is pruned');

# ---- nobody but its writer holds it: the disk gets the copy, so it is pruned where it is ----
make_table('w');
stop_at($node, 'write-before-file');
$writer = $node->background_psql('postgres', on_error_stop => 0);
$writer->query_until(qr/begun/, "\\echo begun\nCHECKPOINT;\n\\echo done\n");
ok(defined wait_stopped($node, 'write-before-file'), 'the page is on its way to the disk');
my ($rc) = $node->psql('postgres', 'VACUUM w', timeout => 60, timed_out => \$timed_out);
is($rc, 0, 'VACUUM does not wait for the disk');
go($node);
$writer->query_until(qr/done/, '');
is(versions('w'), '10', 'the page was pruned meanwhile');
$writer->quit;
$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', 'SELECT count(*), sum(n) FROM w'), '10|20', 'the same rows after a crash');
is(versions('w'), '10', 'and none that had gone');

# ---- no worker slot is left for the sentinel ----
make_table('t');
foreach my $table ('many', 'twin')
{
	$node->safe_psql('postgres', "CREATE TABLE $table (id int PRIMARY KEY, n int, pad text) USING " . ($table eq 'many' ? 'pagestore' : 'heap') . ' WITH (fillfactor = 50)');
}
foreach my $checksums (1, 0)
{
	# dead versions on every page, which no scan has met
	make_table($_) foreach ('u', 'v');
	$node->safe_psql('postgres', "TRUNCATE $_; INSERT INTO $_ SELECT i, 0, repeat('x', 100) FROM generate_series(1, 10000) i;
		UPDATE $_ SET n = 1; UPDATE $_ SET n = 2 WHERE id % 3 = 0; DELETE FROM $_ WHERE id % 10 = $checksums") foreach ('many', 'twin');
	$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
	$node->stop;
	# without them a hint makes a page dirty
	command_ok([ 'pg_checksums', '--disable', '-D', $node->data_dir ], 'checksums off') unless $checksums;
	$node->start;
	my $when = $checksums ? 'with checksums' : 'without';
	is($node->safe_psql('postgres', "SELECT count(*), sum(n) FROM $_"), '10|20', "$when: a scan of $_") foreach ('u', 'v');
	my %query = (
		'sequential scan' => 'SELECT count(*), sum(n), sum(id) FROM many',
		'index scan' => 'SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*), sum(n), sum(id) FROM many WHERE id > 0',
		'bitmap scan' => 'SET enable_seqscan = off; SET enable_indexscan = off; SELECT count(*), sum(n), sum(id) FROM many WHERE id > 0',
		'index-only scan' => 'SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(id) FROM many WHERE id > 0',
		'sample' => 'SELECT count(*), sum(id) FROM many TABLESAMPLE SYSTEM (100)',
		'sample of rows' => 'SELECT count(*), sum(id) FROM many TABLESAMPLE BERNOULLI (20) REPEATABLE (1) WHERE id < 0',
		'COPY' => 'COPY (SELECT * FROM many ORDER BY id) TO STDOUT',
		'held cursor' => 'BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT sum(id) FROM many; COMMIT; FETCH ALL FROM c',
	);
	foreach my $name (sort keys %query)
	{
		(my $twin = $query{$name}) =~ s/\bmany\b/twin/g;
		is($node->safe_psql('postgres', $query{$name}), $node->safe_psql('postgres', $twin), "$when: $name");
	}
	my (undef, undef, $err) = $node->psql('postgres', 'UPDATE t SET n = n + 1');
	like($err, qr/no background worker slot was left for the "pagestore sentinel"/, "$when: a change is refused");
	$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
	$node->restart;
	is($node->safe_psql('postgres', 'UPDATE t SET n = n; SELECT count(*), sum(n) FROM t'), '10|20', "$when: and made with workers again");
	ok(same_tables($node, 'many', 'twin'), "$when: the same rows");
}
$node->stop;
done_testing();
