# Shared buffers have a table for the rest of a transaction that made its file (wal_level = minimal) or switched it from heap.
# That ends with the transaction, or a savepoint in it, while cursors are open and go on: rows as heap's, then and after a crash.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('hold', conf => "wal_level = minimal\nmax_wal_senders = 0\nautovacuum = off\njit = off\nbgwriter_lru_maxpages = 0\nmax_parallel_workers_per_gather = 2\nparallel_setup_cost = 0\nparallel_tuple_cost = 0\nmin_parallel_table_scan_size = 0\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pagestore; CREATE EXTENSION pg_buffercache; CREATE EXTENSION amcheck');

# %t is the table, %make and %arrive what differs between heap and pagestore.
my $fill = "INSERT INTO %t SELECT i, i % 10, repeat('x', 200) FROM generate_series(1, 2000) i";
my $work = q(
	DECLARE plain CURSOR FOR SELECT id, n FROM %t ORDER BY id;
	FETCH 3 FROM plain;
	DECLARE held SCROLL CURSOR WITH HOLD FOR SELECT id, n FROM %t;
	FETCH 3 FROM held;
	UPDATE %t SET n = n + 100 WHERE id % 3 = 0;
	SELECT count(*), sum(n) FROM %t;
	SAVEPOINT a;
	DECLARE inner1 CURSOR FOR SELECT id, n FROM %t;
	FETCH 3 FROM inner1;
	UPDATE %t SET n = n + 1000 WHERE id % 5 = 0;
	DELETE FROM %t WHERE id % 7 = 0;
	FETCH 3 FROM plain;
	ROLLBACK TO a;
	FETCH 3 FROM plain;
	SELECT xmax = 0, n FROM %t WHERE id = 10;
	SELECT count(*), sum(n) FROM %t;
	SELECT id, n FROM %t WHERE id < 10 FOR UPDATE;
	SAVEPOINT b;
	DECLARE inner2 CURSOR WITH HOLD FOR SELECT id, n FROM %t WHERE id < 30;
	FETCH 3 FROM inner2;
	UPDATE %t SET n = n - 1 WHERE id % 4 = 0;
	RELEASE b;
	FETCH 3 FROM inner2);
my $after = q(
	FETCH 5 FROM held;
	FETCH BACKWARD 4 FROM held;
	FETCH ALL FROM inner2;
	CLOSE ALL;
	UPDATE %t SET n = n + 7 WHERE id % 2 = 0;
	SELECT count(*), sum(n), sum(id) FROM %t);
# a procedure whose loop goes over its commits
my $procedure = q(
	CREATE PROCEDURE run_%t() LANGUAGE plpgsql AS $$
	DECLARE r record; s bigint := 0;
	BEGIN
		%first
		FOR r IN SELECT id, n FROM %t LOOP
			s := s + r.n;
			IF r.id % 500 = 0 THEN UPDATE %t SET n = n + 1 WHERE id = r.id - 1; COMMIT; END IF;
			IF r.id % 700 = 0 THEN UPDATE %t SET n = n + 5 WHERE id = r.id + 1; ROLLBACK; END IF;
		END LOOP;
		INSERT INTO %t VALUES (100000, s, 'sum');
	END $$;
	CALL run_%t();
	SELECT n FROM %t WHERE id = 100000;
	SELECT count(*), sum(n) FROM %t);

