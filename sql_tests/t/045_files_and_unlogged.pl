# Work that follows what there is to do: descriptors of files that are gone are closed, no others; unlogged
# pages are written by the checkpoints that copy a database, not all the time that its command takes.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_server('files', conf => "autovacuum = off\nmax_prepared_transactions = 5\npagestore.pool_size = '32MB'\n"
	  . "default_table_access_method = 'pagestore'\nmax_wal_size = '10GB'\ncheckpoint_timeout = '1d'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sql('CREATE EXTENSION pagestore');
sql("CREATE TABLE $_ (i int, v text); INSERT INTO $_ SELECT i, repeat('v', 100) FROM generate_series(1, 3000) i") foreach ('keep', 'other', 'drop1', 'drop2', 'cut');
sub filenode { return sql("SELECT pg_relation_filenode('$_[0]')"); }
sub frames { return sql("SELECT count(*) FROM pagestore_frames WHERE relfilenode = $_[0]"); }

# Descriptors with O_DIRECT, which are ours and not core's, that a process has of a relfilenode.
sub direct_files
{
	my ($pid, $filenode) = @_;
	my $n = 0;

	foreach my $fd (glob("/proc/$pid/fd/*"))
	{
		my $file = readlink($fd) // next;
		next unless $file =~ m{/$filenode(\.\d+)?( \(deleted\))?$};
		my ($number) = $fd =~ /(\d+)$/;
		my $info = slurp_file("/proc/$pid/fdinfo/$number");
		$n++ if $info =~ /^flags:\s+(\d+)/m && (oct($1) & 040000);
	}
	return $n;
}

# A session that has a table's file open and then, after something has happened, uses another file.
my $session = $node->background_psql('postgres');
my $pid = $session->query_safe('SELECT pg_backend_pid()');
my %node = map { $_ => filenode($_) } ('keep', 'other', 'drop1', 'drop2', 'cut');

sub open_files
{
	# pages leave the pool with a restart only: make each table grow, which opens its file
	$session->query_safe("INSERT INTO $_ SELECT -i, repeat('w', 100) FROM generate_series(1, 300) i") foreach (@_);
	is(direct_files($pid, $node{$_}), 1, "$_ is open") foreach (@_);
}
sub after
{
	my ($what, $open, $closed) = @_;
	$session->query_safe("INSERT INTO other SELECT -i, repeat('w', 100) FROM generate_series(1, 300) i");
	is(direct_files($pid, $node{$_}), 1, "$what: $_ stays open") foreach (@$open);
	is(direct_files($pid, $node{$_}), 0, "$what: $_ is closed") foreach (@$closed);
}

open_files('keep', 'drop1', 'drop2', 'cut');
sql("BEGIN; UPDATE keep SET i = i WHERE i = 1; PREPARE TRANSACTION 'nothing'");
sql("COMMIT PREPARED 'nothing'");
after('COMMIT PREPARED that dropped nothing', [ 'keep', 'drop1', 'drop2', 'cut' ], []);

cmp_ok(frames($node{drop1}), '>', 50, 'a table in the pool');
sql("UPDATE drop1 SET v = 'changed' WHERE i BETWEEN 1 AND 1000; BEGIN; DROP TABLE drop1; PREPARE TRANSACTION 'd'");
is(frames($node{drop1}), '0', 'what a prepared transaction may remove has no page in the pool');
sql("ROLLBACK PREPARED 'd'");
is(sql("SELECT count(*), count(*) FILTER (WHERE v = 'changed') FROM drop1"), '3300|1000', 'rolled back: all rows are there');
open_files('drop1');
sql("BEGIN; DROP TABLE drop1; PREPARE TRANSACTION 'd'");
sql("COMMIT PREPARED 'd'");
after('DROP, prepared', [ 'keep', 'drop2', 'cut' ], ['drop1']);
is(frames($node{drop1}), '0', 'no frame of a dropped table');

my $made = sql("BEGIN; CREATE TABLE made (i int, v text); INSERT INTO made SELECT i, repeat('v', 100) FROM generate_series(1, 3000) i; "
	  . "SELECT pg_relation_filenode('made'); PREPARE TRANSACTION 'm'");
is(frames($made), '0', 'nor has what its rollback removes');
sql("COMMIT PREPARED 'm'");
is(sql('SELECT count(*), sum(i) FROM made'), '3000|4501500', 'a table made in a prepared transaction');

sql('DROP TABLE drop2');
after('DROP', [ 'keep', 'cut' ], ['drop2']);
sql('BEGIN; DROP TABLE keep; ROLLBACK');
after('DROP rolled back', [ 'keep', 'cut' ], []);
sql('TRUNCATE cut');
after('TRUNCATE', ['keep'], ['cut']);

# More notices than are kept: all is closed.
sql(q(DO $$ BEGIN FOR i IN 1..300 LOOP EXECUTE 'CREATE UNLOGGED TABLE many (i int)'; EXECUTE 'INSERT INTO many VALUES (1)';
	EXECUTE 'DROP TABLE many'; COMMIT; END LOOP; END $$));
after('300 tables dropped', [], ['keep']);
$session->quit;

# A database: its own files, no others'.
sql('CREATE DATABASE bye TEMPLATE template0');
$session = $node->background_psql('postgres');
$pid = $session->query_safe('SELECT pg_backend_pid()');
open_files('keep');
$node->safe_psql('bye', "CREATE EXTENSION pagestore; CREATE TABLE t AS SELECT generate_series(1, 1000) i");
sql('DROP DATABASE bye');
after('DROP DATABASE', ['keep'], []);
$session->quit;

# --- unlogged pages while a database command waits
sql("CREATE DATABASE held TEMPLATE template0");
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN');
$holder->query_safe('ALTER DATABASE held RENAME TO held2');
my $dropper = $node->background_psql('postgres', on_error_stop => 0);
$dropper->query_until(qr/go/, "\\echo go\nDROP DATABASE held;\n");
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'DROP DATABASE held%' AND wait_event_type = 'Lock'")
  or die 'DROP DATABASE does not wait';
sql('CREATE UNLOGGED TABLE u (i int); INSERT INTO u SELECT generate_series(1, 1000)');
my $u = filenode('u');
my $dirty = "SELECT count(*) FROM pagestore_frames WHERE relfilenode = $u AND isdirty";
cmp_ok(sql($dirty), '>', 3, 'an unlogged table has dirty pages');
usleep(2_000_000);
cmp_ok(sql($dirty), '>', 3, 'they are left alone as long as no checkpoint asks');
sql('CHECKPOINT');
is(sql($dirty), '0', 'a checkpoint writes them, with the command under way');
$holder->query_safe('ROLLBACK');
$holder->quit;
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_database WHERE datname LIKE 'held%'") or die 'DROP DATABASE does not end';
$dropper->quit;
sql('UPDATE u SET i = i + 1; CHECKPOINT');
cmp_ok(sql($dirty), '>', 3, 'and leaves them alone when the command is over');

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|pin leak|could not/, 'the log shows no damage');
$node->stop;
done_testing();
