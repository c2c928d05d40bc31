# A database on a disk that is dead can be dropped, with a second try, and then nothing of it is in the way of a checkpoint.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('dead', conf => "wal_level = replica\nautovacuum = off\n");
my $space = $node->basedir . '/space';
mkdir $space or die;
$node->start;
$node->safe_psql('postgres', "CREATE EXTENSION pagestore; CREATE TABLE t (id int) USING pagestore; CREATE TABLESPACE space LOCATION '$space'");
my $tablespace = $node->safe_psql('postgres', "SELECT oid FROM pg_tablespace WHERE spcname = 'space'");
$node->safe_psql('postgres', 'CREATE DATABASE d TABLESPACE space');
$node->safe_psql('d', 'CREATE EXTENSION pagestore; CREATE TABLE t (id int) USING pagestore; INSERT INTO t SELECT generate_series(1, 1000); CREATE UNLOGGED TABLE u (id int) USING pagestore; INSERT INTO u TABLE t');
set_fault($node, op => 'write', error => 'EIO', tablespace => $tablespace);
$node->safe_psql('postgres', 'INSERT INTO t SELECT generate_series(1, 1000)');
my ($rc, $out, $err) = $node->psql('postgres', 'CHECKPOINT');
like($err, qr/checkpoint request failed/, 'a checkpoint fails');

# The drop has a checkpoint of its own, which fails; from then on nobody needs the pages.
($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = '60s'; DROP DATABASE d");
like($err, qr/checkpoint request failed/, 'so does the drop of the database');
($rc, $out, $err) = $node->psql('d', 'SELECT 1');
like($err, qr/cannot connect to invalid database "d"/, 'which is marked');
($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = '60s'; DROP DATABASE d");
is("$rc$err", '0', 'repeated it drops it');
is($node->safe_psql('postgres', "SELECT count(*) FROM pagestore_frames WHERE reltablespace = $tablespace"), '0', 'and its frames');
($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = '60s'; CHECKPOINT");
is($err, '', 'a checkpoint passes');
$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', 'SELECT count(*) FROM t'), '1000', 'rows of others are there');
# --- a stray that cannot be saved holds up a checkpoint, but not the end of the server
$node->safe_psql('postgres', "INSERT INTO t SELECT generate_series(1001, 2000); CHECKPOINT; SELECT pagestore_behind('t', 'read', 1)");
$node->safe_psql('postgres', 'DELETE FROM t WHERE id % 2 = 0; VACUUM t; CHECKPOINT');
my $state = table_state($node, 't');
append_to_file($node->data_dir . '/pagestore_stray', "no directory\n");
my $offset = -s $node->logfile;
$node->safe_psql('postgres', "SELECT pagestore_behind('t', 'dirty', 1)");
for (1 .. 600)
{
	last if slurp_file($node->logfile, $offset) =~ /could not create file "pagestore_stray/;
	select(undef, undef, undef, 0.1);
}
like(slurp_file($node->logfile, $offset), qr/could not create file "pagestore_stray/, 'a stray cannot be saved');
($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = '1s'; CHECKPOINT");
like($err, qr/canceling statement due to statement timeout/, 'a checkpoint waits, which can be cancelled');
system('pg_ctl', '-D', $node->data_dir, '-m', 'fast', '-t', 60, '-s', 'stop');
ok(!-e $node->data_dir . '/postmaster.pid', 'the server stops');
if (-e $node->data_dir . '/postmaster.pid')
{
	kill_server($node);
}
$node->{_pid} = undef;
unlink $node->data_dir . '/pagestore_stray';
$node->start;
is(table_state($node, 't'), $state, 'and has every row when it is back');

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|leak/, 'the log shows no damage');
$node->stop;
done_testing();
