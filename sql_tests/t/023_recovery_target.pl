# Point-in-time recovery, to a time, a name, an LSN, a transaction and the end of the backup: pagestore tables, beside heap
# ones that were given the same changes, are what they were there, and the server goes on from there.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('archived', has_archiving => 1, allows_streaming => 1, conf => "autovacuum = off\n");
$node->start;
sub both { my ($sql) = @_; $node->safe_psql('postgres', ($sql =~ s/\@/t/gr) . ';' . ($sql =~ s/\@/h/gr)); }
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE TABLE t (id int PRIMARY KEY, n int, s text) USING pagestore;
	CREATE TABLE h (id int PRIMARY KEY, n int, s text) USING heap;
	INSERT INTO t SELECT i, i % 10, repeat('s', i % 100) FROM generate_series(1, 10000) i;
	INSERT INTO h TABLE t;
));
# dirty in the pool while the backup is taken
both('UPDATE @ SET n = n + 1 WHERE id % 2 = 0');
$node->backup('base');

my %state = (backup => table_state($node, 't'));
my %target;
sub now { return $node->safe_psql('postgres', "SELECT $_[0]"); }

both('UPDATE @ SET s = s || id WHERE id % 3 = 0; DELETE FROM @ WHERE id % 7 = 0; INSERT INTO @ SELECT i, 1, NULL FROM generate_series(20001, 22000) i');
$state{time} = table_state($node, 't');
$target{time} = now('clock_timestamp()');

both('VACUUM (FREEZE) @; UPDATE @ SET n = -n; DELETE FROM @ WHERE id > 21000; VACUUM @');
$state{name} = table_state($node, 't');
now("pg_create_restore_point('here')");
$target{name} = 'here';

both('ALTER TABLE @ ALTER n TYPE bigint; UPDATE @ SET n = n + 1000 WHERE id < 5000');
$state{lsn} = table_state($node, 't');
$target{lsn} = now('pg_current_wal_insert_lsn()');

# a switch each way is between here and the next
$node->safe_psql('postgres', 'ALTER TABLE t SET ACCESS METHOD heap; UPDATE t SET n = 3 WHERE id % 5 = 0; ALTER TABLE t SET ACCESS METHOD pagestore; UPDATE h SET n = 3 WHERE id % 5 = 0');
$node->safe_psql('postgres', 'DELETE FROM h WHERE id < 100');
$target{xid} = (split /\n/, $node->safe_psql('postgres', 'BEGIN; DELETE FROM t WHERE id < 100; SELECT pg_current_xact_id(); COMMIT'))[0];
$state{xid} = table_state($node, 't');

both('TRUNCATE @; INSERT INTO @ VALUES (1, 1, NULL)');
$state{latest} = table_state($node, 't');
now('pg_switch_wal()');
$node->poll_query_until('postgres', "SELECT last_archived_wal >= '" . now('pg_walfile_name(pg_current_wal_lsn() - 1)') . "' FROM pg_stat_archiver")
	or die 'nothing is archived';
$node->stop;

my %setting = (
	time => "recovery_target_time = '$target{time}'",
	name => "recovery_target_name = '$target{name}'",
	lsn => "recovery_target_lsn = '$target{lsn}'",
	xid => "recovery_target_xid = '$target{xid}'",
	backup => "recovery_target = 'immediate'",
	latest => '');
is(scalar(keys %{{ reverse %state }}), 6, 'six states that differ');

foreach my $kind (qw(backup time name lsn xid latest))
{
	my $restored = PostgreSQL::Test::Cluster->new("restored_$kind");

	$restored->init_from_backup($node, 'base', has_restoring => 1, standby => 0);
	$restored->append_conf('postgresql.conf', "archive_mode = off\nrecovery_target_action = promote\n$setting{$kind}\n");
	$restored->start;
	$restored->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'still in recovery';
	is(table_state($restored, 't'), $state{$kind}, "recovered to $kind");
	ok(same_tables($restored, 't', 'h'), '... and heap has the same rows') unless $kind eq 'backup';
	is($restored->safe_psql('postgres', "SELECT count(*) FROM pagestore_check('t')"), '0', '... and nothing is wrong with the table');
	$restored->safe_psql('postgres', "UPDATE t SET s = 'later'; DELETE FROM t WHERE id % 13 = 0; VACUUM t");
	my $later = table_state($restored, 't');
	kill_server($restored);
	$restored->start;
	is(table_state($restored, 't'), $later, '... and it goes on from there, through a crash');
	unlike(slurp_file($restored->logfile), qr/PANIC|TRAP/, '... without a finding');
	$restored->stop;
}
done_testing();
