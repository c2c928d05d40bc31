# old_snapshot_threshold (to 16) takes rows from a snapshot that sees them, but not from under a pin: a cursor changes the
# row that it is at, and not one that has come to its place.  Whoever comes to a row without a pin is told that its
# snapshot is too old if another row is there; and is not told so only because the page has changed.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'no old_snapshot_threshold any more' if server_major() >= 17;

# 0: snapshots are too old after five seconds; their rows go when the stop points say so
my $node = new_server('old', conf => "autovacuum = off\nold_snapshot_threshold = 0\n");
$node->start;

# The rows that matter are moved to line pointers that no index names: those can be used again at once.
$node->safe_psql('postgres', q{
	CREATE EXTENSION pagestore;
	CREATE TABLE small (id int PRIMARY KEY, n int) USING pagestore;
	INSERT INTO small VALUES (1, 0), (2, 0), (3, 0);
	UPDATE small SET n = 1;
	CREATE TABLE large (id int PRIMARY KEY, n int, t text) USING pagestore;
	ALTER TABLE large ALTER t SET STORAGE PLAIN;
	INSERT INTO large SELECT i, 0, repeat('x', 4000) FROM generate_series(1, 2201) i;
	INSERT INTO large VALUES (5000, 0);
	UPDATE large SET n = 1 WHERE id = 5000;
	CREATE TABLE sorted (id int PRIMARY KEY, n int, t text) USING pagestore;
	ALTER TABLE sorted ALTER t SET STORAGE PLAIN;
	INSERT INTO sorted VALUES (1, 0, repeat('x', 8100)), (2, 0, NULL);
	UPDATE sorted SET n = 1 WHERE id = 2;
	CREATE TABLE other (id int) USING pagestore;
	INSERT INTO other VALUES (1);
});
foreach ([ 'h', 'heap' ], [ 'p', 'pagestore' ])
{
	$node->safe_psql('postgres', qq{
		CREATE TABLE own_$_->[0] (id int PRIMARY KEY, n int, t text) USING $_->[1] WITH (fillfactor = 50);
		ALTER TABLE own_$_->[0] ALTER t SET STORAGE EXTERNAL;
		INSERT INTO own_$_->[0] SELECT i, 0, 'x' FROM generate_series(1, 4) i;
	});
}
$node->safe_psql('postgres', 'VACUUM');
$node->restart;					# nothing of the large table is in the pool: a scan could go around it

sub session
{
	my $s = $node->background_psql('postgres', on_error_stop => 0);
	$s->query_safe($_) foreach @_;
	return $s;
}

# All get a snapshot, and go on when it is too old.
my $cursors = session('BEGIN', 'DECLARE s CURSOR FOR SELECT id, ctid FROM small WHERE id > 2', 'SET enable_indexscan = off', 'SET enable_bitmapscan = off',
	'DECLARE l CURSOR FOR SELECT id, ctid FROM large WHERE id > 2201');
is($cursors->query_safe('FETCH 1 FROM s'), '3|(0,6)', 'a cursor is at a row');
is($cursors->query_safe('FETCH 1 FROM l'), '5000|(1100,3)', 'another is at one of a large table');
my $sorted = session('BEGIN', 'SET enable_indexscan = off', 'SET enable_bitmapscan = off', 'DECLARE s CURSOR FOR SELECT id, ctid FROM sorted ORDER BY id FOR UPDATE');
is($sorted->query_safe('FETCH 1 FROM s'), '1|(0,1)', 'of rows that are sorted the first is locked');
my $holder = session('SELECT pg_advisory_lock(1)');
my $last = 'id > 0 AND pg_advisory_xact_lock_shared(1) IS NOT NULL';
my @own;
foreach my $am ('h', 'p')
{
	foreach my $statement ("WITH u AS (UPDATE own_$am SET n = n + 1, t = repeat(t, 1000 * id) WHERE id < 4 AND $last RETURNING id) SELECT 'changed', count(*) FROM u",
		"SELECT 'locked', count(*) FROM (SELECT 1 FROM own_$am WHERE id > 3 AND $last FOR UPDATE) s")
	{
		push @own, session('SET enable_seqscan = off', 'SET enable_bitmapscan = off');
		$own[-1]->query_until(qr/asked/, "\\echo asked\n$statement;\n");
	}
}
$node->poll_query_until('postgres', "SELECT count(*) = 4 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
sleep(6);

# Others change the rows, which go early where they may, and put more rows in their places.
my %changed = (small => 3, large => 5000, sorted => 2);
foreach my $t (sort keys %changed)
{
	$node->safe_psql('postgres', "UPDATE $t SET n = n + 1 WHERE id = $changed{$t}") foreach 1 .. 2;
}
stop_at($node, $_, action => 'yes') foreach 'prune-early', 'vacuum-horizon-ahead';
$node->safe_psql('postgres', "SELECT count(*) FROM $_") foreach sort keys %changed;
$node->safe_psql('postgres', "VACUUM $_") foreach sort keys %changed;
ok(stop_hits($node, 'prune-early') > 0, 'rows may go early');
go($node);
$node->safe_psql('postgres', "INSERT INTO $_ SELECT i, 0 FROM generate_series(6001, 6003) i") foreach sort keys %changed;
is($node->safe_psql('postgres', "SELECT id > 6000 FROM sorted WHERE ctid = '(1,2)'"), 't', 'another row is in the place of one that went');

is($cursors->query_safe('UPDATE small SET n = -1 WHERE CURRENT OF s RETURNING id'), '3', 'the cursor changes its row');
is($cursors->query_safe('UPDATE large SET n = -1 WHERE CURRENT OF l RETURNING id'), '5000', 'also in a large table');
$cursors->query_safe('COMMIT');
my $out = $sorted->query('FETCH 1 FROM s');
is($out, '', 'a row is not taken for another');
like($sorted->{stderr}, qr/snapshot too old/, 'but its snapshot is too old');

# A statement that has changed a page itself, meanwhile or before.
$holder->query_safe('SELECT pg_advisory_unlock(1)');
foreach my $s (@own)
{
	my $answer = $s->query('SELECT 1');
	like($answer, qr/^(changed\|3|locked\|1)\n1$/, 'a change of the page alone makes no snapshot too old');
}
$_->quit foreach $cursors, $sorted, $holder, @own;
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT id, n, md5(t) FROM own_h EXCEPT SELECT id, n, md5(t) FROM own_p) s'), '0', 'as in heap');

done_testing();
