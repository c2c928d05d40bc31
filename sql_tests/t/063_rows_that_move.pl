# New versions that go to another page: put there while the old page is latched, if the page of the last insert is at
# hand, and then without a record of a lock; lockers go along, latches come in no circle, and a crash loses nothing.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_server('moves', conf => "autovacuum = off\njit = off\nmax_connections = 40\nwal_consistency_checking = 'heap,heap2'\n"
	  . "checkpoint_timeout = 1h\nmax_wal_size = '10GB'\ndeadlock_timeout = '100ms'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sql("CREATE EXTENSION $_") foreach qw(pagestore pg_walinspect amcheck pageinspect);
sql('CREATE EXTENSION pagestore_test');
sql('CREATE TABLE flushed (i int)');

sub make_table
{
	my ($table, $am, $options) = @_;
	sql("CREATE TABLE $table (id int, n int, pad text) USING $am WITH (" . ($options // 'fillfactor = 100') . ");
		ALTER TABLE $table ALTER pad SET STORAGE plain;
		INSERT INTO $table SELECT i, 0, repeat('x', 100) FROM generate_series(1, 3000) i; CREATE INDEX ON $table (id)");
}
sub here { return sql('SELECT pg_current_wal_insert_lsn()'); }
sub page_of { return sql("SELECT (ctid::text::point)[0] FROM $_[0] WHERE id = $_[1]"); }

# Records of row locks since then.
sub locks
{
	my ($from) = @_;
	sql('INSERT INTO flushed DEFAULT VALUES');
	return sql("SELECT count(*) FROM pg_get_wal_records_info('$from', pg_current_wal_flush_lsn()) WHERE record_type = 'LOCK'");
}

# ---- how many rows are locked in WAL: one for each page that has to be sought ----
my %locked;
foreach my $am (qw(heap pagestore))
{
	make_table("m_$am", $am);
	my $from = here();
	sql("UPDATE m_$am SET n = id");
	$locked{$am} = locks($from);
}
my $added = sql("SELECT pg_relation_size('m_pagestore') / 8192") / 2;
cmp_ok($locked{heap}, '>', 2500, 'heap locks nearly every row that moves');
cmp_ok($locked{pagestore}, '<=', $added + 1, "one for each of $added pages added");
ok(same_tables($node, 'm_heap', 'm_pagestore'), 'and the rows are heap\'s');
is(sql("SELECT bt_index_check('m_pagestore_id_idx', true)"), '', 'found through the index');

# ---- lockers of the old version hold the new one ----
make_table('held', 'pagestore');
my $locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; SELECT id FROM held WHERE id = 500 FOR KEY SHARE');
my $from = here();
sql('UPDATE held SET n = 1 WHERE id IN (400, 500)');
is(locks($from), 1, 'the first row to move looks for a page, the next one finds it at hand');
isnt(page_of('held', 500), int(500 / sql("SELECT count(*) FROM heap_page_items(get_raw_page('held', 0))")), 'it has moved');
my (undef, undef, $refused) = $node->psql('postgres', 'SELECT id FROM held WHERE id = 500 FOR UPDATE NOWAIT');
like($refused, qr/could not obtain lock on row/, 'the locker has the new version');
is(sql('SELECT id FROM held WHERE id = 500 FOR NO KEY UPDATE NOWAIT'), '500', 'as it had the old one');
$locker->query_safe('COMMIT');
is(sql('SELECT id FROM held WHERE id = 500 FOR UPDATE NOWAIT'), '500', 'until it ends');
$locker->quit;

# ---- two that each have the page latched that the other wants: the latch is only tried ----
make_table('crossing', 'pagestore');
sql('DELETE FROM crossing WHERE id BETWEEN 301 AND 325; VACUUM crossing');
my $big = page_of('crossing', 299);
my ($a, $b) = map { $node->background_psql('postgres') } 1 .. 2;
my $insert = "INSERT INTO crossing VALUES (-%d, 0, repeat('y', %d)) RETURNING (ctid::text::point)[0]";
is($a->query_safe(sprintf($insert, 1, 1900)), $big, 'one puts rows into a page');
is($b->query_safe(sprintf($insert, 2, 1300)), page_of('crossing', 3000), 'the other into the last one');
stop_at($node, 'place-beside', times => 1);
my $pid_b = $b->query_safe('SELECT pg_backend_pid()');
$a->query_until(qr/begun/, "\\echo begun\nUPDATE crossing SET pad = repeat('a', 1200) WHERE id = 3000;\n\\echo done\n");
ok(wait_stopped($node, 'place-beside'), 'the first has its old page latched, and comes for the other\'s');
$b->query_until(qr/begun/, "\\echo begun\nUPDATE crossing SET pad = repeat('b', 1900) WHERE id = 299;\n\\echo done\n");
ok($node->poll_query_until('postgres', "SELECT wait_event = 'PagestoreFrame' FROM pg_stat_activity WHERE pid = $pid_b"), 'the second, the other way round, waits');
go($node);
$_->query_until(qr/done/, '') foreach ($a, $b);
is(sql('SELECT string_agg(id || left(pad, 1) || length(pad), \' \' ORDER BY id) FROM crossing WHERE id IN (299, 3000)'), '299b1900 3000a1200', 'both have moved');
is(page_of('crossing', 3000), $big, 'the first to where it wanted');
$_->quit foreach ($a, $b);

# ---- to a page that VACUUM has passed: members of a multixact that have ended stay behind (heap takes them along, and VACUUM fails) ----
make_table('passed', 'pagestore');
sql('DELETE FROM passed WHERE id BETWEEN 10 AND 40; VACUUM passed');
my ($ended, $holder, $mover, $freezer) = map { $node->background_psql('postgres') } 1 .. 4;
$mover->query_safe("UPDATE passed SET pad = repeat('y', 150) WHERE id = 1500");
is(page_of('passed', 1500), 0, 'rows go to the first page');
$ended->query_safe('BEGIN; SELECT txid_current()');
$holder->query_safe('BEGIN; SELECT id FROM passed WHERE id = 2500 FOR KEY SHARE');
$ended->query_safe('UPDATE passed SET n = 1 WHERE id = 2500; ROLLBACK');
my $pid_freezer = $freezer->query_safe('SELECT pg_backend_pid()');
stop_at($node, 'pin-gate-passed', pid => $pid_freezer, skip => 10);
$freezer->query_until(qr/begun/, "\\echo begun\nVACUUM (FREEZE) passed;\n\\echo done\n");
is(wait_stopped($node, 'pin-gate-passed'), $pid_freezer, 'VACUUM stands still');
is(sql("SELECT heap_blks_scanned BETWEEN 1 AND @{[ page_of('passed', 2500) - 1 ]} FROM pg_stat_progress_vacuum"), 't', 'between the first page and that of a row');
$mover->query_safe("UPDATE passed SET pad = repeat('y', 150) WHERE id = 2500");
is(page_of('passed', 2500), 0, 'which moves to the first');
go($node);
$freezer->query_until(qr/done/, '');
(undef, undef, my $trouble) = $node->psql('postgres', 'VACUUM (FREEZE) passed');
is($trouble, '', 'the next VACUUM finds nothing older than the first has said');
(undef, undef, $refused) = $node->psql('postgres', 'SELECT id FROM passed WHERE id = 2500 FOR UPDATE NOWAIT');
like($refused, qr/could not obtain lock on row/, 'the locker that is still there has the new version');
$_->quit foreach ($ended, $holder, $mover, $freezer);

# ---- many at a time, each with rows of its own in every page, while VACUUM makes room; killed in the middle ----
make_table('busy', 'pagestore', 'fillfactor = 80');
sql('CREATE TABLE done (client int) USING pagestore');
my $work = $node->basedir . '/work.sql';
append_to_file($work, "\\set pad random(60, 160)\nBEGIN;\nUPDATE busy SET n = n + 1, pad = repeat('z', :pad) WHERE id % 8 = :client_id AND id <= 1000;\n"
	  . "INSERT INTO done VALUES (:client_id);\nCOMMIT;\n");
my $vacuum = $node->basedir . '/vacuum.sql';
append_to_file($vacuum, "VACUUM busy;\n");
sub state_of_busy
{
	my ($when) = @_;
	is(sql('SELECT count(*), count(DISTINCT id) FROM busy'), '3000|3000', "$when: every row, once");
	is(sql('SELECT count(*) FROM (SELECT id % 8 AS client, min(n) AS low, max(n) AS high FROM busy WHERE id <= 1000 GROUP BY 1) r
		LEFT JOIN (SELECT client, count(*) AS n FROM done GROUP BY 1) d USING (client) WHERE low <> coalesce(d.n, 0) OR high <> coalesce(d.n, 0)'),
		'0', "$when: changed by each transaction that is over, and by no other");
	is(sql("SELECT bt_index_check('busy_id_idx', true)"), '', "$when: found through the index");
	is(sql('SELECT sum(n) FROM busy WHERE id > 1000'), '0', "$when: the others as they were");
}
foreach my $round (1, 2)
{
	my @clients = map {
		IPC::Run::start([ 'pgbench', '-n', @$_, '-T', 60, '-h', $node->host, '-p', $node->port, 'postgres' ], '<', \undef, '>', \my $out, '2>', \my $err)
	} ([ '-c', 8, '-j', 2, '-f', $work ], [ '-c', 1, '-f', $vacuum ]);
	my $before = sql('SELECT count(*) FROM done');
	$node->poll_query_until('postgres', "SELECT count(*) > $before + 300 FROM done") or die 'no progress';
	kill_server($node);
	$_->finish foreach @clients;
	$node->start;
	state_of_busy("round $round");
}
unlike(slurp_file($node->logfile), qr/inconsistent page found|PANIC|TRAP|invalid page/, 'replay made the same pages');
$node->stop;
done_testing();
