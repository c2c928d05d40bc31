# A stray is put right while its table leaves the pool, or goes; its page cannot be read.
use strict;
use warnings;
use IPC::Run qw(start finish);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Pagestore;

my $node = new_server('races', conf => "autovacuum = off\nshared_buffers = '16MB'\n");
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]); }

# A psql at work beside us.
sub run_beside
{
	my ($sql) = @_;
	my $out = '';
	return { out => \$out, run => start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $sql ], '>', \$out, '2>&1') };
}

# Until a session waits for the lock that the sentinel has while it puts a stray right.
sub wait_blocked
{
	my ($like) = @_;
	return $node->poll_query_until('postgres',
		"SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '$like%' AND wait_event = 'PagestoreGate'");
}

sub make_table
{
	my ($t) = @_;
	sql("CREATE TABLE $t (id int PRIMARY KEY, v text) USING pagestore WITH (fillfactor = 60)");
	sql("INSERT INTO $t SELECT i, repeat('v', 100) || i FROM generate_series(1, 500) i");
	sql('CHECKPOINT');
	sql("SELECT pagestore_behind('$t', 'read', b) FROM generate_series(0, 3) b");
	sql("UPDATE $t SET v = 'new ' || id WHERE id % 2 = 0; VACUUM $t");
}

sql('CREATE EXTENSION pagestore; CREATE EXTENSION pagestore_test; CREATE EXTENSION pg_buffercache');

# ---- switched to heap in the middle ----
make_table('leaver');
my $before = table_state($node, 'leaver');
stop_at($node, 'stray-before-latch');
sql("SELECT pagestore_behind('leaver', 'dirty', 2)");
ok(defined wait_stopped($node, 'stray-before-latch'), 'the sentinel has found the stray');
my $convert = run_beside("SELECT pagestore_convert('leaver', 'heap')");
ok(wait_blocked('SELECT pagestore_convert'), 'the switch waits for it');
go($node, 'stray-before-latch');
finish $convert->{run};
is(${ $convert->{out} }, "t\n", '... and goes on');
is(sql("SELECT count(*) FROM pagestore_frames WHERE relfilenode = pg_relation_filenode('leaver') AND NOT ghost"), '0', 'no page of it is left in the pool');
is(table_state($node, 'leaver'), $before, 'rows of heap');
sql("UPDATE leaver SET v = 'heap ' || id WHERE id % 3 = 0");
$before = table_state($node, 'leaver');
sql('CHECKPOINT');
$node->restart;
is(table_state($node, 'leaver'), $before, 'rows after heap has changed it, a checkpoint and a restart');

# ---- dropped in the middle ----
make_table('dropped');
my $filenode = sql("SELECT pg_relation_filenode('dropped')");
stop_at($node, 'stray-before-latch');
sql("SELECT pagestore_behind('dropped', 'dirty', 2)");
ok(defined wait_stopped($node, 'stray-before-latch'), 'the sentinel has found the stray');
my $drop = run_beside('DROP TABLE dropped');
ok(wait_blocked('DROP TABLE'), 'the drop waits for it');
go($node, 'stray-before-latch');
finish $drop->{run};
is(${ $drop->{out} }, '', '... and goes on');
is(sql("SELECT count(*) FROM pagestore_frames WHERE relfilenode = $filenode AND NOT ghost"), '0', 'no page of it is left in the pool');
sql('CHECKPOINT');
ok(!-s $node->data_dir . "/base/5/$filenode", 'nor a file') if -d $node->data_dir . '/base/5';

# ---- the page is damaged on disk, and the pool does not have it ----
make_table('damaged');
sql('CHECKPOINT');
$node->restart;
sql("SELECT count(*) FROM damaged WHERE ctid = '(0,1)'");    # the pool owns the table, and has block 0
sql("SELECT pagestore_behind('damaged', 'read', 2)");
my $file = main_file($node, 'damaged');
open(my $f, '+<', $file) or die "$file: $!";
binmode $f;
seek($f, 2 * 8192 + 100, 0);
print $f 'damage' x 100;
close $f;
my $log = -s $node->logfile;
sql("SELECT pagestore_behind('damaged', 'dirty', 2)");
sql('CHECKPOINT');
my $said = slurp_file($node->logfile, $log);
like($said, qr/invalid page in block 2/, 'the log tells of the damage');
my ($saved) = $said =~ /saved it as "(pagestore_stray\/\S+)"/;
ok(defined $saved && -s $node->data_dir . "/$saved" == 8192, 'the other page is saved, and the checkpoint done');
is(sql("SELECT count(*) FROM damaged WHERE ctid = '(0,1)'"), '1', 'the server goes on');
$node->stop;
done_testing();
