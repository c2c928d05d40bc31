# autoprewarm reads back what shared buffers held at shutdown: pages, too, of tables that the pool owns since.
# Those are passed over, and do not keep it from the others.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Pagestore;

my $node = new_server('autoprewarm', conf => "autovacuum = off\nshared_buffers = '16MB'\n");
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pagestore, pg_prewarm'\npg_prewarm.autoprewarm_interval = 0\n");
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub buffers { return sql("SELECT count(*) FROM pg_buffercache WHERE relforknumber = 0 AND relfilenode = pg_relation_filenode('$_[0]')"); }

sql('CREATE EXTENSION pagestore; CREATE EXTENSION pg_prewarm; CREATE EXTENSION pg_buffercache; CREATE EXTENSION pg_visibility');

# Files in the order of their numbers: that of the table that is switched comes first.
foreach my $t ('switched', 'other')
{
	sql("CREATE TABLE $t (id int, v text) USING heap");
	sql("INSERT INTO $t SELECT i, repeat('v', 100) || i FROM generate_series(1, 3000) i");
}
sql("CHECKPOINT; SELECT pagestore_convert('switched', 'pagestore')");
sql("UPDATE switched SET v = 'new ' || id WHERE id % 2 = 0; VACUUM switched");
my $before = table_state($node, 'switched');
cmp_ok(buffers('switched'), '>', 0, 'old pages of a switched table in shared buffers');

my $log = -s $node->logfile;
$node->restart;
ok($node->wait_for_log(qr/autoprewarm successfully prewarmed/, $log), 'autoprewarm is done');
my $said = slurp_file($node->logfile, $log);
unlike($said, qr/ERROR|FATAL|PANIC/, '... without an error');
cmp_ok(buffers('other'), '>', 0, '... with the table that comes after');
is(buffers('switched'), '0', "... and without the pool's, which somebody may be writing to the file");

is(table_state($node, 'switched'), $before, 'rows of the switched table');
sql("UPDATE switched SET v = 'newer ' || id WHERE id % 3 = 0; VACUUM FREEZE switched");
$before = table_state($node, 'switched');
is(sql("SELECT count(*) FROM pg_check_visible('switched')") . sql("SELECT count(*) FROM pg_check_frozen('switched')"), '00', 'checks of it');
sql('CHECKPOINT');
$node->restart;
is(table_state($node, 'switched'), $before, 'rows after a checkpoint and a restart');
sql("SELECT pagestore_convert('switched', 'heap')");
is(table_state($node, 'switched'), $before, 'rows of heap');
$node->stop;
done_testing();
