# What is gone blocks nobody: {permanent, unlogged} x {dropped, truncated, rolled back whole, to a savepoint, in two phases both
# ways, with its tablespace, with its database, moved there and back} x {clean, dirty, pinned by a cursor}, each of which is
# followed by {pages leaving the pool, CHECKPOINT, CREATE DATABASE, a fast stop}, every one of them first in its turn.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('gone_matrix', conf => "autovacuum = off\ncheckpoint_timeout = 1h\nmax_prepared_transactions = 20\nwal_level = replica\n"
	  . "default_table_access_method = 'pagestore'\npagestore.pool_size = '4MB'\nstatement_timeout = '60s'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub in_db { return $node->safe_psql($_[0], $_[1]); }

my $rows = "SELECT i, repeat('v', 400) FROM generate_series(1, 150) i";	# some nine pages
my @kinds = ([ 'p', '' ], [ 'u', 'UNLOGGED' ]);
# The same statements for a permanent and an unlogged table: NAME stands for either, KIND for UNLOGGED.
sub each_kind
{
	my ($text) = @_;
	return join('', map { my ($k, $kind) = @$_; $text =~ s/NAME([a-z]+)/$1_$k/gr =~ s/KIND/$kind/gr } @kinds);
}
sub made { return each_kind("CREATE KIND TABLE NAME$_[0] (i int, v text) $_[1]; INSERT INTO NAME$_[0] $rows;"); }

my $space = PostgreSQL::Test::Utils::tempdir_short();
sql("CREATE EXTENSION pagestore; CREATE TABLESPACE other LOCATION '$space'; CREATE TABLE h (i int, v text) USING heap; INSERT INTO h $rows");
# those that stay: aborted are the truncation and the move of a, in two phases the drop of b and the truncation of c
sql(made($_, '')) foreach ('a', 'b', 'c', 'm');
my @stay = map { my $t = $_; map { "${t}_$_->[0]" } @kinds } ('a', 'b', 'c', 'm');
sql('CREATE DATABASE mover TEMPLATE template0');
in_db('mover', 'CREATE EXTENSION pagestore;' . made('t', ''));

sub sessions_do
{
	my ($session, $text) = @_;
	$session->query_safe($_) foreach grep { /\S/ } split /;/, $text;
}

# Hold pages by cursors that have not ended, of both kinds of each table.
sub pin
{
	my ($session, @tables) = @_;
	sessions_do($session, join(';', map { each_kind("DECLARE c_NAME$_ CURSOR FOR SELECT * FROM NAME$_; FETCH 3 FROM c_NAME$_;") } @tables));
}

