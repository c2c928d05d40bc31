# A base backup taken under load, verified, started, complete.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('source', allows_streaming => 1, conf => "default_table_access_method = 'pagestore'\nmax_connections = 30\nwal_keep_size = '1GB'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pagestore; CREATE EXTENSION amcheck');
$node->command_ok([ 'pgbench', '-i', '-q', '-s', 2, 'postgres' ], 'load');
my $h = IPC::Run::start([ 'pgbench', '-n', '-c', 4, '-T', 600, '-h', $node->host, '-p', $node->port, 'postgres' ],
	'<', \undef, '>', '/dev/null', '2>', '/dev/null');
sleep 1;
$node->backup('under_load');
sleep 1;
$h->signal('TERM');
$h->finish;
command_ok([ 'pg_verifybackup', '-n', $node->backup_dir . '/under_load' ], 'pg_verifybackup');

my $agree = q(SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(tbalance) FROM pgbench_tellers)
	AND (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(bbalance) FROM pgbench_branches)
	AND (SELECT sum(bbalance) FROM pgbench_branches) = (SELECT coalesce(sum(delta), 0) FROM pgbench_history));
my $copy = PostgreSQL::Test::Cluster->new('copy');
$copy->init_from_backup($node, 'under_load');
$copy->start;
is($copy->safe_psql('postgres', $agree), 't', 'sums agree in the copy');
is($copy->safe_psql('postgres', 'SELECT count(*) FROM pgbench_accounts'), '200000', 'all accounts in the copy');
cmp_ok($copy->safe_psql('postgres', 'SELECT count(*) FROM pgbench_history'), '>', 0, 'and some history');
$copy->safe_psql('postgres', "SELECT bt_index_check('pgbench_accounts_pkey', true)");
$copy->stop;
command_ok([ 'pg_checksums', '--check', '-D', $copy->data_dir ], 'checksums of the copy');

# A dump and its restore, into pagestore and into heap.
my $dump = $node->basedir . '/dump.sql';
command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-f', $dump, 'postgres' ], 'pg_dump');
like(slurp_file($dump), qr/default_table_access_method = pagestore/, 'the dump names the access method');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'restored', '-f', $dump ], 'restore');
is($node->safe_psql('restored', $agree), 't', 'sums agree in the restored database');
is($node->safe_psql('restored', 'SELECT count(*) FROM pgbench_history'), $node->safe_psql('postgres', 'SELECT count(*) FROM pgbench_history'),
	'the same history');
$node->stop;
done_testing();
