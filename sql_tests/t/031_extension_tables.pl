# Tables of extensions: heap unless named otherwise, switched only by force.  The extensions are made up, in sql_tests/extensions.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('extension', conf => "autovacuum = off\ndefault_table_access_method = pagestore\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub stderr_of { my ($rc, $out, $err) = $node->psql('postgres', $_[0]); return $err; }
sub am { return sql("SELECT string_agg(relname || ' ' || amname, ', ' ORDER BY relname) FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE relname ~ '$_[0]' AND relkind IN ('r', 'm')"); }
sql('CREATE EXTENSION pagestore');

# --- scripts
sql('CREATE EXTENSION pagestore_test_requires CASCADE');
is(am('^z_'), 'z_table heap', 'a table of a script is heap');
is(am('^x_'), 'x_as heap, x_as_named pagestore, x_do heap, x_function heap, x_into heap, x_named pagestore, x_part heap, x_table heap, x_unlogged heap, x_view heap',
	'however it is made, unless an access method is named, in an extension that was required, too');
sql("ALTER EXTENSION pagestore_test_tables UPDATE TO '2'");
is(am('^x_(as|into|update)$'), 'x_as pagestore, x_into pagestore, x_update heap', 'an update script is a script; it may switch its own tables');
is(sql('CREATE EXTENSION pagestore_test_sets; SHOW default_table_access_method'), 'pagestore', 'the setting is as before');
is(am('^y_'), 'y_before heap, y_config pagestore, y_default heap, y_heap heap, y_local pagestore, y_reset heap, y_set pagestore', 'a script that sets the default has named it');
like(stderr_of('CREATE EXTENSION pagestore_test_fails'), qr/division by zero/, 'a script that fails');
is(sql("CREATE TABLE user_table (i int); SELECT x_make('user_made')") . am('^user_'), 'user_made pagestore, user_table pagestore', '... does not change what others make');
is(sql("BEGIN; SAVEPOINT s; CREATE EXTENSION IF NOT EXISTS pagestore_test_sets; ROLLBACK TO s; SHOW default_table_access_method; COMMIT"), 'pagestore', 'nor one that is rolled back');
is(sql("SET default_table_access_method = heap; DROP EXTENSION pagestore_test_requires; CREATE EXTENSION pagestore_test_requires; SHOW default_table_access_method"),
	'heap', 'a session that wants heap has it');

# --- members
like(stderr_of("SELECT pagestore_convert('x_table', 'pagestore')"),
	qr/ERROR:  cannot change table "x_table" to pagestore because it belongs to extension "pagestore_test_tables"\n.*DETAIL: .*\n.*HINT: .*pagestore_convert\('public.x_table', 'pagestore', force => true\)/, 'a member is not switched');
like(stderr_of('ALTER TABLE x_table SET ACCESS METHOD pagestore'), qr/ERROR:  cannot change table "x_table" to pagestore because it belongs to extension "pagestore_test_tables"/, '... nor by ALTER TABLE');
like(stderr_of('ALTER MATERIALIZED VIEW x_view SET ACCESS METHOD pagestore'), qr/ERROR:  cannot change table "x_view" to pagestore because/, '... nor ALTER MATERIALIZED VIEW');
like(stderr_of('ALTER TABLE x_table ADD COLUMN w int, SET ACCESS METHOD pagestore, ADD COLUMN u int'), qr/ERROR:  cannot change table "x_table"/, '... nor with other actions');
is(am('^x_(table|view)$'), 'x_table heap, x_view heap', 'they have stayed heap');
is(stderr_of('ALTER TABLE x_table ADD COLUMN w int; VACUUM FULL x_table; REFRESH MATERIALIZED VIEW x_view; ALTER TABLE x_table SET ACCESS METHOD heap'), '', 'other commands are not hindered');
is(stderr_of('VACUUM FULL x_named; ALTER TABLE x_named ADD COLUMN t timestamptz DEFAULT clock_timestamp(); TRUNCATE x_named'), '', '... on a member that is pagestore by name');
sql("INSERT INTO x_table SELECT i, 'v' FROM generate_series(1, 1000) i");
like(stderr_of("SELECT pagestore_convert('x_table', 'pagestore', force => true)"), qr/WARNING:  table "x_table" belongs to extension "pagestore_test_tables"\n.*DETAIL: .*would be lost/, 'a member switched by force, with a warning');
is(am('^x_table$') . sql('UPDATE x_table SET v = i; SELECT count(*), sum(v::int) FROM x_table'), 'x_table pagestore1000|500500', '... has been switched');
is(stderr_of("SELECT pagestore_convert('x_table', 'heap')") . am('^x_table$'), 'x_table heap', '... and goes back unasked');
is(stderr_of("SELECT pagestore_convert('z_table', 'heap')"), '', 'a member that is heap already');
sql('ALTER EXTENSION pagestore_test_tables DROP TABLE x_table');
is(stderr_of('ALTER TABLE x_table SET ACCESS METHOD pagestore'), '', 'no member any more');
like(stderr_of('ALTER EXTENSION pagestore_test_tables ADD TABLE x_table'), qr/WARNING:  table "x_table" belongs to extension "pagestore_test_tables" and stays pagestore/, 'a table of pagestore becomes a member: a warning');
is(stderr_of("CREATE TABLE w (i int) USING heap; ALTER EXTENSION pagestore_test_tables ADD TABLE w; CREATE VIEW vw AS SELECT 1; ALTER EXTENSION pagestore_test_tables ADD VIEW vw"), '', '... a table of heap: none');
like(stderr_of('ALTER TABLE w SET ACCESS METHOD pagestore'), qr/ERROR:  cannot change table "w"/, 'what was added is a member');
is(stderr_of("SET default_table_access_method = heap; CREATE TABLE mine (i int); ALTER TABLE mine SET ACCESS METHOD pagestore; SELECT pagestore_convert('mine', 'heap'); SELECT pagestore_convert('mine', 'pagestore', true)"),
	'', 'a table of no extension is nobody else\'s business');
is(sql("SELECT pagestore_convert('mine', 'heap', NULL) IS NULL"), 't', 'a NULL does nothing');

# --- dump and restore: members are made by the script again
$node->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('postgres') ], 'dump');
$node->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ], 'restore');
is($node->safe_psql('restored', "SELECT string_agg(relname || ' ' || amname, ', ' ORDER BY relname) FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE relname IN ('x_do', 'mine', 'z_table', 'user_table')"),
	'mine pagestore, user_table pagestore, x_do heap, z_table heap', 'restored as they were');
$node->stop;
done_testing();
