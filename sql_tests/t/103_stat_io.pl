# pg_stat_io (from 16 on) beside what is known another way: pages of the file, core's counts of the table, heap's twin.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'no pg_stat_io' if server_major() < 16;

my $node = new_server('io', conf => "autovacuum = off\nwal_level = replica\ntrack_io_timing = on\npagestore.pool_size = '8MB'\nshared_buffers = '32MB'\nmax_wal_size = '10GB'\ncheckpoint_timeout = '1h'\n");
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]); }

# runs SQL in one session; returns what all of that kind of process have added meanwhile: hits, reads, writes, extends, evictions
sub added
{
	my ($context, $kind, $sql) = @_;
	my $look = "SELECT coalesce(sum(hits), 0), coalesce(sum(" . counted('read') . "), 0)::bigint, coalesce(sum(" . counted('write') . "), 0)::bigint, coalesce(sum("
		. counted('extend') . "), 0)::bigint, coalesce(sum(evictions), 0) FROM pg_stat_io WHERE object = 'relation' AND context = '$context' AND backend_type = '$kind'";
	my @before = split /\|/, sql($look);
	sql($sql);
	my @after = split /\|/, sql($look);
	return map { $after[$_] - $before[$_] } 0 .. 4;
}
sub counted { my ($what) = @_; return server_major() >= 18 ? "${what}_bytes / 8192" : "${what}s"; }
sub npages { return sql("SELECT pg_relation_size('$_[0]') / 8192"); }

sql('CREATE EXTENSION pagestore');
# catalogs that the statements below need have been read once
foreach my $am ('heap', 'pagestore')
{
	sql("CREATE TABLE warm_$am (id int, v text) USING $am; INSERT INTO warm_$am SELECT i, 'v' FROM generate_series(1, 100) i; SELECT count(*) FROM warm_$am; VACUUM ANALYZE warm_$am");
	sql("CREATE TABLE t_$am (id int, v text) USING $am WITH (autovacuum_enabled = off)");
}

# --- rows put in one by one: a page is added for each of the table
my %extends;
foreach my $am ('heap', 'pagestore')
{
	my @n = added('normal', 'client backend', "INSERT INTO t_$am SELECT i, repeat('v', 500) FROM generate_series(1, 6000) i");
	$extends{$am} = $n[3];
	cmp_ok($n[0], '>', 5000, "$am: rows put in hit their page");
}
is(npages('t_pagestore'), npages('t_heap'), 'twins');
cmp_ok($extends{pagestore}, '>=', npages('t_pagestore'), 'each page of ours was an extension');
cmp_ok(abs($extends{pagestore} - $extends{heap}), '<=', 8, '... as for heap, but for maps');

# --- rows copied, and a table made of a query
foreach my $am ('heap', 'pagestore')
{
	my @n = added('bulkwrite', 'client backend', "CREATE TABLE c_$am USING $am AS SELECT * FROM t_$am");
	cmp_ok($n[3], '>=', npages("c_$am"), "$am: CREATE TABLE AS extends in bulk");
}
my $file = $node->basedir . '/rows';
sql("COPY t_heap TO '$file'");
foreach my $am ('heap', 'pagestore')
{
	my $before = npages("c_$am");
	my @n = added('bulkwrite', 'client backend', join(';', ("COPY c_$am FROM '$file'") x 4));
	cmp_ok($n[3], '>=', npages("c_$am") - $before, "$am: so does COPY");
}

# --- a checkpoint writes; what is clean after it is not written again
my $for_checkpoints = 'SELECT writes_checkpoint FROM pg_stat_pagestore';
my $before = sql($for_checkpoints);
my @written = added('normal', 'background worker', 'CHECKPOINT');
my $for_this = sql($for_checkpoints) - $before;
cmp_ok($for_this, '>', 100, 'a checkpoint writes pages of ours');
cmp_ok($written[2], '>=', $for_this, '... by background workers');
@written = added('normal', 'background worker', 'CHECKPOINT');
is($written[2], '0', 'and nothing the second time');

# --- reads: each page of a small table once, then none
sql('CREATE TABLE s (id int, v text) USING pagestore');
sql("INSERT INTO s SELECT i, repeat('v', 500) FROM generate_series(1, 1500) i; VACUUM s");
$node->restart;
sql('SELECT count(*) FROM warm_pagestore');
my $size = npages('s');
my @n = added('normal', 'client backend', 'SET max_parallel_workers_per_gather = 0; SELECT count(*) FROM s');
my ($heap_read) = sql("SELECT heap_blks_read FROM pg_statio_user_tables WHERE relname = 's'");
cmp_ok($n[1], '>=', $size, 'a scan of what is not in memory reads each page');
cmp_ok($n[1], '<', $size + 60, '... and besides catalogs at most');
is($heap_read, $size, '... as the table\'s own count has it');
is(sql("SELECT sum(read_time) > 0 FROM pg_stat_io WHERE context = 'normal' AND backend_type = 'client backend'"), 't', '... and took time');
@n = added('normal', 'client backend', 'SET max_parallel_workers_per_gather = 0; SELECT count(*) FROM s');
is($n[1], '0', 'a second one reads nothing');
cmp_ok($n[0], '>=', $size, '... and hits each page');

# --- around the pool: bulk reads
@n = added('bulkread', 'client backend', 'SET max_parallel_workers_per_gather = 0; SELECT count(*) FROM c_pagestore');
cmp_ok($n[1], '>=', npages('c_pagestore') * 0.9, 'a large table is read in bulk');
cmp_ok($n[1], '<=', npages('c_pagestore'), '... no page twice');

