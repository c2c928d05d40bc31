# A logical slot on a standby (from PostgreSQL 16 on) ends where a table that decoding reads as a catalog loses, freezes or
# shows to all what the slot may still want: redo goes by the records' flag, which ours have as heap's do.  Records of
# other tables leave the slot alone.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Pagestore;

plan skip_all => 'no logical decoding on a standby before PostgreSQL 16' if server_major() < 16;

my $node = new_server('primary', allows_streaming => 'logical',
	conf => "autovacuum = off\nvacuum_freeze_min_age = 1000000\nmax_replication_slots = 4\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sql('CREATE EXTENSION pagestore');
sql("SELECT pg_create_physical_replication_slot('to_standby')");
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1, has_restoring => 1);
# nothing holds back the primary's horizon
$standby->append_conf('postgresql.conf', "hot_standby_feedback = off\nprimary_slot_name = 'to_standby'\nmax_standby_streaming_delay = 0\n");
$standby->start;

# A table's page: full, so that a look at it prunes; rows that go, rows that are made.
my %kinds = (
	'pruned by VACUUM' => [ 'DELETE FROM @ WHERE i % 2 = 0', 'VACUUM (FREEZE off) @' ],
	'pruned by a look' => [ 'DELETE FROM @ WHERE i % 2 = 0', 'SELECT count(*) FROM @' ],
	'frozen' => [ "INSERT INTO @ VALUES (0, '')", 'VACUUM FREEZE @' ],
	'visible to all' => [ "INSERT INTO @ VALUES (0, '')", 'VACUUM (FREEZE off) @' ]);

sub slot_stands
{
	$node->safe_psql('postgres', 'INSERT INTO done VALUES (1)');    # what came before is on disk, and sent
	$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
	return $standby->safe_psql('postgres', "SELECT NOT conflicting FROM pg_replication_slots WHERE slot_name = 's'");
}

sql('CREATE TABLE done (i int)');
foreach my $am ('heap', 'pagestore')
{
	foreach my $kind (sort keys %kinds)
	{
		foreach my $t ('plain', 'catalog')
		{
			sql("DROP TABLE IF EXISTS $t; CREATE TABLE $t (i int, v text) USING $am WITH (user_catalog_table = " . ($t eq 'catalog' ? 'true' : 'false') . ')');
			sql("INSERT INTO $t SELECT i, repeat('x', 200) FROM generate_series(1, 32) i");
		}
		sql('SELECT txid_current()');
		$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
		$standby->create_logical_slot_on_standby($node, 's', 'postgres');
		my %stands;
		foreach my $t ('plain', 'catalog')
		{
			sql(s/@/$t/gr) foreach @{ $kinds{$kind} };
			$stands{$t} = slot_stands();
		}
		is("$stands{plain} $stands{catalog}", 't f', "$am, $kind: the slot ends with the record of a catalog, with no other's");
		$standby->safe_psql('postgres', "SELECT pg_drop_replication_slot('s')");
	}
}

$standby->stop;
$node->stop;
done_testing();
