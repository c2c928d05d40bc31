# A partitioned table that names an access method (from PostgreSQL 17 on): pagestore as any other does, its partitions to
# come get it, pg_dump keeps it, pagestore_convert() changes it, DROP EXTENSION is refused, also where both go on at once.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Pagestore;

plan skip_all => 'partitioned tables have no access method before PostgreSQL 17' if server_major() < 17;

my $node = new_server('parents');
$node->start;
sub sql { return $node->safe_psql($_[1] // 'postgres', $_[0]); }
sql('CREATE EXTENSION pagestore; CREATE ACCESS METHOD heap_too TYPE TABLE HANDLER heap_tableam_handler');

# The tree's access methods, @ where it is the one in question.
sub methods
{
	my ($am, $db) = @_;
	return sql("SELECT string_agg(c.relname || ' ' || coalesce(a.amname, '-'), ', ' ORDER BY c.relname) FROM pg_class c LEFT JOIN pg_am a ON a.oid = c.relam
		WHERE c.relkind IN ('r', 'p') AND c.relname ~ '^p\\d*\$'", $db) =~ s/\b$am\b/@/gr;
}

# What each step leaves, with one access method and the other.
my @steps = (
	[ 'a parent that names it', 'CREATE TABLE p (i int, j int, v text, PRIMARY KEY (i, j)) PARTITION BY RANGE (i) USING @' ],
	[ 'a partition', 'CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000)' ],
	[ 'heap from now on', 'ALTER TABLE p SET ACCESS METHOD heap; CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (1000) TO (2000)' ],
	[ 'and back', 'ALTER TABLE p SET ACCESS METHOD @; CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (2000) TO (3000) PARTITION BY RANGE (j); CREATE TABLE p31 PARTITION OF p3 DEFAULT' ],
	[ 'by the default', 'SET default_table_access_method = @; ALTER TABLE p SET ACCESS METHOD DEFAULT; CREATE TABLE p4 PARTITION OF p FOR VALUES FROM (3000) TO (4000)' ],
	[ 'another default', 'CREATE TABLE p5 PARTITION OF p FOR VALUES FROM (4000) TO (5000)' ],
	[ 'one of its own', 'CREATE TABLE p6 PARTITION OF p FOR VALUES FROM (5000) TO (6000) USING @' ],
	[ 'attached', 'CREATE TABLE p7 (LIKE p) USING @; ALTER TABLE p ATTACH PARTITION p7 FOR VALUES FROM (6000) TO (7000)' ],
	[ 'named again', 'ALTER TABLE p SET ACCESS METHOD @, ALTER v SET DEFAULT 1; CREATE TABLE p8 PARTITION OF p DEFAULT' ],
	[ 'the same', 'ALTER TABLE ONLY p SET ACCESS METHOD @' ],
	[ 'in one that is undone', 'BEGIN; ALTER TABLE p SET ACCESS METHOD heap; ROLLBACK' ]);
my %after;
foreach my $am ('heap_too', 'pagestore')
{
	sql('DROP TABLE IF EXISTS p');
	foreach my $step (@steps)
	{
		my ($name, $commands) = @$step;
		sql($commands =~ s/@/$am/gr);
		my $now = methods($am);
		$after{$name} = $now if $am eq 'heap_too';
		is($now, $after{$name}, $name) if $am eq 'pagestore';
	}
}
like($after{'and back'}, qr/^p @, p1 @, p2 heap, p3 @, p31 @$/, 'partitions get what their parent names');
like($after{'another default'}, qr/^p -, .*p4 @, p5 heap$/, 'or the default');

# Rows over partitions of both kinds, and from one to another.
sql("INSERT INTO p SELECT i, i % 7, 'row ' || i FROM generate_series(0, 7999) i; UPDATE p SET i = (i + 1000) % 8000 WHERE j = 3; DELETE FROM p WHERE j = 5");
my $rows = "SELECT count(*), sum(i), md5(string_agg(p::text, ',' ORDER BY i, j)) FROM p";
my $before = sql($rows);
like($before, qr/^6857\|/, 'rows');
is(sql("SET enable_seqscan = off; SET enable_bitmapscan = off; $rows"), $before, 'by index');

# A dump restored elsewhere is the same tree.
sql('CREATE DATABASE other');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('postgres') ], 'pg_dump');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('other') ], 'restored');
is(methods('pagestore', 'other'), methods('pagestore'), 'with the access methods');
is(sql($rows, 'other'), $before, 'and the rows');

# pagestore_convert() takes the parents' names along; without one there they have none afterwards.
is(sql("SELECT pagestore_convert('p', 'heap')"), 't', 'the tree goes to heap');
is(methods('pagestore'), $after{'named again'} =~ s/@/heap/gr, 'parents, too');
is(sql("SELECT pagestore_convert('p', 'heap')"), 'f', 'there it is');
is(sql("SELECT pagestore_convert('p3', 'pagestore')"), 't', 'a part of it comes back');
like(methods('pagestore'), qr/^p heap, p1 heap, p2 heap, p3 @, p31 @, p4 heap/, 'and nothing else');
is(sql('SET default_table_access_method = pagestore; ALTER TABLE p SET ACCESS METHOD DEFAULT') . sql("SELECT pagestore_convert('p', 'pagestore')"), 't', 'all of it');
like(methods('pagestore'), qr/^p -, p1 @, p2 @, p3 @, p31 @, p4 @, p5 @/, 'a parent that names none goes on to name none');
is(sql($rows), $before, 'rows are as they were');

