# A streaming standby replays, reads, is promoted, and goes on.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_server('primary', allows_streaming => 1, conf => "wal_consistency_checking = 'heap,heap2'\nmax_connections = 20\nwal_keep_size = '1GB'\nautovacuum = off\n");
$primary->start;
$primary->safe_psql('postgres', q(
	CREATE EXTENSION pagestore; CREATE EXTENSION amcheck;
	CREATE TABLE t (id int PRIMARY KEY, n int, s text) USING pagestore;
	INSERT INTO t SELECT i, i % 10, repeat('s', i % 200) FROM generate_series(1, 20000) i));
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'hot_standby_feedback = on');
$standby->start;

# every kind of record
$primary->safe_psql('postgres', q(
	UPDATE t SET n = n + 1 WHERE id % 3 = 0;
	UPDATE t SET s = s || 'longer' WHERE id % 50 = 0;
	DELETE FROM t WHERE id % 11 = 0;
	BEGIN; SELECT count(*) FROM (SELECT * FROM t WHERE n = 4 FOR UPDATE) x; SAVEPOINT a; UPDATE t SET n = -1 WHERE n = 4; ROLLBACK TO a;
	UPDATE t SET n = -2 WHERE n = 5; COMMIT;
	INSERT INTO t SELECT i, 0, 'again' FROM generate_series(1, 20000, 11) i ON CONFLICT (id) DO UPDATE SET n = t.n + 100;
	VACUUM (FREEZE) t;
	DELETE FROM t WHERE id > 19000; VACUUM t;
	CREATE TABLE u USING pagestore AS SELECT * FROM t WHERE n < 3;
	ALTER TABLE u ADD COLUMN extra int DEFAULT random();
	CREATE TABLE gone (i int) USING pagestore; INSERT INTO gone SELECT generate_series(1, 1000); TRUNCATE gone; INSERT INTO gone VALUES (7)));
$primary->wait_for_catchup($standby);
foreach my $table ('t', 'u', 'gone')
{
	is(table_state($standby, $table), table_state($primary, $table), "$table on the standby");
}
is($standby->safe_psql('postgres', "SET enable_seqscan = off; SELECT count(s) FROM t WHERE id BETWEEN 100 AND 2000"),
	$primary->safe_psql('postgres', "SELECT count(s) FROM t WHERE id BETWEEN 100 AND 2000"), 'index scan on the standby');
my ($rc, $out, $err) = $standby->psql('postgres', 'DELETE FROM t');
like($err, qr/read-only transaction/, 'the standby refuses writes');
like($standby->safe_psql('postgres', 'SELECT pagestore_advice()'), qr/^No advice is given on a standby/, 'nor has it advice for a pool that it does not use');
is($standby->safe_psql('postgres', "SELECT max(accesses) FROM pg_stat_pagestore_sizes WHERE setting = 'pagestore.pool_size'"), '0', 'of which there are no accesses');

my $before = table_state($primary, 't');
# dirty in shared buffers of the standby when it is promoted
$primary->safe_psql('postgres', 'UPDATE t SET n = n WHERE id < 3000');
$primary->wait_for_catchup($standby);
$primary->stop;
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
is(table_state($standby, 't'), $before, 'the same rows after promotion');
$standby->safe_psql('postgres', q(UPDATE t SET n = n + 1; DELETE FROM t WHERE id < 100; INSERT INTO t SELECT -i, i, 'new' FROM generate_series(1, 5000) i));
my $after = table_state($standby, 't');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM t WHERE id < 100'), '5000', 'writes after promotion');
$standby->safe_psql('postgres', "SELECT bt_index_check('t_pkey', true)");
kill_server($standby);
$standby->start;
is(table_state($standby, 't'), $after, 'the same rows after a crash of the promoted server');
$standby->restart;
is(table_state($standby, 't'), $after, 'and after a clean restart');
unlike(slurp_file($standby->logfile), qr/inconsistent page|PANIC|TRAP/, 'no finding in the log');
$standby->stop;
command_ok([ 'pg_checksums', '--check', '-D', $standby->data_dir ], 'checksums of the promoted server');
done_testing();
