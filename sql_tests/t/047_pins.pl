# Pins: many of them, in any order, under any owner; each ends with its owner, and costs what it costs whatever the pool's size.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('pins', conf => "autovacuum = off\npagestore.pool_size = '32MB'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sql(q(CREATE EXTENSION pagestore; CREATE TABLE t (i int, v text) USING pagestore; ALTER TABLE t ALTER v SET STORAGE PLAIN;
	INSERT INTO t SELECT i, rpad(i::text || ' ', 6000, 'x') FROM generate_series(0, 2999) i));
is(sql("SELECT count(*) FROM t WHERE ctid = ('(' || i || ',1)')::tid AND split_part(v, ' ', 1) = i::text"), '3000', 'a page for each row');
sub pinned { return sql('SELECT frames_pinned FROM pg_stat_pagestore'); }

# Cursors, each of which holds a pin where it stands: on page k, or all on the page given.
sql(q(CREATE FUNCTION open_cursors(prefix text, first int, last int, page int DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE c refcursor; r record; BEGIN
	FOR k IN first..last LOOP
		c := prefix || k;
		OPEN c SCROLL FOR SELECT i, v FROM t WHERE ctid = ('(' || coalesce(page, k) || ',1)')::tid;
		FETCH c INTO r;
		IF r.i <> coalesce(page, k) THEN RAISE 'wrong row'; END IF;
	END LOOP; END $$;
	CREATE FUNCTION close_cursors(prefix text, which int[]) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE c refcursor; k int; BEGIN FOREACH k IN ARRAY which LOOP c := prefix || k; CLOSE c; END LOOP; END $$;
	CREATE FUNCTION in_place(prefix text, first int, last int, page int DEFAULT NULL) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE c refcursor; r record; n int := 0; BEGIN
	FOR k IN first..last LOOP
		c := prefix || k;
		FETCH RELATIVE 0 FROM c INTO r;
		n := n + (r.v = rpad(coalesce(page, k)::text || ' ', 6000, 'x'))::int;
	END LOOP; RETURN n; END $$;));

my $s = $node->background_psql('postgres', on_error_stop => 0, timeout => 1800);
sub in_session { return $s->query($_[0]); }
sub shuffled { return "(SELECT array_agg(k ORDER BY hashint4(k)) FROM generate_series($_[0], $_[1]) k)"; }

is(pinned(), '0', 'nothing is pinned at first');
in_session('BEGIN');
in_session("SELECT open_cursors('a', 0, 2999)");
is(pinned(), '3000', 'a pin a cursor');
is(in_session("SELECT in_place('a', 0, 2999)"), '3000', 'each stands on its row');
# others change and prune these pages: the bytes stay where cursors stand
$node->safe_psql('postgres', $_) foreach ("UPDATE t SET i = i WHERE i < 200", 'VACUUM t');
is(in_session("SELECT in_place('a', 0, 2999)"), '3000', '... also when pages have changed below');
in_session("SELECT close_cursors('a', " . shuffled(0, 1999) . ')');
is(pinned(), '1000', 'closed in any order');
is(in_session("SELECT in_place('a', 2000, 2999)"), '1000', 'the others stand as before');

# the same page again and again
in_session("SELECT open_cursors('b', 1, 1000, 2500)");
is(pinned(), '1000', 'a page pinned again costs no pin of the frame');
in_session("SELECT close_cursors('b', " . shuffled(1, 999) . ')');
in_session("SELECT close_cursors('a', ARRAY[2500])");
is(pinned(), '1000', 'a page stays pinned to the last');
is(in_session("SELECT in_place('b', 1000, 1000, 2500)"), '1', '... and its row is in place');

# owners: subtransactions within one another
in_session("SAVEPOINT s1; SELECT open_cursors('c', 500, 999)");
in_session("SAVEPOINT s2; SELECT open_cursors('d', 700, 1499); SELECT close_cursors('c', " . shuffled(500, 599) . ')');
is(pinned(), 1000 + 900, 'pins under three owners');
in_session('ROLLBACK TO s2');
is(pinned(), 1000 + 400, 'a subtransaction takes its pins away');
in_session('RELEASE s1');
is(in_session("SELECT in_place('c', 600, 999)"), '400', 'those of a subtransaction that is released stay');
in_session("SAVEPOINT s3; SELECT open_cursors('e', 1, 300); SELECT 1/0");
in_session('ROLLBACK TO s3');
is(pinned(), 1000 + 400, 'an error takes away what it must');
is(in_session("SELECT in_place('a', 2000, 2499) + in_place('a', 2501, 2999) + in_place('b', 1000, 1000, 2500) + in_place('c', 600, 999)"), '1400', 'and no more');
in_session('SELECT 1/0');
in_session('ROLLBACK');
is(pinned(), '0', 'the end of the transaction takes all');
in_session("BEGIN; SELECT open_cursors('a', 300, 399); COMMIT");
is(pinned(), '0', 'so does a commit');

# a process that ends
in_session("BEGIN; SELECT open_cursors('a', 200, 2999)");
is(pinned(), '2800', 'pinned again');
my $pid = in_session('SELECT pg_backend_pid()');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 60000)");
ok($node->poll_query_until('postgres', "SELECT frames_pinned = 0 FROM pg_stat_pagestore"), 'a process that is terminated leaves no pin');
eval { $s->quit };
is(sql('SELECT count(*) FROM t'), '3000', 'the table is as it was');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|pin leak|is not pinned/, 'the log shows no leak');
$node->stop;
done_testing();