foreach my $state ('clean', 'dirty', 'pinned')
{
	my @follow = (
		[ 'eviction' => sub { sql('DROP TABLE IF EXISTS fill; CREATE TABLE fill (i int, v text)');
			sql("INSERT INTO fill SELECT i, repeat('f', 400) FROM generate_series(1, 12000) i"); is(sql('SELECT count(*) FROM fill'), '12000', "$_[0]: a table larger than the pool"); } ],
		[ 'checkpoint' => sub { sql('CHECKPOINT'); pass("$_[0]: CHECKPOINT"); } ],
		[ 'database' => sub { sql('CREATE DATABASE copy'); sql('DROP DATABASE copy'); pass("$_[0]: CREATE DATABASE"); } ],
		[ 'stop' => sub { command_ok([ 'pg_ctl', '-D', $node->data_dir, '-m', 'fast', '-w', '-t', '60', 'stop' ], "$_[0]: a fast stop");
			$node->{_pid} = undef; $node->start; } ]);
	foreach my $first (0 .. 3)
	{
		my $what = "$state, then $follow[$first][0]";
		my $place = PostgreSQL::Test::Utils::tempdir_short();

		# --- all that is to go, and who takes it away
		sql("CREATE TABLESPACE s LOCATION '$place'");
		sql(made($_, '')) foreach ('dropped', 'cut', 'pdropped', 'pcut');
		sql(made($_, 'TABLESPACE s')) foreach ('sdropped', 'spdropped');
		sql('CREATE DATABASE bye TEMPLATE template0');
		in_db('bye', 'CREATE EXTENSION pagestore;' . made('t', ''));
		my @sessions = map { $node->background_psql('postgres') } (1 .. 4);
		my ($aborts, $saves, $commits, $undoes) = @sessions;
		my $begin = 'BEGIN;';
		sessions_do($aborts, $begin . made('new', '') . made('snew', 'TABLESPACE s') . each_kind("TRUNCATE NAMEa; INSERT INTO NAMEa $rows; ALTER TABLE NAMEa SET TABLESPACE s;"));
		sessions_do($saves, $begin . 'SAVEPOINT s;' . made('saved', '') . each_kind("TRUNCATE NAMEsaved; INSERT INTO NAMEsaved $rows;"));
		sessions_do($commits, $begin . each_kind("DROP TABLE NAMEpdropped; DROP TABLE NAMEspdropped; TRUNCATE NAMEpcut; INSERT INTO NAMEpcut $rows;"));
		sessions_do($undoes, $begin . made('undone', '') . made('sundone', 'TABLESPACE s') . each_kind("DROP TABLE NAMEb; TRUNCATE NAMEc; INSERT INTO NAMEc $rows;"));
		my %gone;
		foreach ([ $aborts, 'new', 'snew', 'a' ], [ $saves, 'saved' ], [ $undoes, 'undone', 'sundone', 'c' ])
		{
			my ($session, @tables) = @$_;
			foreach my $t (map { my $t = $_; map { "${t}_$_->[0]" } @kinds } @tables)
			{
				$gone{$t} = $session->query_safe("SELECT pg_relation_filenode('$t')");
			}
		}
		foreach my $t (map { my $t = $_; map { "${t}_$_->[0]" } @kinds } ('dropped', 'cut', 'sdropped'))
		{
			$gone{$t} = sql("SELECT pg_relation_filenode('$t')");
		}
		if ($state eq 'clean')
		{
			# the checkpoint of a database command writes unlogged pages too
			sql('CREATE DATABASE cleaner');
			sql('DROP DATABASE cleaner');
		}
		elsif ($state eq 'pinned')
		{
			pin($aborts, 'new', 'snew', 'a');
			pin($saves, 'saved');
			pin($commits, 'pcut');
			pin($undoes, 'undone', 'sundone', 'c');
		}
		my $list = join(', ', values %gone);
		my $dirty = sql("SELECT count(*) FROM pagestore_frames WHERE isdirty AND relfilenode IN ($list)");
		if ($state eq 'clean') { is($dirty, '0', "$what: pages are clean") }
		else { cmp_ok($dirty, '>', 50, "$what: pages are dirty") }

		# --- they go
		sessions_do($aborts, 'ROLLBACK');
		sessions_do($saves, 'ROLLBACK TO s; COMMIT');
		sessions_do($commits, "PREPARE TRANSACTION 'commits'; COMMIT PREPARED 'commits'");
		sessions_do($undoes, "PREPARE TRANSACTION 'undoes'; ROLLBACK PREPARED 'undoes'");
		sql(each_kind('DROP TABLE NAMEdropped; DROP TABLE NAMEsdropped; TRUNCATE NAMEcut;'));
		sql(each_kind("ALTER TABLE NAMEm SET TABLESPACE other; UPDATE NAMEm SET v = 'there' WHERE i % 5 = 0; ALTER TABLE NAMEm SET TABLESPACE pg_default; "
			  . "UPDATE NAMEm SET v = repeat('v', 400) WHERE v = 'there';"));
		sql('DROP TABLESPACE s');
		sql('DROP DATABASE bye');
		foreach my $where ('other', 'pg_default')
		{
			in_db('mover', "UPDATE t_p SET v = '$where' WHERE i % 5 = 0; UPDATE t_u SET v = '$where' WHERE i % 5 = 0");
			sql("ALTER DATABASE mover SET TABLESPACE $where");
			is(in_db('mover', "SELECT (SELECT count(*) FROM t_p WHERE v = '$where'), (SELECT count(*) FROM t_u WHERE v = '$where')"), '30|30', "$what: a database moved to $where");
		}
		is(sql("SELECT count(*) FROM pagestore_frames WHERE relfilenode IN ($list) OR NOT EXISTS (SELECT 1 FROM pg_database d WHERE d.oid = reldatabase) "
				. 'OR NOT EXISTS (SELECT 1 FROM pg_tablespace s WHERE s.oid = reltablespace)'), '0', "$what: no frame of what is gone");

		# --- nobody minds
		foreach my $i (0 .. 3)
		{
			$follow[ ($first + $i) % 4 ][1]->($what);
			$_->quit foreach splice @sessions;	# before the first stop, and after what comes first
		}
		is(sql(join(' UNION ALL ', map { "SELECT '$_' WHERE EXISTS ((TABLE $_ EXCEPT ALL TABLE h) UNION ALL (TABLE h EXCEPT ALL TABLE $_))" } @stay, 'pcut_p', 'pcut_u')),
			'', "$what: rows of the others");
		is(sql('SELECT (SELECT count(*) FROM cut_p), (SELECT count(*) FROM cut_u)'), '0|0', "$what: truncated tables");
		sql(each_kind('DROP TABLE NAMEcut; DROP TABLE NAMEpcut;'));
	}
}
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|is lost|pin leak|could not (write|open|stat|fsync)|canceling statement/, 'the log shows no damage');
command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], 'checksums');
done_testing();
