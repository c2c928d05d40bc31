# Functions of contrib modules that read tables through shared buffers: they answer for pagestore tables as
# for heap's, however they are called, or refuse; and leave nothing of the table in shared buffers.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Pagestore;

my $node = new_server('contrib', allows_streaming => 1, conf => "autovacuum = off\nmax_prepared_transactions = 2");
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]); }

# The error of a statement; '' if it has none.
sub error_of
{
	my ($sql, %opt) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql, %opt);
	return $err;
}

sql("CREATE EXTENSION $_") foreach qw(pagestore pg_visibility pageinspect pg_prewarm pg_buffercache
	pgstattuple pgrowlocks amcheck pg_surgery pg_freespacemap tsm_system_rows);

# Buffers of main forks of our tables.
my $buffers = "SELECT count(*) FROM pg_buffercache b JOIN pg_class c ON b.relfilenode = pg_relation_filenode(c.oid)
	JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'pagestore' AND b.relforknumber = 0
	AND b.reldatabase = (SELECT oid FROM pg_database WHERE datname = 'postgres')";

# ---- pg_check_visible() cost committed rows ----

# The page that it reads must not be in shared buffers in its present form, nor be written by anybody else first.
sql('CREATE TABLE l2 (id int, v text) USING pagestore');
sql("INSERT INTO l2 SELECT i, 'row ' || i FROM generate_series(1, 20000) i");
sql('CHECKPOINT');
sql("UPDATE l2 SET v = 'updated ' || id WHERE id % 2 = 0");
sql('VACUUM FREEZE l2') for 1 .. 2;
my $before = table_state($node, 'l2');
is(sql("SELECT count(*) FROM pg_check_visible('l2')"), '0', 'pg_check_visible: nothing wrong');
sql('CHECKPOINT');
$node->restart;
is(table_state($node, 'l2'), $before, 'rows after pg_check_visible, a checkpoint and a restart');
is(sql('SELECT count(*), count(DISTINCT id) FROM l2'), '20000|20000', 'none is there twice');

# The same, crashing instead: a stale image in WAL would come up in recovery.
sql("UPDATE l2 SET v = 'again ' || id WHERE id % 3 = 0");
sql('CHECKPOINT');
sql("UPDATE l2 SET v = 'and again ' || id WHERE id % 5 = 0");
sql('VACUUM FREEZE l2') for 1 .. 2;
$before = table_state($node, 'l2');
is(sql("SELECT count(*) FROM pg_check_visible('l2')"), '0', 'pg_check_visible: nothing wrong');
$node->stop('immediate');
$node->start;
is(table_state($node, 'l2'), $before, 'rows after pg_check_visible and a crash');

# ---- false alarms ----

sql('CREATE TABLE warm (id int, v text) USING pagestore');
sql("INSERT INTO warm SELECT i, 'row ' || i FROM generate_series(1, 20000) i");
sql('CHECKPOINT');
is(sql("SELECT pg_prewarm('warm', 'buffer') = pg_relation_size('warm') / 8192"), 't', 'pg_prewarm counts blocks');
sql('VACUUM FREEZE warm') for 1 .. 2;
is(sql("SELECT count(*) FROM pg_check_frozen('warm')"), '0', 'pg_check_frozen: no false alarm');
is(sql("SELECT count(*) FROM pg_check_visible('warm')"), '0', 'pg_check_visible: no false alarm');

# ---- twins: heap and pagestore answer alike ----

my @twins = ('heap', 'pagestore');
foreach my $am (@twins)
{
	sql("CREATE TABLE t_$am (id int, v text) USING $am WITH (fillfactor = 70)");
	sql("INSERT INTO t_$am SELECT i, repeat(md5(i::text), 5) FROM generate_series(1, 3000) i");
	sql("DELETE FROM t_$am WHERE id % 7 = 0");
	sql("VACUUM FREEZE t_$am") for 1 .. 2;
	sql("CHECKPOINT");
	sql("UPDATE t_$am SET v = v || '+' WHERE id BETWEEN 1000 AND 1500");
}

