# ALTER EXTENSION UPDATE from every version that can be installed leaves the objects that a fresh installation has, with
# their definitions, privileges and comments; and so does the way for those who have a state of the extension that never
# was a version: heap, DROP EXTENSION, CREATE EXTENSION, pagestore.  Nor does it matter what others have put into its schema before.
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
# Somebody who may create things in the extension's schema has put operators and functions there that fit what the script
# says better than core's do: none of its views is made of them.
my $script = slurp_file(readpipe('pg_config --sharedir') =~ s/\s+$//r . "/extension/pagestore--$version.sql");
my @symbols = grep { index($script, $_) >= 0 } split /\n/, sql('postgres', "SELECT DISTINCT oprname FROM pg_operator WHERE oprleft <> 0 AND oprname <> '=>'");
my @functions = split /\n/, sql('postgres', 'SELECT DISTINCT proname FROM pg_proc WHERE proname IN (' . join(', ', map { "'$_'" } $script =~ /\b(\w+)\(/g) . ')');
push @functions, $script =~ /^CREATE FUNCTION (\w+)/mg;
my %once = map { $_ => 1 } @functions;
sql('postgres', 'CREATE DATABASE trapped; CREATE ROLE trapper');
sql('trapped', 'GRANT CREATE ON SCHEMA public TO trapper; SET ROLE trapper;
	CREATE TABLE symbols (symbol text); CREATE TABLE functions (name text);'
	  . "INSERT INTO symbols VALUES " . join(', ', map { "('$_')" } @symbols) . '; INSERT INTO functions VALUES ' . join(', ', map { "('$_')" } sort keys %once) . q(;
	DO $$
	DECLARE
		types text[] := '{smallint,integer,bigint,real,double precision,numeric,text,name,"\"char\"",character varying,character,oid,regclass,xid,boolean}';
		l text;
		r text;
		word text;
	BEGIN
		FOREACH l IN ARRAY types LOOP
			FOR word IN SELECT name FROM functions WHERE to_regprocedure(format('pg_catalog.%I(%s)', name, l)) IS NULL
					AND NOT (name ~ '^pagestore' AND l IN ('regclass', 'text')) LOOP
				EXECUTE format('CREATE FUNCTION %I(%s) RETURNS bigint LANGUAGE sql AS $f$ SELECT 1 / 0 $f$', word, l);
			END LOOP;
			FOREACH r IN ARRAY types LOOP
				EXECUTE format('CREATE FUNCTION trap(%s, %s) RETURNS boolean LANGUAGE sql AS $f$ SELECT 1 / 0 = 1 $f$', l, r);
				FOR word IN SELECT symbol FROM symbols WHERE to_regoperator(format('pg_catalog.%s(%s, %s)', symbol, l, r)) IS NULL LOOP
					EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = trap)', word, l, r);
				END LOOP;
			END LOOP;
		END LOOP;
	END $$;
	DROP TABLE symbols, functions));
cmp_ok(sql('trapped', "SELECT count(*) FROM pg_operator WHERE oprowner OPERATOR(pg_catalog.=) 'trapper'::regrole"), '>', 1000, 'traps');
like(($node->psql('trapped', 'SELECT 1.5::float8 * 2::bigint'))[2], qr/division by zero/, 'which catch');
sql('trapped', 'CREATE EXTENSION pagestore');
my ($rc, $out, $err) = $node->psql('trapped', 'DROP OWNED BY trapper');
is($err, '', 'nothing of the extension is made of them');
is(objects('trapped'), $fresh, '... and it is as anywhere');

$node->stop;
done_testing();
