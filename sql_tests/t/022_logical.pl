# Logical replication between heap and pagestore tables, both ways: initial copy, every kind of change, row filters, column
# lists, partitions, replica identity full, transactions that are streamed and rolled back, and two-phase commit.  A table
# of the subscriber has what its publication lets through, whichever access method either side has.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $conf = "wal_level = logical\nlogical_decoding_work_mem = '64kB'\nmax_prepared_transactions = 10\nmax_worker_processes = 20\nautovacuum = off\n";
my $publisher = new_server('publisher', allows_streaming => 'logical', conf => $conf);
my $subscriber = new_server('subscriber', allows_streaming => 'logical', conf => $conf);
$_->start, $_->safe_psql('postgres', 'CREATE EXTENSION pagestore') foreach ($publisher, $subscriber);

my @pairs = (['pagestore', 'pagestore'], ['pagestore', 'heap'], ['heap', 'pagestore'], ['heap', 'heap']);

# All pairs, named after their access methods.
sub each_pair
{
	my ($node, $side, $sql) = @_;
	my $all = '';

	foreach my $pair (@pairs)
	{
		my $name = $pair->[0] . '_' . $pair->[1];
		$all .= $sql =~ s/\@/$name/gr =~ s/USING AM/USING $pair->[$side]/gr;
	}
	$node->safe_psql('postgres', $all);
}

my $tables = q(
	CREATE TABLE all_@ (id int PRIMARY KEY, n int, s text, long text) USING AM;
	ALTER TABLE all_@ ALTER long SET STORAGE EXTERNAL;
	CREATE TABLE full_@ (id int, s text) USING AM;
	ALTER TABLE full_@ REPLICA IDENTITY FULL;
	CREATE TABLE filter_@ (id int PRIMARY KEY, n int, s text) USING AM;
	ALTER TABLE filter_@ REPLICA IDENTITY FULL;
	CREATE TABLE part_@ (id int PRIMARY KEY, s text) PARTITION BY RANGE (id);
	CREATE TABLE part_@_1 PARTITION OF part_@ FOR VALUES FROM (0) TO (1000) USING AM;
	CREATE TABLE part_@_2 PARTITION OF part_@ FOR VALUES FROM (1000) TO (100000) USING AM;
);
each_pair($publisher, 0, $tables . q(
	CREATE TABLE columns_@ (id int PRIMARY KEY, secret text, s text) USING AM;
	INSERT INTO all_@ SELECT i, i % 7, 'row ' || i, repeat('l', i % 50 * 100) FROM generate_series(1, 2000) i;
	INSERT INTO full_@ SELECT i % 50, 'row ' || i % 100 FROM generate_series(1, 200) i;
	INSERT INTO filter_@ SELECT i, i % 10, 'row ' || i FROM generate_series(1, 1000) i;
	INSERT INTO columns_@ SELECT i, 'secret', 'row ' || i FROM generate_series(1, 1000) i;
	INSERT INTO part_@ SELECT i, 'row ' || i FROM generate_series(500, 1500) i;
));
# on the subscriber the columns are in another order, and there is one more
each_pair($subscriber, 1, $tables . q(
	CREATE TABLE columns_@ (s text, extra text DEFAULT 'extra', id int PRIMARY KEY) USING AM;
));
my $publication = join(', ', map { my $p = "$_->[0]_$_->[1]"; "all_$p, full_$p, filter_$p WHERE (n < 4), columns_$p (id, s), part_$p" } @pairs);
$publisher->safe_psql('postgres', "CREATE PUBLICATION p FOR TABLE $publication WITH (publish_via_partition_root = true)");
my $connection = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION s CONNECTION '$connection' PUBLICATION p WITH (streaming = on, two_phase = on)");
$subscriber->wait_for_subscription_sync($publisher, 's');

# What the publication lets through.
my %seen = (
	all => 'TABLE all_@',
	full => 'TABLE full_@',
	filter => 'SELECT * FROM filter_@ WHERE n < 4',
	columns => 'SELECT id, s FROM columns_@',
	part => 'TABLE part_@');

sub compare
{
	my ($what) = @_;

	$publisher->wait_for_catchup('s');
	foreach my $pair (@pairs)
	{
		my $name = $pair->[0] . '_' . $pair->[1];
		foreach my $kind (sort keys %seen)
		{
			my $query = 'SELECT count(*), md5(string_agg(r::text, chr(10) ORDER BY r::text)) FROM (' . ($seen{$kind} =~ s/\@/$name/r) . ') r';
			is($subscriber->safe_psql('postgres', $query), $publisher->safe_psql('postgres', $query), "$what: $kind, $pair->[0] to $pair->[1]");
		}
	}
}
compare('initial copy');

