# Without preloading: one clear error that says what to set.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('preload');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pagestore; CREATE TABLE t (i int) USING pagestore; INSERT INTO t VALUES (1)');
is($node->safe_psql('postgres', 'TABLE t'), '1', 'works when preloaded');
$node->stop;

$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->adjust_conf('postgresql.conf', 'pagestore.pool_size', undef);
$node->start;
foreach my $q ('SELECT * FROM t', 'INSERT INTO t VALUES (2)', 'CREATE TABLE u (i int) USING pagestore', 'VACUUM t', 'TRUNCATE t')
{
	my ($rc, $out, $err) = $node->psql('postgres', $q);
	isnt($rc, 0, "$q fails");
	like($err, qr/pagestore must be loaded at server start.*shared_preload_libraries/s, "$q says why");
}
my ($rc, $out, $err) = $node->psql('template1', 'CREATE EXTENSION pagestore');
isnt($rc, 0, 'CREATE EXTENSION fails');
like($err, qr/pagestore must be loaded at server start.*shared_preload_libraries/s, 'CREATE EXTENSION says why');
my @errors = $err =~ /ERROR:/g;
is(scalar @errors, 1, 'one error');
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the rest of the server works');
($rc, $out, $err) = $node->psql('postgres', "LOAD 'pagestore'; SELECT * FROM t");
like($err, qr/pagestore must be loaded at server start/, 'LOAD is not enough');
$node->stop;

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pagestore'");
$node->start;
is($node->safe_psql('postgres', 'TABLE t'), '1', 'works again when preloaded again');

# a pool below the smallest is not taken: a warning, and the default
$node->stop;
$node->append_conf('postgresql.conf', "pagestore.pool_size = '64kB'");
$node->start;
like(slurp_file($node->logfile), qr/outside the valid range for parameter "pagestore.pool_size"/, 'a pool below 1 MB is refused');
is($node->safe_psql('postgres', 'SHOW pagestore.pool_size'), '128MB', 'the default is used instead');
$node->stop;
$node->append_conf('postgresql.conf', "pagestore.pool_size = '1MB'");
$node->start;
is($node->safe_psql('postgres', 'TABLE t'), '1', 'the smallest pool works');
$node->stop;
done_testing();
