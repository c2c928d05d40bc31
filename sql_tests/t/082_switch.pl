# Switched tables in the world outside: the same file, crashes, a standby, logical decoding, two-phase commit, and
# pagestore_convert_all() with locks in its way, cancelled and crashed.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('switch', allows_streaming => 'logical', conf => "autovacuum = off\nmax_prepared_transactions = 5\ncheckpoint_timeout = '1h'\nmax_wal_size = '20GB'\nwal_keep_size = '20GB'\nwal_consistency_checking = 'heap,heap2'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub stderr_of { my ($rc, $out, $err) = $node->psql('postgres', $_[0]); return $err; }
sub am { return sql("SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE c.oid = '$_[0]'::regclass"); }
sub inode { my @s = stat(main_file($node, $_[0])); return "$s[0]:$s[1]"; }

# h is heap for ever, with the same rows as t
sub both { sql(join ' ', map { (my $q = $_[0]) =~ s/@/$_/g; "$q;" } 't', 'h'); }
sub same { my ($what) = @_; return ok(same_tables($node, 't', 'h'), "$what: the rows"); }

sql('CREATE EXTENSION pagestore; CREATE EXTENSION amcheck; CREATE TABLE t (id int PRIMARY KEY, n int, v text) USING heap; CREATE TABLE h (LIKE t INCLUDING ALL) USING heap');
both("INSERT INTO @ SELECT i, i % 10, repeat('v', i % 200) FROM generate_series(1, 20000) i");
sql('CREATE PUBLICATION p FOR TABLE t');
my $sub = new_server('subscriber', allows_streaming => 'logical', conf => "autovacuum = off\n");
$sub->start;
$sub->safe_psql('postgres', 'CREATE EXTENSION pagestore; CREATE TABLE t (id int PRIMARY KEY, n int, v text) USING pagestore');
$sub->safe_psql('postgres', q(CREATE SUBSCRIPTION s CONNECTION ') . $node->connstr . q( dbname=postgres' PUBLICATION p));
$sub->wait_for_subscription_sync($node, 's');
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

# --- in place, both ways; what the pool has not written is there for heap, and the reverse
my $inode = inode('t');
my $pins = $standby->background_psql('postgres');
$pins->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM h');
my $step = 0;
foreach my $am ('pagestore', 'heap', 'pagestore')
{
	$step++;
	both("UPDATE @ SET n = n + 1 WHERE id % 7 = $step");
	sql("ALTER TABLE t SET ACCESS METHOD $am");
	is(am('t'), $am, "to $am");
	is(inode('t'), $inode, "to $am: the same file");
	both("UPDATE @ SET v = v || '$step' WHERE id % 5 = $step; DELETE FROM @ WHERE id % 50 = $step; INSERT INTO @ SELECT i, 0, 'new' FROM generate_series($step * 100000, $step * 100000 + 500) i");
	same("to $am");
	$node->wait_for_catchup($standby);
	is(table_state($standby, 't'), table_state($node, 'h'), "to $am: the rows on the standby");
	is($standby->safe_psql('postgres', "SET enable_seqscan = off; SELECT count(*) FROM t WHERE id < 1000"), sql('SELECT count(*) FROM h WHERE id < 1000'), "to $am: ... by the index");
}
$pins->quit;

# --- a crash right after the commit, one before it
foreach my $am ('heap', 'pagestore', 'heap')
{
	$step++;
	both("UPDATE @ SET n = n + 1 WHERE id % 7 = $step");
	sql("ALTER TABLE t SET ACCESS METHOD $am");
	kill_server($node);
	$node->start;
	is(am('t'), $am, "crash after the switch to $am: it has stayed");
	is(inode('t'), $inode, "crash after the switch to $am: the same file");
	same("crash after the switch to $am");
	both("UPDATE @ SET n = n + 1 WHERE id % 11 = $step");

	my $other = $am eq 'heap' ? 'pagestore' : 'heap';
	my $open = $node->background_psql('postgres');
	$open->query_safe("BEGIN; UPDATE t SET n = -1 WHERE id < 5000; ALTER TABLE t SET ACCESS METHOD $other; UPDATE t SET n = -2 WHERE id > 5000");
	sql('CHECKPOINT');
	kill_server($node);
	eval { $open->quit };
	$node->start;
	is(am('t'), $am, "crash before the commit of a switch to $other: undone");
	same("crash before the commit of a switch to $other");
	sql("VACUUM t; SELECT bt_index_check('t_pkey', true)");
	same("... vacuumed");
}
is(sql("SELECT count(*) FROM verify_heapam('t')"), '0', 'verify_heapam finds nothing');

