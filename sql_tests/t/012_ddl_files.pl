# Files that come, go and move: drop, truncate, roll back, prepared transactions, databases and tablespaces.
# Whatever happens, nobody meets a frame of an earlier life of a file.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node;

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub in_db { return $node->safe_psql($_[0], $_[1]); }

sub psql_error
{
	my ($db, $query) = @_;
	my ($rc, $out, $err) = $node->psql($db, $query);
	return ($rc, $err =~ /ERROR:  (.*)/);
}

# Frames of a relfilenode, current or ghost.
sub frames { return sql("SELECT count(*) FROM pagestore_frames WHERE relfilenode = $_[0]"); }
sub filenode { return sql("SELECT pg_relation_filenode('$_[0]')"); }
sub load { return sprintf("INSERT INTO %s SELECT i, repeat('v', 100) FROM generate_series(1, %d) i", @_); }

foreach my $level ('minimal', 'replica')
{
	$node = new_server("ddl_$level", conf => "wal_level = $level\nautovacuum = off\nmax_prepared_transactions = 5\n"
		  . "default_table_access_method = 'pagestore'\nrestart_after_crash = on\n");
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pagestore');


	# --- drop, truncate, roll back
	sql('CREATE TABLE d (i int, v text)');
	sql(load('d', 5000));
	my $old = filenode('d');
	cmp_ok(frames($old), '>', 50, 'a table in the pool');
	sql('BEGIN; DROP TABLE d; ROLLBACK');
	cmp_ok(frames($old), '>', 50, 'a drop rolled back keeps its frames');
	is(sql('SELECT count(*) FROM d'), '5000', '... and its rows');
	sql('DROP TABLE d');
	is(frames($old), '0', 'a drop forgets them');

	sql('CREATE TABLE t (i int, v text); ' . load('t', 5000));
	$old = filenode('t');
	sql('BEGIN; TRUNCATE t; ' . load('t', 10) . '; ROLLBACK');
	is(sql('SELECT count(*) FROM t'), '5000', 'truncate rolled back');
	sql('TRUNCATE t');
	is(frames($old), '0', 'truncate forgets the old file');
	is(sql('SELECT count(*) FROM t'), '0', '... and empties the table');
	sql('BEGIN; TRUNCATE t; ' . load('t', 3000) . '; SAVEPOINT s; TRUNCATE t; ' . load('t', 7)
		  . '; ROLLBACK TO s; INSERT INTO t VALUES (0, NULL); COMMIT');
	is(sql('SELECT count(*) FROM t'), '3001', 'truncate in a subtransaction rolled back');
	sql('BEGIN; CREATE TABLE own (i int, v text); ' . load('own', 3000) . '; TRUNCATE own; ' . load('own', 20)
		  . '; SAVEPOINT s; TRUNCATE own; ROLLBACK TO s; COMMIT');
	is(sql('SELECT count(*) FROM own'), '20', 'a table truncated where it was made');

	my $made = sql('BEGIN; CREATE TABLE gone (i int, v text); ' . load('gone', 3000) . "; SELECT pg_relation_filenode('gone'); ROLLBACK");
	is(frames($made), '0', 'a creation rolled back leaves no frame');
	$made = sql('BEGIN; SAVEPOINT s; CREATE TABLE gone (i int, v text); ' . load('gone', 3000)
		  . "; SELECT pg_relation_filenode('gone'); ROLLBACK TO s; SELECT count(*) FROM pagestore_frames WHERE relfilenode = 0; COMMIT");
	is(frames((split /\n/, $made)[0]), '0', '... nor one in a subtransaction');
	sql('CHECKPOINT');

	# --- the tail of a table
	sql(load('own', 20000) . '; DELETE FROM own WHERE i > 100; VACUUM own; CHECKPOINT');
	cmp_ok(sql("SELECT pg_relation_size('own')"), '<', 200_000, 'vacuum cuts the tail');
	sql(load('own', 3000) . '; CHECKPOINT');
	is(sql('SELECT count(*) FROM own WHERE v IS NOT NULL'), sql('SELECT count(*) FROM own'), 'the table grows again');

	# --- prepared transactions
	sql('CREATE TABLE p1 (i int, v text); CREATE TABLE p2 (i int, v text); ' . load('p1', 3000) . '; ' . load('p2', 3000));
	my ($p1, $p2) = (filenode('p1'), filenode('p2'));
	sql("BEGIN; DROP TABLE p1; CREATE TABLE p3 (i int, v text); " . load('p3', 3000) . "; PREPARE TRANSACTION 'a'");
	sql("BEGIN; TRUNCATE p2; " . load('p2', 30) . "; PREPARE TRANSACTION 'b'");
	sql("BEGIN; CREATE TABLE p4 (i int, v text); " . load('p4', 3000) . "; PREPARE TRANSACTION 'c'");
	sql("CHECKPOINT; COMMIT PREPARED 'a'");
	sql("COMMIT PREPARED 'b'");
	sql("ROLLBACK PREPARED 'c'");
	sql('CHECKPOINT');
	is(sql('SELECT count(*) FROM p2'), '30', 'a truncation prepared and committed');
	is(sql('SELECT count(*) FROM p3'), '3000', 'a creation prepared and committed');
	is(sql("SELECT count(*) FROM pagestore_frames WHERE isdirty AND relfilenode IN ($p1, $p2)"), '0',
		'no dirty frame of files that a prepared transaction has dropped');
	sql("BEGIN; DROP TABLE p3; UPDATE p2 SET v = 'prepared'; PREPARE TRANSACTION 'd'");
	kill_server($node);
	$node->start;
	sql("ROLLBACK PREPARED 'd'");
	is(sql('SELECT (SELECT count(*) FROM p2), (SELECT count(*) FROM p3)'), '30|3000', 'a prepared transaction rolled back after a crash');

	# --- databases: a copy is current, whatever the strategy, unlogged tables included
	$node->safe_psql('postgres', 'CREATE DATABASE src TEMPLATE template0');
	in_db('src', 'CREATE EXTENSION pagestore; CREATE TABLE t (i int, v text); CREATE UNLOGGED TABLE u (i int, v text); '
		  . 'CREATE MATERIALIZED VIEW mv AS SELECT 0 AS i WHERE false; ' . load('t', 3000) . '; ' . load('u', 2000));
	my $n = 3000;
	foreach my $strategy ('', 'STRATEGY wal_log', "STRATEGY = 'file_copy'")
	{
		in_db('src', "INSERT INTO t VALUES (-1, 'x'); UPDATE t SET v = 'y$n' WHERE i = 1; INSERT INTO u VALUES (-1, 'x')");
		$n++;
		sql("CREATE DATABASE copy TEMPLATE src $strategy");
		is(in_db('copy', 'SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)'), $n . '|' . ($n - 1000), "CREATE DATABASE $strategy: all rows");
		is(in_db('copy', 'SELECT v FROM t WHERE i = 1'), 'y' . ($n - 1), '... as they are now');
		in_db('copy', "DELETE FROM t; INSERT INTO t VALUES (9, 'copy'); UPDATE u SET v = 'copy'");
		sql('DROP DATABASE copy');
		is(sql("SELECT count(*) FROM pagestore_frames f WHERE NOT EXISTS (SELECT 1 FROM pg_database d WHERE d.oid = f.reldatabase)"), '0',
			'a dropped database leaves no frame');
	}
	is((psql_error('postgres', 'CREATE DATABASE bad STRATEGY nonsense'))[1], 'invalid create database strategy "nonsense"', 'a wrong strategy is an error');
	is((psql_error('postgres', 'CREATE DATABASE bad STRATEGY wal_log STRATEGY file_copy'))[1], 'conflicting or redundant options', 'two are, too');

	# --- a database moved there and back
	my $space = PostgreSQL::Test::Utils::tempdir_short();
	sql("SET allow_in_place_tablespaces = on; CREATE TABLESPACE place LOCATION ''");
	sql("CREATE TABLESPACE other LOCATION '$space'");
	in_db('src', 'CREATE TABLE stays (i int, v text) TABLESPACE place; ' . load('stays', 500));
	foreach my $where ('other', 'pg_default', 'other', 'pg_default')
	{
		sql("ALTER DATABASE src SET TABLESPACE $where");
		is(in_db('src', 'SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u), (SELECT count(*) FROM stays)'),
			$n . '|' . ($n - 1000) . '|500', "moved to $where: all rows");
		in_db('src', "DELETE FROM t WHERE i = -1; INSERT INTO t VALUES (-1, '$where'), (-1, '$where'); INSERT INTO u VALUES (-1, '$where')");
		is(in_db('src', "SELECT count(*) FROM t WHERE v = '$where'"), '2', '... and changes stay');
		in_db('src', "DELETE FROM t; DELETE FROM u; " . load('t', 3000) . '; ' . load('u', 2000));
		$n = 3000;
		is((psql_error('src', "ALTER DATABASE src SET TABLESPACE other"))[1], 'cannot change the tablespace of the currently open database',
			'a move that fails harms nothing');
	}
	sql('ALTER DATABASE src WITH CONNECTION LIMIT 10');

	# --- tables moved there and back
	sql('CREATE TABLE mv (i int PRIMARY KEY, v text); ' . load('mv', 3000));
	foreach my $where ('other', 'pg_default', 'other')
	{
		sql("UPDATE mv SET v = '$where' WHERE i % 10 = 0; ALTER TABLE mv SET TABLESPACE $where");
		is(sql("SELECT count(*), count(*) FILTER (WHERE v = '$where') FROM mv"), '3000|300', "table moved to $where");
	}
	sql('ALTER TABLE mv SET UNLOGGED; UPDATE mv SET v = NULL WHERE i < 11; ALTER TABLE mv SET LOGGED');

	# --- utility commands inside others, materialized views, transactions
	sql(q(CREATE MATERIALIZED VIEW mview AS SELECT * FROM mv; CREATE UNIQUE INDEX ON mview (i);
		DELETE FROM mv WHERE i > 1000; REFRESH MATERIALIZED VIEW CONCURRENTLY mview;
		DO $$ BEGIN EXECUTE 'CREATE TABLE nested AS SELECT * FROM mview'; EXECUTE 'TRUNCATE nested'; END $$;));
	is(sql('SELECT (SELECT count(*) FROM mview), (SELECT count(*) FROM nested), (SELECT count(*) FROM mv WHERE v IS NULL)'), '1000|0|10', 'utility commands in other commands');
	is((psql_error('postgres', 'BEGIN; CREATE DATABASE inside'))[1], 'CREATE DATABASE cannot run inside a transaction block', 'no database from within a transaction');

	# --- switching between heap and pagestore in a transaction
	sql('CREATE TABLE h (i int, v text) USING heap; ' . load('h', 2000));
	sql("BEGIN; SELECT pagestore_convert('h', 'pagestore'); INSERT INTO h VALUES (0, 'a'); COMMIT; INSERT INTO h VALUES (0, 'b')");
	sql("BEGIN; SELECT pagestore_convert('h', 'heap'); INSERT INTO h VALUES (0, 'c'); SAVEPOINT s; SELECT pagestore_convert('h', 'pagestore'); "
		  . "INSERT INTO h VALUES (0, 'd'); ROLLBACK TO s; INSERT INTO h VALUES (0, 'e'); COMMIT");
	sql("BEGIN; SELECT pagestore_convert('h', 'pagestore'); INSERT INTO h VALUES (0, 'f'); ROLLBACK; INSERT INTO h VALUES (0, 'g')");
	# back to heap within a savepoint that is rolled back: the table stays with shared buffers, and is heap's at the end
	sql("BEGIN; SELECT pagestore_convert('h', 'pagestore'); SAVEPOINT s; SELECT pagestore_convert('h', 'heap'); SELECT pagestore_convert('h', 'pagestore'); "
		  . "ROLLBACK TO s; DELETE FROM h; ROLLBACK");
	is(frames(filenode('h')), '0', 'a switch rolled back in two steps leaves no frame of a heap table');
	sql("BEGIN; CREATE TABLE h2 (i int, v text) USING heap; " . load('h2', 2000) . "; SELECT pagestore_convert('h2', 'pagestore'); "
		  . "INSERT INTO h2 VALUES (0, 'a'); SAVEPOINT s; SELECT pagestore_convert('h2', 'heap'); ROLLBACK TO s; INSERT INTO h2 VALUES (0, 'b'); COMMIT; INSERT INTO h2 VALUES (0, 'c')");
	sql("SELECT pagestore_convert('h', 'pagestore')");
	is(sql("SELECT string_agg(v, '' ORDER BY v) FROM h WHERE i = 0"), 'abceg', 'rows after switches and rollbacks');
	is(sql("SELECT count(*), string_agg(v, '' ORDER BY v) FILTER (WHERE i = 0) FROM h2"), '2003|abc', 'and in a table made in the transaction');

	my @tables = ('t', 'own', 'p2', 'p3', 'mv', 'h', 'h2');
	my %state = map { $_ => table_state($node, $_) } @tables;
	kill_server($node);
	$node->start;
	is(table_state($node, $_), $state{$_}, "after a crash: $_") foreach (@tables);
	my $log = slurp_file($node->logfile);
	unlike($log, qr/PANIC|TRAP|invalid page|verification failed|pin leak|could not write|could not open file/, 'the log shows no damage');
	$node->stop;
	command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], 'checksums after a clean stop');
}
done_testing();
