# Where io_uring is refused, as by a container's seccomp profile, reads are synchronous, and the reason is told once.
use strict;
use warnings;
use Config;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'the filter is written for x86-64' unless $Config{archname} =~ /^x86_64/;

use constant { SYS_prctl => 157, SYS_seccomp => 317, SYS_io_uring_setup => 425, PR_SET_NO_NEW_PRIVS => 38, SECCOMP_SET_MODE_FILTER => 1 };

# From here on this process and its children get EPERM from io_uring_setup().
sub refuse_io_uring
{
	my $filter = join '', map { pack 'SCCL', @$_ } (
		[ 0x20, 0, 0, 0 ],								# load the number of the system call
		[ 0x15, 0, 1, SYS_io_uring_setup ],				# io_uring_setup?
		[ 0x06, 0, 0, 0x00050000 | 1 ],					# then errno EPERM
		[ 0x06, 0, 0, 0x7fff0000 ]);					# else allow
	my $program = pack 'Sx6P', length($filter) / 8, $filter;
	return syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, $program) == 0;
}

my $node = new_server('fallback', conf => "wal_level = replica\npagestore.pool_size = '2MB'\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE TABLE p (id int PRIMARY KEY, t text) USING pagestore;
	CREATE TABLE h (id int PRIMARY KEY, t text) USING heap;
	INSERT INTO p SELECT i, repeat('x', i % 500) FROM generate_series(1, 40000) i;
	INSERT INTO h TABLE p));
my ($method, $reason) = split /\|/, $node->safe_psql('postgres', 'SELECT io_method, io_fallback_reason FROM pg_stat_pagestore'), -1;
plan skip_all => "io_uring is refused here in any case: $reason" if $method ne 'io_uring';
is($reason, '', 'io_uring in use, no reason to tell');
ok(same_tables($node, 'p', 'h'), 'rows with io_uring');

sub check_rows
{
	my ($how) = @_;
	ok(same_tables($node, 'p', 'h'), "$how: sequential scan");
	is($node->safe_psql('postgres', 'SET enable_seqscan = off; SELECT sum(length(t)) FROM p WHERE id > 0'),
		$node->safe_psql('postgres', 'SELECT sum(length(t)) FROM h'), "$how: index scan");
	$node->safe_psql('postgres', "UPDATE $_ SET t = t || '!' WHERE id % 9 = 0; VACUUM $_") foreach ('p', 'h');
	ok(same_tables($node, 'p', 'h'), "$how: after changes");
}

# asked for
$node->append_conf('postgresql.conf', 'pagestore.io_method = sync');
$node->restart;
is($node->safe_psql('postgres', "SELECT io_method, coalesce(io_fallback_reason, '') FROM pg_stat_pagestore"), 'sync|', 'sync when asked for');
check_rows('sync');

# forced
SKIP:
{
	skip 'seccomp is not to be had', 5 unless refuse_io_uring();
	$node->append_conf('postgresql.conf', 'pagestore.io_method = io_uring');
	$node->stop;
	my $offset = -s $node->logfile;
	$node->start;
	is($node->safe_psql('postgres', 'SELECT io_method FROM pg_stat_pagestore'), 'sync', 'sync when io_uring is refused');
	like($node->safe_psql('postgres', 'SELECT io_fallback_reason FROM pg_stat_pagestore'), qr/Operation not permitted/, 'the view tells why');
	check_rows('refused');
	my @told = slurp_file($node->logfile, $offset) =~ /(LOG: .*io_uring.*)/g;
	is(scalar @told, 1, 'the log tells it once') or diag("@told");
}
$node->stop;
done_testing();
