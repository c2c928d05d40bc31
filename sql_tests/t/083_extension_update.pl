# ALTER EXTENSION UPDATE from every version that can be installed leaves the objects that a fresh installation has, with
# their definitions, privileges and comments; and so does the way for those who have a state of the extension that never
# was a version: heap, DROP EXTENSION, CREATE EXTENSION, pagestore.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('versions');
$node->start;
sub sql { my ($db, $sql) = @_; return $node->safe_psql($db, $sql); }

# What the extension of a database is made of, a line for each thing that can differ.
sub objects
{
	my ($db) = @_;

	return sql($db, q(
		WITH member AS (
			SELECT classid, objid FROM pg_depend
			WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pagestore') AND deptype = 'e')
		SELECT object FROM (SELECT pg_describe_object(classid, objid, 0) || ' ' || line AS object
		FROM member, LATERAL (
			SELECT 'comment: ' || coalesce(obj_description(objid, classid::regclass::name), 'none')
			UNION ALL
			SELECT pg_get_functiondef(oid) || ' privileges: ' || coalesce(proacl::text, 'default') FROM pg_proc
				WHERE oid = objid AND classid = 'pg_proc'::regclass
			UNION ALL
			SELECT pg_get_viewdef(oid) || ' privileges: ' || coalesce(relacl::text, 'default') FROM pg_class
				WHERE oid = objid AND classid = 'pg_class'::regclass AND relkind = 'v'
			UNION ALL
			SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute
				WHERE attrelid = objid AND classid = 'pg_class'::regclass AND attnum > 0
			UNION ALL
			SELECT amtype::text || ' ' || amhandler FROM pg_am WHERE oid = objid AND classid = 'pg_am'::regclass) d (line)) o
		ORDER BY object COLLATE "C"
	));
}

sql('postgres', 'CREATE DATABASE fresh');
sql('fresh', 'CREATE EXTENSION pagestore');
my $fresh = objects('fresh');
my $version = sql('postgres', "SELECT default_version FROM pg_available_extensions WHERE name = 'pagestore'");
cmp_ok(scalar(split /\n/, $fresh), '>', 50, "objects of version $version");

my @earlier = split /\n/, sql('postgres', "SELECT version FROM pg_available_extension_versions WHERE name = 'pagestore' AND version <> '$version' ORDER BY 1");
foreach my $from (@earlier)
{
	(my $db = "from_$from") =~ s/\W/_/g;
	sql('postgres', "CREATE DATABASE $db");
	sql($db, "CREATE EXTENSION pagestore VERSION '$from'; CREATE TABLE t USING pagestore AS SELECT generate_series(1, 1000) i");
	sql($db, 'ALTER EXTENSION pagestore UPDATE');
	is(objects($db), $fresh, "updated from $from");
	is(sql($db, 'SELECT sum(i) FROM t'), '500500', '... with the table at hand');
}
is(sql('postgres', "SELECT string_agg(source, ', ') FROM pg_extension_update_paths('pagestore') WHERE target = '$version' AND path IS NULL"), '',
	'there is a way here from every version that a script names');

# every kind of difference is one
my %change = (
	'a function less' => 'ALTER EXTENSION pagestore DROP FUNCTION pagestore_in_pool("any")',
	'a privilege' => 'GRANT EXECUTE ON FUNCTION pagestore_frames() TO PUBLIC',
	'a comment' => "COMMENT ON VIEW pg_stat_pagestore IS 'other'",
	'a property of a function' => 'ALTER FUNCTION pagestore_convert(regclass, name, boolean) STABLE',
	'a view' => 'CREATE OR REPLACE VIEW pagestore_prewarm_progress AS SELECT *, 1 AS one FROM pagestore_prewarm_progress()');
foreach my $what (sort keys %change)
{
	sql('postgres', 'CREATE DATABASE changed');
	sql('changed', "CREATE EXTENSION pagestore; $change{$what}");
	isnt(objects('changed'), $fresh, "$what is a difference");
	if ($what eq 'a function less')
	{
		sql('changed', 'DROP FUNCTION pagestore_in_pool("any"); CREATE TABLE t USING pagestore AS SELECT generate_series(1, 1000) i');
		sql('changed', "CALL pagestore_convert_all('heap')");
		sql('changed', 'DROP EXTENSION pagestore; CREATE EXTENSION pagestore');
		sql('changed', "CALL pagestore_convert_all('pagestore')");
		is(objects('changed'), $fresh, 'an extension made anew');
		is(sql('changed', 'SELECT sum(i) FROM t'), '500500', '... with the rows of its tables');
		is(sql('changed', "SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relname = 't'"), 'pagestore', '... which are pagestore again');
	}
	sql('postgres', 'DROP DATABASE changed');
}
$node->stop;
done_testing();
