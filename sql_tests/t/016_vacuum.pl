# Vacuum killed in the middle, cancelled, truncating; autovacuum that keeps tables from wraparound.
# PAGESTORE_CRASH_ROUNDS (3) makes it longer.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $rounds = $ENV{PAGESTORE_CRASH_ROUNDS} // 3;
my $node = new_server('vacuum', conf => "pagestore.pool_size = '2MB'\nwal_consistency_checking = 'heap,heap2'\nmax_wal_size = '1GB'\n"
	  . "autovacuum = off\nlog_autovacuum_min_duration = 0\nautovacuum_naptime = 1\nautovacuum_freeze_max_age = 100000\n"
	  . "default_table_access_method = 'pagestore'\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE EXTENSION amcheck;
	CREATE EXTENSION pg_visibility;
	CREATE TABLE t (id int PRIMARY KEY, n int, pad text) WITH (fillfactor = 90);
	CREATE INDEX t_n ON t (n);
	CREATE TABLE plain (id int, pad text);
	INSERT INTO t SELECT i, i % 100, repeat('t', i % 200) FROM generate_series(1, 20000) i;
	INSERT INTO plain SELECT i, repeat('p', 100) FROM generate_series(1, 20000) i;
));

sub background
{
	return IPC::Run::start([ 'psql', '-X', '-q', '-h', $node->host, '-p', $node->port, (map { ('-c', $_) } @_), 'postgres' ],
		'<', \undef, '>', '/dev/null', '2>', '/dev/null');
}

# What heap's own tools say of the pages, by the catalog a heap table for the while.
sub findings
{
	my ($table) = @_;
	$node->safe_psql('postgres', "SELECT pagestore_convert('$table', 'heap')");
	my $found = $node->safe_psql('postgres', "SELECT * FROM verify_heapam('$table'); SELECT * FROM pg_check_visible('$table'); SELECT * FROM pg_check_frozen('$table')");
	$node->safe_psql('postgres', "SELECT pagestore_convert('$table', 'pagestore')");
	return $found;
}

# ---- killed ----

my @vacuums = ('VACUUM t, plain', 'VACUUM (FREEZE, INDEX_CLEANUP on) t, plain', 'VACUUM (DISABLE_PAGE_SKIPPING, PARALLEL 2) t, plain',
	'VACUUM FULL t', 'CLUSTER t USING t_n');
foreach my $round (1 .. $rounds)
{
	$node->safe_psql('postgres', "UPDATE t SET n = n + 1 WHERE id % 7 = $round; DELETE FROM t WHERE id % 100 = $round;"
		  . "UPDATE plain SET pad = pad || $round WHERE id % 5 = $round; DELETE FROM plain WHERE id > 20000 - 1000 * $round");
	my ($t, $plain) = map { table_state($node, $_) } qw(t plain);
	my @running = map { background($_) } @vacuums[ $round % @vacuums, ($round + 2) % @vacuums ];
	sleep(rand(0.6));
	$node->psql('postgres', 'CHECKPOINT') if $round % 2;
	kill_server($node);
	$_->finish foreach @running;
	$node->start;
	is(table_state($node, 't'), $t, "round $round: rows of a table with indexes");
	is(table_state($node, 'plain'), $plain, "round $round: rows of a table without");
	is($node->safe_psql('postgres', "SELECT count(bt_index_check(i, true)::text) FROM unnest(ARRAY['t_pkey', 't_n']::regclass[]) i"), '2',
		"round $round: indexes match");
	$node->safe_psql('postgres', 'VACUUM t, plain');
	is(findings('t') . findings('plain'), '', "round $round: nothing to find for heap's checkers");
}
unlike(slurp_file($node->logfile), qr/inconsistent page found|PANIC|TRAP|invalid page/, 'replay made the same pages');

# ---- truncated, then killed: the tail is gone, and can grow again ----

$node->safe_psql('postgres', q(TRUNCATE plain; INSERT INTO plain SELECT i, repeat('p', 100) FROM generate_series(1, 20000) i));
$node->safe_psql('postgres', 'DELETE FROM plain WHERE id > 1000; VACUUM plain');
my $size = $node->safe_psql('postgres', "SELECT pg_relation_size('plain')");
cmp_ok($size, '<', 300000, 'the empty tail is given back');
kill_server($node);
$node->start;
is($node->safe_psql('postgres', "SELECT pg_relation_size('plain')"), $size, 'and stays away after a crash');
$node->safe_psql('postgres', "INSERT INTO plain SELECT i, repeat('q', 100) FROM generate_series(1001, 20000) i");
is($node->safe_psql('postgres', 'SELECT count(*), sum(id) FROM plain'), '20000|200010000', 'rows where it was');
kill_server($node);
$node->start;
is($node->safe_psql('postgres', 'SELECT count(*), sum(id) FROM plain'), '20000|200010000', 'and after another crash');

