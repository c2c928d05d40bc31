# Reads, writes, fsyncs, submissions and growth that are short, late or fail, by file and count: the right error with
# relation and block, no row lost or wrong, nothing left pinned, the server up.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# fsync() is core's: a library between it and the kernel makes it fail once for files whose path has the name that a file holds.
my $tmp = PostgreSQL::Test::Utils::tempdir();
my $shim = '';
append_to_file("$tmp/shim.c", q(
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int strikes(int fd)
{
	const char *order = getenv("FSYNC_FAULT");
	char link[64], path[4096], name[256];
	FILE *f = order ? fopen(order, "r") : NULL;
	ssize_t n;

	if (f == NULL)
		return 0;
	if (fgets(name, sizeof(name), f) == NULL)
		name[0] = 0;
	fclose(f);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0 || name[0] == 0)
		return 0;
	path[n] = 0;
	return strstr(path, name) != NULL && unlink(order) == 0;
}
#define SHIM(call) int call(int fd) { int (*real)(int) = dlsym(RTLD_NEXT, #call); if (strikes(fd)) { errno = EIO; return -1; } return real(fd); }
SHIM(fsync)
SHIM(fdatasync)
));
$shim = "$tmp/shim.so" if system("cc -shared -fPIC -o $tmp/shim.so $tmp/shim.c -ldl 2>/dev/null") == 0;
$ENV{FSYNC_FAULT} = "$tmp/order";

my $node = new_server('faults', conf => "wal_level = replica\npagestore.pool_size = '4MB'\nautovacuum = off\nmax_parallel_workers_per_gather = 0\n"
	  . "jit = off\nrestart_after_crash = on\nmax_wal_size = '1GB'\nshared_buffers = '32MB'\n");
sub start
{
	local $ENV{LD_PRELOAD} = $shim;
	$node->start;
}
start();
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE EXTENSION pagestore_test;
	CREATE TABLE t (id int, k int, pad text) USING pagestore;
	INSERT INTO t SELECT i, (i * 7919::bigint) % 10000, repeat('x', 700) FROM generate_series(1, 10000) i;
	CREATE INDEX t_k ON t (k);
	CREATE TABLE small (id int, pad text) USING pagestore;
	INSERT INTO small SELECT i, repeat('y', 700) FROM generate_series(1, 1000) i;
	CREATE TABLE other (id int, pad text) USING pagestore;
	INSERT INTO other SELECT i, repeat('z', 700) FROM generate_series(1, 6000) i;
	VACUUM ANALYZE));
my $async = $node->safe_psql('postgres', 'SELECT io_method FROM pg_stat_pagestore') eq 'io_uring';

my %query = (
	'into the pool' => 'SELECT count(*), sum(id), sum(length(pad)) FROM small',
	'around the pool' => 'SELECT count(*), sum(id), sum(length(pad)) FROM t',
	'by index' => 'SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*), sum(id) FROM t WHERE k < 3000',
	'by bitmap' => 'SET enable_seqscan = off; SET enable_indexscan = off; SELECT count(*), sum(id) FROM t WHERE k < 3000');
my %rows = map { $_ => $node->safe_psql('postgres', $query{$_}) } keys %query;

