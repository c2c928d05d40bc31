# Progress: what core's views say of VACUUM, CREATE INDEX, ANALYZE, CLUSTER, VACUUM FULL and COPY on a pagestore table,
# half way, is what they say on a heap table; conversion and reading into the pool have views of their own.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('progress', conf => "autovacuum = off\nmax_parallel_maintenance_workers = 0\nsynchronize_seqscans = off\npagestore.autoprewarm = on");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pagestore');

# --- as heap: a function of an index, or of a trigger, says how far its own command has come
$node->safe_psql('postgres', q{
	CREATE FUNCTION progress(i int, at int, what text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
	DECLARE
		r jsonb;
	BEGIN
		IF i = at THEN
			EXECUTE format('SELECT to_jsonb(p) - %L::text[] FROM pg_catalog.%I p WHERE pid = pg_catalog.pg_backend_pid()',
				'{pid,datid,datname,relid,index_relid,cluster_index_relid}', 'pg_stat_progress_' || what) INTO r;
			RAISE WARNING 'progress %', r;
		END IF;
		RETURN i;
	END $$;
	CREATE FUNCTION on_insert() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM progress(new.id, 1500, 'copy');
		RETURN new;
	END $$;
});
foreach my $am ('heap', 'pagestore')
{
	$node->safe_psql('postgres', "CREATE TABLE t_$am (id int, pad text) USING $am;
		INSERT INTO t_$am SELECT i, repeat('x', 300) FROM generate_series(1, 3000) i;
		CREATE TABLE c_$am (id int, pad text) USING $am; CREATE TRIGGER tr BEFORE INSERT ON c_$am FOR EACH ROW EXECUTE FUNCTION on_insert();
		CREATE TABLE v_$am (id int, pad text) USING $am;
		INSERT INTO v_$am SELECT i, repeat('x', 300) FROM generate_series(1, 3000) i; CREATE INDEX v_${am}_id ON v_$am (id);
		VACUUM v_$am; DELETE FROM v_$am WHERE id % 3 = 0");
}
my $said = sub {
	my ($sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql);
	return join "\n", $err =~ /progress (.*)/g;
};
my $as_heap = sub {
	my ($what, $sql, $like) = @_;
	my $heap = $said->($sql =~ s/_AM/_heap/gr);
	like($heap, $like, "$what: heap says how far it is");
	is($said->($sql =~ s/_AM/_pagestore/gr), $heap, "$what: so does pagestore");
};
$as_heap->('CREATE INDEX', "CREATE INDEX t_AM_x ON t_AM (progress(id, 1500, 'create_index'))", qr/"blocks_done": [1-9]/);
$as_heap->('CREATE INDEX CONCURRENTLY', "CREATE INDEX CONCURRENTLY t_AM_y ON t_AM (progress(id, 1501, 'create_index'))", qr/"blocks_done": [1-9]/);
$as_heap->('BRIN', "CREATE INDEX t_AM_z ON t_AM USING brin (progress(id, 1502, 'create_index'))", qr/"blocks_total": [1-9]/);
$as_heap->('REINDEX', 'REINDEX INDEX t_AM_x', qr/"blocks_done": [1-9]/);
$node->safe_psql('postgres', "DROP INDEX t_${_}_x, t_${_}_y, t_${_}_z; CREATE INDEX t_${_}_a ON t_$_ (progress(id, 1500, 'analyze')); CREATE INDEX t_${_}_c ON t_$_ (progress(id, 1500, 'cluster')); CREATE INDEX t_${_}_id ON t_$_ (id)")
  foreach ('heap', 'pagestore');
$as_heap->('ANALYZE', 'ANALYZE t_AM', qr/"sample_blks_scanned": [1-9]/);
$as_heap->('CLUSTER by sorting', 'SET enable_indexscan = off; CLUSTER t_AM USING t_AM_id', qr/"heap_tuples_written": 3000/);
$as_heap->('CLUSTER by index', 'SET enable_sort = off; CLUSTER t_AM USING t_AM_id', qr/"heap_tuples_written": 3000/);
$as_heap->('VACUUM FULL', 'VACUUM FULL t_AM', qr/"heap_blks_scanned": [1-9]/);
$as_heap->('COPY', "COPY c_AM FROM PROGRAM 'seq 1 2000 | sed \"s/\$/\tx/\"'", qr/"tuples_processed": [1-9]/);

# --- VACUUM, which waits at a leaf of the index that a cursor has pinned
{
	my %seen;
	foreach my $am ('heap', 'pagestore')
	{
		my $cursor = $node->background_psql('postgres');
		my $vacuum = $node->background_psql('postgres', on_error_stop => 0);
		$cursor->query_safe("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off");
		$cursor->query_safe("BEGIN; DECLARE c CURSOR FOR SELECT id FROM v_$am WHERE id > 0 ORDER BY id; FETCH 1 FROM c");
		$vacuum->query_until(qr/begun/, "\\echo begun\nVACUUM v_$am;\n\\echo finished\n");
		ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_progress_vacuum p JOIN pg_stat_activity a USING (pid) WHERE phase = 'vacuuming indexes' AND wait_event IN ('BufferPin', 'BufferCleanup')"),
			"VACUUM of $am: at the index");
		$seen{$am} = $node->safe_psql('postgres', "SELECT to_jsonb(p) - '{pid,datid,datname,relid}'::text[] FROM pg_stat_progress_vacuum p");
		$cursor->query_safe('COMMIT');
		$vacuum->query_until(qr/finished/, '');
		$_->quit foreach ($cursor, $vacuum);
	}
	like($seen{heap}, qr/"heap_blks_scanned": [1-9]/, 'VACUUM: heap says how far it is');
	is($seen{pagestore}, $seen{heap}, 'VACUUM: so does pagestore');
}

# --- conversion
my $convert = sub { return $node->safe_psql('postgres', "SELECT relid::regclass, datname, access_method, phase, tables_total, tables_done, tables_skipped FROM pg_stat_progress_pagestore_convert"); };
my $in_background = sub {
	my ($sql) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_until(qr/begun/, "\\echo begun\n$sql;\n\\echo finished\n");
	return $session;
};
my $finish = sub { my ($session) = @_; $session->query_until(qr/finished/, ''); $session->quit; };
is($convert->(), '', 'no conversion: no row');
foreach my $how ("ALTER TABLE t_heap SET ACCESS METHOD pagestore", "SELECT pagestore_convert('t_heap', 'pagestore')")
{
	stop_at($node, 'switch-flushed', times => 1);
	stop_at($node, 'switch-before-commit', times => 1);
	my $session = $in_background->($how);
	wait_stopped($node, 'switch-flushed');
	is($convert->(), 't_heap|postgres|pagestore|writing changed pages|1|0|0', "$how: writes");
	is($node->safe_psql('postgres', "CREATE ROLE nobody; SET ROLE nobody; SELECT count(pid), count(relid), count(phase) FROM pg_stat_progress_pagestore_convert; RESET ROLE; DROP ROLE nobody"), '1|0|0',
		'who must not see what others do sees that there is a process, and no more');
	my $other = $node->background_psql('postgres');
	$other->query_safe('BEGIN; SELECT count(*) FROM t_heap');
	go($node, 'switch-flushed');
	ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_progress_pagestore_convert p JOIN pg_locks l USING (pid) WHERE phase = 'waiting for lock' AND NOT granted"), 'waits');
	$other->query_safe('COMMIT');
	$other->quit;
	wait_stopped($node, 'switch-before-commit');
	is($convert->(), 't_heap|postgres|pagestore|changing the catalog|1|0|0', 'changes the catalog');
	go($node);
	$finish->($session);
	is($convert->(), '', 'is done');
	$node->safe_psql('postgres', 'ALTER TABLE t_heap SET ACCESS METHOD heap');
}
{
	# of all tables but one, for which a lock is waited in vain
	$node->safe_psql('postgres', "SELECT pagestore_convert(c.oid, 'heap') FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE amname = 'pagestore' AND relkind = 'r'");
	my $other = $node->background_psql('postgres');
	$other->query_safe('BEGIN; LOCK c_heap IN SHARE MODE');
	my $session = $in_background->("CALL pagestore_convert_all('pagestore', 'public')");
	ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_progress_pagestore_convert p JOIN pg_locks l USING (pid) WHERE phase = 'waiting for lock' AND NOT granted"), 'the second table is waited for');
	is($convert->(), 'c_heap|postgres|pagestore|waiting for lock|6|1|0', 'one is done');
	$other->query_safe('COMMIT');
	$finish->($session);
	is($convert->(), '', 'all are done');

	$other->query_safe('BEGIN; LOCK c_heap IN SHARE MODE');
	my ($rc, $out, $err) = $node->psql('postgres', "SET lock_timeout = 100; CALL pagestore_convert_all('heap', 'public');
		SELECT count(*) FROM pg_stat_progress_pagestore_convert; SELECT pagestore_convert('c_heap', 'heap'); SELECT count(*) FROM pg_stat_progress_pagestore_convert", on_error_stop => 0);
	like($err, qr/skipped table public.c_heap/, 'a table is skipped');
	like($out, qr/^0\n0$/m, 'what is done, or has failed, has no row');
	$other->query_safe('COMMIT');
	$other->quit;
	$node->safe_psql('postgres', 'CREATE TABLE parts (id int) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF parts FOR VALUES IN (1) USING heap; CREATE TABLE p2 PARTITION OF parts FOR VALUES IN (2) USING heap');
	stop_at($node, 'switch-before-commit', skip => 1, times => 1);
	$session = $in_background->("SELECT pagestore_convert('parts', 'pagestore')");
	wait_stopped($node, 'switch-before-commit');
	is($convert->(), 'p2|postgres|pagestore|changing the catalog|3|2|0', 'partitions');
	go($node);
	$finish->($session);
}

# --- into the pool
my $prewarm = sub { return $node->safe_psql('postgres', 'SELECT relid::regclass, datname, blocks_total, blocks_done FROM pg_stat_progress_pagestore_prewarm'); };
my $nblocks = $node->safe_psql('postgres', "ALTER TABLE t_heap SET ACCESS METHOD pagestore; SELECT pg_relation_size('t_heap') / 8192");
stop_at($node, 'prewarm-block', skip => 9, times => 1);
my $session = $in_background->("SELECT pagestore_prewarm('t_heap')");
wait_stopped($node, 'prewarm-block');
is($prewarm->(), "t_heap|postgres|$nblocks|10", 'pagestore_prewarm()');
go($node);
$finish->($session);
is($prewarm->(), '', 'is done');
$node->safe_psql('postgres', 'CREATE EXTENSION pg_prewarm');
stop_at($node, 'prewarm-block', skip => 4, times => 1);
$session = $in_background->("SELECT pg_prewarm('t_heap', first_block => 10)");
wait_stopped($node, 'prewarm-block');
is($prewarm->(), 't_heap|postgres|' . ($nblocks - 10) . '|5', 'pg_prewarm()');
go($node);
$finish->($session);

# after a start
$node->safe_psql('postgres', "SELECT pagestore_prewarm('t_heap')");
$node->append_conf('postgresql.conf', "pagestore.debug_stops = 'read-back-page:wait:20:1'");
$node->restart;
wait_stopped($node, 'read-back-page');
like($prewarm->(), qr/^\w+\|postgres\|\d+\|\d+$/, 'warm restart');
is($node->safe_psql('postgres', "SELECT b.backend_type FROM pg_stat_progress_pagestore_prewarm p JOIN pg_stat_activity b USING (pid)"), 'pagestore prewarm worker', 'by its worker');
go($node);
ok($node->poll_query_until('postgres', "SELECT phase = 'done' FROM pagestore_prewarm_progress"), 'is done');
is($prewarm->(), '', 'and has no row');

is($node->safe_psql('postgres', "SELECT count(*) FROM pagestore_progress('convert')"), '0', 'by name');
my ($rc, $out, $err) = $node->psql('postgres', "SELECT pagestore_progress('vacuum')");
like($err, qr/invalid command name: "vacuum"/, 'no other command');
$node->stop;
done_testing();
