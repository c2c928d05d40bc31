# A stop of the server ends walsenders that run SQL, as it does with heap tables: no transaction of theirs holds it up.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('walsender', conf => "wal_level = logical\nmax_wal_senders = 5\nmax_replication_slots = 5\npagestore.pool_size = '4MB'\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE TABLE p (id int, v text) USING pagestore;
	CREATE TABLE h (id int, v text) USING heap;
	INSERT INTO p SELECT i, repeat('a', 100) FROM generate_series(1, 1000) i;
	INSERT INTO h TABLE p));

# A session on a walsender with a transaction open; what it says is in $out and $err.
sub walsender_session
{
	my ($out, $err, $sql) = @_;
	my $in = '';
	my $session = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-f', '-', $node->connstr('postgres') . ' replication=database' ],
		'<', \$in, '>', $out, '2>', $err, IPC::Run::timeout(120));
	$in .= "$sql\n\\echo begun\n";
	$session->pump until $$out =~ /begun/;
	return ($session, \$in);
}

sub stopped_in_time
{
	my ($mode) = @_;
	my $rc = system('pg_ctl', '-D', $node->data_dir, '-m', $mode, '-t', 40, '-s', 'stop');
	my $stopped = $rc == 0 && !-e $node->data_dir . '/postmaster.pid';
	$node->stop('immediate') unless $stopped;
	$node->{_pid} = undef;
	return $stopped;
}

my %told;
foreach my $mode ('fast', 'smart', 'immediate')
{
	foreach my $table ('h', 'p')
	{
		my ($out, $err) = ('', '');
		my $before = table_state($node, $table);
		my ($session, $in) = walsender_session(\$out, \$err, "BEGIN; INSERT INTO $table VALUES (-1, 'never committed'); UPDATE $table SET v = 'never' WHERE id < 10;");

		ok(stopped_in_time($mode), "$mode, $table: the server stops");
		$$in .= "SELECT 1;\n\\q\n";
		$session->finish;
		($told{$mode}{$table}) = $err =~ /(?:FATAL|WARNING):  (.*)/;
		like(scalar `pg_controldata @{[$node->data_dir]}`, qr/Database cluster state: *shut down$/m, "$mode, $table: a clean shutdown") if $mode ne 'immediate';
		$node->start;
		is(table_state($node, $table), $before, "$mode, $table: what was committed is there, and nothing else");
	}
	is($told{$mode}{p}, $told{$mode}{h}, "$mode: the session is told the same as with a heap table");
}

# A COPY out that pruned; a query that is running, not idle; and commits up to the last moment are there.
$node->safe_psql('postgres', "UPDATE p SET v = 'new' || id WHERE id % 2 = 0");
my ($out, $err) = ('', '');
my ($session, $in) = walsender_session(\$out, \$err, "BEGIN;\nCOPY p TO '/dev/null';");
my ($out2, $err2) = ('', '');
my ($running, $in2) = walsender_session(\$out2, \$err2, "INSERT INTO p VALUES (-2, 'committed');\nBEGIN; INSERT INTO p VALUES (-3, 'not committed');");
$$in2 .= "SELECT pg_sleep(3600);\n";
$running->pump_nb;
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'") or die;
ok(stopped_in_time('fast'), 'fast, with a COPY and a running query: the server stops');
$_->kill_kill foreach ($session, $running);
$node->start;
is($node->safe_psql('postgres', 'SELECT string_agg(id::text, \',\') FROM p WHERE id < 0'), '-2', 'committed rows, no others');

# One that replicates goes on to the end: all commits before the stop reach it.
$node->safe_psql('postgres', "SELECT pg_create_logical_replication_slot('slot', 'test_decoding')");
my $file = $node->basedir . '/decoded';
my $receiver = IPC::Run::start([ 'pg_recvlogical', '-d', $node->connstr('postgres'), '-S', 'slot', '--start', '-n', '-f', $file ], '<', \undef, '>', '/dev/null', '2>', '/dev/null');
$node->poll_query_until('postgres', "SELECT active FROM pg_replication_slots WHERE slot_name = 'slot'") or die;
($session, $in) = walsender_session(\$out, \$err, "BEGIN; INSERT INTO p VALUES (-4, 'not committed');");
$node->safe_psql('postgres', "INSERT INTO p SELECT i, 'decoded' FROM generate_series(2001, 2100) i");
ok(stopped_in_time('fast'), 'fast, with a walsender that replicates: the server stops');
$receiver->finish;
$session->kill_kill;
is(scalar(() = slurp_file($file) =~ /table public\.p: INSERT.*decoded/g), 100, 'all that was committed before has been sent');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|leak/, 'the log shows no damage');
done_testing();
