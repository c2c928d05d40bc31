# Dropping the access method never takes tables along: each way to drop it, and what must still work.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('drop', conf => "autovacuum = off\n");
$node->start;
$node->safe_psql('postgres', q(CREATE DATABASE base; CREATE ROLE keeper SUPERUSER; CREATE ROLE maker LOGIN));
# the extension is keeper's, in a schema of its own; what has the access method is everywhere
$node->safe_psql('base', q(
	CREATE SCHEMA engine; CREATE SCHEMA app; GRANT ALL ON SCHEMA app TO maker;
	SET ROLE keeper; CREATE EXTENSION pagestore SCHEMA engine; RESET ROLE;
	CREATE TABLE heap_only (i int)));
my $tables = q(
	SET default_table_access_method = pagestore;
	CREATE TABLE public.plain (i int PRIMARY KEY, v text); INSERT INTO plain SELECT i, repeat('v', 50) FROM generate_series(1, 1000) i;
	CREATE TABLE engine.beside (i int); INSERT INTO engine.beside VALUES (1);
	CREATE MATERIALIZED VIEW app.mat AS SELECT * FROM plain;
	CREATE UNLOGGED TABLE app."Un logged" (i int);
	CREATE TABLE app.parted (i int) PARTITION BY RANGE (i);
	CREATE TABLE app.part PARTITION OF app.parted FOR VALUES FROM (0) TO (10);
	RESET default_table_access_method);
my $listed = qr/DETAIL: .*:\napp."Un logged"\napp.mat\napp.part\nengine.beside\npublic.plain\nHINT:  CALL pagestore_convert_all\('heap'\)/;
my $before = '1000|1|1000|0|0';
my $look = q(SELECT (SELECT count(*) FROM plain), (SELECT count(*) FROM engine.beside), (SELECT count(*) FROM app.mat), (SELECT count(*) FROM app.parted), (SELECT count(*) FROM app."Un logged"));

my $db = 'd0';
sub fresh
{
	my ($setup) = @_;
	$db++;
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE base");
	$node->safe_psql($db, $setup);
}

sub stderr_of { my ($rc, $out, $err) = $node->psql($db, $_[0]); return $err; }

# --- refused: label => [what is done before, the command]
my $apart = 'ALTER EXTENSION pagestore DROP FUNCTION engine.pagestore_tableam_handler; ALTER EXTENSION pagestore DROP ACCESS METHOD pagestore;';
my %refused = (
	'DROP EXTENSION' => [ '', 'DROP EXTENSION pagestore CASCADE' ],
	'DROP EXTENSION of two' => [ 'CREATE EXTENSION amcheck', 'DROP EXTENSION amcheck, pagestore CASCADE' ],
	'DROP ACCESS METHOD' => [ $apart, 'DROP ACCESS METHOD pagestore CASCADE' ],
	'DROP FUNCTION' => [ $apart, 'DROP FUNCTION engine.pagestore_tableam_handler CASCADE' ],
	'a member of the extension left' => [ 'ALTER EXTENSION pagestore DROP ACCESS METHOD pagestore', 'DROP EXTENSION pagestore CASCADE' ],
	'DROP OWNED' => [ '', 'DROP OWNED BY keeper CASCADE' ],
	'DROP SCHEMA' => [ '', 'DROP SCHEMA engine CASCADE' ],
	'DROP SCHEMA of more' => [ '', 'DROP SCHEMA app, engine CASCADE' ],
	'in a DO block' => [ '', 'DO $$ BEGIN DROP EXTENSION pagestore CASCADE; END $$' ],
	'in a function' => [ 'CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DROP EXTENSION pagestore CASCADE $$', 'SELECT f()' ],
	'in a transaction that has dropped others' => [ '', 'CREATE TABLE other (i int) USING pagestore; BEGIN; DROP TABLE other; DROP EXTENSION pagestore CASCADE; COMMIT' ],
	'by an event trigger' => [ q(CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN DROP EXTENSION pagestore CASCADE; END $$;
			CREATE EVENT TRIGGER f ON ddl_command_start WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION f()), 'CREATE VIEW w AS SELECT 1' ],
);
foreach my $how (sort keys %refused)
{
	my ($setup, $command) = @{ $refused{$how} };
	fresh("$tables; $setup");
	my $err = stderr_of($command);
	like($err, qr/ERROR:  cannot drop access method "pagestore" because it would take its tables along\n.*$listed/, "$how: refused");
	is($node->safe_psql($db, $look), $before, "$how: all rows are there");
}