sub filenode { return $node->safe_psql('postgres', "SELECT pg_relation_filenode('$_[0]')"); }
# The pool has none of the tables' pages: shared buffers have had them in between.
sub forget_pool
{
	$node->safe_psql('postgres', "SELECT pagestore_convert('$_', 'heap')") foreach @_;
	$node->safe_psql('postgres', "SELECT pagestore_convert('$_', 'pagestore')") foreach @_;
}
sub run_sql
{
	my ($sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = '60s'; $sql", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return ($out, $err);
}
sub nothing_held
{
	my ($name) = @_;
	ok($node->poll_query_until('postgres', 'SELECT frames_pinned = 0 FROM pg_stat_pagestore'), "$name: nothing stays pinned");
	clear_faults($node);
}

# --- reads that are short, late, or fail once: whoever needs the pages reads them again
my %once = ('short' => { op => 'read', bytes => 4096 }, 'odd' => { op => 'read', bytes => 12288 }, 'late' => { op => 'read', milliseconds => 5 },
	'failing in read-ahead' => { op => 'read', error => 'EIO', skip => 3, times => 1 }, 'refused at submission' => { op => 'submit', error => 'EAGAIN' },
	'refused for want of memory' => { op => 'submit', error => 'ENOMEM', times => 20 }, 'interrupted at submission' => { op => 'submit', error => 'EINTR', times => 30 });
foreach my $kind (sort keys %once)
{
	foreach my $how (sort keys %query)
	{
		next if $once{$kind}{error} && !$async;
		my $table = $how eq 'into the pool' ? 'small' : 't';
		forget_pool($table);
		set_fault($node, $once{$kind}->%*, relfilenode => filenode($table));
		my ($out, $err) = run_sql($query{$how});
		is("$out$err", $rows{$how}, "$kind, $how: all rows");
		cmp_ok(fault_hits($node), '>', 0, "$kind, $how: and the fault was met");
		clear_faults($node);
	}
	nothing_held($kind);
}

# --- reads that fail for good: an error that names file and block, and no trace when the disk is back
foreach my $how (sort keys %query)
{
	my $table = $how eq 'into the pool' ? 'small' : 't';
	my $file = filenode($table);

	forget_pool($table, 'other');
	set_fault($node, op => 'read', error => 'EIO', relfilenode => $file);
	my ($out, $err) = run_sql($query{$how});
	like($err, qr/ERROR:  58030: could not read block \d+ in file "base\/\d+\/$file": Input\/output error/, "failing read, $how: the error");
	is((run_sql('SELECT count(*) FROM other'))[0], '6000', "failing read, $how: other tables can be read");
	nothing_held("failing read, $how");
	is((run_sql($query{$how}))[0], $rows{$how}, "failing read, $how: all rows when the disk is back");
}

# --- a ring whose submissions failed takes requests again: none of the failures stays in its queue
SKIP:
{
	skip 'io_uring is refused here', 3 unless $async;
	my $session = $node->background_psql('postgres');
	my $file = filenode('t');
	set_fault($node, op => 'submit', error => 'ENOMEM', relfilenode => $file, times => 20);
	is($session->query_safe($query{'around the pool'}), $rows{'around the pool'}, '20 submissions fail: all rows');
	is(fault_hits($node), '20', 'they do');
	clear_faults($node);
	set_fault($node, op => 'submit', error => '', relfilenode => $file);	# counts, and strikes nothing
	$session->query_safe($query{'around the pool'}) foreach 1 .. 3;
	cmp_ok(fault_hits($node), '>=', 30, 'later ones reach the ring');
	is($session->query_safe($query{'around the pool'}), $rows{'around the pool'}, 'and bring the right pages');
	$session->quit;
	clear_faults($node);
}

# --- writes that are short are continued
set_fault($node, op => 'write', bytes => 4096);
$node->safe_psql('postgres', "UPDATE small SET pad = 'short writes' || id; CHECKPOINT");
cmp_ok(fault_hits($node), '>', 10, 'short writes');
my $state = table_state($node, 'small');
kill_server($node);
command_ok([ 'pg_resetwal', '-f', '-D', $node->data_dir ], 'WAL thrown away');
start();
is(table_state($node, 'small'), $state, 'all rows are in the file');

# --- a victim that cannot be written: an error of the statement that needs the frame, which names the file; no row is lost
my $file = filenode('small');
$node->safe_psql('postgres', 'CHECKPOINT');
set_fault($node, op => 'write', error => 'EIO', relfilenode => $file);
my $offset = -s $node->logfile;
my ($out, $err) = ('', '');
for (1 .. 20)
{
	($out, $err) = run_sql("UPDATE small SET pad = repeat('v', 600) || id");
	last if $err ne '';
}
like($err, qr/ERROR:  58030: could not write blocks \d+ to \d+ in file "base\/\d+\/$file": Input\/output error/, 'eviction: the error');
ok($node->poll_query_until('postgres', "SELECT pg_read_file('" . $node->logfile . "', $offset, 10000000) ~ 'could not write blocks .*$file'"), 'the writer tells of it');
nothing_held('eviction');
$state = table_state($node, 'small');
is($node->safe_psql('postgres', 'SELECT count(*) FROM small'), '1000', 'eviction: all rows');
$node->safe_psql('postgres', 'CHECKPOINT');
kill_server($node);
command_ok([ 'pg_resetwal', '-f', '-D', $node->data_dir ], 'WAL thrown away');
start();
is(table_state($node, 'small'), $state, 'eviction: all rows are in the file when the disk is back');

# --- growth: an error of the statement, and the file as long as before
foreach my $error ('ENOSPC', 'EDQUOT', 'EIO')
{
	my %code = (ENOSPC => '53100', EDQUOT => '53100', EIO => '58030');
	$file = filenode('small');
	my $size = -s main_file($node, 'small');
	set_fault($node, op => 'extend', error => $error, relfilenode => $file);
	($out, $err) = run_sql("INSERT INTO small SELECT i, repeat('n', 700) FROM generate_series(1, 100000) i");
	like($err, $error eq 'EDQUOT' ? qr/ERROR:  \w+: could not extend file "base\/\d+\/$file"/ : qr/ERROR:  $code{$error}: could not extend file "base\/\d+\/$file"/, "$error: the error");
	is(table_state($node, 'small'), $state, "$error: the rows");
	nothing_held($error);
}
$node->safe_psql('postgres', "INSERT INTO small VALUES (-1, 'room again'); DELETE FROM small WHERE id = -1");

# --- a file that cannot be opened
$file = filenode('other');
forget_pool('other');
set_fault($node, op => 'open', error => 'EACCES', relfilenode => $file);
($out, $err) = run_sql('SELECT count(*) FROM other');
like($err, qr/ERROR:  42501: could not open file "base\/\d+\/$file".*: Permission denied/, 'open: the error');
nothing_held('open');
is((run_sql('SELECT count(*) FROM other'))[0], '6000', 'open: all rows afterwards');

# --- fsync: a PANIC and recovery, or, with data_sync_retry, a checkpoint that fails and the next that does it
SKIP:
{
	skip 'no compiler for the library', 8 if $shim eq '';
	$node->stop;
	$node->append_conf('postgresql.conf', 'fsync = on');
	start();
	$node->safe_psql('postgres', "CHECKPOINT; UPDATE small SET pad = 'synced' || id WHERE id % 2 = 0");
	$state = table_state($node, 'small');
	$file = filenode('small');
	append_to_file("$tmp/order", $file);
	$offset = -s $node->logfile;
	$node->psql('postgres', 'CHECKPOINT');
	ok(wait_for_server($node), 'fsync fails: the server restarts');
	ok(!-e "$tmp/order", 'it was met');
	like(slurp_file($node->logfile, $offset), qr/PANIC:  could not fsync file "base\/\d+\/${file}(_vm)?": Input\/output error/, 'fsync: PANIC, as nobody knows what the disk has');
	is(table_state($node, 'small'), $state, 'fsync: recovery has every row');

	$node->stop;
	$node->append_conf('postgresql.conf', 'data_sync_retry = on');
	start();
	$node->safe_psql('postgres', "UPDATE small SET pad = 'again' || id WHERE id % 3 = 0");
	$state = table_state($node, 'small');
	append_to_file("$tmp/order", $file);
	($out, $err) = run_sql('CHECKPOINT');
	like($err, qr/checkpoint request failed/, 'data_sync_retry: the checkpoint fails');
	is($node->psql('postgres', 'CHECKPOINT'), 0, 'data_sync_retry: the next does not');
	kill_server($node);
	command_ok([ 'pg_resetwal', '-f', '-D', $node->data_dir ], 'WAL thrown away');
	start();
	is(table_state($node, 'small'), $state, 'data_sync_retry: all rows are in the file');
}

my $log = slurp_file($node->logfile);
$log =~ s/PANIC:  could not fsync file//g;
unlike($log, qr/PANIC|TRAP|invalid page|verification failed|leak/, 'the log shows no damage');
$node->stop;
command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], 'checksums');
done_testing();