# --- the pool is full: pages leave it for others
@n = added('normal', 'client backend', 'SET enable_seqscan = off; SET enable_tidscan = on; ' . join(';', map { "SELECT v FROM c_pagestore WHERE ctid = '($_,1)'" } 0 .. 1500));
cmp_ok($n[4], '>', 100, 'evictions are counted');

# --- VACUUM and ANALYZE have a context of their own
sql('CREATE TABLE v (id int, v text) USING pagestore WITH (autovacuum_enabled = off)');
sql("INSERT INTO v SELECT i, repeat('v', 500) FROM generate_series(1, 1500) i; DELETE FROM v WHERE id % 2 = 0");
$node->restart;
sql('VACUUM ANALYZE warm_pagestore');
$size = npages('v');
@n = added('vacuum', 'client backend', 'VACUUM v');
cmp_ok($n[1], '>=', $size, 'VACUUM reads');
@n = added('vacuum', 'client backend', 'VACUUM (DISABLE_PAGE_SKIPPING) v');
cmp_ok($n[0], '>=', $size, '... or hits');
$node->restart;
@n = added('vacuum', 'client backend', 'ANALYZE v');
cmp_ok($n[1], '>=', $size, 'so does ANALYZE');
@n = added('vacuum', 'client backend', 'SELECT count(*) FROM v');
is("$n[0]|$n[1]", '0|0', 'and others do not');

# --- BUFFER_USAGE_LIMIT: of the pages that VACUUM brings in few stay, those that others use all do
sql('CREATE TABLE b (id int PRIMARY KEY, v text) USING pagestore WITH (autovacuum_enabled = off)');
sql("INSERT INTO b SELECT i, repeat('v', 500) FROM generate_series(1, 6000) i; DELETE FROM b WHERE id % 3 = 0");
my $resident = "SELECT count(*) FROM pagestore_frames WHERE relfilenode = pg_relation_filenode('b')";
my $reused = "SELECT sum(reuses) FROM pg_stat_io WHERE context = 'vacuum' AND object = 'relation'";
my $use_ten = 'SET enable_seqscan = off; ' . join(';', map { "SELECT v FROM b WHERE ctid = '($_,1)'" } 0 .. 9);
my $pages = npages('b');
$node->restart;
sql($use_ten);
is(sql($resident), '10', 'ten pages are in use');
$before = sql($reused);
sql("VACUUM (BUFFER_USAGE_LIMIT '256kB') b");
cmp_ok(sql($resident), '<=', 10 + 32, "of $pages pages few stay");
is(sql("$resident AND relblocknumber < 10"), '10', 'those in use do');
cmp_ok(sql($reused) - $before, '>=', 2 * ($pages - 10 - 32), 'in both passes the others make room');
is(sql('SELECT count(*), count(v) FROM b'), '4000|4000', 'rows are as they were');
is(sql("SELECT sum(dead_tuple_count) FROM pagestore_stattuple('b')"), '0', 'dead ones are gone');
$node->stop('immediate');
$node->start;
is(sql('SELECT count(*), count(v) FROM b'), '4000|4000', '... after a crash, too');
$node->restart;
sql("VACUUM (DISABLE_PAGE_SKIPPING) b");
is(sql($resident), $pages, 'without a limit all stay where there is room');
$node->restart;
sql("SET vacuum_buffer_usage_limit = '128kB'; VACUUM (DISABLE_PAGE_SKIPPING) b");
cmp_ok(sql($resident), '<=', 16, 'the setting does as the option');
$node->restart;
sql('SET vacuum_buffer_usage_limit = 0; VACUUM (DISABLE_PAGE_SKIPPING) b');
is(sql($resident), $pages, '... 0 is none');

# --- a page that can't be written when it is to leave
sql('DELETE FROM b WHERE id % 3 = 1');
sql('CHECKPOINT');
$node->restart;
set_fault($node, op => 'write', error => 'EIO', relfilenode => sql("SELECT pg_relation_filenode('b')"));
my (undef, undef, $complaint) = $node->psql('postgres', "SET vacuum_buffer_usage_limit = '128kB'; VACUUM b");
like($complaint, qr/ERROR:  could not write block.*Input\/output error/, 'VACUUM says which page can not be written');
cmp_ok(fault_hits($node), '>', 0, 'and met the fault');
clear_faults($node);
is(sql('SELECT frames_pinned FROM pg_stat_pagestore'), '0', 'no page stays pinned');
sql("SET vacuum_buffer_usage_limit = '128kB'; VACUUM b");
is(sql('SELECT count(*), count(v) FROM b'), '2000|2000', 'the next one succeeds');
is(sql('SELECT count(*) FROM pagestore_check(\'b\')'), '0', 'and all is well');

# after an error what follows is of the usual kind
$node->psql('postgres', "CREATE TABLE bad (a int CHECK (a < 10)) USING pagestore; DO \$\$ BEGIN CREATE TABLE never USING pagestore AS SELECT 1 / (i - 5) AS i FROM generate_series(1, 10) i; EXCEPTION WHEN division_by_zero THEN NULL; END \$\$");
@n = added('bulkwrite', 'client backend', "BEGIN; DO \$\$ BEGIN CREATE TABLE never USING pagestore AS SELECT 1 / (i - 5) AS i FROM generate_series(1, 10) i; EXCEPTION WHEN division_by_zero THEN NULL; END \$\$; SELECT count(*) FROM v; COMMIT");
cmp_ok($n[0], '<', $size, 'what follows an error is of the usual kind');

$node->stop;
done_testing();
