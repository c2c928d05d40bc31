# Logical decoding of a pagestore table gives what it gives for a heap table, whatever the replica identity.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('decoding', conf => "wal_level = logical\nmax_replication_slots = 4\nlogical_decoding_work_mem = '64kB'\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pagestore');

my %identity = (
	d => 'DEFAULT',
	f => 'FULL',
	n => 'NOTHING',
	i => 'USING INDEX @_other_key');

# @ stands for the table.
my $dml = q(
	INSERT INTO @ SELECT i, i, 'row ' || i, NULL FROM generate_series(1, 20) i;
	COPY @ FROM PROGRAM 'seq 21 40 | sed "s/.*/&\t&\tcopied\tcccccccccccccccccccccccccccccccccccc/"';
	UPDATE @ SET t = t || '!' WHERE id <= 3;
	UPDATE @ SET id = id + 1000 WHERE id = 4;
	UPDATE @ SET other = other + 1000 WHERE id = 5;
	UPDATE @ SET long = repeat('long', 600) WHERE id BETWEEN 6 AND 12;
	UPDATE @ SET long = (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 500) i) WHERE id = 13;
	UPDATE @ SET t = 'beside a long value' WHERE id = 13;
	UPDATE @ SET id = 2013 WHERE id = 13;
	DELETE FROM @ WHERE id IN (1, 2013, 1004, 20);
	INSERT INTO @ VALUES (2, 0, 'conflict', NULL), (99, 99, 'none', NULL) ON CONFLICT (id) DO UPDATE SET t = excluded.t;
	BEGIN;
	INSERT INTO @ VALUES (500, 500, 'kept', NULL);
	SAVEPOINT s;
	UPDATE @ SET t = 'lost';
	ROLLBACK TO s;
	SELECT count(*) FROM (SELECT * FROM @ FOR UPDATE) s;
	UPDATE @ SET t = 'twice' WHERE id = 500;
	DELETE FROM @ WHERE id = 500;
	COMMIT;
	UPDATE p@ SET id = 2 WHERE id = 1;
	TRUNCATE @;
);

sub decoded
{
	my ($am, $identity) = @_;
	my $t = 'd';
	my $setup = qq(
		SET default_table_access_method = $am;
		CREATE TABLE $t (id int PRIMARY KEY, other int NOT NULL, t text, long text);
		ALTER TABLE $t ALTER long SET STORAGE EXTERNAL;
		CREATE UNIQUE INDEX ${t}_other_key ON $t (other);
		ALTER TABLE $t REPLICA IDENTITY ) . ($identity =~ s/@/$t/r) . qq(;
		CREATE TABLE p$t (id int PRIMARY KEY, v int) PARTITION BY LIST (id);
		CREATE TABLE p${t}1 PARTITION OF p$t FOR VALUES IN (1);
		CREATE TABLE p${t}2 PARTITION OF p$t FOR VALUES IN (2);
		INSERT INTO p$t VALUES (1, 1);
		SELECT 'slot' FROM pg_create_logical_replication_slot('s', 'test_decoding');
	);
	$node->safe_psql('postgres', $setup);
	$node->safe_psql('postgres', $dml =~ s/@/$t/gr);
	my $out = $node->safe_psql('postgres',
		"SELECT data FROM pg_logical_slot_get_changes('s', NULL, NULL, 'include-xids', '0', 'skip-empty-xacts', '1')");
	$node->safe_psql('postgres', "SELECT pg_drop_replication_slot('s'); DROP TABLE $t, p$t");
	return $out;
}

foreach my $i (sort keys %identity)
{
	my $heap = decoded('heap', $identity{$i});
	my $ours = decoded('pagestore', $identity{$i});

	cmp_ok(scalar(split /\n/, $ours), '>', 60, "changes are decoded, replica identity $identity{$i}");
	is($ours, $heap, "and they are heap's");
}

# A user catalog table: command ids of its rows are logged for decoding's own snapshots.
$node->safe_psql('postgres', q(
	CREATE TABLE cat (k int PRIMARY KEY, v text) USING pagestore WITH (user_catalog_table = true);
	SELECT pg_create_logical_replication_slot('s', 'test_decoding');
	BEGIN;
	INSERT INTO cat VALUES (1, 'a'), (2, 'b');
	UPDATE cat SET v = 'c' WHERE k = 1;
	UPDATE cat SET v = 'd' WHERE k = 1;
	DELETE FROM cat WHERE k = 2;
	COMMIT;
));
my $cat = $node->safe_psql('postgres', "SELECT data FROM pg_logical_slot_get_changes('s', NULL, NULL, 'include-xids', '0') WHERE data LIKE 'table%'");
is($cat, join("\n",
	"table public.cat: INSERT: k[integer]:1 v[text]:'a'",
	"table public.cat: INSERT: k[integer]:2 v[text]:'b'",
	"table public.cat: UPDATE: k[integer]:1 v[text]:'c'",
	"table public.cat: UPDATE: k[integer]:1 v[text]:'d'",
	"table public.cat: DELETE: k[integer]:2"), 'a user catalog table');

$node->stop;
done_testing();
