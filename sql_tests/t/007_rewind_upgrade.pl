# pg_rewind of a diverged primary; pg_upgrade to a new cluster of the same version.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $a = new_server('a', allows_streaming => 1, conf => "autovacuum = off\nwal_keep_size = '200MB'\n");
$a->start;
$a->safe_psql('postgres', q(CREATE EXTENSION pagestore; CREATE TABLE t (id int PRIMARY KEY, s text) USING pagestore;
	INSERT INTO t SELECT i, 'both' FROM generate_series(1, 10000) i; CHECKPOINT));
$a->backup('base');
my $b = PostgreSQL::Test::Cluster->new('b');
$b->init_from_backup($a, 'base', has_streaming => 1);
$b->start;
$a->wait_for_catchup($b);
$b->promote;
$b->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
$a->safe_psql('postgres', q(UPDATE t SET s = 'old primary' WHERE id % 2 = 0; INSERT INTO t SELECT i, 'lost' FROM generate_series(20001, 25000) i));
$b->safe_psql('postgres', q(UPDATE t SET s = 'new primary' WHERE id % 3 = 0; INSERT INTO t SELECT i, 'new' FROM generate_series(30001, 32000) i; CHECKPOINT));
$a->stop;
command_ok([ 'pg_rewind', '--target-pgdata', $a->data_dir, '--source-server', $b->connstr('postgres') ], 'pg_rewind');
my $port = $a->port;
$a->append_conf('postgresql.conf', "port = $port\nunix_socket_directories = '" . $a->host . "'\nprimary_conninfo = '" . $b->connstr . " application_name=a'");
$a->set_standby_mode;
$a->start;
$b->wait_for_catchup('a');
is(table_state($a, 't'), table_state($b, 't'), 'the rewound server holds the rows of the new primary');
is($a->safe_psql('postgres', "SELECT count(*) FROM t WHERE s IN ('lost', 'old primary')"), '0', 'and none of its own');
$a->stop;

# pg_upgrade copies files as they are.  The new server preloads pagestore too.
my $rows = table_state($b, 't');
$b->stop;
my $new = new_server('new', allows_streaming => 1, conf => '');
my $bin = $b->config_data('--bindir');
chdir($new->basedir) or die $!;
command_ok([ 'pg_upgrade', '--no-sync', '-d', $b->data_dir, '-D', $new->data_dir, '-b', $bin, '-B', $bin,
		'-s', $new->host, '-p', $b->port, '-P', $new->port ], 'pg_upgrade');
$new->start;
is(table_state($new, 't'), $rows, 'the same rows after pg_upgrade');
$new->safe_psql('postgres', q(UPDATE t SET s = s || '!' WHERE id < 100; VACUUM t));
is($new->safe_psql('postgres', q(SELECT count(*) FROM t WHERE s LIKE '%!')), '99', 'and they can be changed');
$new->stop;
done_testing();
