# Files and access methods that change hands by the catalog alone: a tool swaps relfilenodes in pg_class, or sets
# relam.  Whichever side has the pages in memory, whatever is rolled back, and after a crash: every row is where it
# belongs.  Each table has a shadow of heap that gets the same changes and is never touched by a swap.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('catalog', conf => "autovacuum = off\nmax_prepared_transactions = 10\npagestore.pool_size = '64MB'\n"
	  . "shared_buffers = '64MB'\ncheckpoint_timeout = '1h'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sql('CREATE EXTENSION pagestore');

my %shadow;

sub table
{
	my ($name, $am, $first) = @_;
	$shadow{$name} = "s_$name";
	sql("CREATE TABLE $name (i int, v text) USING $am; CREATE TABLE s_$name (i int, v text) USING heap; "
		  . "INSERT INTO $name SELECT i, repeat('v', 100) FROM generate_series($first, $first + 400) i; INSERT INTO s_$name TABLE $name");
}

# Statements that change both tables of a pair and their shadows.
my $mark = 0;
sub change
{
	my ($a, $b) = @_;
	$mark++;
	return join ' ', map {
		"UPDATE $_ SET v = '$mark' || v WHERE i % 7 = " . $mark % 7 . "; DELETE FROM $_ WHERE i % 50 = " . $mark % 50
		  . "; INSERT INTO $_ SELECT i, 'new $mark' FROM generate_series(1, 20) i;"
	} $a, $shadow{$a}, $b, $shadow{$b};
}

# The same, where the two have swapped their rows.
sub change_swapped
{
	my ($a, $b) = @_;
	local ($shadow{$a}, $shadow{$b}) = ($shadow{$b}, $shadow{$a});
	return change($a, $b);
}

sub swap
{
	my ($a, $b) = @_;
	return "UPDATE pg_class c SET relfilenode = o.relfilenode, reltablespace = o.reltablespace FROM pg_class o "
	  . "WHERE (c.oid, o.oid) IN (('$a'::regclass, '$b'::regclass), ('$b'::regclass, '$a'::regclass)); ";
}

sub lock_both { return "LOCK TABLE $_[0], $_[1] IN ACCESS EXCLUSIVE MODE; "; }

# Both get the other of the two access methods; no row moves.
sub flip
{
	my ($a, $b) = @_;
	return "UPDATE pg_class SET relam = (SELECT sum(oid::int) FROM pg_am WHERE amname IN ('heap', 'pagestore'))::int - relam::int "
	  . "WHERE oid IN ('$a'::regclass, '$b'::regclass); ";
}

# name => [rows end up swapped, transaction]
my %scenarios = (
	commit => [1, sub { 'BEGIN; ' . lock_both(@_) . swap(@_) . change_swapped(@_) . 'COMMIT' }],
	commit_at_once => [1, sub { 'BEGIN; ' . lock_both(@_) . swap(@_) . 'COMMIT' }],
	one_statement => [1, sub { swap(@_) }],
	changed_before => [1, sub { 'BEGIN; ' . change(@_) . swap(@_) . change_swapped(@_) . 'COMMIT' }],
	rollback => [0, sub { 'BEGIN; ' . lock_both(@_) . change(@_) . swap(@_) . change_swapped(@_) . 'ROLLBACK' }],
	to_savepoint => [0, sub { 'BEGIN; ' . lock_both(@_) . change(@_) . 'SAVEPOINT s; ' . swap(@_) . change_swapped(@_)
			  . 'ROLLBACK TO s; ' . change(@_) . 'COMMIT' }],
	released => [1, sub { 'BEGIN; SAVEPOINT s; ' . lock_both(@_) . swap(@_) . 'RELEASE s; ' . change_swapped(@_) . 'COMMIT' }],
	settled_in_savepoint => [1, sub { 'BEGIN; ' . swap(@_) . 'SAVEPOINT s; ' . change_swapped(@_) . 'ROLLBACK TO s; '
			  . change_swapped(@_) . 'COMMIT' }],
	there_and_back => [0, sub { 'BEGIN; ' . swap(@_) . change_swapped(@_) . swap(@_) . change(@_) . 'COMMIT' }],
	back_undone => [1, sub { 'BEGIN; ' . swap(@_) . change_swapped(@_) . 'SAVEPOINT s; ' . swap(@_) . change(@_)
			  . 'ROLLBACK TO s; ' . change_swapped(@_) . 'COMMIT' }],
	two_steps => [1, sub {
		my ($a, $b) = @_;
		return "BEGIN; CREATE TEMP TABLE f ON COMMIT DROP AS SELECT relfilenode f FROM pg_class WHERE oid = '$a'::regclass; "
		  . "UPDATE pg_class SET relfilenode = (SELECT relfilenode FROM pg_class WHERE oid = '$b'::regclass) WHERE oid = '$a'::regclass; "
		  . "SELECT count(*) FROM $b; UPDATE pg_class SET relfilenode = f FROM f WHERE oid = '$b'::regclass; " . change_swapped($a, $b) . 'COMMIT' }],
	prepared => [1, sub { 'BEGIN; ' . lock_both(@_) . swap(@_) . "PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'" }],
	prepared_undone => [0, sub { 'BEGIN; ' . lock_both(@_) . swap(@_) . change_swapped(@_) . "PREPARE TRANSACTION 'p'; CHECKPOINT; ROLLBACK PREPARED 'p'" }],
	relam => [0, sub { 'BEGIN; ' . lock_both(@_) . flip(@_) . change(@_) . 'COMMIT' }],
	relam_undone => [0, sub { 'BEGIN; ' . lock_both(@_) . flip(@_) . change(@_) . 'ROLLBACK' }],
	relam_and_file => [1, sub { 'BEGIN; ' . swap(@_) . flip(@_) . change_swapped(@_) . 'COMMIT' }],
	caught => [0, sub { "DO \$\$ BEGIN BEGIN " . swap(@_) . change_swapped(@_) . "RAISE division_by_zero; "
			  . "EXCEPTION WHEN division_by_zero THEN NULL; END; " . change(@_) . "END \$\$" }],
);