# The ways by which the relation comes to a function; CALL{x} is a call of it about x.
my $ways = <<'END';
CREATE FUNCTION pg_temp.in_sql(r regclass) RETURNS SETOF text LANGUAGE sql AS $$ SELECT (CALL{r})::text $$;
CREATE FUNCTION pg_temp.in_plpgsql(r regclass) RETURNS SETOF text LANGUAGE plpgsql AS $$
	DECLARE x text; BEGIN FOR x IN SELECT (CALL{r})::text LOOP RETURN NEXT x; END LOOP; END $$;
CREATE FUNCTION pg_temp.definer(r regclass) RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET work_mem = '1MB'
	AS $$ SELECT (CALL{r})::text $$;
CREATE TEMP VIEW in_view AS SELECT (CALL{oid::regclass})::text AS x, relname FROM pg_class WHERE relname IN ('t_heap', 't_pagestore');
CREATE FUNCTION pg_temp.digest(way text, query text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE d text; BEGIN EXECUTE format('SELECT count(*) || '' '' || coalesce(md5(string_agg(x::text, '','')), '''') FROM (%s) s', query) INTO d;
	RETURN way || ': ' || d; END $$;
SELECT pg_temp.digest('constant', $$SELECT CALL{'TABLE'} AS x$$);
SELECT pg_temp.digest('column', $$SELECT CALL{oid::regclass} AS x FROM pg_class WHERE relname = 'TABLE'$$);
SELECT pg_temp.digest('SQL function', $$SELECT x FROM pg_temp.in_sql('TABLE') x$$);
SELECT pg_temp.digest('PL/pgSQL function', $$SELECT x FROM pg_temp.in_plpgsql('TABLE') x$$);
SELECT pg_temp.digest('SECURITY DEFINER function', $$SELECT x FROM pg_temp.definer('TABLE') x$$);
SELECT pg_temp.digest('view', $$SELECT x FROM in_view WHERE relname = 'TABLE'$$);
SET plan_cache_mode = force_generic_plan;
PREPARE p (regclass) AS SELECT 'prepared statement: ' || count(*) || ' ' || coalesce(md5(string_agg(x::text, ',')), '') FROM (SELECT CALL{$1} AS x) s;
EXECUTE p('TABLE');
EXECUTE p('TABLE');
PARALLEL;
SET max_parallel_workers_per_gather = 2;
SELECT pg_temp.digest('parallel worker', $$SELECT CALL{oid::regclass} AS x FROM pg_class WHERE relname = 'TABLE'$$);
END

# All that they give, for heap's twin and for ours.
sub check_ways
{
	my ($name, $call) = @_;    # $call: text of a call, %s is the relation
	my %answer;

	foreach my $am (@twins)
	{
		my $script = $ways;
		$script =~ s/CALL\{(.*?)\}/sprintf($call, $1)/ge;
		$script =~ s/TABLE/t_$am/g;
		$script =~ s/PARALLEL/parallel_always()/e;
		$answer{$am} = sql($script);
	}
	is($answer{pagestore}, $answer{heap}, "$name: heap's answer, however it is asked");
	is(scalar(split(/\n/, $answer{heap})), 9, "$name: all ways were tried");
	unlike($answer{heap}, qr/: 0 /, "$name: there is an answer") if $name !~ /nothing wrong/;
}

# The checks are not declared so, but may run in parallel workers.
sql("ALTER FUNCTION $_(regclass) PARALLEL SAFE") foreach qw(pg_check_visible pg_check_frozen);

check_ways('pg_visibility', 'pg_visibility(%s)');
check_ways('pg_visibility of a block', 'pg_visibility(%s, 3)');
check_ways('pg_visibility past the end', 'pg_visibility(%s, 100000)');
check_ways('pg_check_visible, nothing wrong', 'pg_check_visible(%s)');
check_ways('pg_check_frozen, nothing wrong', 'pg_check_frozen(%s)');
check_ways('pg_prewarm', 'pg_prewarm(%s)');
check_ways('pg_prewarm read', "pg_prewarm(%s, 'read', 'main', 2, 5)");
check_ways('pg_prewarm prefetch', "pg_prewarm(%s, 'prefetch')");
check_ways('pg_prewarm of nothing', "pg_prewarm(%s, 'buffer', 'main', 5, 3)");
check_ways('pg_prewarm of a map', "pg_prewarm(%s, 'buffer', 'vm')");
# but for xids and LSN, which are their own
check_ways('get_raw_page', "(SELECT array_agg((lp, lp_off, lp_flags, lp_len, t_ctid, t_infomask2, t_data)) FROM heap_page_items(get_raw_page(%s::text, 5)))");
check_ways('get_raw_page with a fork', "(SELECT array_agg((lp, lp_off, lp_flags, lp_len, t_ctid, t_infomask2, t_data)) FROM heap_page_items(get_raw_page(%s::text, 'main', 5)))");
check_ways('get_raw_page of a map', "substr(get_raw_page(%s::text, 'vm', 0), 25)");
check_ways('pg_visibility_map_summary', 'pg_visibility_map_summary(%s)');
check_ways('pg_freespace', 'pg_freespace(%s)');
check_ways('pg_relpages', 'pg_relpages(%s)');

# In a parallel worker indeed.
like(sql(parallel_always() . "; EXPLAIN (COSTS OFF) SELECT pg_check_visible(oid::regclass) AS x FROM pg_class WHERE relname = 't_pagestore'"),
	qr/Gather/, 'pg_check_visible goes to a worker');
is(sql("SELECT count(*) FROM (SELECT pg_check_visible(c.oid), pg_check_frozen(c.oid) FROM pg_class c WHERE relkind IN ('r', 'm', 't')) s"),
	'0', 'all tables of the database at once');
is(sql($buffers), '0', 'shared buffers hold no page of a pagestore table');

# What is wrong is found: the map of before an update is put back behind the server's back.
my %map = map { $_ => main_file($node, "t_$_") . '_vm' } @twins;
sql("VACUUM FREEZE t_$_") foreach @twins, @twins;
$node->stop;
system("cp '$map{$_}' '$map{$_}.saved'") == 0 or die foreach @twins;
$node->start;
sql("UPDATE t_$_ SET v = v || '!' WHERE id % 10 = 3; DELETE FROM t_$_ WHERE id % 10 = 4") foreach @twins;
$node->stop;
system("cp '$map{$_}.saved' '$map{$_}'; rm '$map{$_}.saved'") == 0 or die foreach @twins;
$node->start;
foreach my $f ('pg_check_visible', 'pg_check_frozen')
{
	my %bad = map { $_ => sql("SELECT count(*), md5(string_agg(x::text, ',')) FROM $f('t_$_') x") } @twins;
	is($bad{pagestore}, $bad{heap}, "$f finds what it finds in heap");
	unlike($bad{heap}, qr/^0\|/, "$f finds something");
}
sql("SELECT pg_truncate_visibility_map('t_$_')") foreach @twins;
is(sql("SELECT count(*) FROM pg_visibility('t_pagestore') WHERE all_visible"), '0', 'pg_truncate_visibility_map');
# What is frozen besides (17) depends on which pages have been logged since the checkpoint: heap's have, where hints were set.
sql('CHECKPOINT');
sql("VACUUM t_$_") foreach @twins;
check_ways('pg_visibility after a new map', 'pg_visibility(%s)');

# ---- errors and privileges are the original's ----

foreach my $call ("pg_prewarm('%s', 'frob')", "pg_prewarm('%s', 'buffer', 'frob')", "pg_prewarm('%s', NULL)",
	"pg_prewarm('%s', 'buffer', 'main', 100000)", "pg_prewarm('%s', 'buffer', 'main', 0, 100000)",
	"get_raw_page('%s', 100000)", "get_raw_page('%s', -1)", "get_raw_page('%s', 'frob', 0)",
	"pg_visibility('%s', -1)")
{
	my %error = map { $_ => error_of('SELECT ' . sprintf($call, "t_$_")) =~ s/t_\w+/T/gr } @twins;
	is($error{pagestore}, $error{heap}, "error of $call");
	isnt($error{heap}, '', "$call is an error");
}
sql("CREATE ROLE somebody LOGIN");
foreach my $call ("pg_prewarm('%s')", "pg_check_visible('%s')", "get_raw_page('%s', 0)", "pg_visibility('%s')")
{
	my %error = map { $_ => error_of("SET ROLE somebody; SELECT " . sprintf($call, "t_$_")) =~ s/t_\w+/T/gr } @twins;
	is($error{pagestore}, $error{heap}, "$call by somebody");
	like($error{heap}, qr/permission denied|must be superuser/, "... is not allowed");
}
like(error_of("SELECT pg_check_visible(0)"), qr/could not open relation/, 'no such relation');
like(error_of("SELECT get_raw_page('nowhere', 0)"), qr/does not exist/, 'no such name');

# ---- other declarations of the same C functions ----

my $libdir = $node->config_data('--pkglibdir');
sql("CREATE FUNCTION mine(regclass) RETURNS SETOF tid AS '$libdir/pg_visibility.so', 'pg_check_visible' LANGUAGE c;
	CREATE FUNCTION mine_too(regclass) RETURNS SETOF tid AS 'pg_visibility', 'pg_check_frozen' LANGUAGE c STRICT SECURITY DEFINER SET work_mem = '1MB'");
is(sql("SELECT count(*) FROM mine('t_pagestore')") . sql("SELECT count(*) FROM mine_too('t_pagestore')"), '00', 'functions declared by the user');
like(error_of('SELECT mine(NULL)'), qr/could not open relation/, 'a NULL where the original expects none');
is(sql('SELECT count(*) FROM (SELECT mine_too(NULL)) s'), '0', 'a STRICT one is not called');

# ---- the others refuse ----

foreach my $call ("SELECT * FROM pgrowlocks('t_pagestore')", "SELECT * FROM pgstattuple('t_pagestore')",
	"SELECT * FROM pgstattuple_approx('t_pagestore')", "SELECT * FROM verify_heapam('t_pagestore')",
	"SELECT heap_force_kill('t_pagestore', ARRAY['(0,1)'::tid])", "SELECT heap_force_freeze('t_pagestore', ARRAY['(0,1)'::tid])")
{
	like(error_of($call), qr/only heap AM is supported/, "$call is refused");
}
is(sql('SELECT count(*) FROM t_pagestore TABLESAMPLE system_rows(100)'), '100', 'tsm_system_rows');
is(sql($buffers), '0', 'shared buffers still hold none');

# ---- temporary tables, the transaction that switches, a standby ----

is(sql("CREATE TEMP TABLE tmp USING pagestore AS SELECT generate_series(1, 100) i; SELECT pg_prewarm('tmp'), length(get_raw_page('tmp', 0)),
	(SELECT count(*) FROM pg_check_visible('tmp')), (SELECT count(*) FROM pg_visibility('tmp'))"), '1|8192|0|1', 'a temporary table');
is(sql("BEGIN; SELECT pagestore_convert('t_heap', 'pagestore'); SELECT count(*) FROM pg_check_visible('t_heap'); ROLLBACK"), "t\n0", 'in the transaction that switches');

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
foreach my $query ("SELECT count(*) FROM pg_check_visible('l2')", "SELECT md5(get_raw_page('l2', 3))", "SELECT pg_prewarm('l2', 'buffer', 'main', 1, 4)",
	"SELECT md5(string_agg(v::text, ',')) FROM pg_visibility('l2') v")
{
	is($standby->safe_psql('postgres', $query), sql($query), "on a standby: $query") unless $query =~ /raw_page/;
	$standby->safe_psql('postgres', $query);
}

# A session that checks while the standby is promoted.
my $checks = $standby->background_psql('postgres');
$checks->query_safe("SELECT count(*) FROM pg_check_visible('l2')");
$standby->promote;
$standby->safe_psql('postgres', "UPDATE l2 SET v = 'promoted ' || id WHERE id % 4 = 0; VACUUM l2");
$before = table_state($standby, 'l2');
$checks->query_safe("SELECT count(*) FROM pg_check_visible('l2')");
$checks->quit;
$standby->safe_psql('postgres', 'CHECKPOINT');
$standby->restart;
is(table_state($standby, 'l2'), $before, 'rows after a promotion among checks');

$standby->stop;
$node->stop;
done_testing();
