# Row locks of all kinds, multixacts, subtransactions, TOAST and ON CONFLICT from many sessions on few rows; then a crash.  Replay makes
# the same pages (wal_consistency_checking), the money is all there, and heap's own checker has nothing to say.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('mixed', conf => "pagestore.pool_size = '2MB'\nwal_consistency_checking = 'heap,heap2'\nmax_wal_size = '2GB'\n"
	  . "default_table_access_method = 'pagestore'\nautovacuum_naptime = 1\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore;
	CREATE EXTENSION amcheck;
	CREATE TABLE acc (id int PRIMARY KEY, bal bigint, pad text, k int UNIQUE);
	CREATE TABLE ch (id serial, acc int REFERENCES acc, v int);
	INSERT INTO acc SELECT g, 1000, repeat('p', 100), g FROM generate_series(1, 20) g;
	CREATE TABLE big (id int PRIMARY KEY, v int, t text) WITH (fillfactor = 80);
	INSERT INTO big SELECT g, 0, repeat('b', g % 300) FROM generate_series(1, 20000) g;
	CREATE INDEX ON big (v);
));

my $few = q(
\set a random(1, 20)
\set b random(1, 20)
\set lo least(:a, :b)
\set hi greatest(:a, :b)
\set d random(-50, 50)
\set r random(1, 8)
BEGIN;
\if :r = 1
SELECT 1 FROM acc WHERE id IN (:lo, :hi) ORDER BY id FOR KEY SHARE;
INSERT INTO ch (acc, v) VALUES (:lo, :d);
\elif :r = 2
SELECT 1 FROM acc WHERE id = :lo FOR SHARE SKIP LOCKED;
\elif :r = 3
SELECT 1 FROM acc WHERE id IN (:lo, :hi) ORDER BY id FOR UPDATE;
SAVEPOINT s;
UPDATE acc SET bal = bal + 7 WHERE id = :lo;
ROLLBACK TO s;
UPDATE acc SET bal = bal - :d WHERE id = :lo;
UPDATE acc SET bal = bal + :d WHERE id = :hi;
\elif :r = 4
SELECT 1 FROM acc WHERE id IN (:lo, :hi) ORDER BY id FOR NO KEY UPDATE;
SAVEPOINT s;
UPDATE acc SET bal = bal - :d WHERE id = :lo;
SAVEPOINT s2;
UPDATE acc SET bal = bal + :d WHERE id = :hi;
RELEASE s;
\elif :r = 5
INSERT INTO ch (acc, v) VALUES (:hi, :d);
\elif :r = 6
SELECT 1 FROM acc WHERE id IN (:lo, :hi) ORDER BY id FOR NO KEY UPDATE;
UPDATE acc SET k = -:lo WHERE id = :lo;
UPDATE acc SET k = :lo WHERE id = :lo;
UPDATE acc SET pad = repeat('q', 3000), bal = bal - :d WHERE id = :lo;
UPDATE acc SET pad = repeat('r', 30), bal = bal + :d WHERE id = :hi;
\elif :r = 7
SELECT 1 FROM acc WHERE id IN (:lo, :hi) ORDER BY id FOR KEY SHARE;
SELECT 1 FROM acc WHERE id IN (:lo, :hi) ORDER BY id FOR SHARE SKIP LOCKED;
\else
UPDATE acc SET bal = bal + 0 WHERE id = :lo;
INSERT INTO acc VALUES (:lo, 0) ON CONFLICT (id) DO UPDATE SET bal = acc.bal;
\endif
END;
);
my $many = q(
\set a random(1, 20000)
\set b random(1, 20000)
\set r random(1, 5)
BEGIN;
UPDATE big SET v = v + 1 WHERE id = :a;
\if :r = 1
UPDATE big SET t = (SELECT string_agg(md5(g::text), '') FROM generate_series(1, 200) g) WHERE id = :b;
\elif :r = 2
DELETE FROM big WHERE id = :b;
INSERT INTO big VALUES (:b, 1, 'again') ON CONFLICT (id) DO UPDATE SET v = big.v + 1;
\elif :r = 3
SAVEPOINT s;
UPDATE big SET id = id WHERE id = :b;
ROLLBACK TO s;
INSERT INTO big VALUES (-:b, 1, 'negative') ON CONFLICT DO NOTHING;
\elif :r = 4
SELECT count(*) FROM (SELECT 1 FROM big WHERE id BETWEEN :b AND :b + 50 FOR SHARE SKIP LOCKED) x;
\endif
END;
);
append_to_file($node->basedir . '/few.sql', $few);
append_to_file($node->basedir . '/many.sql', $many);

sub load
{
	my ($script, $clients) = @_;
	my ($out, $err) = ('', '');
	my $h = IPC::Run::start([ 'pgbench', '-n', '-c', $clients, '-T', 60, '--max-tries=100', '-f', $node->basedir . "/$script.sql",
			'-h', $node->host, '-p', $node->port, 'postgres' ], '<', \undef, '>', \$out, '2>', \$err);
	return ($h, \$err);
}

foreach my $round (1 .. 2)
{
	my ($few_h, $few_err) = load('few', 6);
	my ($many_h, $many_err) = load('many', 4);

	sleep 3;
	$node->safe_psql('postgres', 'CHECKPOINT');
	sleep 3;
	unlike($$few_err . $$many_err, qr/ERROR/, "round $round: no error while it ran");
	kill_server($node);
	$few_h->finish;
	$many_h->finish;
	$node->start;
	is($node->safe_psql('postgres', 'SELECT count(*), sum(bal), count(DISTINCT k) FROM acc'), '20|20000|20', "round $round: the money is all there");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM ch LEFT JOIN acc ON acc.id = ch.acc WHERE acc.id IS NULL'), '0', "round $round: no orphans");
	is($node->safe_psql('postgres', "SELECT count(bt_index_check(indexrelid, true)::text) FROM pg_index WHERE indrelid IN ('acc'::regclass, 'ch'::regclass, 'big'::regclass)"),
		'4', "round $round: indexes match their tables");
}

my $state = join('/', map { table_state($node, $_) } qw(acc ch big));
$node->safe_psql('postgres', "SELECT pagestore_convert('$_', 'heap')") foreach qw(acc ch big);
is($node->safe_psql('postgres', "SELECT c.relname, v.* FROM pg_class c, verify_heapam(c.oid, check_toast => true) v WHERE relname IN ('acc', 'ch', 'big')"),
	'', 'verify_heapam() finds nothing in the tables made heap');
is(join('/', map { table_state($node, $_) } qw(acc ch big)), $state, 'and their rows are the same');

unlike(slurp_file($node->logfile), qr/inconsistent page found|PANIC|TRAP|invalid page|page verification failed/, 'nothing bad in the log');
$node->stop;
done_testing();