# core's own word without CASCADE, and for a member
fresh($tables);
like(stderr_of('DROP EXTENSION pagestore'), qr/ERROR:  cannot drop extension pagestore because other objects depend on it/, 'without CASCADE');
like(stderr_of('DROP ACCESS METHOD pagestore CASCADE'), qr/ERROR:  cannot drop access method pagestore because extension pagestore requires it/, 'a member');

# a row of pg_class on which nothing depends
$node->safe_psql($db, "DELETE FROM pg_depend WHERE refclassid = 'pg_am'::regclass AND refobjid >= 16384");
like(stderr_of('DROP EXTENSION pagestore'), $listed, 'tables without a dependency do not lose it either');
is($node->safe_psql($db, $look), $before, '... and are there');

# the handler under another name
fresh('CREATE ACCESS METHOD mine TYPE TABLE HANDLER engine.pagestore_tableam_handler; CREATE TABLE t (i int) USING mine');
like(stderr_of('DROP ACCESS METHOD mine CASCADE'), qr/cannot drop access method "mine".*:\npublic.t\n/s, 'an access method of another name');
like(stderr_of('DROP EXTENSION pagestore CASCADE'), qr/cannot drop access method "mine".*:\npublic.t\n/s, '... is met by the extension');
is(stderr_of("CALL engine.pagestore_convert_all('heap'); DROP ACCESS METHOD mine; DROP EXTENSION pagestore"), '', '... and its tables go to heap');

# a savepoint, and the tables of other sessions
fresh($tables);
is($node->safe_psql($db, "BEGIN; UPDATE plain SET v = 'u' WHERE i = 1; SAVEPOINT s;\n\\set ON_ERROR_STOP off\nDROP EXTENSION pagestore CASCADE;\nROLLBACK TO s;\n"
		  . "UPDATE plain SET v = 'u' WHERE i = 2; COMMIT; SELECT count(*) FROM plain WHERE v = 'u'"), '2', 'after ROLLBACK TO all goes on');
$node->safe_psql($db, "SELECT engine.pagestore_convert(c.oid, 'heap') FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE amname = 'pagestore'");
my $session = $node->background_psql($db);
$session->query_safe('CREATE TEMP TABLE of_a_session (i int) USING pagestore');
like(stderr_of('DROP EXTENSION pagestore CASCADE'), qr/:\npg_temp_\d+.of_a_session\n/, 'a temporary table of another session');
$session->quit;

# many: bounded for the client, all in the log
fresh('SELECT format($$CREATE TABLE many_%s (i int) USING pagestore$$, lpad(i::text, 2, $$0$$)) FROM generate_series(1, 30) i \gexec');
my $log = -s $node->logfile;
my $err = stderr_of('DROP EXTENSION pagestore CASCADE');
like($err, qr/public.many_20\nand 10 more\nHINT/, 'a long list is cut');
like(slurp_file($node->logfile, $log), qr/public.many_21\n.*public.many_30\n/s, '... and whole in the log');

