# The gate with many tables: more in one transaction, and more in all, than any table of fixed size held; numbers
# that are used again; and what happens when its registry has no room.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $many = 8500;
my $node = new_server('gate', conf => "autovacuum = off\nshared_buffers = '16MB'\nmax_connections = 10\nmax_locks_per_transaction = 2000\n"
	  . "max_prepared_transactions = 3\ncheckpoint_timeout = '1d'\nmax_wal_size = '10GB'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub filenode { return sql("SELECT pg_relation_filenode('$_[0]')"); }
sql('CREATE EXTENSION pagestore; CREATE EXTENSION pagestore_test');

# sum of the only rows of t_from .. t_to
sql(q(CREATE FUNCTION total(first int, last int) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE s bigint := 0; n bigint; BEGIN
	FOR k IN first..last LOOP EXECUTE 'SELECT coalesce(sum(i), 0) FROM t_' || k INTO n; s := s + n; END LOOP; RETURN s; END $$;
	CREATE PROCEDURE for_all(first int, last int, command text) LANGUAGE plpgsql AS $$ BEGIN
	FOR k IN first..last LOOP EXECUTE replace(command, '#', k::text); IF k % 1000 = 0 THEN COMMIT; END IF; END LOOP; END $$));
sub total { return sql("SELECT total($_[0], $_[1])"); }
sub for_all { sql("CALL for_all($_[0], $_[1], '$_[2]')"); }

# --- many switched in one transaction: their rows are dirty in shared buffers
for_all(1, $many, 'CREATE TABLE t_# USING heap AS SELECT # AS i');
is(sql("SELECT count(*) FROM generate_series(1, $many) k WHERE pagestore_convert(('t_' || k)::regclass, 'pagestore')"), $many,
	'many tables are switched in one transaction');
my $sum = $many * ($many + 1) / 2;
is(total(1, $many), $sum, 'and have all their rows');

# the first thousand to and fro
sub to { return "SELECT count(*) FROM generate_series(1, 999) k WHERE pagestore_convert(('t_' || k)::regclass, '$_[0]');" }
my $change = "CALL for_all(1, 999, 'UPDATE t_# SET i = i + 1');";
$sum = 999 * 1000 / 2;
sql('BEGIN;' . to('heap') . $change . ' SAVEPOINT s;' . to('pagestore') . "$change ROLLBACK TO s; $change ROLLBACK");
is(total(1, 999), $sum, 'switched back, changed and rolled back');
sql('BEGIN;' . to('heap') . $change . ' SAVEPOINT s;' . to('pagestore') . "$change COMMIT");
$sum += 2 * 999;
is(total(1, 999), $sum, 'switched there and back, and committed');

# --- others come and go meanwhile
my $reader = $node->background_psql('postgres', timeout => 1800);
is($reader->query_safe("SELECT total(1, 3000)"), $sum + 2001 * 4000 / 2, 'a session that knows some of them');
for_all(1, 1000, 'TRUNCATE t_#');
for_all(1001, 6000, 'DROP TABLE t_#');
for_all(1001, 6000, 'CREATE TABLE t_# (i int) USING pagestore');
is($reader->query_safe('SELECT total(1, 3000)'), '0', 'it sees tables truncated, dropped and made anew');
for_all(1, 6000, 'INSERT INTO t_# VALUES (#)');
is($reader->query_safe('SELECT total(1, 3000)'), 3000 * 3001 / 2, 'and their new rows');

# --- a number used again: what lives under it, lives there alone
sub number_again
{
	my ($label, $end, $heap) = @_;

	sql("CREATE TABLE old USING pagestore AS SELECT generate_series(1, 5000) AS i");
	my $number = filenode('old');
	is($reader->query_safe('SELECT count(*), sum(i) FROM old'), '5000|12502500', "$label: a table");
	$node->safe_psql('postgres', $_) foreach (@$end, 'CHECKPOINT', 'VACUUM pg_class', "SELECT pagestore_next_oid($number)");
	sql('CREATE TABLE new (i int) USING ' . ($heap ? 'heap' : 'pagestore'));
	is(filenode('new'), $number, "$label: its number is used again");
	is($reader->query_safe('SELECT count(*) FROM new'), '0', "$label: nothing is left");
	sql('INSERT INTO new SELECT generate_series(1, 3000)');
	sql("SELECT pagestore_convert('new', 'pagestore')") if $heap;
	is($reader->query_safe('SELECT count(*), sum(i) FROM new'), '3000|4501500', "$label: the new rows");
	sql('UPDATE new SET i = -i');
	is($reader->query_safe('SELECT count(*), sum(i) FROM new'), '3000|-4501500', "$label: changed");
	sql("SELECT pagestore_convert('new', 'heap')");
	is($reader->query_safe('SELECT count(*), sum(i) FROM new'), '3000|-4501500', "$label: as heap");
	sql('DROP TABLE new');
}
my @prepared = ("BEGIN; DROP TABLE old; PREPARE TRANSACTION 'd'", "COMMIT PREPARED 'd'");
number_again('dropped', ['DROP TABLE old'], 0);
number_again('dropped, then heap', ['DROP TABLE old'], 1);
number_again('prepared', \@prepared, 0);
number_again('prepared, then heap', \@prepared, 1);

# --- no room in the registry: slower, never wrong; what can't be done without it says so
stop_at($node, 'gate-full', action => 'yes');
for_all(12001, 12300, 'CREATE TABLE t_# USING pagestore AS SELECT # AS i');
my $rest = total(12001, 12300);
is($rest, 300 * 24301 / 2, 'no room: tables are made and read');
is($reader->query_safe('SELECT total(12001, 12300)'), $rest, 'no room: by others as well');
for_all(12001, 12100, 'UPDATE t_# SET i = 2 * i');
for_all(12101, 12150, 'TRUNCATE t_#');
for_all(12151, 12200, 'DROP TABLE t_#');
for_all(12151, 12200, 'CREATE TABLE t_# USING pagestore AS SELECT -# AS i');
$rest += 100 * 24101 / 2 - 50 * 24251 / 2 - 100 * 24351 / 2;
is(total(12001, 12300), $rest, 'no room: changed, truncated, dropped and made anew');
is($reader->query_safe('SELECT total(12001, 12300)'), $rest, 'no room: and seen by others');
sql("SELECT pagestore_convert(('t_' || k)::regclass, 'heap') FROM generate_series(12001, 12050) k");
is($reader->query_safe('SELECT total(12001, 12300)'), $rest, 'no room: switched to heap');
# others remember a table as passed: it goes to heap, is changed there, and comes back by a rollback
sql("BEGIN; SELECT pagestore_convert('t_12300', 'heap'); UPDATE t_12300 SET i = i; ROLLBACK");
sql("BEGIN; SELECT pagestore_convert('t_12300', 'heap'); INSERT INTO t_12300 VALUES (1), (2); SELECT i FROM t_12300; ROLLBACK; "
	  . 'INSERT INTO t_12300 VALUES (0)');
is($reader->query_safe('SELECT count(*), sum(i) FROM t_12300'), '2|12300', 'no room: a switch rolled back, after a change');
is($reader->query_safe("SELECT count(*) FROM pg_class WHERE relname = 't_12300' AND pg_relation_size(oid) = 8192"), '1', '... on the same page');
sql('DELETE FROM t_12300 WHERE i = 0');
my ($rc, $out, $err) = $node->psql('postgres', "SELECT pagestore_convert('t_12001', 'pagestore')");
like($err, qr/ERROR:  out of shared memory/, 'no room: a switch to pagestore is refused');
is($reader->query_safe('SELECT total(12001, 12300)'), $rest, 'no room: and nothing has changed');
number_again('no room', ['DROP TABLE old'], 0);
number_again('no room, prepared', \@prepared, 0);
go($node);
sql("SELECT pagestore_convert('t_12001', 'pagestore')");
number_again('room again', ['DROP TABLE old'], 1);
is($reader->query_safe('SELECT total(12001, 12300)'), $rest, 'room again');
$reader->quit;

my $log = slurp_file($node->logfile);
like($log, qr/LOG:  pagestore has no room to remember more than \d+ tables/, 'the log says that there was no room');
kill_server($node);
$node->start;
is(total(1, 6000), 6000 * 6001 / 2, 'after a crash');
is(total(12001, 12300), $rest, '... and where there was no room');
unlike($log, qr/PANIC|TRAP|invalid page|pin leak|could not/, 'the log shows no damage');
$node->stop;
done_testing();
