# The pool's statistics beside counts made another way: pages read ahead are used, wasted or waiting; pages read
# around the pool; evictions; times of I/O; what a process holds and has in flight; what a drop, a crash, a restart
# and another database leave of them.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('statistics', conf => "autovacuum = off\nshared_buffers = 16MB\nmax_parallel_workers_per_gather = 0\ncheckpoint_timeout = 1h");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pagestore');

# 8 MB are 1,024 frames: small has 200 pages, large 1,500.
foreach my $t ([ small => 200 ], [ large => 1500 ])
{
	$node->safe_psql('postgres', "CREATE TABLE $t->[0] (id int, pad text) USING pagestore;
		ALTER TABLE $t->[0] ALTER pad SET STORAGE PLAIN;
		INSERT INTO $t->[0] SELECT i, repeat('x', 7000) FROM generate_series(1, $t->[1]) i");
}
$node->safe_psql('postgres', 'CREATE INDEX ON small (id); VACUUM ANALYZE small, large');

sub value { my ($what, $from) = @_; return $node->safe_psql('postgres', "SELECT $what FROM $from"); }
my $table = sub { my ($t, $what) = @_; return value($what, "pg_stat_pagestore_tables WHERE relname = '$t'"); };
my $pool = sub { return value($_[0], 'pg_stat_pagestore'); };
my $zero = sub { $node->safe_psql('postgres', 'SELECT pg_stat_reset(); SELECT pg_stat_reset_pagestore()'); };

# --- a cold scan: each page is read, once, ahead or not
$node->restart;
my $is_async = $pool->('io_method') eq 'io_uring';
is($node->safe_psql('postgres', 'SELECT count(pad) FROM small'), '200', 'cold scan');
is($table->('small', 'blks_total, blks_resident, resident_percent, blks_dirty'), '200|200|100|0', 'all of it is resident');
is($table->('small', 'blks_hit, blks_read'), $node->safe_psql('postgres', "SELECT heap_blks_hit, heap_blks_read FROM pg_statio_user_tables WHERE relname = 'small'"),
	'hits and reads are what core counts');
cmp_ok($table->('small', 'blks_read_ahead'), '>', 100, 'most of it was read ahead');
is($table->('small', 'blks_read_ahead_wasted, evictions, blks_around'), '0|0|0', 'nothing wasted, evicted, or read around');
is($pool->('blks_read + blks_read_ahead >= 200'), 't', 'the pool has read each page');

# --- around the pool: nothing goes
is($node->safe_psql('postgres', 'SELECT count(*) FROM large'), '1500', 'a scan of the large table');
cmp_ok($table->('large', 'blks_around'), '>', 1000, 'most of it was read around the pool');
is($table->('large', 'blks_around'), $pool->('blks_around'), 'by table as by pool');
is($table->('small', 'blks_resident, evictions'), '200|0', 'the small one stays');

# --- wasted: a scan is given up, and what it has read ahead leaves the pool unused
$node->restart;
$zero->();
my $before = $pool->('blks_read');
$node->safe_psql('postgres', 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM small; FETCH 70 FROM c; CLOSE c; COMMIT');
my $ahead = $table->('small', 'blks_read_ahead');
cmp_ok($ahead, '>', 0, "$ahead pages read ahead by a scan that is given up");
is($table->('small', 'blks_read_ahead_wasted'), '0', 'none wasted yet');
$node->safe_psql('postgres', "SELECT pagestore_prewarm('large')");
$node->safe_psql('postgres', "SELECT pagestore_prewarm('large')") if $table->('small', 'blks_resident') > 0;
SKIP:
{
	my $left = $table->('small', 'blks_resident');
	skip "$left pages are still there", 2 if $left > 0;

	# used ones and wasted ones, without those that were read when they were needed
	my ($wasted, $used) = split(/\|/, $table->('small', 'blks_read_ahead_wasted, blks_read'));
	is($used, 70, '70 were used');
	cmp_ok($ahead - $wasted, '<=', $used, "$wasted of $ahead were wasted, the others used");
	cmp_ok($wasted, '>', 0, 'some were wasted');
	is($table->('small', 'evictions'), $node->safe_psql('postgres', "SELECT blks_read + blks_read_ahead_wasted FROM pg_stat_pagestore_tables WHERE relname = 'small'"), 'each page that came has been evicted');
}
is($pool->('evictions'), value('sum(evictions)', 'pg_stat_pagestore_tables'), 'evictions by table as by pool');
is($pool->('blks_read_ahead_wasted'), value('sum(blks_read_ahead_wasted)', 'pg_stat_pagestore_tables'), 'waste by table as by pool');
is($pool->('blks_read_ahead'), value('sum(blks_read_ahead)', 'pg_stat_pagestore_tables'), 'reads ahead by table as by pool');

# --- an index scan and a bitmap scan, parallel workers
$node->restart;
$zero->();
$node->safe_psql('postgres', 'SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(pad) FROM small WHERE id BETWEEN 1 AND 150');
cmp_ok($table->('small', 'blks_hit + blks_read'), '>=', 150, 'index scan: pages are counted');
is($table->('small', 'blks_resident, blks_read - 1'), '150|150', 'index scan: all of them were read (and, as of heap, a page of the map)');
$node->safe_psql('postgres', "ALTER TABLE small SET (parallel_workers = 2); SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SELECT count(pad) FROM small");
is($table->('small', 'blks_resident'), '200', 'parallel scan: all is resident');
is($pool->('blks_read_ahead'), value('sum(blks_read_ahead)', 'pg_stat_pagestore_tables'), 'parallel workers count, too');

# --- another database sees its own tables; a reset is for all
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', 'CREATE EXTENSION pagestore; CREATE TABLE o USING pagestore AS SELECT generate_series(1, 1000) i');
is($node->safe_psql('other', 'SELECT relname FROM pg_stat_pagestore_tables'), 'o', 'tables of this database only');
$node->safe_psql('other', 'SELECT pg_stat_reset_pagestore()');
is($table->('small', 'blks_read_ahead'), '0', 'a reset in another database is one here');
is($table->('small', 'blks_resident'), '200', 'and changes nothing in the pool');

# --- gone is gone
$node->safe_psql('postgres', "CREATE TABLE gone USING pagestore AS SELECT generate_series(1, 1000) i; SELECT pagestore_prewarm('large')");
is(value('count(*)', "pg_stat_pagestore_tables WHERE relname = 'gone'"), '1', 'a table');
$node->safe_psql('postgres', 'BEGIN; DROP TABLE gone; ROLLBACK');
is(value('count(*)', "pg_stat_pagestore_tables WHERE relname = 'gone'"), '1', 'a drop that is rolled back');
$node->safe_psql('postgres', 'DROP TABLE gone');
is(value('count(*)', "pg_stat_pagestore_tables WHERE relname = 'gone'"), '0', 'a dropped table has no row');
$node->safe_psql('postgres', 'DROP DATABASE other');

# --- time
$node->restart;
$node->safe_psql('postgres', 'SELECT count(pad) FROM small');
is($pool->('blk_read_time, blk_write_time'), '0|0', 'no time without track_io_timing');
$node->restart;
my $plan = $node->safe_psql('postgres', 'SET track_io_timing = on; EXPLAIN (ANALYZE, BUFFERS) SELECT count(pad) FROM small');
like($plan, qr/I\/O Timings: shared\/local read=[\d.]+|I\/O Timings: (shared )?read=[\d.]+/, 'EXPLAIN says how long the reads took');
is($pool->('blk_read_time > 0'), 't', 'so does the view');
$plan = $node->safe_psql('postgres', 'SET track_io_timing = on; UPDATE small SET id = id WHERE id < 100;
	SELECT pagestore_convert(\'small\', \'heap\'); SELECT blk_write_time > 0, (SELECT a.blk_write_time > 0 AND blks_written > 0 FROM pg_stat_pagestore_activity a WHERE pid = pg_backend_pid()) FROM pg_stat_pagestore');
like($plan, qr/^t\|t$/m, 'writes take time, of the pool and of the process');
$node->safe_psql('postgres', "SELECT pagestore_convert('small', 'pagestore')");

# --- what a process holds, and who may see it
$node->safe_psql('postgres', 'CREATE ROLE nobody LOGIN; GRANT SELECT ON large TO nobody');
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()');
$session->query_safe('BEGIN; DECLARE c CURSOR FOR SELECT * FROM large; MOVE 500 IN c');
is(value('frames_pinned, ring_bytes', "pg_stat_pagestore_activity WHERE pid = $pid"), '0|4194304', 'a scan around the pool has a ring, and no frame');
is($node->safe_psql('postgres', "SELECT datname, ring_bytes FROM pg_stat_pagestore_activity WHERE pid = $pid", extra_params => [ '-U', 'nobody' ]), 'postgres|',
	'who must not see what others do sees that there is a process, and no more');
$session->query_safe('ROLLBACK');
is(value('ring_bytes', "pg_stat_pagestore_activity WHERE pid = $pid"), '0', 'the ring is gone with the scan');
SKIP:
{
	skip 'reads are synchronous here', 1 unless $is_async;
	$node->restart;
	my $reader = $node->background_psql('postgres', on_error_stop => 0);
	$pid = $reader->query_safe('SELECT pg_backend_pid()');
	stop_at($node, 'aio-before-submit', pid => $pid);
	$reader->query_until(qr/begun/, "\\echo begun\nSELECT count(pad) FROM small;\n");
	wait_stopped($node, 'aio-before-submit');
	cmp_ok(value('reads_in_flight', "pg_stat_pagestore_activity WHERE pid = $pid"), '>=', 1, 'a read in flight');
	go($node);
	$reader->quit;
}
{
	my $writer = $node->background_psql('postgres', on_error_stop => 0);
	$pid = $writer->query_safe('SELECT pg_backend_pid()');
	$writer->query_safe('UPDATE small SET id = id WHERE id < 150');
	stop_at($node, 'write-before-file', pid => $pid);
	$writer->query_until(qr/begun/, "\\echo begun\nALTER TABLE small SET ACCESS METHOD heap;\n\\echo finished\n");
	wait_stopped($node, 'write-before-file');
	cmp_ok(value('writes_in_flight', "pg_stat_pagestore_activity WHERE pid = $pid"), '>=', 1, 'writes in flight');
	go($node);
	$writer->query_until(qr/finished/, '');
	is(value('writes_in_flight', "pg_stat_pagestore_activity WHERE pid = $pid"), '0', 'and none any more');
	$writer->quit;
}
{
	# more of them than there are places for whoever looks
	$node->safe_psql('postgres', 'ALTER TABLE small SET ACCESS METHOD pagestore');
	my @sessions = map { $node->background_psql('postgres') } 1 .. 3;
	my $pids = join ', ', map { $_->query_safe('SELECT count(pad) FROM small; SELECT pg_backend_pid()') =~ /(\d+)$/ } @sessions;
	is(value('count(*)', "pg_stat_pagestore_activity WHERE pid IN ($pids)"), '3', 'processes have rows');
	$_->quit foreach @sessions;
	ok(poll($node, "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid IN ($pids)"), 'they end');
	is(value('count(*)', "pg_stat_pagestore_activity WHERE pid IN ($pids)"), '0', 'what has ended has no row');
}

# --- waits have the names that doc/monitoring.md gives them: of our own from 17 on
my %waits = server_major() >= 17
  ? (map { $_ => "Extension|Pagestore$_" } 'Read', 'Write', 'FreeFrame', 'Sentinel', 'Stray', 'WorkerMain')
  : (Read => 'IPC|BufferIO', Write => 'IPC|BufferIO', FreeFrame => 'BufferPin|BufferPin', map { $_ => 'Extension|Extension' } 'Sentinel', 'Stray', 'WorkerMain');
sub is_seen
{
	my ($wait, $who, $what) = @_;
	ok($node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE $who AND wait_event_type || '|' || wait_event = '$waits{$wait}'"), "$what: $waits{$wait}");
}
sub beside
{
	my ($sql) = @_;
	my $other = $node->background_psql('postgres', on_error_stop => 0);
	my $who = $other->query_safe('SELECT pg_backend_pid()');
	$other->query_until(qr/begun/, "\\echo begun\n$sql;\n\\echo finished\n");
	return ($other, "pid = $who");
}
sub finish_beside { my ($other) = @_; $other->query_until(qr/finished/, ''); $other->quit; }
{
	$node->append_conf('postgresql.conf', "pagestore.debug_stops = 'sentinel-before-open:wait'");
	$node->restart;
	my ($change, $who) = beside('UPDATE small SET id = id WHERE id = 1');
	is_seen('Sentinel', $who, 'a change right after the start');
	go($node);
	finish_beside($change);
	$node->append_conf('postgresql.conf', "pagestore.debug_stops = ''");
	is_seen('WorkerMain', "backend_type = 'pagestore $_'", "the $_ has nothing to do") foreach ('sentinel', 'writer');
}
SKIP:
{
	skip 'reads are synchronous here', 1 unless $is_async;
	$node->restart;
	stop_at($node, 'ahead-entered', times => 1);
	my ($reader) = beside('SELECT count(pad) FROM small');
	wait_stopped($node, 'ahead-entered');
	my ($other, $who) = beside('SELECT count(pad) FROM small');
	is_seen('Read', $who, 'a page that another process reads');
	go($node);
	finish_beside($_) foreach ($reader, $other);
}
{
	$node->safe_psql('postgres', 'CREATE TABLE short (id int, pad text) USING pagestore; INSERT INTO short SELECT * FROM small');
	stop_at($node, 'write-before-clean', times => 1);
	my ($checkpoint) = beside('CHECKPOINT');
	wait_stopped($node, 'write-before-clean');
	my ($drop, $who) = beside('DROP TABLE short');
	is_seen('Write', $who, 'a table dropped while it is written');
	go($node);
	finish_beside($_) foreach ($checkpoint, $drop);
}
{
	# each cursor holds a page
	my $holder = $node->background_psql('postgres');
	$holder->query_safe(q(SET enable_seqscan = off; BEGIN; DO $$ DECLARE c refcursor; r record; BEGIN FOR k IN 0..1499 LOOP
		BEGIN c := 'c' || k; OPEN c FOR SELECT id, pad FROM large WHERE ctid = ('(' || k || ',1)')::tid; FETCH c INTO r; EXCEPTION WHEN insufficient_resources THEN EXIT; END; END LOOP; END $$));
	my ($reader, $who) = beside('DO $$ BEGIN LOOP BEGIN PERFORM count(pad) FROM small; EXIT; EXCEPTION WHEN insufficient_resources THEN NULL; END; END LOOP; END $$');
	is_seen('FreeFrame', $who, 'every page of the pool is in use');
	$holder->quit;
	finish_beside($reader);
}
if (server_major() >= 17)
{
	my $known = $node->safe_psql('postgres', "SELECT string_agg('Extension|' || name, ' ') FROM pg_wait_events WHERE type = 'Extension' AND name LIKE 'Pagestore%'");
	like(" $known ", qr/ \Q$waits{$_}\E /, "pg_wait_events lists $_") foreach ('Write', 'FreeFrame', 'WorkerMain');
}

# --- a crash: counts begin anew, as core's do
$node->safe_psql('postgres', 'ALTER TABLE small SET ACCESS METHOD pagestore; SELECT count(pad) FROM small');
my $reset = $pool->('stats_reset');
kill_server($node);
$node->start;
is($node->safe_psql('postgres', "SELECT blks_hit < 20, blks_read < 20, frames_dirty, stats_reset > '$reset' FROM pg_stat_pagestore"), 't|t|0|t', 'after a crash counts begin anew');
is($table->('small', 'blks_resident, evictions, blks_read_ahead'), '0|0|0', 'by table, too');

sub poll { my ($n, $q) = @_; return $n->poll_query_until('postgres', $q); }

$session->quit;
$node->stop;
done_testing();
