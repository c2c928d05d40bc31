# The way out where the server can't or won't load the library: what it says, and how tables get back to heap.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('leave', conf => "autovacuum = off\n");
my $rows;

sub single
{
	my ($options, @sql) = @_;
	my ($out, $err, $in) = ('', '', join("\n\n", @sql) . "\n\n");
	my $ok = IPC::Run::run([ 'postgres', '--single', '-j', @$options, '-D', $node->data_dir, 'postgres' ], '<', \$in, '>', \$out, '2>', \$err);
	return $ok ? $err : "no success\n$err";
}

sub fill
{
	$node->safe_psql('postgres', q(
		DO $$ BEGIN CREATE ROLE keeper SUPERUSER; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
		SET ROLE keeper; CREATE EXTENSION pagestore; RESET ROLE;
		CREATE TABLE t (id int PRIMARY KEY, v text, long text) USING pagestore;
		INSERT INTO t SELECT i, 'v' || i, CASE WHEN i % 100 = 0 THEN (SELECT string_agg(md5((i * j)::text), '') FROM generate_series(1, 300) j) END FROM generate_series(1, 5000) i;
		CREATE MATERIALIZED VIEW m USING pagestore AS SELECT * FROM t WHERE id < 100;
		CREATE UNLOGGED TABLE u USING pagestore AS SELECT * FROM t WHERE id < 10;
		UPDATE t SET v = 'new' WHERE id % 3 = 0; DELETE FROM t WHERE id % 7 = 0));
	$rows = table_state($node, 't');
}

sub preload
{
	$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'$_[0]'");
	$node->adjust_conf('postgresql.conf', 'pagestore.pool_size', undef);
}

sub is_heap
{
	my ($what, $unlogged) = @_;
	is($node->safe_psql('postgres', "SELECT string_agg(relname || ' ' || amname, ', ' ORDER BY relname) FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE relname IN ('t', 'm', 'u')"),
		'm heap, t heap, u heap', "$what: all are heap");
	is($node->safe_psql('postgres', q(SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_am'::regclass AND classid = 'pg_class'::regclass)), '0', "$what: none depends on the access method");
	is(table_state($node, 't'), $rows, "$what: the rows");
	is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM m), (SELECT count(*) FROM u)'), "99|$unlogged", "$what: the others");
	is($node->safe_psql('postgres', "UPDATE t SET v = 'heap' WHERE id < 10; VACUUM t; REFRESH MATERIALIZED VIEW m; DROP EXTENSION pagestore; CREATE EXTENSION amcheck;"
		  . "SELECT count(*) FROM verify_heapam('t'); SELECT bt_index_check('t_pkey', true); DROP EXTENSION amcheck; SELECT count(*) FROM t WHERE v = 'heap'"), "0\n\n8", "$what: they work, and the extension goes");
	$node->safe_psql('postgres', 'DROP TABLE t, u CASCADE');
}

# --- not preloaded: one error, whatever is done to such a table, and nothing happens to it
$node->start;
fill();
$node->stop;
preload('');
$node->start;
foreach my $q ('TABLE t', 'INSERT INTO t VALUES (0)', 'COPY t TO STDOUT', 'VACUUM t', 'ANALYZE t', 'TRUNCATE t', 'CREATE INDEX ON t (v)', 'DROP TABLE t CASCADE', 'REFRESH MATERIALIZED VIEW m',
	'ALTER TABLE t SET ACCESS METHOD heap', 'ALTER TABLE t ADD COLUMN i int', "SELECT pagestore_convert('t', 'heap')", "CALL pagestore_convert_all('heap')",
	'CREATE TABLE n (i int) USING pagestore', 'DROP EXTENSION pagestore CASCADE', 'DROP OWNED BY keeper CASCADE', 'DROP SCHEMA public CASCADE')
{
	my ($rc, $out, $err) = $node->psql('postgres', $q);
	like($err, qr/ERROR:  pagestore must be loaded at server start\n(LINE .*\n.*\n)?HINT:  Add pagestore to shared_preload_libraries/, "not preloaded: $q");
}
like($node->safe_psql('postgres', 'SELECT count(*) FROM pg_class WHERE relname = $$t$$'), qr/1/, 'catalogs can be read');
$node->stop;

# --- single-user mode with the library, whatever keeps the server from running with it
$node->adjust_conf('postgresql.conf', 'max_connections', '20');
foreach my $way ([ 'ALTER TABLE', 'ALTER TABLE t SET ACCESS METHOD heap;', 'ALTER MATERIALIZED VIEW m SET ACCESS METHOD heap;', 'ALTER TABLE u SET ACCESS METHOD heap;' ],
	[ 'pagestore_convert()', map { "SELECT pagestore_convert('$_', 'heap');" } 't', 'm', 'u' ], [ 'pagestore_convert_all()', "CALL pagestore_convert_all('heap');" ])
{
	my ($name, @sql) = @$way;
	unlike(single([ '-c', 'shared_preload_libraries=pagestore', '-c', 'pagestore.pool_size=1MB' ], @sql), qr/no success|ERROR|FATAL|PANIC|TRAP/, "single-user mode: $name");
	$node->start;
	is_heap($name, 9);
	$node->stop;
	preload('pagestore');
	$node->start;
	fill();
	$node->stop;
	preload('');
}

# the same after a crash: recovery comes first, and empties the unlogged table
preload('pagestore');
$node->start;
$node->safe_psql('postgres', "UPDATE t SET v = 'crash' WHERE id % 11 = 0");
$rows = table_state($node, 't');
kill_server($node);
preload('');
unlike(single([ '-c', 'shared_preload_libraries=pagestore' ], "CALL pagestore_convert_all('heap');"), qr/no success|ERROR|FATAL|PANIC|TRAP/, 'single-user mode after a crash');
$node->start;
is_heap('after a crash', 0);
$node->stop;

# --- no library at all: the catalog by hand
my @by_hand = ("UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE relam = (SELECT oid FROM pg_am WHERE amname = 'pagestore');",
	"DELETE FROM pg_depend WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_am'::regclass AND refobjid = (SELECT oid FROM pg_am WHERE amname = 'pagestore');");
foreach my $round ('by hand', 'by hand in single-user mode')
{
	preload('pagestore');
	$node->start;
	fill();
	$node->safe_psql('postgres', q(UPDATE pg_proc SET probin = '$libdir/pagestore_is_gone' WHERE probin = '$libdir/pagestore'));
	# with what the pool had not written: recovery is core's
	kill_server($node);
	preload('');
	$node->start;
	my ($rc, $out, $err) = $node->psql('postgres', 'TABLE t');
	like($err, qr/ERROR:  could not access file "(\$libdir\/)?pagestore_is_gone"/, "$round: without a library core says which");
	if ($round eq 'by hand')
	{
		$node->safe_psql('postgres', "BEGIN; @by_hand COMMIT");
	}
	else
	{
		$node->stop;
		unlike(single([], @by_hand), qr/no success|ERROR|FATAL|PANIC|TRAP/, "$round: no error");
		$node->start;
	}
	is_heap($round, 0);
	$node->stop;
}
done_testing();
