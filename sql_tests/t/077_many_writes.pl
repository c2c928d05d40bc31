# Many writes at a time, by both I/O methods: they are in flight together, one that fails among them leaves exactly its pages
# dirty, short, late and refused ones are made good, and what a checkpoint has written is in the files.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

foreach my $method ('io_uring', 'sync')
{
	my $node = new_server($method, conf => "wal_level = replica\npagestore.pool_size = '16MB'\npagestore.io_method = $method\nautovacuum = off\n"
		  . "max_wal_size = '1GB'\ndefault_table_access_method = 'pagestore'\nfull_page_writes = off\n");
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pagestore');
	foreach my $t ('a', 'b', 'c')
	{
		# every second page is changed below, so that no two dirty ones are adjacent
		$node->safe_psql('postgres', "CREATE TABLE $t (id int, v int, pad text) WITH (fillfactor = 75);
			INSERT INTO $t SELECT i, 0, repeat('$t', 900) FROM generate_series(1, 1500) i");
	}
	my $per_page = $node->safe_psql('postgres', "SELECT count(*) FROM a WHERE ctid < '(1,0)'");
	$node->safe_psql('postgres', 'VACUUM; CHECKPOINT');
	my %file = map { $_ => $node->safe_psql('postgres', "SELECT pg_relation_filenode('$_')") } ('a', 'b', 'c');
	my $is_async = $node->safe_psql('postgres', 'SELECT io_method FROM pg_stat_pagestore') eq 'io_uring';

	my $scatter = sub {
		$node->safe_psql('postgres', "UPDATE $_ SET v = v + 1 WHERE id % (2 * $per_page) = $per_page + 1") foreach @_ ? @_ : ('a', 'b', 'c');
	};
	my $dirty = sub {
		my ($t, $what) = @_;
		return $node->safe_psql('postgres',
			"SELECT count(*), md5(string_agg(relblocknumber || ' ' || dirty_since, ',' ORDER BY relblocknumber)) FROM pagestore_frames
			 WHERE relfilenode = $file{$t} AND isdirty");
	};
	my $ndirty = sub { return (split(/\|/, $dirty->($_[0])))[0]; };
	my $checkpoint = sub {
		my ($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = '60s'; CHECKPOINT");
		return $rc == 0 ? 'done' : $err;
	};
	# The files alone have every row: without WAL, after a crash.
	my $in_files = sub {
		my ($name) = @_;
		my %state = map { $_ => table_state($node, $_) } ('a', 'b', 'c');
		kill_server($node);
		command_ok([ 'pg_resetwal', '-f', '-D', $node->data_dir ], "$method, $name: WAL thrown away");
		$node->start;
		is(table_state($node, $_), $state{$_}, "$method, $name: every row of $_ is in the files") foreach ('a', 'b', 'c');
	};

	# --- in flight together
	SKIP:
	{
		skip 'writes are synchronous here', 5 unless $is_async;
		$scatter->('a');
		stop_at($node, 'aio-writes-started', times => 1);
		my $session = $node->background_psql('postgres', on_error_stop => 0);
		$session->query_until(qr/begun/, "\\echo begun\nCHECKPOINT;\n\\echo finished\n");
		ok(defined wait_stopped($node, 'aio-writes-started'), "$method: a checkpoint has started writes, and waited for none");
		my $writes = $node->safe_psql('postgres', "SELECT count(*) FROM pagestore_frames f WHERE relfilenode = $file{a} AND writing AND NOT EXISTS
			(SELECT FROM pagestore_frames g WHERE g.relfilenode = f.relfilenode AND g.writing AND g.relblocknumber = f.relblocknumber + 1)");
		cmp_ok($writes, '>=', 100, "$method: $writes of pages that are not adjacent");

		# a page that changes meanwhile stays dirty, the others turn clean
		my $block = $node->safe_psql('postgres', "SELECT min(relblocknumber) FROM pagestore_frames WHERE relfilenode = $file{a} AND writing");
		$node->safe_psql('postgres', "UPDATE a SET v = v + 100 WHERE ctid = '($block,2)'");
		go($node, 'aio-writes-started');
		$session->query_until(qr/finished/, '');
		$session->quit;
		my $left = $node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE relblocknumber = $block), count(*) < 5 FROM pagestore_frames WHERE relfilenode = $file{a} AND isdirty");
		is($left, '1|t', "$method: what changed meanwhile is dirty still, and no more");
		is($checkpoint->(), 'done', "$method: and is written by the next one");
		is($ndirty->('a'), '0', "$method: all");
	}

	# --- one table among three fails
	$scatter->();
	my %before = map { $_ => $dirty->($_) } ('a', 'b', 'c');
	cmp_ok((split(/\|/, $before{b}))[0], '>=', 100, "$method: many dirty pages");
	my $offset = -s $node->logfile;
	set_fault($node, op => 'write', error => 'EIO', relfilenode => $file{b});
	like($checkpoint->(), qr/checkpoint request failed/, "$method: writes of one table fail: so does the checkpoint");
	like(slurp_file($node->logfile, $offset), qr/ERROR:  could not write blocks \d+ to \d+ in file "base\/\d+\/$file{b}": Input\/output error/,
		"$method: the log names file, blocks and cause");
	is($dirty->('b'), $before{b}, "$method: exactly its pages are dirty, since when they were");
	is($ndirty->('a') . $ndirty->('c'), '00', "$method: those of others are clean");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM pagestore_frames WHERE writing OR pins > 0'), '0', "$method: nothing stays claimed");
	clear_faults($node);
	is($checkpoint->(), 'done', "$method: the disk is back: it is done");
	is($ndirty->('b'), '0', "$method: and they are clean");
	$in_files->('failing');

	# --- single ones that fail, are short, late, or refused: made good
	my %faults = ('one fails once' => { op => 'write', error => 'EIO', skip => 5, times => 1 }, 'several fail once' => { op => 'write', error => 'EIO', skip => 50, times => 20 },
		'short' => { op => 'write', bytes => 4096 }, 'short once' => { op => 'write', bytes => 4096, skip => 7, times => 3 }, 'late' => { op => 'write', milliseconds => 20, skip => 3, times => 5 },
		'refused' => { op => 'submit', error => 'EAGAIN', times => 3 }, 'all refused' => { op => 'submit', error => 'ENOMEM' });
	foreach my $fault (sort keys %faults)
	{
		next if $faults{$fault}{op} eq 'submit' && !$is_async;
		$scatter->();
		set_fault($node, $faults{$fault}->%*);
		is($checkpoint->(), 'done', "$method, $fault: a checkpoint is done");
		cmp_ok(fault_hits($node), '>', 0, "$method, $fault: and has met it");
		is(join(' ', map { $ndirty->($_) } ('a', 'b', 'c')), '0 0 0', "$method, $fault: all is clean");
		clear_faults($node);
	}
	$in_files->('made good');

	# --- a command that writes out a table, too
	$scatter->('b');
	set_fault($node, op => 'write', error => 'ENOSPC', relfilenode => $file{b});
	my ($rc, $out, $err) = $node->psql('postgres', "SELECT pagestore_convert('b', 'heap')", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	like($err, qr/ERROR:  53100: could not write blocks \d+ to \d+ in file "base\/\d+\/$file{b}": No space left on device/, "$method: a command fails with the error");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM pagestore_frames WHERE writing OR pins > 0'), '0', "$method: nothing stays claimed");
	clear_faults($node);
	$node->safe_psql('postgres', "SELECT pagestore_convert('b', 'heap')");
	my $rows = table_state($node, 'b');
	$node->safe_psql('postgres', "SELECT pagestore_convert('b', 'pagestore')");
	is(table_state($node, 'b'), $rows, "$method: heap and pagestore read the same rows");
	$node->stop;
}

done_testing();
