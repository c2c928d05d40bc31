# Code that goes behind the access method: what becomes of a dirty shared buffer of a page that the pool owns.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Pagestore;

my $node;

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub dirty
{
	return sql("SELECT count(*) FROM pg_buffercache b WHERE relforknumber = 0 AND isdirty AND relfilenode = pg_relation_filenode('$_[0]')");
}

# Until shared buffers hold nothing dirty of the table.
sub settled
{
	my ($table) = @_;
	for (1 .. 600)
	{
		return 1 if dirty($table) == 0;
		select(undef, undef, undef, 0.1);
	}
	return 0;
}

# A table whose pages in the pool are newer than those in shared buffers: every block, with rows moved about.
sub make_table
{
	my ($t) = @_;
	sql("CREATE TABLE $t (id int PRIMARY KEY, v text) USING pagestore WITH (fillfactor = 60)");
	sql("INSERT INTO $t SELECT i, repeat('v', 100) || i FROM generate_series(1, 500) i");
	sql('CHECKPOINT');
	sql("SELECT pagestore_behind('$t', 'read', b) FROM generate_series(0, 3) b");
}

# Seq scan and index agree.
sub check_index
{
	my ($t, $name) = @_;
	is(sql("SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off; SELECT count(*), sum(id) FROM $t"),
		sql("SET enable_seqscan = off; SELECT count(*), sum(id) FROM $t WHERE id > 0"), "$name: index and table agree");
}

# What a change behind the access method came to, by all ways of ending.
sub check_rows
{
	my ($t, $before, $name) = @_;

	ok(settled($t), "$name: shared buffers hold nothing dirty");
	is(table_state($node, $t), $before, "$name: rows");
	sql('CHECKPOINT');
	is(table_state($node, $t), $before, "$name: rows after a checkpoint");
	check_index($t, $name);
}

