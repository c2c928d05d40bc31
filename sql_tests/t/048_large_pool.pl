# A large pool costs memory where it is used: neither the start nor views, DDL or checkpoints touch the rest, and
# a process keeps no array of its frames.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($total) = slurp_file('/proc/meminfo') =~ /^MemTotal:\s+(\d+) kB/m;
plan skip_all => 'this machine has less than 6 GB' if $total < 6 * 1024 * 1024;

my $gigabytes = 4;
my $limit = 24 * 1024;			# kB; headers of 4 GB alone are 64 MB

foreach my $policy ('sieve', 'clock', 'lru')
{
	my $node = new_server("large_$policy", conf => "autovacuum = off\nshared_buffers = '2MB'\nhuge_pages = off\nmax_connections = 10\n"
		  . "pagestore.pool_size = '${gigabytes}GB'\npagestore.replacement = $policy\n");
	$node->start;
	my $sql = sub { return $node->safe_psql('postgres', $_[0]); };

	# kB of shared memory that a process has touched, kB of private memory that it has mapped
	my $touched = sub {
		my ($pid) = @_;
		my ($size, $rss) = (0, 0);
		foreach my $map (split /^(?=[0-9a-f]+-[0-9a-f]+ )/m, slurp_file("/proc/$pid/smaps"))
		{
			next unless $map =~ m{^\S+ rw-s .*/dev/zero};
			$size += $1 if $map =~ /^Size:\s+(\d+)/m;
			$rss += $1 if $map =~ /^Rss:\s+(\d+)/m;
		}
		cmp_ok($size, '>', $gigabytes * 1024 * 1024, "$policy: the pool is mapped") if $pid == $node->{_pid};
		return $rss;
	};
	my $private = sub { return slurp_file("/proc/$_[0]/status") =~ /^VmData:\s+(\d+)/m ? $1 : die; };

	cmp_ok($touched->($node->{_pid}), '<', $limit, "$policy: the start touches little of it");
	$sql->('CREATE EXTENSION pagestore; CREATE TABLE t (i int PRIMARY KEY, v text) USING pagestore');
	my $s = $node->background_psql('postgres');
	my $pid = $s->query_safe('SELECT pg_backend_pid()');
	$s->query_safe('SELECT count(*) FROM pg_class');
	my $before = $private->($pid);
	$s->query_safe("INSERT INTO t SELECT i, repeat('v', 100) FROM generate_series(1, 5000) i");
	cmp_ok($private->($pid) - $before, '<', 1024, "$policy: a process maps nothing that grows with the pool");
	$s->query_safe($_) foreach ('SELECT count(*) FROM pagestore_frames', 'TABLE pg_stat_pagestore', 'UPDATE t SET v = v WHERE i < 100', 'VACUUM t',
		'CREATE TABLE d USING pagestore AS SELECT 1 AS i', 'TRUNCATE d', 'DROP TABLE d', "SELECT pagestore_convert('t', 'heap')",
		"SELECT pagestore_convert('t', 'pagestore')", 'SELECT count(*) FROM t', 'CHECKPOINT', 'CREATE DATABASE c', 'DROP DATABASE c');
	is($s->query_safe('SELECT frames, frames - frames_free, frames_dirty, frames_pinned, frames_ghost FROM pg_stat_pagestore'),
		join('|', $gigabytes * 1024 * 128, $s->query_safe("SELECT count(*) FROM pagestore_frames"), 0, 0, 0), "$policy: the view is exact");
	$s->query_safe('UPDATE t SET v = v WHERE i < 1000');
	is($s->query_safe('SELECT frames_dirty FROM pg_stat_pagestore'), $s->query_safe('SELECT count(*) FROM pagestore_frames WHERE isdirty'), "$policy: dirty pages, too");
	cmp_ok($s->query_safe('SELECT frames_dirty FROM pg_stat_pagestore'), '>', 10, "$policy: ... of which there are some");
	foreach my $process ($pid, split /\n/, $sql->("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'pagestore%'"))
	{
		cmp_ok($touched->($process), '<', $limit, "$policy: nor does process $process");
	}
	$s->quit;
	$node->stop;
}
done_testing();
