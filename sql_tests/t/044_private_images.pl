# The memory of scans: a private image of a page is judged when it is handed out, never later; memory grows by use; none of
# it is shared with child processes, and a scan that gets none goes through the pool.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('images', conf => "autovacuum = off\njit = off\nmax_parallel_workers_per_gather = 0\npagestore.pool_size = '2MB'\nsynchronize_seqscans = off\n");

# Just before the end of a segment of the commit log, so that it can be cut off before long.
command_ok([ 'pg_resetwal', '-x', '1036000', '-D', $node->data_dir ], 'a later transaction id');
open(my $file, '>>', $node->data_dir . '/pg_xact/0000') or die $!;
truncate($file, 262144) or die $!;
close $file;
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore; CREATE EXTENSION pagestore_test;
	ALTER DATABASE template0 ALLOW_CONNECTIONS true;
	CREATE TABLE big (id int, pad text) USING pagestore;
	CREATE TABLE twin (id int, pad text) USING heap));
# never read before the scan, so that no row is hinted
# (many transactions made them, as the commit log's last answer is remembered)
$node->safe_psql('postgres', "DO \$\$ BEGIN FOR i IN 0..5332 LOOP INSERT INTO $_ SELECT i * 3 + j, repeat('x', 200) FROM generate_series(1, 3) j; COMMIT; END LOOP; END \$\$")
  foreach ('big', 'twin');
$node->safe_psql('postgres', 'DO $$ BEGIN FOR i IN 1..2500 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$');
cmp_ok($node->safe_psql('postgres', 'SELECT pg_current_xact_id()'), '>', 1048576, 'which is in the next segment by now');
$node->restart;

# ---- a sample of few rows, hours later ----
my $query = 'SELECT id FROM big TABLESAMPLE BERNOULLI (20) REPEATABLE (3)';
(my $twin = $query) =~ s/big/twin/;
my @wanted = split /\n/, $node->safe_psql('postgres', $twin);
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query('SELECT pg_backend_pid()');
my $out = $session->query_until(qr/done/, "BEGIN ISOLATION LEVEL REPEATABLE READ;\nDECLARE c CURSOR FOR $query;\nFETCH 1500 FROM c;\n\\echo done\n");
my @got = grep { /^\d+$/ } split /\n/, $out;
cmp_ok($node->safe_psql('postgres', 'SELECT blks_around FROM pg_stat_pagestore'), '>', 100, 'a sample scan is under way around the pool');

# its memory is not for children
my $smaps = slurp_file("/proc/$pid/smaps");
my @rings = grep { /^Size: +4096 kB$/m && /^VmFlags:.* dc\b/m } split /^(?=[0-9a-f]+-[0-9a-f]+ )/m, $smaps;
is(scalar @rings, 1, 'its memory is kept from child processes');

command_ok([ 'vacuumdb', '--all', '--freeze', '-q', '-h', $node->host, '-p', $node->port ], 'all is frozen');
ok(!-e $node->data_dir . '/pg_xact/0000', 'and the commit log cut off');
$out = $session->query_until(qr/done/, "FETCH ALL FROM c;\n\\echo done\n");
push @got, grep { /^\d+$/ } split /\n/, $out;
is_deeply(\@got, \@wanted, 'the scan goes on with the rows of its snapshot');
is($session->{stderr}, '', 'and without an error');
$session->quit;

# ---- no memory for a ring ----
stop_at($node, 'ring-no-memory', action => 'yes');
my $around = $node->safe_psql('postgres', 'SELECT blks_around FROM pg_stat_pagestore');
is($node->safe_psql('postgres', 'SELECT count(*), sum(id) FROM big'), '15999|127992000', 'a scan that gets no memory of its own');
cmp_ok(stop_hits($node, 'ring-no-memory'), '>', 0, '(it has asked)');
is($node->safe_psql('postgres', 'SELECT blks_around FROM pg_stat_pagestore'), $around, 'goes through the pool');
go($node);

# ---- many partitions ----
foreach my $am ('heap', 'pagestore')
{
	$node->safe_psql('postgres', "CREATE TABLE parts_$am (id int, n int) PARTITION BY LIST (n);
		SET default_table_access_method = $am;
		DO \$\$ BEGIN FOR i IN 1..300 LOOP EXECUTE format('CREATE TABLE parts_${am}_%s PARTITION OF parts_$am FOR VALUES IN (%s)', i, i); END LOOP; END \$\$;
		INSERT INTO parts_$am SELECT i, i % 300 + 1 FROM generate_series(1, 3000) i");
}
# The second column is asked for when all partitions have been scanned, before any of their scans ends.
my $memory = 'SELECT count(*), (SELECT sum(used_bytes) FROM pg_backend_memory_contexts) FROM parts_';
my %used;
foreach my $am ('heap', 'pagestore')
{
	# once before: relation and catalog caches
	my ($count, $bytes) = split /\|/, (split /\n/, $node->safe_psql('postgres', "$memory$am; $memory$am"))[1];
	is($count, 3000, "$am: rows of 300 partitions");
	$used{$am} = $bytes;
}
cmp_ok($used{pagestore} - $used{heap}, '<', 1024 * 1024, 'memory of 300 scans, compared with heap');
note("memory: heap $used{heap}, pagestore $used{pagestore}");
$node->stop;
done_testing();
