# A page that is clean is on disk, and its sync has been asked for: the next checkpoint syncs its file, whoever wrote it.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# core names the files that a checkpoint syncs
my $node = new_server('sync', conf => "pagestore.pool_size = '1MB'\nshared_buffers = '16MB'\nautovacuum = off\nfsync = on\n"
	  . "log_min_messages = debug1\nlog_checkpoints = on\ncheckpoint_timeout = '1h'\ndefault_table_access_method = 'pagestore'\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE TABLE written (id int, v int) WITH (fillfactor = 50);
	CREATE TABLE other (id int PRIMARY KEY, v text);
	INSERT INTO written SELECT i, 0 FROM generate_series(1, 5000) i;
	INSERT INTO other SELECT i, repeat('o', 700) FROM generate_series(1, 10000) i;
	VACUUM (ANALYZE) written, other));

my $file = $node->safe_psql('postgres', "SELECT pg_relation_filepath('written')");
my $pages = $node->safe_psql('postgres', "SELECT pg_relation_size('written') / 8192");

sub dirty
{
	return $node->safe_psql('postgres',
		"SELECT count(*) FROM pagestore_frames WHERE isdirty AND relfilenode = pg_relation_filenode('written')");
}

sub syncs_of_checkpoint
{
	my $from = -s $node->logfile;
	$node->safe_psql('postgres', 'CHECKPOINT');
	return scalar grep { /checkpoint sync: number=\d+ file=\Q$file\E / } split /\n/, slurp_file($node->logfile, $from);
}

# Change rows where they are, then so many others that the pool needs the frames of all dirty pages of the table.
sub change_and_push_out
{
	my ($value) = @_;
	$node->safe_psql('postgres', 'CHECKPOINT');
	$node->safe_psql('postgres', "UPDATE written SET v = $value WHERE id % 40 = 0");
	foreach my $round (1 .. 50)
	{
		last if dirty() == 0;
		$node->safe_psql('postgres', "UPDATE other SET v = repeat('p', 700) WHERE id % 50 = $round - 1");
	}
	is(dirty(), 0, "no page is dirty that $value changed");
	is($node->safe_psql('postgres', "SELECT pg_relation_size('written') / 8192"), $pages, 'nor has the table grown');
}

$node->safe_psql('postgres', 'CHECKPOINT');
is(syncs_of_checkpoint(), 0, 'nothing to sync, where nothing was written');

change_and_push_out(1);
is(syncs_of_checkpoint(), 1, 'written by the writer: the checkpoint syncs the file');
is(syncs_of_checkpoint(), 0, 'once');

# Without the writer processes write for themselves: there is room for the sentinel alone.
$node->append_conf('postgresql.conf', "max_worker_processes = 1\nmax_logical_replication_workers = 0\n");
$node->restart;
my $written = "SELECT writes_backend FROM pg_stat_pagestore";
my $before = $node->safe_psql('postgres', $written);
change_and_push_out(2);
cmp_ok($node->safe_psql('postgres', $written), '>', $before, 'a backend has written');
is(syncs_of_checkpoint(), 1, 'written by a backend: the checkpoint syncs the file');

$node->stop;
done_testing();
