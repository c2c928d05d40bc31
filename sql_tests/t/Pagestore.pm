# What the TAP tests share: servers with pagestore, and ways to end them.
package Pagestore;

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Exporter 'import';
use Time::HiRes qw(usleep);

our @EXPORT = qw(new_server kill_server wait_for_server start_again table_state same_tables resident_bytes main_file server_major checksum_option parallel_always
	stop_at wait_stopped stop_hits go set_fault fault_hits clear_faults);

# A server that preloads pagestore, not started.  Options: those of Cluster::init, conf => lines of postgresql.conf,
# and checksums => 0: as they are on otherwise.  PAGESTORE_CONF in the environment adds lines to every server's.
sub new_server
{
	my ($name, %opt) = @_;
	my $conf = delete $opt{conf} // '';
	my $checksums = delete $opt{checksums} // 1;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ checksum_option($checksums) ], %opt);
	$node->append_conf('postgresql.conf',
		"shared_preload_libraries = 'pagestore'\nlog_statement = none\npagestore.pool_size = '8MB'\npagestore.autoprewarm = off\n$conf" . ($ENV{PAGESTORE_CONF} // '') . "\n");
	return $node;
}

# ---- what servers of several versions call differently ----

my ($major) = `pg_config --version` =~ /PostgreSQL (\d+)/;

sub server_major
{
	return $major;
}

# For initdb, which makes checksums by itself since 18.
sub checksum_option
{
	my ($on) = @_;
	return $on ? '-k' : $major >= 18 ? '--no-data-checksums' : ();
}

# A command that has parallel workers used wherever they can be.
sub parallel_always
{
	return 'SET ' . ($major >= 16 ? 'debug_parallel_query' : 'force_parallel_mode') . ' = on';
}

# SIGKILL to the postmaster and all that it started, together.  It stands still meanwhile: a process that it starts after
# the others were counted would live on, waiting for a lock of theirs, and keep its client.
sub kill_server
{
	my ($node) = @_;
	my $pid = $node->{_pid};
	my @all = ($pid);

	kill 'STOP', $pid;
	usleep(2000) while is_alive($pid) && !is_stopped($pid);
	opendir(my $proc, '/proc') or die $!;
	foreach my $p (grep { /^\d+$/ } readdir($proc))
	{
		open(my $stat, '<', "/proc/$p/stat") or next;
		my $line = <$stat>;
		close $stat;
		push @all, $p if defined $line && $line =~ /^\d+ \(.*\) \S (\d+)/ && $1 == $pid;
	}
	closedir $proc;
	kill 'KILL', @all;
	# Shared memory and the socket are free when they are gone (a zombie is: nobody may be there to reap it).
	foreach my $p (@all)
	{
		usleep(2000) while is_alive($p);
	}
	unlink $node->data_dir . '/postmaster.pid', glob($node->host . '/.s.PGSQL.' . $node->port . '*');
	$node->{_pid} = undef;
}

# As the kernel calls it: R, S, T, Z and the like; nothing if there is no such process.
sub process_state
{
	my ($pid) = @_;
	open(my $stat, '<', "/proc/$pid/stat") or return '';
	my $line = <$stat> // '';
	close $stat;
	return $line =~ /^\d+ \(.*\) (\S)/ ? $1 : '';
}

sub is_alive { return process_state($_[0]) =~ /[^Z]/; }
sub is_stopped { return process_state($_[0]) eq 'T'; }

# Until a query is answered again, after a crash; false after a minute.
sub wait_for_server
{
	my ($node) = @_;

	for (1 .. 600)
	{
		return 1 if system('pg_isready', '-q', '-h', $node->host, '-p', $node->port) == 0;
		usleep(100_000);
	}
	return 0;
}

# Start a server whose postmaster alone was killed: its children end by themselves, until then their memory is in use.
sub start_again
{
	my ($node) = @_;

	for (1 .. 300)
	{
		$node->{_pid} = undef;
		unlink $node->host . '/.s.PGSQL.' . $node->port . '.lock';
		return 1 if $node->start(fail_ok => 1);
		usleep(100_000);
	}
	return 0;
}

# One line that changes when any row of a table does.
sub table_state
{
	my ($node, $table) = @_;
	return $node->safe_psql('postgres',
		"SELECT count(*) || ' ' || coalesce(md5(string_agg(r, ',' ORDER BY r)), '') FROM (SELECT t::text r FROM $table t) s");
}

# Rows of two tables that the other lacks.
sub same_tables
{
	my ($node, $a, $b) = @_;
	return $node->safe_psql('postgres',
		"SELECT count(*) FROM ((TABLE $a EXCEPT ALL TABLE $b) UNION ALL (TABLE $b EXCEPT ALL TABLE $a)) s") eq '0';
}

# File of a relation's main fork.
sub main_file
{
	my ($node, $table) = @_;
	return $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('$table')");
}

# Bytes of a file in the kernel's page cache.
sub resident_bytes
{
	my ($file) = @_;
	my $out = `fincore --bytes --noheadings --output RES '$file'`;
	die "fincore failed for $file" if $? != 0;
	$out =~ s/\s//g;
	return $out;
}

# ---- stop points and I/O faults (src/debug) ----

sub test_sql
{
	my ($node, $sql) = @_;
	return $node->safe_psql('postgres',
		"SET client_min_messages = error; CREATE EXTENSION IF NOT EXISTS pagestore CASCADE; CREATE EXTENSION IF NOT EXISTS pagestore_test; $sql");
}

sub named_arguments
{
	my (%arg) = @_;
	return join(', ', map { "$_ => '$arg{$_}'" } sort keys %arg);
}

# Arm a stop point: stop_at($node, 'write-before-sync', action => 'wait', pid => 17, skip => 2, times => 1).
sub stop_at
{
	my ($node, $name, %opt) = @_;
	test_sql($node, 'SELECT pagestore_stop_set(' . named_arguments(name => $name, %opt) . ')');
}

# The first process that waits at the point; undef if none does within a minute.
sub wait_stopped
{
	my ($node, $name) = @_;
	for (1 .. 1200)
	{
		my $pid = $node->safe_psql('postgres', "SELECT waiting[1] FROM pagestore_stops() WHERE name = '$name'");
		return $pid if $pid ne '';
		usleep(50_000);
	}
	return undef;
}

# How often a point that is armed has acted.
sub stop_hits
{
	my ($node, $name) = @_;
	return $node->safe_psql('postgres', "SELECT coalesce(max(hits), 0) FROM pagestore_stops() WHERE name = '$name'");
}

# Clear a stop point, or all of them: whoever waits there goes on.
sub go
{
	my ($node, $name) = @_;
	$node->safe_psql('postgres', 'SELECT pagestore_stop_clear(' . (defined $name ? "'$name'" : '') . ')');
}

# Put in an I/O fault: set_fault($node, op => 'write', error => 'EIO', relfilenode => N, tablespace => N,
# skip => 1, times => 1, bytes => 4096, milliseconds => 100).
sub set_fault
{
	my ($node, %opt) = @_;
	test_sql($node, 'SELECT pagestore_fault_set(' . named_arguments(%opt) . ')');
}

sub fault_hits
{
	my ($node) = @_;
	return $node->safe_psql('postgres', 'SELECT coalesce(sum(hits), 0) FROM pagestore_faults()');
}

sub clear_faults
{
	my ($node) = @_;
	$node->safe_psql('postgres', 'SELECT pagestore_fault_clear()');
}

1;