my @pairs;
foreach my $am (['heap', 'heap'], ['heap', 'pagestore'], ['pagestore', 'heap'], ['pagestore', 'pagestore'])
{
	foreach my $name (sort keys %scenarios)
	{
		my ($a, $b) = map { "${_}_${name}_$am->[0]_$am->[1]" } 'a', 'b';
		my ($swapped, $make) = @{ $scenarios{$name} };

		table($a, $am->[0], 1);
		table($b, $am->[1], 10001);
		sql('CHECKPOINT') if $name =~ /^[a-p]/;    # clean or dirty when they change hands
		sql($make->($a, $b));
		($shadow{$a}, $shadow{$b}) = ($shadow{$b}, $shadow{$a}) if $swapped;
		push @pairs, [$a, $b];
	}
}

# All tables that differ from their shadows: as rows, and, of heap tables, as an index would be built of them.
sub differing
{
	my @all = map { @$_ } @pairs;
	my $found = sql(join ' UNION ALL ', map { "SELECT '$_' WHERE EXISTS (TABLE $_ EXCEPT ALL TABLE $shadow{$_}) OR EXISTS (TABLE $shadow{$_} EXCEPT ALL TABLE $_)" } @all);
	$found =~ s/\n/, /g;
	return $found;
}

is(differing(), '', 'every row is where it belongs');
sql(join ' ', map { change(@$_) } @pairs[ grep { $_ % 2 } 0 .. $#pairs ]);
is(differing(), '', '... after more changes');
kill_server($node);
$node->start;
is(differing(), '', '... after a crash');
sql(join ' ', map { change(@$_) } @pairs);
sql('CHECKPOINT');
sql(join ' ', map { change(@$_) } @pairs);
is(differing(), '', '... changed and written');
$node->restart;
is(differing(), '', '... after a restart');
is(sql("SELECT count(*) FROM pagestore_frames f JOIN pg_class c ON c.relfilenode = f.relfilenode JOIN pg_am a ON a.oid = c.relam WHERE amname <> 'pagestore'"),
	'0', 'the pool has no page of a heap table');

# --- what cannot be put right is refused
table('r', 'pagestore', 1);
table('h', 'heap', 10001);
sub refused
{
	my ($what, $query, $error) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $query, on_error_stop => 1);
	like($err, $error, $what);
}
refused('a cursor stands in the table',
	'BEGIN; DECLARE c CURSOR FOR SELECT * FROM r; FETCH c; ' . swap('r', 'h') . 'SELECT count(*) FROM h; COMMIT',
	qr/ERROR:  cannot change the file of "r" because it is being used by active queries in this session/);
refused('a heap table would share a file with a pagestore table',
	"UPDATE pg_class SET relfilenode = (SELECT relfilenode FROM pg_class WHERE oid = 'r'::regclass) WHERE oid = 'h'::regclass",
	qr/ERROR:  table "r" of pagestore and relation "h" would have the same file/);
refused('... the other way round',
	"BEGIN; UPDATE pg_class SET relfilenode = (SELECT relfilenode FROM pg_class WHERE oid = 'h'::regclass) WHERE oid = 'r'::regclass; PREPARE TRANSACTION 'p'",
	qr/ERROR:  table "r" of pagestore and relation "h" would have the same file/);

# --- a tool that takes no lock gets it here, or waits for those who are at work
my $other = $node->background_psql('postgres');
$other->query_safe('BEGIN');
$other->query_safe("INSERT INTO r VALUES (0, 'in progress')");
refused('somebody is at work in the table', "SET lock_timeout = '200ms'; " . swap('r', 'h'), qr/ERROR:  canceling statement due to lock timeout/);
$other->query_safe('COMMIT');
sql("INSERT INTO s_r VALUES (0, 'in progress'); " . swap('r', 'h'));
$other->query_safe("INSERT INTO r VALUES (1, 'after')");
$other->quit;
sql("INSERT INTO s_h VALUES (1, 'after')");
@pairs = (['r', 'h']);
@shadow{ 'r', 'h' } = ('s_h', 's_r');
is(differing(), '', 'nothing was lost');
kill_server($node);
$node->start;
is(differing(), '', '... nor by a crash');
$node->stop;
done_testing();
