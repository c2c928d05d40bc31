# Memory by the row: each kind of statement is run over many rows on heap and on pagestore, and what the process holds when
# it comes to the last one must not have grown by more than heap's has.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $rows = 6_000;
my $allowed = 48 * 1024;	# more than heap: 8 bytes a row; the smallest allocation takes 24

my $node = new_server('memory', conf => "wal_level = logical\nmax_parallel_workers_per_gather = 0\nmax_parallel_maintenance_workers = 0\njit = off\nautovacuum = off\nfsync = off\nwork_mem = '1MB'\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pagestore;
	-- tell what the process uses now; called for the last row only
	CREATE FUNCTION tell(id int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		RAISE NOTICE 'memory %', (SELECT sum(used_bytes) FROM pg_backend_memory_contexts);
		RETURN 1;
	END $$;
	CREATE FUNCTION at_last(id int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN id = } . $rows . q{ THEN public.tell(id) ELSE 1 END $$;
	CREATE FUNCTION silent() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
});

my $copy = $node->basedir . '/rows';
append_to_file($copy, join('', map { "$_\t0\tcopied\n" } 1 .. $rows));

# TBL is the table, AM its access method.  The rows come by in the order of id.  CHECK looks at each that is written, of others the query itself asks.
my $table = "(id int, n int, t text, CHECK (at_last(id) = 1))";
my $fill = "INSERT INTO TBL SELECT i, i % 100, 'row ' || i FROM generate_series(1, $rows) i";
my $plain = "CREATE TABLE TBL (id int PRIMARY KEY, n int, t text) USING AM; $fill";
my $checked = "CREATE TABLE TBL (id int PRIMARY KEY, n int, t text) USING AM; $fill; ALTER TABLE TBL ADD CHECK (at_last(id) = 1) NOT VALID";
my $wide = "CREATE TABLE TBL (id int PRIMARY KEY, n int, t text) USING AM; ALTER TABLE TBL ALTER t SET STORAGE EXTERNAL;"
	. "INSERT INTO TBL SELECT i, 0, CASE WHEN i % 10 = 0 THEN repeat('w', 3000) END FROM generate_series(1, $rows) i; ALTER TABLE TBL ADD CHECK (at_last(id) = 1) NOT VALID";
my $twice = "$checked; ALTER TABLE TBL REPLICA IDENTITY FULL";
my $last = "count(at_last(id))";
my @work = (
	[ 'INSERT', "CREATE TABLE TBL $table USING AM", $fill ],
	[ 'COPY', "CREATE TABLE TBL $table USING AM", "COPY TBL FROM '$copy'" ],
	[ 'INSERT of values out of line', "CREATE TABLE TBL $table USING AM; ALTER TABLE TBL ALTER t SET STORAGE EXTERNAL",
		"INSERT INTO TBL SELECT i, 0, CASE WHEN i % 10 = 0 THEN repeat('w', 3000) END FROM generate_series(1, $rows) i" ],
	[ 'COPY of values out of line', "CREATE TABLE TBL $table USING AM; ALTER TABLE TBL ALTER t SET STORAGE EXTERNAL; ALTER TABLE TBL SET (toast_tuple_target = 128)",
		"COPY TBL FROM PROGRAM 'seq $rows | sed ''s/\$/\t0\t$_/''' " =~ s/\$_/'w' x 300/er ],
	[ 'INSERT ON CONFLICT DO UPDATE', $checked, "INSERT INTO TBL SELECT i, 0, 'x' FROM generate_series(1, $rows) i ON CONFLICT (id) DO UPDATE SET n = TBL.n + 1" ],
	[ 'INSERT ON CONFLICT, new rows', "CREATE TABLE TBL $table USING AM; CREATE UNIQUE INDEX ON TBL (id)", "INSERT INTO TBL SELECT i, 0, 'x' FROM generate_series(1, $rows) i ON CONFLICT (id) DO NOTHING" ],
	[ 'CREATE TABLE AS', 'SELECT 1', "CREATE TABLE TBL USING AM AS SELECT i AS id, at_last(i) FROM generate_series(1, $rows) i" ],
	[ 'UPDATE', $checked, 'UPDATE TBL SET n = n + 1' ],
	[ 'UPDATE with room on the page', $checked =~ s/USING AM/USING AM WITH (fillfactor = 40)/r, 'UPDATE TBL SET n = n + 1' ],
	[ 'UPDATE of the key', $checked, "UPDATE TBL SET id = CASE id WHEN $rows THEN id ELSE -id END" ],
	[ 'UPDATE of values out of line', $wide, "UPDATE TBL SET t = t || 'x'" ],
	[ 'UPDATE beside values out of line', $wide, 'UPDATE TBL SET n = 1' ],
	[ 'UPDATE of an identity', $twice, 'UPDATE TBL SET n = n + 1' ],
	[ 'UPDATE of an identity with values out of line', "$wide; ALTER TABLE TBL REPLICA IDENTITY FULL", 'UPDATE TBL SET n = 1' ],
	[ 'DELETE', $plain, 'DELETE FROM TBL WHERE at_last(id) = 1' ],
	[ 'DELETE of an identity', "$plain; ALTER TABLE TBL REPLICA IDENTITY FULL", 'DELETE FROM TBL WHERE at_last(id) = 1' ],
	[ 'DELETE of values out of line', "$wide; ALTER TABLE TBL REPLICA IDENTITY FULL", 'DELETE FROM TBL WHERE at_last(id) = 1' ],
	[ 'MERGE', $checked, "MERGE INTO TBL USING generate_series(1, $rows) s ON id = s WHEN MATCHED AND id % 3 = 0 AND id < $rows THEN DELETE WHEN MATCHED THEN UPDATE SET n = 0" ],
	[ 'UPDATE with triggers', "$checked; CREATE TRIGGER b BEFORE UPDATE ON TBL FOR EACH ROW EXECUTE FUNCTION silent()", 'UPDATE TBL SET n = n + 1' ],
	[ 'UPDATE with a trigger after it', "$checked; CREATE TRIGGER a AFTER UPDATE ON TBL FOR EACH ROW EXECUTE FUNCTION silent()", 'UPDATE TBL SET n = n + 1' ],
	[ 'UPDATE of a partitioned table across partitions',
		"CREATE TABLE TBL (id int, n int, t text) PARTITION BY LIST (n); CREATE TABLE TBL0 PARTITION OF TBL FOR VALUES IN (0) USING AM; CREATE TABLE TBL1 PARTITION OF TBL FOR VALUES IN (1) USING AM;"
			. "INSERT INTO TBL SELECT i, 0, 'x' FROM generate_series(1, $rows) i; ALTER TABLE TBL1 ADD CHECK (at_last(id) = 1)", 'UPDATE TBL SET n = 1' ],
	[ 'SELECT FOR UPDATE', $plain, "SELECT $last FROM (SELECT id FROM TBL ORDER BY id FOR UPDATE OFFSET 0) s" ],
	[ 'SELECT FOR KEY SHARE of locked rows', "$plain; BEGIN; SELECT 1 FROM TBL FOR SHARE; COMMIT", "SELECT $last FROM (SELECT id FROM TBL FOR KEY SHARE OFFSET 0) s" ],
	[ 'SELECT FOR UPDATE beside own locks', $plain, "SAVEPOINT s; SELECT 1 FROM TBL FOR KEY SHARE; SAVEPOINT t; SELECT $last FROM (SELECT id FROM TBL FOR UPDATE OFFSET 0) s" ],
	[ 'sequential scan', $plain, "SELECT $last FROM TBL" ],
	[ 'index scan', $plain, "SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT $last FROM (SELECT * FROM TBL WHERE id > 0 ORDER BY id OFFSET 0) s" ],
	[ 'index-only scan', $plain, "SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT $last FROM (SELECT id FROM TBL WHERE id > 0 ORDER BY id OFFSET 0) s" ],
	[ 'bitmap scan', $plain, "SET enable_seqscan = off; SET enable_indexscan = off; SET enable_indexonlyscan = off; SELECT $last FROM TBL WHERE id > 0" ],
	[ 'a scan by index for each row', $plain, "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off; SET enable_bitmapscan = off; SELECT $last FROM (SELECT b.id, b.t FROM TBL a JOIN TBL b ON b.id = a.id OFFSET 0) s" ],
	[ 'sample scan', $plain, "SELECT $last FROM TBL TABLESAMPLE SYSTEM (100)" ],
	[ 'rows by TID', $plain, "SELECT $last FROM (SELECT (SELECT b.id FROM TBL b WHERE b.ctid = a.ctid) FROM TBL a OFFSET 0) s" ],
	[ 'rows with system columns', $plain, "SELECT count(xmin), count(cmax), count(xmax), count(ctid), $last FROM TBL" ],
	[ 'EvalPlanQual-like refetch', $plain, "SELECT $last FROM (SELECT a.id FROM TBL a JOIN TBL b USING (id) ORDER BY a.id FOR UPDATE OF a OFFSET 0) s" ],
	[ 'cursor', $plain, "DECLARE c CURSOR FOR SELECT id, at_last(id) FROM TBL; DO \$\$ DECLARE c refcursor := 'c'; r record; BEGIN LOOP FETCH c INTO r; EXIT WHEN NOT FOUND; END LOOP; END \$\$" ],
	[ 'UPDATE WHERE CURRENT OF', $checked, "DO \$\$ DECLARE c CURSOR FOR SELECT id FROM TBL FOR UPDATE; BEGIN FOR r IN c LOOP UPDATE TBL SET n = 5 WHERE CURRENT OF c; END LOOP; END \$\$" ],
	[ 'CREATE INDEX', $plain, 'CREATE INDEX ON TBL (at_last(id))' ],
	[ 'CREATE UNIQUE INDEX', $plain, 'CREATE UNIQUE INDEX ON TBL (id, at_last(id))' ],
	[ 'CREATE INDEX CONCURRENTLY', $plain, 'CREATE INDEX CONCURRENTLY ON TBL (at_last(id))' ],
	[ 'CREATE INDEX over updated rows', "$plain; UPDATE TBL SET n = n", 'CREATE INDEX ON TBL (at_last(id))' ],
	[ 'ALTER TABLE, rewriting', $checked, 'ALTER TABLE TBL ALTER n TYPE bigint USING at_last(id)' ],
	[ 'ALTER TABLE, checking', $plain, 'ALTER TABLE TBL ADD CHECK (at_last(id) = 1)' ],
	[ 'CLUSTER by index', "$plain; CREATE INDEX i_TBL ON TBL (at_last(id), id); SET enable_seqscan = off", 'SET enable_sort = off; CLUSTER TBL USING i_TBL' ],
	[ 'CLUSTER by sort', "$plain; CREATE INDEX i_TBL ON TBL (id, at_last(id))", 'CLUSTER TBL USING TBL_pkey' ],
	[ 'VACUUM FULL', "$plain; CREATE INDEX ON TBL (at_last(id))", 'VACUUM FULL TBL' ],
	[ 'VACUUM FULL of values out of line', "$wide; CREATE INDEX ON TBL (at_last(id))", 'VACUUM FULL TBL' ],
	[ 'ANALYZE', "$plain; CREATE INDEX ON TBL (at_last(id)); SET default_statistics_target = 100", 'ANALYZE TBL' ],
	[ 'UPDATE of rows pruned on the way', $checked =~ s/USING AM/USING AM WITH (fillfactor = 60)/r, 'UPDATE TBL SET n = n + 1 WHERE id < ' . $rows . '; COMMIT; BEGIN; UPDATE TBL SET n = n + 1' ],
);

sub growth
{
	my ($am, $prepare, $statement) = @_;
	my $alone = $statement =~ /CONCURRENTLY|VACUUM|CLUSTER/;
	# told twice before: the first time loads what the telling takes
	my $sql = "DROP TABLE IF EXISTS TBL; $prepare;\n"
		. ($alone ? '' : 'BEGIN; ') . "SELECT tell(0); SELECT tell(0);\n\\warn before\nSELECT tell(0);\n$statement;\n" . ($alone ? '' : 'COMMIT;');
	my $told;

	$sql =~ s/TBL/work_$am/g;
	$sql =~ s/\bAM\b/$am eq 'h' ? 'heap' : 'pagestore'/eg;
	$node->psql('postgres', $sql, stderr => \$told, on_error_die => 1);
	$told =~ s/^.*\nbefore\n//s;
	my @used = $told =~ /memory (\d+)/g;
	die "$statement: $told" if @used < 2;
	return $used[-1] - $used[0];
}

foreach my $w (@work)
{
	my ($name, $prepare, $statement) = @$w;
	my $heap = growth('h', $prepare, $statement);
	my $ours = growth('p', $prepare, $statement);
	ok($ours <= $heap + $allowed, "$name: heap grows by $heap bytes, pagestore by $ours");
}

# VACUUM runs no code of ours, and heap's has no stop points: what it holds after its scan must not grow by the row.
sub holds
{
	my ($pid) = @_;
	my $from = -s $node->logfile;
	$node->safe_psql('postgres', "SELECT pg_log_backend_memory_contexts($pid)");
	for (1 .. 600)
	{
		return $1 if slurp_file($node->logfile, $from) =~ /\[$pid\] .*Grand total: .* (\d+) used/;
		usleep(50_000);
	}
	die "process $pid does not tell what it holds";
}

$node->safe_psql('postgres', qq{
	CREATE TABLE vacuumed (id int PRIMARY KEY, n int, t text) USING pagestore WITH (fillfactor = 70);
	CREATE INDEX ON vacuumed (n);
	INSERT INTO vacuumed SELECT i, i, CASE WHEN i % 50 = 0 THEN repeat(md5(i::text), 500) ELSE 'short' END FROM generate_series(1, $rows) i;
	UPDATE vacuumed SET n = -n WHERE id % 5 = 0;
	UPDATE vacuumed SET t = t || 'x' WHERE id % 7 = 0;
	DELETE FROM vacuumed WHERE id % 3 = 0;
	BEGIN; SELECT 1 FROM vacuumed FOR SHARE; SAVEPOINT s; SELECT 1 FROM vacuumed WHERE id % 2 = 0 FOR UPDATE; COMMIT;
});
stop_at($node, $_) foreach 'vacuum-before-scan', 'vacuum-after-scan';
my $vacuum = $node->background_psql('postgres');
$vacuum->query_until(qr/begun/, "\\echo begun\nVACUUM (FREEZE, INDEX_CLEANUP on, PROCESS_TOAST off) vacuumed;\n\\echo done\n");
my $before = holds(wait_stopped($node, 'vacuum-before-scan'));
go($node, 'vacuum-before-scan');
my $after = holds(wait_stopped($node, 'vacuum-after-scan'));
go($node, 'vacuum-after-scan');
$vacuum->query_until(qr/done/, '');
$vacuum->quit;
ok($after <= $before + $allowed, "VACUUM: grows from $before bytes to $after");

$node->stop;
done_testing();