foreach my $checksums (1, 0)
{
	my $with = $checksums ? 'with checksums' : 'without';

	$node = PostgreSQL::Test::Cluster->new("stray_$checksums");
	$node->init(allows_streaming => 1, extra => [ checksum_option($checksums) ]);
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pagestore'\npagestore.pool_size = '8MB'\nautovacuum = off\nshared_buffers = '16MB'\n");
	$node->start;
	sql('CREATE EXTENSION pagestore; CREATE EXTENSION pagestore_test; CREATE EXTENSION pg_buffercache');

	# ---- hint bits in an old page ----
	foreach my $what ('hint', 'dirty')
	{
		my $t = "old_$what";
		make_table($t);
		sql("UPDATE $t SET v = 'new ' || id WHERE id % 2 = 0; DELETE FROM $t WHERE id % 5 = 0; VACUUM $t");
		my $before = table_state($node, $t);
		my $log = -s $node->logfile;
		sql("SELECT pagestore_behind('$t', '$what', b) FROM generate_series(0, 3) b");
		check_rows($t, $before, "$what, an old page, $with");
		my @said = slurp_file($node->logfile, $log) =~ /changed shared buffer of block \d+ of pagestore relation/g;
		is(scalar(@said), 4, "... the log tells, once a page");
		$node->stop('immediate');
		$node->start;
		is(table_state($node, $t), $before, "... rows after a crash");
	}

	# ---- hint bits in the present page: nothing is saved, nothing changes ----
	make_table('present');
	my $before = table_state($node, 'present');
	sql("SELECT pagestore_behind('present', 'hint', 1)");
	check_rows('present', $before, "hint, the present page, $with");
	like(slurp_file($node->logfile), qr/holds nothing that the pool's page does not/, '... the log says that nothing was in it');

	# ---- changes of the present page are taken over ----
	# all-visible: the map has a bit that the buffer's page, read before, knows nothing of
	foreach my $t ('ahead', 'all_visible')
	{
		make_table($t);
		sql("VACUUM $t") if $t eq 'all_visible';
		sql("SELECT pagestore_behind('$t', 'delete', 2)");
		ok(settled($t), "delete, the present page ($t), $with: settled");
		is(sql("SELECT count(*) FROM $t"), '499', '... the row is gone for everybody');
		is(sql("SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM $t WHERE id > 0"), '499', '... by index only as well');
		$before = table_state($node, $t);
		like(slurp_file($node->logfile), qr/took over changes from a shared buffer of block 2/, '... the log tells');
		my $new = sql("SELECT pagestore_behind('$t', 'insert', 1)");
		ok(settled($t), "insert, the present page ($t), $with: settled");
		is(sql("SELECT count(*) FROM $t WHERE ctid = '$new'"), '1', '... the new row is there for everybody');
		sql("DELETE FROM $t WHERE ctid = '$new'");    # it has no index entry
		check_rows($t, $before, "delete ($t), $with");
		$node->stop('immediate');
		$node->start;
		is(table_state($node, $t), $before, '... rows after a crash');
		is(sql("SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM $t WHERE id > 0"), '499', '... by index only as well');
	}

	# ---- both have changes ----
	make_table('apart');
	sql("UPDATE apart SET v = 'new ' || id WHERE id % 2 = 1");
	$before = table_state($node, 'apart');
	my $log = -s $node->logfile;
	sql("SELECT pagestore_behind('apart', 'delete', 1)");
	check_rows('apart', $before, "delete, an old page, $with");
	my ($saved) = slurp_file($node->logfile, $log) =~ /saved it as "(pagestore_stray\/\S+)"/;
	ok(defined $saved, '... the log names the file that has the other page');
	is(-s $node->data_dir . "/$saved", 8192, '... which is there');
	$node->stop('immediate');
	$node->start;
	is(table_state($node, 'apart'), $before, '... rows after a crash');

	# ---- the stray is made while a checkpoint is held up, or right before a stop ----
	make_table('late');
	sql("UPDATE late SET v = 'new ' || id WHERE id % 2 = 0; VACUUM late");
	$before = table_state($node, 'late');
	sql("SELECT pagestore_behind('late', 'hint', b) FROM generate_series(0, 3) b; CHECKPOINT");
	is(table_state($node, 'late'), $before, "rows after a checkpoint at once, $with");
	sql("SELECT pagestore_behind('late', 'hint', b) FROM generate_series(0, 3) b");
	$node->restart;
	is(table_state($node, 'late'), $before, "rows after a fast stop at once, $with");

	# ---- leaving the pool ----
	make_table('leaver');
	sql("UPDATE leaver SET v = 'new ' || id WHERE id % 2 = 0; VACUUM leaver");
	$before = table_state($node, 'leaver');
	sql("SELECT pagestore_behind('leaver', 'dirty', b) FROM generate_series(0, 3) b; SELECT pagestore_convert('leaver', 'heap')");
	is(table_state($node, 'leaver'), $before, "rows of a table switched to heap, $with");
	sql("UPDATE leaver SET v = 'heap ' || id; SELECT pagestore_convert('leaver', 'pagestore')");
	$before = table_state($node, 'leaver');
	$log = -s $node->logfile;
	sql('CHECKPOINT');
	is(table_state($node, 'leaver'), $before, '... and back');
	unlike(slurp_file($node->logfile, $log), qr/shared buffer of block/, '... without a false alarm');

	# ---- dropped in the middle ----
	make_table('dropped');
	sql("SELECT pagestore_behind('dropped', 'dirty', b) FROM generate_series(0, 3) b");
	sql('DROP TABLE dropped; CHECKPOINT');
	is(sql('SELECT 1'), '1', "a table dropped with strays, $with");

	# ---- unlogged ----
	sql("CREATE UNLOGGED TABLE u USING pagestore AS SELECT i AS id, repeat('u', 100) AS v FROM generate_series(1, 200) i");
	sql("BEGIN; SELECT pagestore_convert('u', 'heap'); SELECT pagestore_convert('u', 'pagestore'); COMMIT");
	sql("SELECT pagestore_behind('u', 'read', 0); UPDATE u SET v = 'new ' || id WHERE id % 2 = 0");
	$before = table_state($node, 'u');
	sql("SELECT pagestore_behind('u', 'dirty', 0)");
	ok(settled('u'), "unlogged, $with: settled");
	$node->restart;
	is(table_state($node, 'u'), $before, '... rows after a restart');

	# ---- a standby ends with the same rows, whatever WAL had of the strays ----
	$node->backup('base');
	my $standby = PostgreSQL::Test::Cluster->new("standby_$checksums");
	$standby->init_from_backup($node, 'base', has_streaming => 1);
	$standby->start;
	make_table('replicated');
	sql("UPDATE replicated SET v = 'new ' || id WHERE id % 2 = 0; VACUUM replicated; CHECKPOINT");
	$before = table_state($node, 'replicated');
	sql("SELECT pagestore_behind('replicated', 'hint', b) FROM generate_series(0, 3) b");
	ok(settled('replicated'), 'settled');
	is(table_state($node, 'replicated'), $before, 'rows on the primary');
	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	is(table_state($standby, 'replicated'), $before, "rows on a standby, $with");

	# A standby's buffers are dirty by right: no alarm when it is promoted.
	$standby->promote;
	$standby->safe_psql('postgres', "UPDATE replicated SET v = 'promoted ' || id WHERE id % 3 = 0; CHECKPOINT");
	$before = table_state($standby, 'replicated');
	$standby->restart;
	is(table_state($standby, 'replicated'), $before, 'rows after a promotion');
	unlike(slurp_file($standby->logfile), qr/shared buffer of block/, 'a promotion is no false alarm');
	$standby->stop;
	$node->stop;
}

done_testing();
