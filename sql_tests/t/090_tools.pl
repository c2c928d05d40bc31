# Functions that take the place of those of contrib which refuse pagestore tables say of a table what contrib's say
# of it once it is heap's, or of its twin in heap while others are at work; and a check finds nothing wrong in tables
# that are changed, vacuumed and pruned meanwhile.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Pagestore;

my $node = new_server('tools', allows_streaming => 1, conf => "autovacuum = off\nmax_prepared_transactions = 2\n");
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub error_of { my (undef, undef, $err) = $node->psql('postgres', $_[0]); return $err; }

sql("CREATE EXTENSION $_") foreach qw(pagestore pageinspect pgstattuple pgrowlocks amcheck);

# ---- one table, as pagestore's and as heap's ----

sql("CREATE TABLE t (id int PRIMARY KEY, v text, big text) USING pagestore WITH (fillfactor = 80);
	ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
	INSERT INTO t SELECT i, repeat('v', i % 60), CASE WHEN i % 50 = 0 THEN repeat('b', 5000) END FROM generate_series(1, 9000) i;
	CREATE INDEX ON t (v); CREATE INDEX ON t USING gin (to_tsvector('simple', v)); CREATE INDEX ON t USING spgist (v)");
sql('VACUUM t');
sql("UPDATE t SET v = v || '!' WHERE id % 7 = 3 AND id < 6000; DELETE FROM t WHERE id % 5 = 4 AND id < 5000");
sql("BEGIN; INSERT INTO t SELECT i FROM generate_series(10001, 10500) i; ROLLBACK");

my %ours = (
	'stattuple' => "SELECT * FROM pagestore_stattuple('%s')",
	'stattuple_approx' => "SELECT * FROM pagestore_stattuple_approx('%s')",
	'check' => "SELECT count(*) FROM pagestore_check('%s')",
	'page' => "SELECT md5(string_agg(i::text, ',')) FROM generate_series(0, pg_relation_size('%1\$s') / 8192 - 1) b, heap_page_items(pagestore_page('%1\$s', b)) i");
my %theirs = (
	'stattuple' => "SELECT * FROM pgstattuple('%s'::regclass)",
	'stattuple_approx' => "SELECT * FROM pgstattuple_approx('%s')",
	'check' => "SELECT count(*) FROM verify_heapam('%s', check_toast => true)",
	'page' => "SELECT md5(string_agg(i::text, ',')) FROM generate_series(0, pg_relation_size('%1\$s') / 8192 - 1) b, heap_page_items(get_raw_page('%1\$s', b::int)) i");

sub compare
{
	my ($table, $when) = @_;
	# a first look sets hint bits, which show in pages' bytes
	sql("SELECT count(*) FROM $table; " . sprintf($ours{stattuple}, $table));
	my %before = map { $_ => sql(sprintf($ours{$_}, $table)) } sort keys %ours;
	sql("SELECT pagestore_convert('$table', 'heap')");
	foreach my $f (sort keys %ours)
	{
		is($before{$f}, sql(sprintf($theirs{$f}, $table)), "$f: as heap's, $when");
	}
	sql("SELECT pagestore_convert('$table', 'pagestore')");
	return;
}

compare('t', 'with dead rows');
sql('VACUUM t');
compare('t', 'after VACUUM');
sql('DELETE FROM t WHERE id > 2000; VACUUM (TRUNCATE off) t');
compare('t', 'with empty pages');
sql('CREATE TABLE e (i int) USING pagestore; CREATE INDEX ON e (i)');
is(sql(sprintf($ours{$_}, 'e')), sql('CREATE TABLE IF NOT EXISTS eh (i int) USING heap; ' . sprintf($theirs{$_}, 'eh')), "$_: an empty table")
  foreach grep { $_ ne 'page' } sort keys %ours;
isnt(sql("SELECT md5(pagestore_page('t', 1))"), sql("SELECT md5(pagestore_page('t', 2))"), 'pages are told apart');
is(sql("SELECT md5(pagestore_page('t', 1)) = md5(get_raw_page('t', 1))"), 't', 'pagestore_page() and get_raw_page() are one');
is(sql("SELECT pagestore_prewarm('t') = pg_relation_size('t') / 8192, pagestore_prewarm('t', 2, 5), pagestore_prewarm('t', 3), pagestore_prewarm('t', 5, 2), pagestore_prewarm('e')"),
	sql("SELECT true, 4, pg_relation_size('t') / 8192 - 3, 0, 0"), 'pagestore_prewarm() says how many blocks');

# ---- twins, with others at work ----

my @twins = qw(t_p t_h);
sql("CREATE TABLE t_p (id int PRIMARY KEY, n int) USING pagestore WITH (fillfactor = 50); CREATE TABLE t_h (id int PRIMARY KEY, n int) USING heap WITH (fillfactor = 50)");
sql("INSERT INTO $_ SELECT i, 0 FROM generate_series(1, 1000) i") foreach @twins;

my @sessions = map { $node->background_psql('postgres') } 1 .. 4;
my @work = (
	[ 'UPDATE %s SET n = 1 WHERE id BETWEEN 10 AND 19', 'DELETE FROM %s WHERE id BETWEEN 20 AND 29', 'UPDATE %s SET id = -id WHERE id BETWEEN 30 AND 35',
		'INSERT INTO %s SELECT i, 5 FROM generate_series(2000, 2050) i' ],
	[ 'SELECT FROM %s WHERE id BETWEEN 100 AND 109 FOR UPDATE', 'SELECT FROM %s WHERE id BETWEEN 110 AND 119 FOR NO KEY UPDATE',
		'SELECT FROM %s WHERE id BETWEEN 120 AND 129 FOR SHARE', 'SELECT FROM %s WHERE id BETWEEN 130 AND 149 FOR KEY SHARE' ],
	[ 'SELECT FROM %s WHERE id BETWEEN 125 AND 135 FOR SHARE', 'UPDATE %s SET n = 2 WHERE id BETWEEN 140 AND 144',
		'SAVEPOINT s', 'SELECT FROM %s WHERE id BETWEEN 145 AND 148 FOR NO KEY UPDATE' ],
	[ 'SELECT FROM %s WHERE id BETWEEN 122 AND 138 FOR KEY SHARE' ]);
foreach my $s (0 .. $#work)
{
	$sessions[$s]->query_safe('BEGIN');
	foreach my $statement (@{ $work[$s] })
	{
		# the same transactions lock both twins, so that the answers are the same
		$sessions[$s]->query_safe(sprintf($statement, $_)) foreach @twins;
	}
}
# a multixact's number is the table's own, transactions and processes are not
my $locks = "SELECT locked_row, CASE WHEN multi THEN '0' ELSE locker::text END, multi, xids, modes, pids FROM %s('%s') ORDER BY locked_row";
my $mine = sql(sprintf($locks, 'pagestore_rowlocks', 't_p'));
is($mine, sql(sprintf($locks, 'pgrowlocks', 't_h')), 'row locks: as heap\'s');
like($mine, qr/\{\Q$_\E[,}]/, "row locks: $_") foreach qw(Update), '"No Key Update"', '"For Update"', '"For No Key Update"', '"For Share"', '"For Key Share"',
  server_major() >= 17 ? ('"For Share","For Share"', '"For Key Share","No Key Update"') : ('Share,Share', '"Key Share","No Key Update"');
is(sql("SELECT * FROM pagestore_stattuple('t_p')"), sql("SELECT * FROM pgstattuple('t_h')"), 'stattuple: as of the twin, with transactions under way');
is(sql("SELECT * FROM pagestore_stattuple_approx('t_p')"), sql("SELECT * FROM pgstattuple_approx('t_h')"), 'stattuple_approx: as of the twin, with transactions under way');
is(sql("SELECT count(*) FROM pagestore_check('t_p')"), '0', 'check: nothing wrong with transactions under way');
$_->query_safe('COMMIT') foreach @sessions;
is(sql("SELECT count(*) FROM pagestore_rowlocks('t_p')"), '0', 'no row is locked any more');
$sessions[0]->query_safe("BEGIN; UPDATE t_p SET n = 3 WHERE id = 500; PREPARE TRANSACTION 'p'");
is(sql("SELECT modes, pids FROM pagestore_rowlocks('t_p')"), '{"No Key Update"}|{0}', 'a prepared transaction has no process');
sql("COMMIT PREPARED 'p'");

# ---- a check beside writers, VACUUM and DDL, of a table that is read around the pool ----

sql("CREATE TABLE busy (id int, n int, v text, big text) USING pagestore WITH (fillfactor = 90);
	ALTER TABLE busy ALTER big SET STORAGE EXTERNAL;
	INSERT INTO busy SELECT i, 0, repeat('v', 400), CASE WHEN i % 20 = 0 THEN repeat('b', 5000) END FROM generate_series(1, 30000) i;
	CREATE INDEX ON busy (id); CREATE INDEX ON busy USING gist (int4range(id, id, '[]')); CREATE INDEX ON busy (n) WHERE id % 3 = 0; CREATE INDEX ON busy USING hash (id); CREATE INDEX ON busy USING brin (id, n) WITH (pages_per_range = 4)");
cmp_ok(sql("SELECT pg_relation_size('busy')"), '>', 8 << 20, 'a table larger than the pool');
sql(q[CREATE PROCEDURE work(seed int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. 400 LOOP
			UPDATE busy SET n = n + 1, big = repeat('c', 4000 + i) WHERE id = (i * seed * 7919) % 30000;
			UPDATE busy SET n = n + 1 WHERE id BETWEEN (i * seed * 104729) % 30000 AND (i * seed * 104729) % 30000 + 20;
			DELETE FROM busy WHERE id = (i * seed * 31) % 30000 + 7;
			INSERT INTO busy VALUES ((i * seed * 31) % 30000 + 7, 0, 'new', repeat('d', 4000));
			IF i % 9 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
		END LOOP;
	END $$]);
$sessions[$_]->{stdin} .= "CALL work($_ + 1);\n\\echo done\n" foreach 0 .. 2;
$sessions[3]->{stdin} .= join('', map { "VACUUM busy;\n" . ($_ % 3 ? '' : "VACUUM FREEZE busy;\n") } 1 .. 6) . "\\echo done\n";
$_->{run}->pump_nb foreach @sessions;
my ($found, $around) = ('', sql('SELECT blks_around FROM pg_stat_pagestore'));
foreach my $round (1 .. 5)
{
	$found .= sql("SELECT * FROM pagestore_check('busy', heapallindexed => " . ($round % 2 ? 'true' : 'false') . ')');
	$_->{run}->pump_nb foreach @sessions;
}
is($found, '', 'check: nothing wrong in a busy table');
cmp_ok(sql('SELECT blks_around FROM pg_stat_pagestore'), '>', $around, '... that was read around the pool');
foreach my $s (@sessions)
{
	$s->{run}->pump until $s->{stdout} =~ /done/ || $s->{timeout}->is_expired;
	$s->quit;
}
is(sql("SELECT * FROM pagestore_check('busy')"), '', 'check: nothing wrong afterwards');

# what is checked is the page as it is, not as it lies in the file
sql("CREATE TABLE fresh (i int) USING pagestore; CHECKPOINT; INSERT INTO fresh SELECT generate_series(1, 100)");
is(sql("SELECT tuple_count FROM pagestore_stattuple('fresh')"), '100', 'rows that no file has yet');
is(sql("BEGIN; CREATE TEMP TABLE tmp (i int) USING pagestore; INSERT INTO tmp SELECT generate_series(1, 100);
	SELECT count(*) FROM pagestore_check('tmp'); SELECT tuple_count FROM pagestore_stattuple('tmp'); COMMIT"), "0\n100", 'a temporary table');
is(sql("BEGIN; SELECT pagestore_convert('t_h', 'pagestore'); SELECT count(*) FROM pagestore_check('t_h'); SELECT tuple_count = (SELECT count(*) FROM t_h) FROM pagestore_stattuple('t_h'); ROLLBACK"),
	"t\n0\nt", 'in the transaction that switches');

# ---- what is none of theirs ----

sql("CREATE VIEW v AS SELECT 1; CREATE TABLE parted (i int) PARTITION BY RANGE (i); CREATE INDEX t_idx ON t (id); CREATE SEQUENCE seq");
foreach my $f ('pagestore_check(%s)', 'pagestore_page(%s, 0)', 'pagestore_stattuple(%s)', 'pagestore_stattuple_approx(%s)', 'pagestore_rowlocks(%s)', 'pagestore_prewarm(%s)')
{
	like(error_of('SELECT * FROM ' . sprintf($f, "'t_h'")), qr/ERROR:  "t_h" is not a pagestore table\nHINT/, "$f of heap's table");
	like(error_of('SELECT * FROM ' . sprintf($f, "'$_'")), qr/ERROR:  "$_" is not a table or materialized view/, "$f of $_") foreach qw(v parted t_idx seq);
	like(error_of('SELECT * FROM ' . sprintf($f, '0')), qr/could not open relation with OID 0/, "$f of nothing");
}
like(error_of("SELECT * FROM pagestore_check('t', $_)"), qr/$_ cannot be null|cannot be null/, "check: $_ is null")
  foreach map { "$_ => NULL" } qw(heapallindexed check_toast check_indexes on_error_stop skip);
like(error_of("SELECT * FROM pagestore_check('t', skip => 'frob')"), qr/invalid skip option/, 'check: a wrong skip option');
like(error_of("SELECT * FROM pagestore_check('t', startblock => 100000)"), qr/starting block number must be between 0 and/, 'check: a block that is not there');
like(error_of("SELECT pagestore_prewarm('t', 0, 100000)"), qr/ending block number must be between 0 and/, 'prewarm: a block that is not there');
like(error_of("SELECT pagestore_page('t', $_)"), qr/out of range|invalid block number/, "page: block $_") foreach 100000, -1, 4294967295;

# ---- a standby ----

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is($standby->safe_psql('postgres', $_), sql($_), "on a standby: $_")
  foreach "SELECT * FROM pagestore_stattuple('busy')", "SELECT * FROM pagestore_check('busy')", "SELECT * FROM pagestore_rowlocks('busy')", "SELECT pagestore_prewarm('t')",
  "SELECT lp, lp_off, t_xmin, t_data FROM heap_page_items(pagestore_page('t', 1))";
$standby->stop;
$node->stop;
done_testing();
