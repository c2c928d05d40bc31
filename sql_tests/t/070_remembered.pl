# A session remembers that a table has passed the gate; the table's number leaves the registry and lives on.  Whatever
# that session does next is with the pool, and known to be: no row is lost when the table becomes heap's, or by a crash.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('remembered', conf => "autovacuum = off\nshared_buffers = '16MB'\nmax_prepared_transactions = 3\ncheckpoint_timeout = '1d'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sql('CREATE EXTENSION pagestore');

my $session = $node->background_psql('postgres');

sub table
{
	my ($name) = @_;
	sql("CREATE TABLE $name USING pagestore AS SELECT i, 'old' AS v FROM generate_series(1, 1000) i; "
		  . "CREATE TABLE s_$name USING heap AS TABLE $name; CHECKPOINT");
	is($session->query_safe("SELECT count(*) FROM $name"), '1000', "$name: a session knows it");
}

# The session's changes of the table, which nobody else looks at before it changes hands.
sub changed_and_switched
{
	my ($name) = @_;
	$session->query_safe("UPDATE $_ SET v = 'new' WHERE i <= 500; DELETE FROM $_ WHERE i > 900; INSERT INTO $_ SELECT i, 'more' FROM generate_series(1, 2000) i")
	  foreach $name, "s_$name";
	sql("SELECT pagestore_convert('$name', 'heap')");
	ok(same_tables($node, $name, "s_$name"), "$name: no row is lost when it becomes heap's");
}

# --- a prepared transaction gives up what it may remove, and is undone
my %undone = (dropped => 'DROP TABLE dropped', truncated => 'TRUNCATE truncated', rewritten => 'ALTER TABLE rewritten ADD c float DEFAULT random()');
foreach my $name (sort keys %undone)
{
	table($name);
	sql("BEGIN; $undone{$name}; PREPARE TRANSACTION 'p'");
	sql("ROLLBACK PREPARED 'p'");
	changed_and_switched($name);
}

# --- ... or fails to be prepared
table('refused');
sql("BEGIN; CREATE TABLE other (i int); PREPARE TRANSACTION 'taken'");
my ($rc, $out, $err) = $node->psql('postgres', "BEGIN; DROP TABLE refused; PREPARE TRANSACTION 'taken'");
like($err, qr/ERROR:  transaction identifier "taken" is already in use/, 'a transaction is not prepared');
changed_and_switched('refused');
sql("ROLLBACK PREPARED 'taken'");

# --- no room in the registry: a switch to heap that is undone leaves the table with shared buffers, which workers are not told
stop_at($node, 'gate-full', action => 'yes');
table('crowded');
my $switch = "BEGIN; SAVEPOINT s; SELECT pagestore_convert('crowded', 'heap'); UPDATE crowded SET v = 'undone'; ROLLBACK TO s;";
($rc, $out, $err) = $node->psql('postgres', "$switch SELECT count(*) FROM crowded", on_error_stop => 1);
like($err, qr/ERROR:  out of shared memory\nDETAIL:  pagestore has no room/, 'no room: a switch that is undone before the end says so');
go($node);
changed_and_switched('crowded');

kill_server($node);
$node->start;
ok(same_tables($node, $_, "s_$_"), "$_: nor by a crash") foreach sort(keys %undone), 'refused', 'crowded';
$node->stop;
done_testing();
