# An old page in shared buffers that gets a hint bit, and with it a new LSN (checksums are on), brings no vacuumed row back.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('old_hint', conf => "wal_level = replica\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pagestore; CREATE EXTENSION pagestore_test;
	CREATE TABLE t (id int) USING pagestore;
	INSERT INTO t SELECT generate_series(1, 1000);
	CHECKPOINT;
	SELECT pagestore_behind('t', 'read', 1);
	DELETE FROM t WHERE id % 2 = 0;
	VACUUM t;
	CHECKPOINT});

# The sentinel has looked at all buffers twice since the rows were made.
$node->safe_psql('postgres', "CREATE TABLE wal$_ (); CHECKPOINT") for 1 .. 3;
my $state = table_state($node, 't');
like($state, qr/^500 /, 'half of the rows are left');
my $offset = -s $node->logfile;
$node->safe_psql('postgres', "SELECT pagestore_behind('t', 'hint', 1); CHECKPOINT");
ok($node->wait_for_log(qr/WARNING: .*shared buffer/, $offset), 'the old page is found');
is(table_state($node, 't'), $state, 'no row came back');
like(slurp_file($node->logfile, $offset), qr/pagestore_stray/, 'the old page is saved');
$node->stop('immediate');
$node->start;
is(table_state($node, 't'), $state, 'nor after a crash');
$node->stop;
done_testing();
