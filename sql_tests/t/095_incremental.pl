# An incremental backup has the visibility map's pages whose bits were cleared since the backup before: what an
# index-only scan of the restored server takes from the map is what the table holds.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'no incremental backups before 17' if server_major() < 17;

my $node = new_server('source', allows_streaming => 1, conf => "summarize_wal = on\nautovacuum = off\n");
$node->start;

# Each table is changed in one way alone, so that no other record brings its map's page along.
my %change = (
	deleted => 'DELETE FROM deleted WHERE id % 10 = 0',
	updated => 'UPDATE updated SET id = -id WHERE id % 10 = 0',
	inserted => 'INSERT INTO inserted SELECT generate_series(20001, 20050)',
	copied => "COPY copied (id) FROM PROGRAM 'seq 20001 20050'",
	locked => 'SELECT id FROM locked WHERE id % 10 = 0 FOR UPDATE');
$node->safe_psql('postgres', 'CREATE EXTENSION pagestore');
for my $table (sort keys %change)
{
	$node->safe_psql('postgres', qq{
		CREATE TABLE $table (id int, t text DEFAULT repeat('x', 50)) USING pagestore;
		INSERT INTO $table SELECT generate_series(1, 20000);
		CREATE INDEX ON $table (id);
		DELETE FROM $table WHERE id = 20000;
		VACUUM (FREEZE) $table});
}
$node->backup('full');
$node->safe_psql('postgres', $change{$_}) for sort keys %change;
$node->backup('incremental',
	backup_options => [ '--incremental', $node->backup_dir . '/full/backup_manifest' ]);

my $copy = PostgreSQL::Test::Cluster->new('copy');
my $combined = $node->backup_dir . '/combined';
$node->command_ok([ 'pg_combinebackup', '-o', $combined,
	$node->backup_dir . '/full', $node->backup_dir . '/incremental' ], 'combined');
$copy->init_from_backup($node, 'combined');
$copy->start;

for my $table (sort keys %change)
{
	my $seq = "SET enable_indexonlyscan = off; SET enable_bitmapscan = off; SET enable_indexscan = off; SELECT count(*), sum(id) FROM $table";
	my $index = "SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*), sum(id) FROM $table";

	like($copy->safe_psql('postgres', "SET enable_seqscan = off; SET enable_bitmapscan = off; EXPLAIN SELECT count(*), sum(id) FROM $table"),
		qr/Index Only Scan/, "$table: an index-only scan");
	is($copy->safe_psql('postgres', $seq), $node->safe_psql('postgres', $seq), "$table: the same rows as in the source");
	is($copy->safe_psql('postgres', $index), $copy->safe_psql('postgres', $seq), "$table: the map agrees with the table");
	is($copy->safe_psql('postgres', "SELECT count(*) FROM pagestore_check('$table')"), '0', "$table: nothing wrong");
}
$copy->stop;
$node->stop;
done_testing();
