# In normal running no page of a pagestore table is in the kernel's page cache or in shared_buffers.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('pagecache', conf => "wal_level = replica\npagestore.pool_size = '4MB'\nshared_buffers = '64MB'\nmax_parallel_workers_per_gather = 2\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE EXTENSION pg_buffercache;
	CREATE TABLE p (id int PRIMARY KEY, t text) USING pagestore;
	CREATE TABLE h (id int PRIMARY KEY, t text) USING heap;
	INSERT INTO p SELECT i, repeat('x', 500) FROM generate_series(1, 60000) i;
	INSERT INTO h TABLE p;
	CHECKPOINT));
my $file = main_file($node, 'p');
my $heap = main_file($node, 'h');
plan skip_all => 'the file system has no O_DIRECT' if slurp_file($node->logfile) =~ /buffered I\/O/;

sub nowhere
{
	my ($when) = @_;
	is(resident_bytes($file), '0', "page cache after $when");
	is($node->safe_psql('postgres', q(SELECT count(*) FROM pg_buffercache WHERE relfilenode = pg_relation_filenode('p')
		AND reldatabase = (SELECT oid FROM pg_database WHERE datname = 'postgres') AND relforknumber = 0)), '0', "shared_buffers after $when");
}

cmp_ok(-s $file, '>', 7 * 4 * 1024 * 1024, 'the table is much larger than the pool');
is($node->safe_psql('postgres', 'SELECT count(*), sum(length(t)) FROM h'), '60000|30000000', 'heap twin scanned');
cmp_ok(resident_bytes($heap), '>', 1000000, 'a heap table is in the page cache: the test can tell');
nowhere('the load');
is($node->safe_psql('postgres', 'SELECT count(*), sum(length(t)) FROM p'), '60000|30000000', 'scan');
nowhere('a sequential scan');
is($node->safe_psql('postgres', 'SET enable_seqscan = off; SELECT count(t) FROM p WHERE id % 3 = 0 AND id > 0'), '20000', 'index scan');
nowhere('an index scan');
is($node->safe_psql('postgres', 'SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_tuple_cost = 0; SELECT count(t) FROM p'), '60000', 'parallel scan');
nowhere('a parallel scan');
$node->safe_psql('postgres', 'UPDATE p SET t = t || id WHERE id % 2 = 0');
$node->safe_psql('postgres', 'VACUUM ANALYZE p');
nowhere('update, vacuum and analyze');
$node->safe_psql('postgres', 'CREATE INDEX ON p (t)');
nowhere('an index build');
$node->safe_psql('postgres', 'CHECKPOINT');
nowhere('a checkpoint');
$node->restart;
is($node->safe_psql('postgres', 'SELECT count(*), count(distinct length(t)) > 1 FROM p'), '60000|t', 'rows after a restart');
nowhere('a restart and a scan');
$node->stop;
done_testing();