# --- what works
my %allowed = (
	'without tables' => [ '', 'DROP EXTENSION pagestore' ],
	'with tables of heap, CASCADE' => [ 'SET default_table_access_method = heap; CREATE TABLE h (i int)', 'DROP EXTENSION pagestore CASCADE' ],
	'tables dropped before, in one transaction' => [ 'CREATE TABLE t (i int) USING pagestore; CREATE MATERIALIZED VIEW m USING pagestore AS TABLE t',
		'BEGIN; DROP TABLE t CASCADE; DROP EXTENSION pagestore; COMMIT' ],
	'... and in one DO block' => [ 'CREATE TABLE t (i int) USING pagestore', 'DO $$ BEGIN DROP TABLE t; DROP EXTENSION pagestore CASCADE; END $$' ],
	'a table of the transaction itself' => [ '', 'BEGIN; CREATE TABLE t (i int) USING pagestore; INSERT INTO t VALUES (1); DROP TABLE t; DROP EXTENSION pagestore; COMMIT' ],
	'switched to heap in the same transaction' => [ 'CREATE TABLE t (i int) USING pagestore', 'BEGIN; ALTER TABLE t SET ACCESS METHOD heap; DROP EXTENSION pagestore; COMMIT; TABLE t' ],
	'switched by the procedure' => [ $tables, q(CALL engine.pagestore_convert_all('heap'); DROP EXTENSION pagestore) ],
	'DROP OWNED BY whom the extension does not belong to' => [ 'SET ROLE maker; CREATE TABLE app.t (i int) USING pagestore', 'DROP OWNED BY maker; DROP EXTENSION pagestore' ],
	'DROP SCHEMA of tables' => [ $tables, 'DROP SCHEMA app CASCADE; DROP TABLE plain, engine.beside; DROP SCHEMA engine CASCADE; TABLE heap_only' ],
	'a table of another name' => [ 'CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE t (i int) USING other', 'DROP ACCESS METHOD other CASCADE; DROP EXTENSION pagestore' ],
	'an access method without its library' => [ q(CREATE FUNCTION h(internal) RETURNS table_am_handler LANGUAGE internal AS 'heap_tableam_handler';
			CREATE ACCESS METHOD gone TYPE TABLE HANDLER h;
			UPDATE pg_proc SET prolang = (SELECT oid FROM pg_language WHERE lanname = 'c'), probin = '$libdir/gone' WHERE proname = 'h'), 'DROP FUNCTION h CASCADE; DROP EXTENSION pagestore' ],
	'an access method for indexes' => [ 'CREATE ACCESS METHOD other TYPE INDEX HANDLER gisthandler', 'DROP ACCESS METHOD other; DROP EXTENSION pagestore' ],
	'after a refusal' => [ 'CREATE TABLE t (i int) USING pagestore', "BEGIN; DO \$\$ BEGIN DROP EXTENSION pagestore CASCADE; EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END \$\$; DROP TABLE t; DROP EXTENSION pagestore; COMMIT" ],
	'made anew' => [ '', 'CREATE OR REPLACE FUNCTION engine.pagestore_tableam_handler(internal) RETURNS table_am_handler LANGUAGE c STRICT AS $$$libdir/pagestore$$; DROP EXTENSION pagestore; CREATE EXTENSION pagestore; DROP EXTENSION pagestore CASCADE' ],
);
foreach my $how (sort keys %allowed)
{
	my ($setup, $command) = @{ $allowed{$how} };
	fresh($setup);
	unlike(stderr_of($command), qr/ERROR|FATAL/, "allowed: $how");
	is($node->safe_psql($db, "SELECT count(*) FROM pg_am WHERE amname = 'pagestore'"), '0', "allowed: $how: it is gone");
}
fresh($tables);
$node->safe_psql('postgres', "DROP DATABASE $db");
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_database WHERE datname = '$db'"), '0', 'DROP DATABASE');

# --- a row of pg_class changed by hand: the lock outlives the savepoint that it was taken in
fresh('CREATE TABLE by_hand (i int) USING heap; INSERT INTO by_hand VALUES (1)');
my $by_hand = $node->background_psql($db, on_error_stop => 0);
$by_hand->query_safe("BEGIN; UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'pagestore') WHERE relname = 'by_hand'");
$by_hand->query_safe($_) foreach ('SAVEPOINT s', 'SELECT 1', 'ROLLBACK TO s');
like(stderr_of("SET lock_timeout = '1s'; DROP EXTENSION pagestore CASCADE"), qr/canceling statement due to lock timeout/, 'a drop waits for who has changed a row of pg_class by hand');
$by_hand->query_safe('COMMIT');
$by_hand->quit;
is($node->safe_psql($db, "SELECT amname, (SELECT count(*) FROM by_hand) FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relname = 'by_hand'"), 'pagestore|1', 'so it names what is there');
like(stderr_of('DROP EXTENSION pagestore CASCADE'), qr/cannot drop/, 'and the drop is refused');

# --- dump with DROPs, restored over itself
fresh($tables);
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr($db) ], 'pg_dump');
$node->command_ok([ 'pg_restore', '--clean', '--exit-on-error', '-d', $node->connstr($db), $dump ], 'pg_restore --clean');
is($node->safe_psql($db, $look), $before, 'restored over itself');

# --- out by dump: no access method, no extension
my ($list) = run_command([ 'pg_restore', '-l', $dump ]);
append_to_file("$dump.list", join("\n", grep { !/ EXTENSION .*pagestore/ } split(/\n/, $list)) . "\n");
$node->safe_psql('postgres', 'CREATE DATABASE left_by_dump TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--no-table-access-method', '-L', "$dump.list", '-d', $node->connstr('left_by_dump'), $dump ], 'pg_restore without the extension');
is($node->safe_psql('left_by_dump', $look), $before, 'restored as heap');
$node->stop;
done_testing();
