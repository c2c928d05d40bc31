# Scans of one large table beside each other read it once: in step, one after the other, backward, in one session; beside one
# that rests, is cancelled, ended or killed; what is changed meanwhile is seen, and memory goes back.  By counters, and by which rows come.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $pages = 6400;	# 100 pieces; six times the pool
my $step = 320;
my $node = new_server('share', conf => "pagestore.pool_size = '8MB'\nhuge_pages = off\nautovacuum = off\njit = off\nmax_parallel_workers_per_gather = 0\ncheckpoint_timeout = 1h\nsynchronize_seqscans = off\nrestart_after_crash = on\n");
$node->start;
# one row per page
$node->safe_psql('postgres', qq(
	CREATE EXTENSION pagestore;
	CREATE EXTENSION pagestore_test;
	CREATE TABLE t (id int, v int, pad text) USING pagestore;
	ALTER TABLE t ALTER pad SET STORAGE PLAIN;
	INSERT INTO t SELECT i, 0, repeat('x', 5000) FROM generate_series(1, $pages) i;
	CREATE TABLE work (id int PRIMARY KEY, pad text) USING pagestore;
	ALTER TABLE work ALTER pad SET STORAGE PLAIN;
	INSERT INTO work SELECT i, repeat('y', 5000) FROM generate_series(1, 400) i;
	VACUUM (FREEZE, ANALYZE)));

sub ask { return $node->safe_psql('postgres', $_[0]); }

# Pages from disk, whatever way; had from another scan; evicted.
sub counts { return map { my @n = split /\|/; { read => $n[0], shared => $n[1], evicted => $n[2] } }
	ask('SELECT blks_read + blks_read_ahead + blks_around, blks_around_shared, evictions FROM pg_stat_pagestore'); }
sub since
{
	my ($before) = @_;
	my ($now) = counts();
	return { map { $_ => $now->{$_} - $before->{$_} } keys %$now };
}

# A cold pool but for the working set, which has been used often.
sub cold
{
	$node->restart;
	ask('SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(pad) FROM work WHERE id > 0') for 1 .. 4;
}
sub work_resident { return ask("SELECT count(*) FROM pagestore_frames WHERE relfilenode = pg_relation_filenode('work')"); }

# Cursors: a session each, or one for all.
sub session
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_safe('BEGIN');
	return $session;
}
sub cursor
{
	my ($name, $session) = @_;
	my $own = !defined $session;
	$session //= session();
	$session->query_safe("DECLARE $name NO SCROLL CURSOR FOR SELECT id FROM t");
	return { name => $name, session => $session, own => $own, rows => {}, n => 0 };
}
sub fetch
{
	my ($cursor, $n) = @_;
	foreach my $id (split /\n/, $cursor->{session}->query_safe("FETCH $n FROM $cursor->{name}"))
	{
		$cursor->{rows}{$id}++;
		$cursor->{n}++;
	}
}
# In steps, by turns, until the end.
sub in_step
{
	my (@cursors) = @_;
	for (my $i = 0; $i <= $pages / $step; $i++)
	{
		fetch($_, $step) foreach @cursors;
	}
}
sub has_all
{
	my ($name, @cursors) = @_;
	foreach my $cursor (@cursors)
	{
		fetch($cursor, 'ALL');
		ok($cursor->{n} == $pages && keys %{$cursor->{rows}} == $pages, "$name: $cursor->{name} has had each row once") or diag($cursor->{n});
		$cursor->{session}->query_safe("CLOSE $cursor->{name}");
		$cursor->{session}->quit if $cursor->{own};
	}
}

# --- alone, as before
cold();
my ($before) = counts();
is(ask('SELECT count(*), sum(v) FROM t'), "$pages|0", 'a scan alone');
my $n = since($before);
is($n->{shared}, 0, 'shares with nobody');
cmp_ok($n->{read}, '<=', $pages + 20, 'and reads the table once') or diag($n->{read});