# The extension stays as long as a parent names it.
sql('CREATE TABLE lonely (i int) PARTITION BY LIST (i) USING pagestore');
sql("SELECT pagestore_convert('p', 'heap')");
my ($rc, $out, $err) = $node->psql('postgres', 'DROP EXTENSION pagestore');
like($err, qr/cannot drop extension pagestore|table lonely/, 'DROP EXTENSION is refused for a parent');
($rc, $out, $err) = $node->psql('other', "SELECT pagestore_convert('p', 'heap'); DROP EXTENSION pagestore");
is($rc, 0, 'and not where none does') or diag $err;

# A session in the middle of a command, which it waits in or has come to the end of.
sub under_way
{
	my ($session, $command) = @_;
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_until(qr/begun/, "\\echo begun\n$command;\n\\echo done\n");
	$node->poll_query_until('postgres', "SELECT wait_event_type = 'Lock' OR (state ~ '^idle' AND query !~ 'pg_backend_pid') FROM pg_stat_activity WHERE pid = $pid") or die 'neither waits nor ends';
	return sql("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid");
}

# Whoever has a parent name it and whoever drops it wait for one another, however it comes to be named.
sql('DROP TABLE p, lonely; CREATE TABLE q (i int) PARTITION BY LIST (i) USING heap');
my %ways = (
	'CREATE TABLE' => 'CREATE TABLE r (i int) PARTITION BY LIST (i) USING pagestore',
	'CREATE SCHEMA' => 'CREATE SCHEMA s CREATE TABLE r (i int) PARTITION BY LIST (i) USING pagestore',
	'a partition' => 'CREATE TABLE r PARTITION OF q DEFAULT PARTITION BY LIST (i) USING pagestore',
	'ALTER TABLE' => 'ALTER TABLE q SET ACCESS METHOD pagestore',
	'ALTER TABLE to the default' => 'SET LOCAL default_table_access_method = pagestore; ALTER TABLE q SET ACCESS METHOD DEFAULT, ALTER i SET DEFAULT 1; ALTER TABLE q SET ACCESS METHOD pagestore',
	'in a DO block' => q(DO $$ BEGIN EXECUTE 'ALTER TABLE q SET ACCESS METHOD pagestore'; PERFORM 1; END $$),
	'pagestore_convert()' => "SELECT pagestore_convert('q', 'pagestore')");
my $named = "SELECT count(*) FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relkind = 'p' AND amname = 'pagestore'";
my $dangling = "SELECT count(*) FROM pg_class WHERE relkind = 'p' AND relam <> 0 AND relam NOT IN (SELECT oid FROM pg_am)";
foreach my $way (sort keys %ways)
{
	my $one = $node->background_psql('postgres', on_error_stop => 0);
	my $two = $node->background_psql('postgres', on_error_stop => 0);

	$one->query_safe("BEGIN; $ways{$way}");
	is(under_way($two, 'DROP EXTENSION pagestore CASCADE'), 't', "$way: a drop waits");
	$one->query_safe('COMMIT');
	$two->query_until(qr/done/, '');
	like($two->{stderr}, qr/cannot drop access method/, '... and is refused');
	is(sql($named), '1', '... as the parent names it');
	sql('DROP TABLE IF EXISTS r, s.r; DROP SCHEMA IF EXISTS s; ALTER TABLE q SET ACCESS METHOD heap');

	$two->{stderr} = '';
	$two->query_safe('BEGIN; DROP EXTENSION pagestore');
	if ($way ne 'pagestore_convert()') # which goes with the extension
	{
		is(under_way($one, "BEGIN; $ways{$way}"), 't', "$way waits for a drop");
		$two->query_safe('COMMIT');
		$one->query_until(qr/done/, '');
		like($one->{stderr}, qr/the access method has been dropped in the meantime|access method was concurrently dropped/, '... and misses what has gone');
		$one->query('ROLLBACK');
	}
	else
	{
		$two->query_safe('COMMIT');
	}
	is(sql($dangling), '0', '... so that no parent names it');
	$one->quit;
	$two->quit;
	sql('CREATE EXTENSION pagestore');
}

# By hand, the lock comes with the next statement, or the commit.
my $one = $node->background_psql('postgres', on_error_stop => 0);
$one->query_safe("BEGIN; UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'pagestore') WHERE relname = 'q'");
sql('DROP EXTENSION pagestore');
$one->query('COMMIT');
like($one->{stderr}, qr/the access method has been dropped in the meantime/, 'a row changed by hand does not name what has gone');
is(sql($dangling), '0', '... afterwards either');
$one->quit;

$node->stop;
done_testing();
