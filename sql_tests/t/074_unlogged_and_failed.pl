# A checkpoint that fails for reasons of heap's is not taken for the next one, which a database command asks for and which owes unlogged pages too.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('failed', conf => "wal_level = replica\nautovacuum = off\nwal_writer_delay = 10s\nbgwriter_lru_maxpages = 0\n");
my $space = $node->basedir . '/space';
mkdir $space or die;
$node->start;
$node->safe_psql('postgres', "CREATE EXTENSION pagestore; CREATE TABLE h (id int) USING heap; CREATE TABLESPACE space LOCATION '$space'; CREATE DATABASE source");
my $file = main_file($node, 'h');
$node->safe_psql('source', 'CREATE EXTENSION pagestore; CREATE UNLOGGED TABLE u (id int) USING pagestore');
$node->restart;

$node->safe_psql('source', 'INSERT INTO u SELECT generate_series(1, 1000)');
$node->safe_psql('postgres', 'INSERT INTO h SELECT generate_series(1, 1000)');
my $redo = 'SELECT redo_lsn FROM pg_control_checkpoint()';
my $before = $node->safe_psql('postgres', $redo);
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_safe('SELECT pg_backend_pid()');

# Nobody writes WAL between the checkpoint that fails and the command, which is shown.
rename $file, "$file.away" or die;
my $insert = $session->query_safe('SELECT pg_current_wal_insert_lsn()');
my ($rc, $out, $err) = $node->psql('postgres', 'CHECKPOINT');
like($err, qr/checkpoint request failed/, "a checkpoint fails for want of heap's file");
rename "$file.away", $file or die;
# From 17 on each checkpoint has a record where its redo pointer is.
is($session->query_safe('SELECT pg_current_wal_insert_lsn()'), $insert, 'and the next one may have its redo pointer') if server_major() < 17;
$session->query_safe('ALTER DATABASE source SET TABLESPACE space');
isnt($session->query_safe($redo), $before, 'the database has moved, with a checkpoint');
$session->quit;

is($node->safe_psql('source', 'SELECT count(*) FROM u'), '1000', 'and its unlogged rows with it');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|leak/, 'the log shows no damage');
$node->stop;
done_testing();