# --- beside each other
foreach my $many (2, 4)
{
	cold();
	my $resident = work_resident();
	ask('SELECT pg_stat_reset()');
	($before) = counts();
	my @cursors = map { cursor("c$_") } 1 .. $many;
	fetch($_, 66) foreach @cursors;	# far enough to know of each other
	in_step(@cursors);
	has_all("$many scans", @cursors);
	$n = since($before);
	cmp_ok($n->{read}, '<', $pages * 1.2, "$many scans read the table about once") or diag($n->{read});
	cmp_ok($n->{shared}, '>', $pages * ($many - 1) * 0.8, 'and have the rest from each other') or diag($n->{shared});
	is(work_resident(), $resident, 'the working set is resident as before');
	$node->poll_query_until('postgres', "SELECT heap_blks_read + heap_blks_hit >= $pages * $many FROM pg_statio_user_tables WHERE relname = 't'") or die;
	my ($read, $hit) = split /\|/, ask("SELECT heap_blks_read, heap_blks_hit FROM pg_statio_user_tables WHERE relname = 't'");
	is($read + $hit, $pages * $many, 'core has counted each page of each');
	cmp_ok($read, '<', $pages * 1.2, 'as a read if it was, ') or diag($read);
	cmp_ok($hit, '>=', $n->{shared}, 'and as a hit if it was not') or diag("$hit $n->{shared}");
}

# --- in one session, where nobody goes on while another waits
cold();
($before) = counts();
my $one = session();
my @two = map { cursor($_, $one) } ('one', 'two');
fetch($_, 66) foreach @two;
in_step(reverse @two);
has_all('in one session', @two);
$one->quit;
$n = since($before);
cmp_ok($n->{read}, '<', $pages * 1.2, 'two scans of one session read the table about once') or diag($n->{read});

# --- backward
cold();
my @back = map { session() } 1 .. 2;
$_->query_safe('DECLARE c SCROLL CURSOR FOR SELECT id FROM t; MOVE ALL IN c') foreach @back;
($before) = counts();
my @got = ('', '');
for (0 .. $pages / $step)
{
	$got[$_] .= $back[$_]->query_safe("FETCH BACKWARD $step FROM c") . "\n" foreach (0, 1);
}
my $wanted = join("\n", reverse 1 .. $pages);
foreach my $i (0, 1)
{
	$got[$i] =~ s/\n+/\n/g;
	$got[$i] =~ s/\n+$//;
	ok($got[$i] eq $wanted, 'backward: all rows, in order');
	$back[$i]->quit;
}
$n = since($before);
cmp_ok($n->{read}, '<', $pages * 1.2, 'two scans backward read the table about once') or diag($n->{read});

# --- by turns one leads, and rests with claims that it does not pass on: the other goes on by itself
cold();
($before) = counts();
my ($a, $b) = map { cursor($_) } ('a', 'b');
fetch($_, 1) foreach ($a, $b);
for (1 .. 4)
{
	fetch($a, $step * 2);
	fetch($b, $step * 4);
	fetch($a, $step * 2);
}
has_all('taking turns', $a, $b);
$n = since($before);
cmp_ok($n->{read}, '<', $pages * 1.6, 'what rests is not waited for, and what was read by then is used') or diag($n->{read});

# --- one that rests in the middle, for as long as it likes
cold();
($a, $b) = map { cursor($_) } ('a', 'b');
fetch($_, $step) foreach ($a, $b, $a);
($before) = counts();
is(ask('SELECT count(*) FROM t'), $pages, 'a scan beside one that rests');
fetch($b, 'ALL');
$n = since($before);
cmp_ok($n->{read}, '<', $pages * 2.1, 'reads for itself') or diag($n->{read});
is(ask('SELECT count(*) FROM t'), $pages, 'and another one');
has_all('resting', $a, $b);

