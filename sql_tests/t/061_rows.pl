# Rows at the edges of vacuum and of replay: a horizon that moves back between two looks of VACUUM;
# combo command ids and locks of other transactions, replayed to the same bits; hints of commits that are not flushed.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('rows', conf => "autovacuum = off\nwal_consistency_checking = 'heap,heap2'\n");
$node->start;

# What the horizon test calls removable when VACUUM looks for dead rows it may no longer call so when they are pruned.
$node->safe_psql('postgres', q{
	CREATE EXTENSION pagestore;
	CREATE TABLE horizon (id int PRIMARY KEY, n int) USING pagestore;
	INSERT INTO horizon SELECT i, 0 FROM generate_series(1, 500) i;
});
my $old = $node->background_psql('postgres');
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM horizon');
$node->safe_psql('postgres', 'DELETE FROM horizon WHERE id % 3 = 0; UPDATE horizon SET n = 1 WHERE id % 5 = 0');
stop_at($node, 'vacuum-horizon-ahead', action => 'yes');
my ($rc, $out, $err) = $node->psql('postgres', 'VACUUM (VERBOSE, FREEZE) horizon');
is($rc, 0, 'VACUUM goes by its own cutoff when the horizon has moved back');
like($err, qr/tuples: 0 removed, .* are dead but not yet removable/, 'and leaves what others still see');
ok(stop_hits($node, 'vacuum-horizon-ahead') > 0, 'it was told so');
go($node);
is($old->query_safe('SELECT count(*), sum(n) FROM horizon'), '500|0', 'the old snapshot sees all of it');
$old->query_safe('COMMIT');
$old->quit;
$node->safe_psql('postgres', 'VACUUM (FREEZE) horizon');
is($node->safe_psql('postgres', 'SELECT count(*), sum(n) FROM horizon'), '334|67', 'later all that is dead goes');

# A combo command id that stays while its maker runs, locks by others, frozen and locked again.
$node->safe_psql('postgres', q{
	CREATE TABLE combo (id int PRIMARY KEY, n int) USING pagestore;
	INSERT INTO combo SELECT i, 0 FROM generate_series(1, 20) i;
});
my $maker = $node->background_psql('postgres');
my $locker = $node->background_psql('postgres');
$maker->query_safe(q{BEGIN; UPDATE combo SET n = 1; SAVEPOINT s; UPDATE combo SET n = 2 WHERE id % 2 = 0; ROLLBACK TO s; DELETE FROM combo WHERE id > 15;
	SAVEPOINT t; UPDATE combo SET n = 3 WHERE id % 3 = 0; ROLLBACK TO t; INSERT INTO combo SELECT i, 9 FROM generate_series(101, 110) i});
$locker->query_safe('BEGIN; SELECT count(*) FROM (SELECT 1 FROM combo WHERE id <= 15 FOR KEY SHARE) s');
$maker->query_safe('UPDATE combo SET n = n + 10 WHERE id % 4 = 0');
is($maker->query_safe('SELECT sum(n) FROM combo WHERE id < 100'), '45', 'its maker finds each row once');
$maker->query_safe('COMMIT');
$locker->query_safe('COMMIT');
$node->safe_psql('postgres', $_) foreach 'VACUUM (FREEZE) combo', 'BEGIN; SELECT 1 FROM combo FOR SHARE; COMMIT', 'BEGIN; SELECT 1 FROM combo WHERE id % 2 = 0 FOR UPDATE; COMMIT',
	'UPDATE combo SET n = n WHERE id % 5 = 0', 'DELETE FROM combo WHERE id = 7', 'VACUUM combo';
my $state = table_state($node, 'combo');
$_->quit foreach $maker, $locker;
kill_server($node);
$node->start;
is(table_state($node, 'combo'), $state, 'replay makes the same rows');
unlike(slurp_file($node->logfile), qr/inconsistent page found/, 'and the same pages');

# A commit that is not flushed is not hinted: a crash would lose it, and not the hint.  Nobody flushes WAL meanwhile.
$node->append_conf('postgresql.conf', "wal_writer_delay = 10s\nbgwriter_lru_maxpages = 0");
$node->restart;
$node->safe_psql('postgres', 'CREATE EXTENSION pageinspect; CREATE TABLE late_p (id int) USING pagestore; CREATE TABLE late_h (id int) USING heap');
foreach my $t ('late_p', 'late_h')
{
	my $unflushed = 'SELECT pg_current_wal_flush_lsn() < pg_current_wal_insert_lsn()';
	my $hinted = "SELECT t_infomask & 256 <> 0 FROM heap_page_items(get_raw_page('$t', 0)) WHERE lp = (SELECT max(lp) FROM heap_page_items(get_raw_page('$t', 0)))";
	my $seen = '';
	for (1 .. 20)
	{
		$seen = $node->safe_psql('postgres', "SET synchronous_commit = off; INSERT INTO $t VALUES (1); SELECT count(*) > 0 FROM $t; $hinted; $unflushed");
		last if $seen =~ /\nt$/;		# else somebody has flushed it after all
	}
	is($seen, "t\nf\nt", "$t: seen and not hinted while its commit is not flushed");
	is($node->safe_psql('postgres', "SELECT pg_switch_wal() IS NOT NULL; INSERT INTO $t VALUES (2); SELECT count(*) > 0 FROM $t; $hinted"), "t\nt\nt", "$t: hinted when it is");
}

$node->stop;
done_testing();
