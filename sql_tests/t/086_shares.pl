# Who takes frames without the right to wait or to fail leaves most of the pool to those who have to have one: reads ahead
# hold at most a quarter of it, frames that a page has moved away from (ghosts) an eighth.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $frames = 128;		# 1 MB
my $node = new_server('shares', conf => "pagestore.pool_size = '1MB'\nshared_buffers = 16MB\nautovacuum = off\nmax_parallel_workers_per_gather = 0\njit = off\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE EXTENSION pagestore_test));
is($node->safe_psql('postgres', 'SELECT frames FROM pg_stat_pagestore'), $frames, 'a small pool');

# ---- ghosts ----

# Rows that one transaction leaves dead on each of 40 pages, while a cursor stands on each: what vacuum cleans it moves away.
my $cursors = 40;
$node->safe_psql('postgres', q(
	CREATE TABLE g (id int, v text) USING pagestore WITH (fillfactor = 45);
	CREATE TABLE g_heap (id int, v text) USING heap;
	INSERT INTO g SELECT i, repeat('x', 700) FROM generate_series(1, 200) i;
	INSERT INTO g_heap SELECT * FROM g;
	VACUUM (FREEZE) g));
my $holder = $node->background_psql('postgres', on_error_stop => 0);
my $open = join '', map { "DECLARE c$_ CURSOR FOR SELECT id FROM g WHERE ctid = '($_,1)'; FETCH 1 FROM c$_;\n" } 0 .. $cursors - 1;
$holder->query_until(qr/opened/, "BEGIN ISOLATION LEVEL REPEATABLE READ;\n$open\\echo opened\n");
$node->safe_psql('postgres', q(BEGIN; UPDATE g SET v = 'never'; ROLLBACK; VACUUM g));
my $ghosts = $node->safe_psql('postgres', 'SELECT frames_ghost FROM pg_stat_pagestore');
cmp_ok($ghosts, '>', $frames / 16, 'pages have been moved away from cursors');
cmp_ok($ghosts, '<=', $frames / 8, "but not more than an eighth of the pool ($ghosts)");
is($node->safe_psql('postgres', 'SELECT count(*) FROM pagestore_frames WHERE ghost'), $ghosts, 'frame by frame');
is($node->safe_psql('postgres', 'SELECT count(*), sum(id), sum(length(v)) FROM g'),
	$node->safe_psql('postgres', 'SELECT count(*), sum(id), sum(length(v)) FROM g_heap'), 'rows');
is($holder->query_safe('FETCH 1 FROM c7; SELECT count(*) FROM g'), '200', 'and those of the cursors\' owner');
$holder->query_until(qr/ended/, "COMMIT;\n\\echo ended\n");
$holder->quit;
is($node->safe_psql('postgres', 'SELECT frames_ghost FROM pg_stat_pagestore'), '0', 'none is left without the cursors');
$node->safe_psql('postgres', 'VACUUM g');
is($node->safe_psql('postgres', 'SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = \'g\''), '0', 'what was left is cleaned then');

# ---- reads ahead ----

SKIP:
{
	skip 'io_uring is refused here', 4 if $node->safe_psql('postgres', 'SELECT io_method FROM pg_stat_pagestore') ne 'io_uring';
	# A table for each reader, with keys in no order: neighbours in the index lie on different pages.  Each reader looks no
	# more than a sixteenth of the pool ahead; ten of them would have more than the quarter.
	$node->safe_psql('postgres', qq(
		CREATE TABLE r$_ (id int, k int, pad text) USING pagestore;
		INSERT INTO r$_ SELECT i, (i * 919) % 2000, repeat('x', 600) FROM generate_series(1, 2000) i;
		CREATE INDEX ON r$_ (k))) foreach 0 .. 9;
	$node->safe_psql('postgres', 'CREATE TABLE other USING pagestore AS SELECT * FROM r0; VACUUM ANALYZE');
	my $answer = $node->safe_psql('postgres', 'SELECT i FROM generate_series(1, 2000) i WHERE (i * 919) % 2000 = 600');
	$node->restart;
	my @readers = map { $node->background_psql('postgres', on_error_stop => 0) } 0 .. 9;
	$readers[$_]->query_safe("SET enable_seqscan = off; SET enable_bitmapscan = off; BEGIN;
		DECLARE c CURSOR FOR SELECT id FROM r$_ WHERE k >= 0 ORDER BY k; MOVE 200 FROM c") foreach 0 .. 9;
	stop_at($node, 'ahead-entered');	# they are on their way
	$_->query_until(qr/begun/, "\\echo begun\nMOVE 400 FROM c; FETCH 1 FROM c;\n\\echo finished\n") foreach @readers;
	ok($node->poll_query_until('postgres', "SELECT count(*) = 10 FROM pg_stat_activity a, pagestore_stops() s
		WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND (a.pid = ANY (s.waiting) OR a.state LIKE 'idle%')"), 'all are parked, or done');
	my $reading = $node->safe_psql('postgres', 'SELECT count(*) FROM pagestore_frames WHERE reading');
	cmp_ok($reading, '>', $frames / 8, "processes parked with frames for their reads ($reading)");
	cmp_ok($reading, '<=', $frames / 4, 'have not more than a quarter of the pool');
	is($node->safe_psql('postgres', "SET statement_timeout = '60s'; SELECT count(*), sum(id) FROM other"), '2000|2001000', 'others find frames for theirs');
	go($node);
	like($readers[$_]->query_until(qr/finished/, ''), qr/^$answer$/m, "reader $_ goes on") foreach 0 .. $#readers;
	$_->quit foreach @readers;
}

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|leak/, 'the log shows no damage');
$node->stop;
done_testing();