# --- a read that is under way is joined: it is passed on to who waits for it
cold();
($a, $b) = map { cursor($_) } ('a', 'b');
fetch($_, $step) foreach ($a, $b);
my ($pid_a, $pid_b) = map { $_->{session}->query_safe('SELECT pg_backend_pid()') } ($a, $b);
($before) = counts();
stop_at($node, 'ring-reading', pid => $pid_a, times => 1);
$a->{session}->query_until(qr/begun/, "\\echo begun\nFETCH $step FROM a;\n\\echo finished\n");
is(wait_stopped($node, 'ring-reading'), $pid_a, 'one is stopped after it has begun to read');
stop_at($node, 'share-await', pid => $pid_b, times => 1);
$b->{session}->query_until(qr/begun/, "\\echo begun\nFETCH " . $step * 3 . " FROM b;\n\\echo finished\n");
is(wait_stopped($node, 'share-await'), $pid_b, 'another one waits for that');
go($node, 'ring-reading');
my $of_a = $a->{session}->query_until(qr/finished/, '');
go($node, 'share-await');
my $of_b = $b->{session}->query_until(qr/finished/, '');
$n = since($before);
cmp_ok($n->{shared}, '>=', 64, 'and has it from there') or diag($n->{shared});
foreach ([ $a, $of_a ], [ $b, $of_b ])
{
	my ($cursor, $rows) = @$_;
	foreach my $id ($rows =~ /^(\d+)$/mg)
	{
		$cursor->{rows}{$id}++;
		$cursor->{n}++;
	}
}
has_all('joined', $a, $b);

# --- one that waits can be cancelled; one that is waited for can be ended
foreach my $how ('cancel', 'terminate')
{
	cold();
	($a, $b) = map { cursor($_) } ('a', 'b');
	fetch($_, $step) foreach ($a, $b, $a);
	($pid_a, $pid_b) = map { $_->{session}->query_safe('SELECT pg_backend_pid()') } ($a, $b);
	stop_at($node, 'share-await', pid => $pid_b, times => 1);
	$b->{session}->query_until(qr/begun/, "\\echo begun\nFETCH ALL FROM b;\n\\echo finished\n");
	is(wait_stopped($node, 'share-await'), $pid_b, "$how: one waits for another");
	if ($how eq 'cancel')
	{
		ask("SELECT pg_cancel_backend($pid_b)");
		$b->{session}->query_until(qr/finished/, '');
		go($node, 'share-await');
		has_all('cancel', $a);
	}
	else
	{
		ask("SELECT pg_terminate_backend($pid_a, 30000)");
		go($node, 'share-await');
		my $rows = $b->{session}->query_until(qr/finished/, '');
		is(scalar(() = $rows =~ /^\d+$/mg), $pages - $step, 'terminate: the other one goes on to the end');
		eval { $a->{session}->quit };
	}
	eval { $b->{session}->quit };
	is(ask('SELECT count(*), sum(v) FROM t'), "$pages|0", "$how: and so do later ones");
}

# --- one that is ended or fails while it copies leaves its place to others: there are 16 of them
cold();
foreach my $round (1 .. 16)
{
	($a, $b) = map { cursor($_) } ('a', 'b');
	fetch($_, 1200) foreach ($a, $b);	# farther than the pool may have come to have it
	fetch($a, 900);
	$pid_b = $b->{session}->query_safe('SELECT pg_backend_pid()');
	stop_at($node, 'share-copying', pid => $pid_b, times => 1);
	$b->{session}->query_until(qr/begun/, "\\echo begun\nFETCH 900 FROM b;\n\\echo finished\n");
	is(wait_stopped($node, 'share-copying'), $pid_b, "$round: one copies");
	ask($round % 2 ? "SELECT pg_terminate_backend($pid_b, 30000)" : "SELECT pg_cancel_backend($pid_b)");
	$b->{session}->query_until(qr/finished/, '') unless $round % 2;
	go($node, 'share-copying');
	eval { $b->{session}->quit };
	$a->{session}->quit;
}
($before) = counts();
($a, $b) = map { cursor($_) } ('a', 'b');
fetch($_, 66) foreach ($a, $b);
in_step($a, $b);
has_all('after those that failed', $a, $b);
$n = since($before);
cmp_ok($n->{shared}, '>', $pages * 0.5, 'two scans share as before') or diag($n->{shared});