each_pair($publisher, 0, q(
	INSERT INTO all_@ SELECT i, i % 7, 'new ' || i, NULL FROM generate_series(3001, 3100) i;
	UPDATE all_@ SET s = s || '!' WHERE id % 3 = 0;
	UPDATE all_@ SET id = id + 10000 WHERE id % 100 = 1;
	UPDATE all_@ SET long = long || 'er' WHERE id % 40 = 39;
	DELETE FROM all_@ WHERE id % 11 = 0;
	INSERT INTO all_@ VALUES (2, 0, 'conflict', NULL), (99999, 99, 'none', NULL) ON CONFLICT (id) DO UPDATE SET s = excluded.s;
	UPDATE full_@ SET s = s || ' of ' || id WHERE id < 10;
	DELETE FROM full_@ WHERE id > 40;
	-- rows that come into the filter's view, leave it, and change in it
	UPDATE filter_@ SET n = n + 3;
	UPDATE filter_@ SET s = s || '!' WHERE id % 2 = 0;
	DELETE FROM filter_@ WHERE id % 5 = 0;
	UPDATE columns_@ SET secret = 'changed', s = s || '!' WHERE id % 4 = 0;
	UPDATE columns_@ SET secret = 'changed alone' WHERE id % 4 = 1;
	DELETE FROM columns_@ WHERE id % 9 = 0;
	UPDATE part_@ SET id = id + 10000 WHERE id % 10 = 0;
	DELETE FROM part_@ WHERE id % 7 = 0;
	BEGIN;
	SAVEPOINT a;
	UPDATE all_@ SET n = -1;
	ROLLBACK TO a;
	UPDATE all_@ SET n = n + 1 WHERE id < 100;
	COMMIT;
));
compare('changes');
is($subscriber->safe_psql('postgres', "SELECT count(*) FROM columns_heap_pagestore WHERE extra = 'extra'"),
	$publisher->safe_psql('postgres', 'SELECT count(*) FROM columns_heap_pagestore'), "the subscriber's own column");

# transactions larger than logical_decoding_work_mem
each_pair($publisher, 0, q(
	BEGIN;
	UPDATE all_@ SET s = 'streamed ' || id;
	SAVEPOINT a;
	INSERT INTO all_@ SELECT i, 0, 'gone', repeat('x', 1000) FROM generate_series(20001, 22000) i;
	ROLLBACK TO a;
	INSERT INTO all_@ SELECT i, 0, 'stays', repeat('y', 1000) FROM generate_series(20001, 21000) i;
	COMMIT;
	BEGIN;
	UPDATE all_@ SET s = 'lost', long = repeat('z', 3000);
	ROLLBACK;
));
compare('streamed');
cmp_ok($publisher->safe_psql('postgres', "SELECT stream_txns FROM pg_stat_replication_slots WHERE slot_name = 's'"), '>=', 4, 'they were streamed');

# two-phase: prepared on both sides, then one committed and one rolled back
each_pair($publisher, 0, q(
	BEGIN;
	UPDATE all_@ SET n = 1000 WHERE id % 2 = 0;
	DELETE FROM filter_@ WHERE id % 3 = 0;
	PREPARE TRANSACTION 'commit_@';
	BEGIN;
	DELETE FROM all_@ WHERE id % 2 = 1 AND id > 500;
	PREPARE TRANSACTION 'rollback_@';
));
$publisher->wait_for_catchup('s');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), '8', 'prepared transactions are prepared on the subscriber');
# they outlive its crash
kill_server($subscriber);
$subscriber->start;
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), '8', '... after a crash, too');
each_pair($publisher, 0, q(
	COMMIT PREPARED 'commit_@';
	ROLLBACK PREPARED 'rollback_@';
));
compare('two-phase');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), '0', 'none is left');

# tables that change their access method while they are replicated
$publisher->safe_psql('postgres', "ALTER TABLE all_pagestore_pagestore SET ACCESS METHOD heap; UPDATE all_pagestore_pagestore SET n = 7; ALTER TABLE all_pagestore_pagestore SET ACCESS METHOD pagestore");
$subscriber->safe_psql('postgres', "ALTER TABLE all_heap_pagestore SET ACCESS METHOD heap");
each_pair($publisher, 0, q(
	UPDATE all_@ SET s = 'switched ' || id WHERE id % 2 = 0;
	TRUNCATE full_@;
	INSERT INTO full_@ VALUES (1, 'after');
));
compare('switched and truncated');

unlike(slurp_file($_->logfile), qr/PANIC|TRAP/, 'no finding in the log') foreach ($publisher, $subscriber);
$subscriber->stop;
$publisher->stop;
done_testing();
