# Nobody holds on to files that are gone: the disk has their space back, and a file system can be unmounted, though
# sessions that once wrote to them sit idle, in a transaction or not.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_server('descriptors', conf => "autovacuum = off\ncheckpoint_timeout = 1h\n"
	  . "default_table_access_method = 'pagestore'\npagestore.pool_size = '1MB'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sql('CREATE EXTENSION pagestore');

# Files under a path that processes of this server, or client backends only, have open: "PID path" each.
sub open_files
{
	my ($path, $backends) = @_;
	my @found;
	my @pids = split /\n/, sql("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
		  . ($backends ? " AND backend_type = 'client backend'" : ''));
	foreach my $pid (@pids)
	{
		foreach my $fd (glob("/proc/$pid/fd/*"))
		{
			my $file = readlink($fd) // next;
			push @found, "$pid $file" if index($file, $path) >= 0;
		}
	}
	return @found;
}

# Eventually none: processes are woken, not waited for.
sub none_open
{
	my ($path, $what) = @_;
	my @open;
	for (1 .. 300)
	{
		@open = open_files($path);
		last if @open == 0;
		usleep(10_000);
	}
	is(join("\n", @open), '', $what);
}

# Two sessions of another database write what they evict, wherever it belongs.
my @sessions = map { $node->background_psql('postgres') } (1 .. 2);
$_->query_safe('CREATE TEMP TABLE own (i int) USING heap') foreach @sessions;
my $writer = sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'pagestore writer'");
my $dirty = "INSERT INTO t SELECT i, repeat('v', 500) FROM generate_series(1, 1500) i";
sub sessions_evict
{
	my ($db, $in_transaction) = @_;
	sql('DROP TABLE IF EXISTS fill0, fill1');
	sql('CREATE TABLE fill0 (v text); CREATE TABLE fill1 (v text)');
	kill 'STOP', $writer;	# or it would do the work
	foreach my $i (0 .. 1)
	{
		$node->safe_psql($db, $dirty);
		$sessions[$i]->query_safe('BEGIN') if $in_transaction;
		$sessions[$i]->query_safe("INSERT INTO fill$i SELECT repeat('f', 500) v FROM generate_series(1, 4000)");
	}
	kill 'CONT', $writer;
}
sub sessions_commit { $_->query_safe('COMMIT') foreach @sessions; }

foreach my $in_transaction (0, 1)
{
	my $how = $in_transaction ? ' (idle in transaction)' : '';
	sql('CREATE DATABASE gone TEMPLATE template0');
	$node->safe_psql('gone', "CREATE EXTENSION pagestore; CREATE TABLE t (i int, v text)");
	my $dboid = sql("SELECT oid FROM pg_database WHERE datname = 'gone'");
	my $space = PostgreSQL::Test::Utils::tempdir_short();
	sql("CREATE TABLESPACE s LOCATION '$space'");

	# moved: the old files go
	sessions_evict('gone', $in_transaction);
	is(scalar(open_files("base/$dboid/", 1)), 2, "sessions have files of another database open$how");
	sql('ALTER DATABASE gone SET TABLESPACE s');
	none_open("base/$dboid/", 'none of those left behind when it is moved');
	sessions_commit() if $in_transaction;

	# dropped
	sessions_evict('gone', $in_transaction);
	is(scalar(open_files("$space/", 1)), 2, "sessions have files of another database open$how");
	sql('DROP DATABASE gone');
	none_open("$space/", 'none when it is dropped');
	sessions_commit() if $in_transaction;

	# a table in a tablespace: its space comes back at once, its files go with a checkpoint, their descriptors with the tablespace
	sql("CREATE TABLE t (i int, v text) TABLESPACE s");
	sessions_evict('postgres', $in_transaction);
	my @open = open_files("$space/", 1);
	is(scalar(@open), 2, "sessions have files of the tablespace open$how");
	sql('DROP TABLE t');
	my $blocks = 0;
	$blocks += (stat($_))[12] // 0 foreach map { my ($pid, $file) = split / /; glob("$file*") } @open;
	is($blocks, 0, 'a table dropped takes no space');
	sql('DROP TABLESPACE s');
	none_open("$space/", 'no file open when the tablespace is dropped');
	sessions_commit() if $in_transaction;
}
$_->query_safe('SELECT count(*) FROM own') foreach @sessions;
$_->quit foreach @sessions;
is(sql('SELECT (SELECT count(*) FROM fill0), (SELECT count(*) FROM fill1)'), '4000|4000', 'rows of the sessions\' own tables');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|is lost|could not (write|open|stat|fsync)/, 'the log shows no damage');
done_testing();
