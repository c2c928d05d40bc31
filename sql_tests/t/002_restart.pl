# A clean stop keeps everything; a crash empties unlogged tables and nothing else.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

foreach my $level ('minimal', 'replica')
{
	my $node = new_server("restart_$level", conf => "wal_level = $level\nautovacuum = off\n");
	$node->start;
	$node->safe_psql('postgres', q(
		CREATE EXTENSION pagestore;
		CREATE TABLE kept (id int PRIMARY KEY, t text) USING pagestore;
		CREATE TABLE twin (id int PRIMARY KEY, t text) USING heap;
		CREATE UNLOGGED TABLE un (id int PRIMARY KEY, t text) USING pagestore;
		INSERT INTO kept SELECT i, repeat('x', i % 300) FROM generate_series(1, 30000) i;
		INSERT INTO twin TABLE kept;
		INSERT INTO un TABLE kept;
		UPDATE kept SET t = t || '!' WHERE id % 7 = 0;
		UPDATE twin SET t = t || '!' WHERE id % 7 = 0;
		UPDATE un SET t = t || '!' WHERE id % 7 = 0));

	foreach my $mode ('fast', 'smart')
	{
		$node->safe_psql('postgres', "DELETE FROM $_ WHERE id % 100 = " . ($mode eq 'fast' ? 1 : 2)) foreach ('kept', 'twin', 'un');
		$node->stop($mode);
		command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], "$level: checksums after a $mode stop");
		like(scalar `pg_controldata @{[$node->data_dir]}`, qr/Database cluster state: *shut down$/m, "$level: the $mode stop was clean");
		$node->start;
		ok(same_tables($node, 'kept', 'twin'), "$level: permanent table after a $mode stop");
		ok(same_tables($node, 'un', 'twin'), "$level: unlogged table after a $mode stop");
	}

	$node->safe_psql('postgres', q(
		UPDATE kept SET t = 'late' WHERE id < 500;
		UPDATE twin SET t = 'late' WHERE id < 500;
		UPDATE un SET t = 'late' WHERE id < 500;
		CHECKPOINT;
		DELETE FROM kept WHERE id < 50;
		DELETE FROM twin WHERE id < 50;
		BEGIN; CREATE TABLE made (i int, t text) USING pagestore; COPY made FROM PROGRAM 'seq -f "%.0f	row" 1 20000'; COMMIT;
		BEGIN; TRUNCATE made; COPY made FROM PROGRAM 'seq -f "%.0f	row" 1 10000'; COMMIT;
		INSERT INTO made VALUES (0, 'after')));
	# left open: must be gone
	my ($in, $out) = ("BEGIN; UPDATE kept SET t = 'lost'; INSERT INTO made SELECT 0 FROM generate_series(1, 5000); \\echo done\n", '');
	my $open = IPC::Run::start([ 'psql', '-X', '-q', '-h', $node->host, '-p', $node->port, 'postgres' ],
		'<', \$in, '>', \$out, '2>', '/dev/null', IPC::Run::timeout(60));
	$open->pump until $out =~ /done/;
	kill_server($node);
	eval { $open->finish };
	$node->start;
	ok(same_tables($node, 'kept', 'twin'), "$level: permanent table after a crash");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM un'), '0', "$level: unlogged table is empty after a crash");
	is($node->safe_psql('postgres', 'SELECT count(*), sum(i) FROM made'), '10001|50005000', "$level: table loaded in the transaction that truncated it");
	$node->safe_psql('postgres', "INSERT INTO un SELECT i, 'new' FROM generate_series(1, 1000) i; VACUUM un");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM un'), '1000', "$level: unlogged table is usable after a crash");
	$node->stop;
	command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], "$level: checksums at the end");
	$node->start;
	is($node->safe_psql('postgres', 'SELECT count(*) FROM un'), '1000', "$level: unlogged table after the next clean stop");
	$node->stop('immediate');
	$node->start;
	ok(same_tables($node, 'kept', 'twin'), "$level: permanent table after an immediate stop");
	$node->stop;
}
done_testing();
