# pagestore_check() compares indexes with rows, both ways: rows that an index lacks and entries for what is no row are
# found in each kind of index whose entries can be named.  amcheck, where it is installed, looks at btree.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use File::Copy;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Pagestore;

my $node = new_server('index', checksums => 0, conf => "autovacuum = off\n");
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]); }

my %index = (
	btree => 'USING btree (id)',
	gist => "USING gist (point(id, id))",
	spgist => 'USING spgist (v)',
	gin => "USING gin (to_tsvector('simple', v))",
	part => 'USING btree (v) WHERE id % 2 = 0');
my @names = sort keys %index;

# Rows with HOT chains, so that what indexes name is not where the row is; entries are for the chain's root.
sql('CREATE EXTENSION pagestore');
sql("CREATE TABLE t (id int, n int, v text) USING pagestore WITH (fillfactor = 70);
	INSERT INTO t SELECT i, 0, 'row' || i FROM generate_series(1, 3000) i");
sql("CREATE INDEX $_ ON t $index{$_}") foreach @names;
sql("UPDATE t SET n = 1 WHERE id % 3 = 0; VACUUM t; UPDATE t SET n = 2 WHERE id % 5 = 0");
is(sql("SELECT * FROM pagestore_check('t')"), '', 'nothing wrong');

my %file = map { $_ => main_file($node, $_) } @names;
my %missing;

# Do it, then put the indexes back to where they were before.
sub behind_indexes
{
	my ($statements) = @_;
	sql("SET gin_pending_list_limit = 64; SELECT gin_clean_pending_list('gin'); CHECKPOINT");
	copy($file{$_}, "$file{$_}.saved") or die $! foreach @names;
	sql($statements);
	$node->stop;
	move("$file{$_}.saved", $file{$_}) or die $! foreach @names;
	$node->start;
	return;
}

# What is found of each index: block and offset, in order.
sub found_of
{
	my ($index, $message) = @_;
	return sql("SELECT blkno, offnum FROM pagestore_check('t') WHERE msg = 'index \"$index\" $message' ORDER BY 1, 2");
}

# ---- rows that the indexes lack ----

behind_indexes("INSERT INTO t SELECT i, 0, 'row' || i FROM generate_series(4001, 4010) i; UPDATE t SET v = 'new' || id, id = id + 10000 WHERE id IN (4, 5)");
foreach my $i (@names)
{
	my $where = $i eq 'part' ? 'AND id % 2 = 0' : '';
	is(found_of($i, 'has no entry for the row'),
		sql("SET enable_indexscan = off; SET enable_bitmapscan = off; SELECT (ctid::text::point)[0], (ctid::text::point)[1] FROM t WHERE (id > 4000) $where ORDER BY 1, 2"),
		"$i: rows without an entry");
}
my (undef, $out, $err) = $node->psql('postgres', "SELECT * FROM pagestore_check('t')");
like($err, qr/NOTICE:  index "btree" is compared with rows, but its structure is not checked/, 'amcheck is missed');
(undef, $out, $err) = $node->psql('postgres', "SELECT * FROM pagestore_check('t', check_indexes => false, check_toast => false)");
is($out . $err, '', '... not if indexes are not to be checked');
(undef, $out, $err) = $node->psql('postgres', "SELECT * FROM pagestore_check('t', heapallindexed => false)");
like($err, qr/index "$_" is not checked/, "$_ is not checked without its rows, and that is said") foreach @names;

sql('CREATE EXTENSION amcheck');
like(sql("SELECT msg FROM pagestore_check('t') WHERE blkno IS NULL ORDER BY 1"),
	qr/^index "btree": heap tuple .* lacks matching index tuple.*\nindex "part": heap tuple .* lacks matching index tuple/, 'amcheck finds it, too');
is(sql("SELECT count(*) FROM pagestore_check('t') WHERE msg LIKE 'index \"btree\" has%'"), '0', '... and is not done over');
# what its users have to know
my $looked = run_log([ 'pg_amcheck', '--host', $node->host, '--port', $node->port, '--heapallindexed', '--verbose', 'postgres' ], '>', \my $listed, '2>', \my $verbose);
ok($looked, 'pg_amcheck is content');
unlike("$listed$verbose", qr/"(t|btree|part)"|pg_toast_$_/, '... since it does not look') foreach sql("SELECT 't'::regclass::oid");
is(sql("SELECT count(DISTINCT c.oid::regclass) FROM pg_class c JOIN pg_am a ON a.oid = c.relam, pagestore_check(c.oid) f
	WHERE a.amname = 'pagestore' AND c.relkind IN ('r', 'm') AND c.relpersistence <> 't'"), '1', "README's query over all tables does");
# its functions are not for everybody
sql("CREATE ROLE checker; GRANT EXECUTE ON FUNCTION pagestore_check TO checker");
like(sql("SET ROLE checker; SET client_min_messages = error; SELECT msg FROM pagestore_check('t') WHERE msg ~ 'btree' LIMIT 1"), qr/"btree" has no entry/, '... not for who may not call it');
sql('REINDEX TABLE t');
is(sql("SELECT * FROM pagestore_check('t')"), '', 'nothing wrong after REINDEX');
sql('DROP EXTENSION amcheck');
%file = map { $_ => main_file($node, $_) } @names;

# ---- entries for what is no row ----

# line pointers that VACUUM sets free, at the end of pages, in their middle, and whole pages that it cuts off
my $gone = sql("SET enable_indexscan = off; SET enable_bitmapscan = off;
	SELECT (ctid::text::point)[0], (ctid::text::point)[1] FROM t WHERE id BETWEEN 1501 AND 1508 AND id % 3 <> 0 AND id % 5 <> 0 ORDER BY 1, 2");
my $blocks = sql("SELECT pg_relation_size('t') / 8192");
behind_indexes("DELETE FROM t WHERE id BETWEEN 1501 AND 1508; DELETE FROM t WHERE ctid >= '(20,0)'; VACUUM t");
cmp_ok(my $left = sql("SELECT pg_relation_size('t') / 8192"), '<', $blocks, 'the table was cut off');
foreach my $i (grep { $_ ne 'part' } @names)
{
	my $found = found_of($i, 'has an entry for what is no row');
	like($found, qr/^\Q$_\E$/m, "$i: entry for what was at $_") foreach split /\n/, $gone;
	is(sql("SELECT min(blkno), count(DISTINCT blkno), count(offnum) FROM pagestore_check('t') WHERE msg = 'index \"$i\" has an entry beyond the table''s $left blocks'"),
		"$left|" . ($blocks - $left) . '|0', "$i: entries for pages that are not there");
}
is(sql("SELECT count(*) FROM pagestore_check('t') WHERE msg LIKE '%no entry for the row'"), '0', 'no row is without an entry');
sql('REINDEX TABLE t');
is(sql("SELECT * FROM pagestore_check('t')"), '', 'nothing wrong after REINDEX');

# ---- where single entries are not known ----

sql("CREATE TABLE wide USING pagestore AS SELECT i, repeat('w', 2000) w FROM generate_series(1, 100000) i; CREATE INDEX wide_i ON wide (i)");
(undef, $out, $err) = $node->psql('postgres', "SET maintenance_work_mem = '1MB'; SELECT * FROM pagestore_check('wide')");
like($err, qr/WARNING:  index "wide_i" was compared by page, not by row, on \d+ pages/, 'too little memory for all entries is told');
is($out, '', '... and nothing is wrong');

# ---- indexes that are not to be believed ----

(undef, $out, $err) = $node->psql('postgres', "INSERT INTO t VALUES (1); CREATE UNIQUE INDEX CONCURRENTLY half ON t ((1))", on_error_stop => 0);
like($err, qr/could not create unique index/, 'an index that failed');
(undef, $out, $err) = $node->psql('postgres', "SELECT * FROM pagestore_check('t')");
like($err, qr/WARNING:  index "half" is not checked: it is not valid/, '... is not checked, which is told');
is($out, '', '... and nothing is wrong');
sql('DROP INDEX half');

# a function of the index runs as the table's owner, and may not do more than when it is built
sql("CREATE ROLE owner; GRANT ALL ON SCHEMA public TO owner; SET ROLE owner;
	CREATE FUNCTION f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS \$\$ BEGIN IF current_user <> 'owner' THEN RAISE EXCEPTION 'run as %', current_user; END IF; RETURN \$1; END \$\$;
	CREATE TABLE mine (i int) USING pagestore; INSERT INTO mine SELECT generate_series(1, 10); CREATE INDEX ON mine USING spgist ((f(i)::text))");
is(sql("SELECT * FROM pagestore_check('mine')"), '', "an index's function runs as the table's owner");
$node->stop;
done_testing();
