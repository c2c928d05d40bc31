# A table whose file cannot be made leaves nothing behind in the registry of what the pool owns: its number may next be
# a heap table's, whose changed shared buffers nobody may take for strays.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'a directory is closed to all but root' if $> == 0;

my $node = new_server('failed', conf => "wal_level = replica\nautovacuum = off\nshared_buffers = '16MB'\nallow_in_place_tablespaces = on\ncheckpoint_timeout = '1d'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sql('CREATE EXTENSION pagestore; CREATE EXTENSION pagestore_test');
sql("CREATE TABLESPACE space LOCATION ''");
sql('CREATE TABLE first (i int) USING heap TABLESPACE space');
sql('CREATE TABLE moves (i int) USING pagestore');
my $directory = dirname_of(main_file($node, 'first'));
sub dirname_of { my ($file) = @_; $file =~ s,/[^/]*$,,; return $file; }

# What the next relation is numbered.
my $number = sql("SELECT pg_relation_filenode('moves')") + 5000;

sub fails
{
	my ($label, $command) = @_;
	sql("SELECT pagestore_next_oid($number)");
	chmod 0500, $directory or die $!;
	my ($rc, $out, $err) = $node->psql('postgres', $command);
	chmod 0700, $directory or die $!;
	like($err, qr/ERROR:  could not create file .*\/$number": Permission denied/, "$label: fails");

	# the same number, and a checkpoint before the command is over
	sql("SELECT pagestore_next_oid($number)");
	my $lock = $node->background_psql('postgres');
	$lock->query_safe('SELECT pg_advisory_lock(1)');
	my $create = $node->background_psql('postgres');
	$create->query_until(qr/begun/, "\\echo begun\n"
		  . "CREATE TABLE h USING heap TABLESPACE space AS SELECT i, CASE WHEN i = 20000 THEN pg_advisory_lock(1)::text END AS v FROM generate_series(1, 20000) i;\n");
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") or die 'no wait';
	sql('CHECKPOINT');
	$lock->quit;
	$create->quit;
	is(sql("SELECT pg_relation_filenode('h')"), $number, "$label: a heap table has its number");
	is(sql('SELECT count(*), sum(i) FROM h'), '20000|200010000', "$label: and its rows");
	sql('CHECKPOINT');
	$node->restart;
	is(sql('SELECT count(*), sum(i) FROM h'), '20000|200010000', "$label: after a restart");
	sql('DROP TABLE h; CHECKPOINT');
	$number += 5000;
}

fails('SET TABLESPACE', 'ALTER TABLE moves SET TABLESPACE space');
fails('CREATE TABLE', 'CREATE TABLE p USING pagestore TABLESPACE space AS SELECT 1 AS i');
unlike(slurp_file($node->logfile), qr/shared buffer of block/, 'nobody took them for strays');
$node->stop;
done_testing();