# ---- a page that was formatted but not logged: vacuum logs it before its map bits, so that redo finds it ----
# Without checksums: with them the record of the bits has the page.

my $bare = new_server('bare', checksums => 0, conf => "autovacuum = off\ndefault_table_access_method = 'pagestore'\n");
$bare->start;
$bare->safe_psql('postgres', 'CREATE EXTENSION pagestore; CREATE EXTENSION pg_visibility');
$bare->safe_psql('postgres', q(CREATE TABLE added (pad text); INSERT INTO added SELECT repeat('a', 1000) FROM generate_series(1, 70)));
my $blocks = $bare->safe_psql('postgres', "SELECT pg_relation_size('added') / 8192");
$bare->safe_psql('postgres', 'CHECKPOINT');
stop_at($bare, 'place-page-added', action => 'error');
$bare->psql('postgres', "INSERT INTO added SELECT repeat('b', 1000) FROM generate_series(1, 10)", stderr => \my $failed);
like($failed, qr/stop point "place-page-added"/, 'an extension that fails');
go($bare);
$bare->safe_psql('postgres', 'VACUUM (TRUNCATE off) added');
my $map = "SELECT all_visible, all_frozen, pd_all_visible FROM pg_visibility('added', $blocks)";
is($bare->safe_psql('postgres', $map), 't|t|t', 'leaves an empty page, which vacuum marks');
# a commit that waits for its WAL: VACUUM's does not
$bare->safe_psql('postgres', "SELECT pg_logical_emit_message(true, 'flushed', '')");
kill_server($bare);
$bare->start;
is($bare->safe_psql('postgres', $map), 't|t|t', 'and redo as well');
is($bare->safe_psql('postgres', "SELECT count(*), count(*) FILTER (WHERE pad ~ '^a') FROM added"), '70|70', 'no row is lost');
$bare->stop;

# ---- cancelled and terminated ----

$node->safe_psql('postgres', 'DELETE FROM t WHERE id % 3 = 0');
my $rows = table_state($node, 't');
$node->psql('postgres', "SET vacuum_cost_delay = 5; SET vacuum_cost_limit = 100; SET statement_timeout = '200ms'; VACUUM t", stderr => \my $err);
like($err, qr/canceling statement due to statement timeout.*while (scanning|vacuuming)/s, 'a cancelled vacuum says where it was');
my $h = background("SET application_name = 'victim'", 'SET vacuum_cost_delay = 20', 'SET vacuum_cost_limit = 1', 'VACUUM t');
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_progress_vacuum WHERE phase = 'scanning heap' AND heap_blks_total > 0")
  or die 'no progress to be seen';
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'");
$h->finish;
is($node->safe_psql('postgres', 'SELECT frames_pinned FROM pg_stat_pagestore'), '0', 'no pin is left');
is(table_state($node, 't'), $rows, 'no row is lost');
$node->safe_psql('postgres', 'VACUUM t');
is(findings('t'), '', "nothing to find for heap's checkers");

# ---- wraparound is kept away ----

$node->safe_psql('postgres', q(
	CREATE TEMP TABLE burn (i int);
	DO $$ BEGIN FOR i IN 1 .. 130000 LOOP BEGIN INSERT INTO burn VALUES (i); EXCEPTION WHEN division_by_zero THEN END; END LOOP; END $$;
));
cmp_ok($node->safe_psql('postgres', "SELECT age(relfrozenxid) FROM pg_class WHERE relname = 't'"), '>', 100000, 'an old table');
$node->append_conf('postgresql.conf', 'autovacuum = on');
$node->reload;
ok($node->poll_query_until('postgres', "SELECT bool_and(age(relfrozenxid) < 100000) FROM pg_class WHERE relname IN ('t', 'plain')"),
	'is made young by autovacuum');
like(slurp_file($node->logfile), qr/automatic aggressive vacuum to prevent wraparound of table "postgres\.public\.t"/, 'which says why');
is(table_state($node, 't'), $rows, 'with all its rows');
$node->stop;
done_testing();