my $create = 'CREATE TABLE %t (id int PRIMARY KEY, n int, pad text) USING %am;';
my %case = (
	created => "BEGIN; $create $fill; $work; COMMIT; $after",
	created_back => "BEGIN; $create $fill; $work; ROLLBACK; FETCH 1 FROM held",
	truncated => "$create $fill; BEGIN; TRUNCATE %t; $fill; $work; COMMIT; $after",
	truncated_back => "$create $fill; UPDATE %t SET n = 5; BEGIN; TRUNCATE %t; $fill; $work; ROLLBACK; FETCH 1 FROM held; SELECT count(*), sum(n) FROM %t",
	truncated_partly => "$create $fill; UPDATE %t SET n = 5; BEGIN; SAVEPOINT s; TRUNCATE %t; $fill; UPDATE %t SET n = 6; ROLLBACK TO s; $work; COMMIT; $after",
	arrived => "CREATE TABLE %t (id int PRIMARY KEY, n int, pad text) USING heap; $fill; UPDATE %t SET n = n + 1; BEGIN; %arrive $work; COMMIT; $after",
	arrived_back => "CREATE TABLE %t (id int PRIMARY KEY, n int, pad text) USING heap; $fill; UPDATE %t SET n = n + 1; BEGIN; %arrive $work; ROLLBACK; SELECT count(*), sum(n) FROM %t",
	arrived_partly => "CREATE TABLE %t (id int PRIMARY KEY, n int, pad text) USING heap; $fill; BEGIN; SAVEPOINT s; %arrive UPDATE %t SET n = n + 1; ROLLBACK TO s; $work; COMMIT; $after",
	arrived_new => "BEGIN; CREATE TABLE %t (id int PRIMARY KEY, n int, pad text) USING heap; $fill; %arrive $work; COMMIT; $after",
	vacuumed => "$create $fill; DELETE FROM %t WHERE id % 2 = 0; VACUUM FULL %t; BEGIN; $work; COMMIT; $after",
	loop_created => "BEGIN; $create $fill; COMMIT;" . ($procedure =~ s/%first/TRUNCATE %t; $fill;/r),
	loop_arrived => "CREATE TABLE %t (id int PRIMARY KEY, n int, pad text) USING heap; $fill;" . ($procedure =~ s/%first/%perform/r),
);

my %tables;
foreach my $name (sort keys %case)
{
	my %out;
	foreach my $am ('heap', 'pagestore')
	{
		my $table = "${name}_$am";
		my $sql = $case{$name};
		$sql =~ s/%am/$am/g;
		$sql =~ s/%arrive/$am eq 'heap' ? '' : "SELECT pagestore_convert('%t', 'pagestore') \\g \/dev\/null\n"/ge;
		$sql =~ s/%perform/$am eq 'heap' ? '' : "PERFORM pagestore_convert('%t', 'pagestore');"/ge;
		$sql =~ s/%t/$table/g;
		my ($rc, $out, $err) = $node->psql('postgres', $sql, on_error_stop => 0);
		$err =~ s/${table}/T/g;
		$err =~ s/^psql:<stdin>:\d+: //gm;
		$out{$am} = "$out\n$err";
	}
	is($out{pagestore}, $out{heap}, "$name: as heap");
	if ($node->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname = '${name}_heap'") eq '1')
	{
		ok(same_tables($node, "${name}_heap", "${name}_pagestore"), "$name: the same rows");
		$tables{$name} = 1;
	}
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_buffercache b JOIN pg_class c ON b.relfilenode = pg_relation_filenode(c.oid) '
	. "JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'pagestore' AND b.relforknumber = 0 AND b.isdirty"), '0', 'no shared buffer of a table is dirty that the pool has');
$node->restart;
ok(same_tables($node, "${_}_heap", "${_}_pagestore"), "$_: after a restart") foreach sort keys %tables;
foreach my $name (sort keys %tables)
{
	$node->safe_psql('postgres', "UPDATE ${name}_$_ SET n = n + 3 WHERE id % 9 = 0; SELECT bt_index_check('${name}_${_}_pkey', true)") foreach ('heap', 'pagestore');
}
kill_server($node);
$node->start;
ok(same_tables($node, "${_}_heap", "${_}_pagestore"), "$_: after a crash") foreach sort keys %tables;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|pin leak|still pinned/, 'nothing in the log');
$node->stop;
command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], 'checksums');
done_testing();