# --- memory of what is passed on goes back with the last scan
# MB of shared memory that a process has touched and that is there.
sub shared_memory
{
	my ($pid) = @_;
	my $kb = 0;
	foreach my $map (split /^(?=[0-9a-f]+-[0-9a-f]+ )/m, slurp_file("/proc/$pid/smaps"))
	{
		$kb += $1 if $map =~ m{^\S+ rw-s .*/dev/zero} && $map =~ /^Rss:\s+(\d+)/m;
	}
	return $kb / 1024;
}
cold();
($a, $b) = map { cursor($_) } ('a', 'b');
$pid_a = $a->{session}->query_safe('SELECT pg_backend_pid()');
my $without = shared_memory($pid_a);
for (1 .. 10)
{
	fetch($_, $step) foreach ($a, $b);
}
my $with = shared_memory($pid_a);
cmp_ok($with - $without, '>', 7.5, 'places of 8 MB are in memory') or diag("$without $with");
has_all('memory', $b);
cmp_ok(shared_memory($pid_a), '>=', $with, 'and stay as long as somebody scans');
$a->{session}->query_safe('CLOSE a');
my $left = shared_memory($pid_a);
cmp_ok($with - $left, '>', 7.5, 'and go back with the last scan') or diag("$with $left");
$a->{session}->quit;

# --- changed, written and evicted since one has passed it on: seen by a newer snapshot, and not by an older one
cold();
($a, $b) = map { cursor($_) } ('a', 'b');
fetch($_, 1) foreach ($a, $b);
fetch($a, $step);
my $evict = 'SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT sum(n) FROM generate_series(1, 8) g, LATERAL (SELECT count(pad) n FROM work WHERE id > g - g) l';
ask("UPDATE t SET v = 1 WHERE id % 10 = 0; CHECKPOINT");
ask($evict);
my $reader = session();
is($reader->query_safe('SELECT count(*), sum(v) FROM t'), $pages . '|' . $pages / 10, 'changes are seen by who comes later');
ask('DELETE FROM t WHERE id % 10 = 1; CHECKPOINT; VACUUM (INDEX_CLEANUP OFF) t; CHECKPOINT');
ask($evict);
is($reader->query_safe('SELECT count(*), sum(v) FROM t'), $pages * 0.9 . '|' . $pages / 10, 'and so are rows that are gone');
$reader->quit;
has_all('older snapshots', $a, $b);
is(ask('INSERT INTO t SELECT id - 9, 0, pad FROM t WHERE id % 10 = 0; UPDATE t SET v = 0; VACUUM FULL t; SELECT count(*), sum(v) FROM t'), "$pages|0", 'as it was');

# --- what was passed on does not outlive its scans: the file may be another one then
cold();
($a, $b) = map { cursor($_) } ('a', 'b');
fetch($_, $step) foreach ($a, $b);
$_->{session}->quit foreach ($a, $b);
is(ask("DELETE FROM t WHERE id > 100; VACUUM t; INSERT INTO t SELECT i, 0, repeat('x', 5000) FROM generate_series(101, $pages) i; SELECT count(*) FROM t"), $pages, 'truncated and filled again');
($a, $b) = map { cursor($_) } ('a', 'b');
in_step($a, $b);
has_all('after truncation', $a, $b);

# --- processes of a parallel scan are one scan, and two such scans give all rows
my $parallel = 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = on; ';
cold();
($before) = counts();
is(ask($parallel . 'SELECT count(*), sum(id::bigint) FROM t'), $pages . '|' . $pages * ($pages + 1) / 2, 'a parallel scan');
is(since($before)->{shared}, 0, 'does not share with itself');
my $all = $pages . '\|' . $pages * ($pages + 1) / 2;
my @both = map { $node->background_psql('postgres') } 1 .. 3;
$_->query_until(qr/begun/, "$parallel\n\\echo begun\nSELECT count(*), sum(id::bigint) FROM t;\n\\echo finished\n") foreach @both;
foreach (@both)
{
	like($_->query_until(qr/finished/, ''), qr/^$all$/m, 'parallel scans beside each other');
	$_->quit;
}

# --- killed, with claims and pieces passed on: the server starts anew, and all is well
($a, $b) = map { cursor($_) } ('a', 'b');
fetch($_, $step) foreach ($a, $b, $a);
$pid_a = $a->{session}->query_safe('SELECT pg_backend_pid()');
kill 'KILL', $pid_a;
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid_a");
ok(wait_for_server($node), 'one is killed, and the server comes back');
eval { $_->{session}->quit } foreach ($a, $b);
($a, $b) = map { cursor($_) } ('a', 'b');
in_step($a, $b);
has_all('after a crash', $a, $b);

unlike(slurp_file($node->logfile), qr/still pinned|has not ended|TRAP|PANIC/, 'nothing was left behind');
$node->stop;
done_testing();
