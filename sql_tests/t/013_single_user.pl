# Single-user mode: the same rows, read and changed, and back to normal running.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('single', conf => "wal_level = replica\nautovacuum = off\n");

sub single
{
	my ($sql) = @_;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run([ 'postgres', '--single', '-j', '-D', $node->data_dir, 'postgres' ], '<', \$sql, '>', \$out, '2>', \$err);
	return ($ok, $out, $err);
}

$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore; CREATE EXTENSION amcheck;
	CREATE TABLE p (id int PRIMARY KEY, n int, t text) USING pagestore;
	CREATE TABLE h (id int PRIMARY KEY, n int, t text) USING heap;
	INSERT INTO p SELECT i, i % 10, repeat('x', i % 200) FROM generate_series(1, 20000) i;
	INSERT INTO h TABLE p;
	UPDATE p SET n = n + 1 WHERE id % 3 = 0;
	UPDATE h SET n = n + 1 WHERE id % 3 = 0));
$node->stop;

foreach my $round (1, 2)
{
	my $work = join("\n\n", map { "UPDATE $_ SET t = 'single $round' WHERE id % 5 = $round;\n\nDELETE FROM $_ WHERE id % 17 = $round;\n\n"
		  . "INSERT INTO $_ SELECT i, $round, 'new' FROM generate_series($round * 100000, $round * 100000 + 500) i;\n\nVACUUM $_;\n\nSELECT count(*), sum(n) FROM $_;" } ('p', 'h'));
	my ($ok, $out, $err) = single("$work\n\n");
	ok($ok, "round $round: single-user mode ends well");
	unlike($err, qr/ERROR|FATAL|PANIC|TRAP/, "round $round: and without an error");
	my @counts = $out =~ /count = "(\d+)"/g;
	is(scalar @counts, 2, "round $round: both counted");
	is($counts[0], $counts[1], "round $round: the same count");
	command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], "round $round: checksums");

	$node->start;
	ok(same_tables($node, 'p', 'h'), "round $round: the same rows in normal running");
	$node->safe_psql('postgres', "UPDATE $_ SET n = n + 1 WHERE id % 7 = 0") foreach ('p', 'h');
	$node->safe_psql('postgres', "SELECT bt_index_check('p_pkey', true)");
	# the second time single-user mode has to recover first
	$round == 1 ? kill_server($node) : $node->stop;
}
$node->start;
ok(same_tables($node, 'p', 'h'), 'the same rows at the end');
$node->stop;
done_testing();