# what is dirty is written before the lock: nobody waits for that (the writer, which would write it soon, is stopped)
my ($out, $err) = ('', '');
sub in_background { return IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres'), '-c', $_[0] ], '<', '/dev/null', '>', \$out, '2>', \$err); }
sub dirty { return sql("SELECT count(*) FROM pagestore_frames WHERE relfilenode = pg_relation_filenode('t') AND isdirty"); }
sql('ALTER TABLE t SET ACCESS METHOD pagestore');
foreach my $way ('ALTER TABLE t SET ACCESS METHOD heap', "SELECT pagestore_convert('t', 'heap')")
{
	sql('CHECKPOINT');
	my $writer = sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'pagestore writer'");
	kill 'STOP', $writer;
	both('UPDATE @ SET n = n + 1 WHERE id % 3 = 0');
	cmp_ok(dirty(), '>', 100, "$way: pages are dirty");
	stop_at($node, 'switch-flushed');
	my $switch = in_background($way);
	ok(wait_stopped($node, 'switch-flushed'), "$way: under way");
	is(dirty(), 0, "$way: they are written");
	both('UPDATE @ SET n = n + 1 WHERE id % 100 = 0');
	go($node);
	kill 'CONT', $writer;
	$switch->finish;
	is(am('t'), 'heap', "$way: switched");
	same($way);
	sql('ALTER TABLE t SET ACCESS METHOD pagestore');
}

# parked with the pages written and the catalog changed, killed there
both('UPDATE @ SET n = n + 1 WHERE id % 3 = 0');
stop_at($node, 'switch-before-commit');
my $stuck = in_background('ALTER TABLE t SET ACCESS METHOD heap');
ok(wait_stopped($node, 'switch-before-commit'), 'one is in the middle of it');
kill_server($node);
$stuck->finish;
$node->start;
is(am('t'), 'pagestore', 'crash in the middle: undone');
same('crash in the middle');

# --- two-phase commit
both('UPDATE @ SET n = n + 1 WHERE id % 3 = 1');
sql("BEGIN; ALTER TABLE t SET ACCESS METHOD heap; UPDATE t SET v = 'two' WHERE id < 100; PREPARE TRANSACTION 'x'");
kill_server($node);
$node->start;
like(stderr_of("SET lock_timeout = '100ms'; TABLE t"), qr/lock timeout/, 'prepared: nobody else has the table, after a crash, too');
sql("COMMIT PREPARED 'x'; UPDATE h SET v = 'two' WHERE id < 100");
is(am('t'), 'heap', 'prepared and committed');
same('prepared and committed');

# --- the subscriber has had all of it; its own table is switched while changes come in
$node->wait_for_catchup('s');
foreach my $am ('heap', 'pagestore')
{
	$sub->safe_psql('postgres', "ALTER TABLE t SET ACCESS METHOD $am");
	both("UPDATE @ SET n = n + 1 WHERE id % 3 = 2");
	$node->wait_for_catchup('s');
	is(table_state($sub, 't'), table_state($node, 'h'), "logical replication: the subscriber's rows, its table $am");
}
$sub->stop;
$node->wait_for_catchup($standby);
is(table_state($standby, 't'), table_state($node, 'h'), 'the standby\'s rows at the end');
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
$standby->safe_psql('postgres', 'ALTER TABLE t SET ACCESS METHOD pagestore; UPDATE t SET n = n');
is(table_state($standby, 't'), table_state($node, 'h'), '... and switched there after promotion');
$standby->stop;
sql('DROP PUBLICATION p; SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active');

# --- SET ACCESS METHOD DEFAULT
if (server_major() >= 17)
{
	foreach my $am ('heap', 'pagestore')
	{
		my $other = $am eq 'heap' ? 'pagestore' : 'heap';
		sql("CREATE TABLE by_default USING $other AS SELECT i FROM generate_series(1, 100) i");
		my $file = inode('by_default');
		sql("SET default_table_access_method = $am; ALTER TABLE by_default SET ACCESS METHOD DEFAULT");
		is(am('by_default') . ' ' . inode('by_default'), "$am $file", "to the default, $am: in place");
		is(sql('SELECT count(*) FROM by_default'), '100', "to the default, $am: the rows");
		sql('DROP TABLE by_default');
	}
}

# --- pagestore_convert_all()
sql(join ';', 'CREATE SCHEMA a', map { "CREATE TABLE a.t$_ USING heap AS SELECT i FROM generate_series(1, 1000) i" } 1 .. 6);
sub ams { return sql("SELECT string_agg(left(amname, 1), '' ORDER BY relname) FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relnamespace = 'a'::regnamespace AND relkind = 'r'"); }
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE a.t2, a.t5 IN ACCESS SHARE MODE');
my $said = stderr_of("SET lock_timeout = '50ms'; CALL pagestore_convert_all('pagestore', 'a')");
is($said =~ s/^.*?NOTICE/NOTICE/gmr, "NOTICE:  skipped table a.t2: canceling statement due to lock timeout\nNOTICE:  skipped table a.t5: canceling statement due to lock timeout", 'locked tables are skipped, with the reason');
is(ams(), 'phpphp', '... the others have been converted');
is(sql("CALL pagestore_convert_all('heap', 'a')"), '4|0', 'what is heap already is not waited for');
is(ams(), 'hhhhhh', '... and the others go back');
# without lock_timeout it waits; cancelled, it keeps what it has done
my $call = "CALL pagestore_convert_all('pagestore', 'a')";
$err = '';
my $waits = in_background($call);
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'a.t2'::regclass");
is(ams(), 'phhhhh', 'it waits for a lock; what came before is committed');
sql("SELECT pg_cancel_backend(pid) FROM pg_locks WHERE NOT granted AND relation = 'a.t2'::regclass");
$waits->finish;
like($err, qr/ERROR:  canceling statement due to user request/, 'cancelled, it ends');
is(ams(), 'phhhhh', '... with what it has done');
$holder->query_safe('ROLLBACK');
$holder->quit;
# a crash in the middle
stop_at($node, 'switch-before-commit', skip => 2);
$waits = in_background($call);
ok(wait_stopped($node, 'switch-before-commit'), 'the third of them under way');
kill_server($node);
$waits->finish;
$node->start;
is(ams(), 'ppphhh', 'a crash: those before are converted');
is(sql("CALL pagestore_convert_all('pagestore', 'a')"), '3|0', 'called again it does the rest');
is(ams(), 'pppppp', '... all');
is(sql(join ' UNION ALL ', map { "SELECT count(*) FROM a.t$_ HAVING count(*) <> 1000" } 1 .. 6), '', '... with their rows');

# --- what a partitioned table has is for its partitions to come, and goes the same ways
sql('CREATE TABLE tree (i int) PARTITION BY LIST (i); CREATE TABLE tree_1 PARTITION OF tree FOR VALUES IN (1) USING heap');
sub tree { return sql("SELECT coalesce(string_agg(relname || ' ' || amname, ', ' ORDER BY relname), '') FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relname ~ '^tree'"); }
if (server_major() < 17)
{
	like(stderr_of('ALTER TABLE tree SET ACCESS METHOD pagestore'), qr/cannot change access method of a partitioned table/, 'to 16 it has none');
}
else
{
	sql('ALTER TABLE tree SET ACCESS METHOD pagestore; CREATE TABLE tree_2 PARTITION OF tree FOR VALUES IN (2)');
	is(tree(), 'tree pagestore, tree_1 heap, tree_2 pagestore', 'by ALTER TABLE: for what comes');
	sql("SELECT pagestore_convert('tree', 'heap')");
	is(tree(), 'tree heap, tree_1 heap, tree_2 heap', 'by pagestore_convert(): it and what there is');
	sql("SELECT pagestore_convert('tree', 'pagestore')");
	is(tree(), 'tree pagestore, tree_1 pagestore, tree_2 pagestore', '... and back');
	sql('ALTER TABLE tree_1 SET ACCESS METHOD heap; ALTER TABLE tree_2 SET ACCESS METHOD heap');
	like(stderr_of('DROP EXTENSION pagestore CASCADE'), qr/public\.tree$/m, 'it alone keeps the extension');
	sql("CALL pagestore_convert_all('heap')");
	is(tree(), 'tree heap, tree_1 heap, tree_2 heap', 'by pagestore_convert_all()');
	sql('DROP EXTENSION pagestore CASCADE');
	is(sql("SELECT to_regclass('tree') IS NOT NULL"), 't', 'and it is left behind');
}
$node->stop;
done_testing();
