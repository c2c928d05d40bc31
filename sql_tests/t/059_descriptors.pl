# Descriptors: the server starts wherever it does without pagestore, with fewer rings or none; files in use stay open;
# tablespaces without direct I/O, however many, are told of once each.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('descriptors', conf => "wal_level = replica\npagestore.pool_size = '4MB'\nautovacuum = off\n");
$node->start;
my $rows = $node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE TABLE t (id int, pad text) USING pagestore;
	INSERT INTO t SELECT i, repeat('x', 700) FROM generate_series(1, 10000) i;
	SELECT count(*), sum(id) FROM t));
my $async = $node->safe_psql('postgres', 'SELECT io_method FROM pg_stat_pagestore') eq 'io_uring';

# --- start, with and without pagestore
sub starts
{
	my ($files, $preload) = @_;
	$node->stop if defined $node->{_pid};
	$node->append_conf('postgresql.conf', "max_files_per_process = $files\nshared_preload_libraries = '$preload'");
	return $node->start(fail_ok => 1) ? 'starts' : 'does not start';
}
my %method;
foreach my $files (64, 66, 68, 70, 72, 80, 100, 200)
{
	my $without = starts($files, '');
	my $offset = -s $node->logfile;
	is(starts($files, 'pagestore'), $without, "max_files_per_process = $files: $without, as without pagestore");
	next if $without ne 'starts';
	is($node->safe_psql('postgres', 'SELECT count(*), sum(id) FROM t'), $rows, "$files: rows");
	$method{$files} = $node->safe_psql('postgres', 'SELECT io_method FROM pg_stat_pagestore');
	next unless $async;
	my $log = slurp_file($node->logfile, $offset);
	like($log, qr/max_files_per_process \($files\) leaves no descriptors/, "$files: the log says why there are fewer rings, or none");
	like($node->safe_psql('postgres', 'SELECT io_fallback_reason FROM pg_stat_pagestore'), qr/max_files_per_process \($files\) leaves no descriptors/, "$files: so does the view")
	  if $method{$files} eq 'sync';
}
is($method{200}, 'io_uring', '200 leave some for rings') if $async;
is(starts(1000, 'pagestore'), 'starts', 'the usual number');

# --- a file in use is not the first to be closed for want of descriptors
$node->safe_psql('postgres', 'CREATE TABLE hot (v text) USING pagestore; ALTER TABLE hot ALTER v SET STORAGE PLAIN');
$node->safe_psql('postgres', join(' ', map { "CREATE TABLE f$_ (v text) USING pagestore; ALTER TABLE f$_ ALTER v SET STORAGE PLAIN;" } 1 .. 80));
is(starts(76, 'pagestore'), 'starts', 'few descriptors');
my $hot = $node->safe_psql('postgres', "SELECT pg_relation_filenode('hot')");
my $session = $node->background_psql('postgres');
my $pid = $session->query_safe('SELECT pg_backend_pid()');
my $missing = 0;

# Is the table's file open for direct I/O in the session?
sub open_direct
{
	foreach my $fd (glob("/proc/$pid/fd/*"))
	{
		my $path = readlink($fd) // next;
		next if $path !~ /\/$hot$/;
		(my $info = $fd) =~ s/\/fd\//\/fdinfo\//;
		return 1 if slurp_file($info) =~ /^flags:\s*0*(\d+)/m && (oct("0$1") & 040000);
	}
	return 0;
}
sub grow { $session->query_safe("INSERT INTO $_[0] VALUES (repeat('h', 7000))"); }
SKIP:
{
	grow('hot');
	skip 'no direct I/O here', 1 unless open_direct();
	foreach my $i (1 .. 80)
	{
		grow("f$i");
		$missing++ unless open_direct();
		grow('hot');
	}
	is($missing, 0, 'a file used all the time stays open');
}
$session->quit;

# --- more tablespaces without direct I/O than are kept in mind
is(starts(1000, 'pagestore'), 'starts', 'the usual number');
my $base = PostgreSQL::Test::Utils::tempdir_short();
my $n = 68;
foreach my $i (1 .. $n)
{
	mkdir "$base/$i";
	$node->safe_psql('postgres', "CREATE TABLESPACE s$i LOCATION '$base/$i'");
}
my $offset = -s $node->logfile;
set_fault($node, op => 'open', error => 'EINVAL');
sub use_all
{
	$node->safe_psql('postgres', join(' ', map { "CREATE TABLE s$_ (i int) USING pagestore TABLESPACE s$_; INSERT INTO s$_ VALUES (1);" } 1 .. $n) . ' CHECKPOINT') if $_[0];
	return $node->safe_psql('postgres', 'SELECT ' . join(' + ', map { "(SELECT count(*) FROM s$_)" } 1 .. $n));
}
is(use_all(1), $n, 'rows');
my @told = slurp_file($node->logfile, $offset) =~ /LOG:  (.*direct I\/O.*)/g;
cmp_ok(scalar(grep { /file system of tablespace/ } @told), '<=', 65, 'at most one line a tablespace');
is(scalar(grep { /more than 64 tablespaces/ } @told), 1, 'and one that they are too many');
$node->safe_psql('postgres', 'UPDATE s' . $_ . ' SET i = i + 1') foreach 1 .. $n;
is(use_all(0), $n, 'rows again, in other processes');
is(scalar(() = slurp_file($node->logfile, $offset) =~ /LOG:  (.*direct I\/O.*)/g), scalar @told, 'nothing is told twice');
clear_faults($node);
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|leak/, 'the log shows no damage');
$node->stop;
done_testing();
