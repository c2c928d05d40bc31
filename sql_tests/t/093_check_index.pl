# pagestore_check() compares indexes with rows, both ways: rows that an index lacks and entries for what is no row are
# found in each kind of index, rows that a summary does not cover, too.  amcheck, where it is installed, looks at btree.
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

# How each is made, and which rows it is to have; a summary is to cover those.
my %index = (
	btree => [ 'USING btree (id)', 'true' ],
	gist => [ 'USING gist (point(id, id))', 'true' ],
	spgist => [ 'USING spgist (v)', 'true' ],
	gin => [ "USING gin (to_tsvector('simple', v))", 'true' ],
	part => [ 'USING btree (v) WHERE id % 2 = 0', 'id % 2 = 0' ],
	hash => [ 'USING hash (v)', 'v IS NOT NULL' ],
	hash_part => [ 'USING hash ((CASE WHEN id % 8 <> 2 THEN id END)) WHERE id % 2 = 0', 'id % 8 IN (0, 4, 6)' ]);
my @names = sort keys %index;
# What is new and not covered by the summaries that were there before.
my %summary = (
	minmax => [ 'USING brin (id, (id + 1)) WITH (pages_per_range = 2)', 'id > 4000' ],
	multi => [ 'USING brin (id int4_minmax_multi_ops) WITH (pages_per_range = 1)', 'id > 4000' ],
	bloom => [ 'USING brin (id int4_bloom_ops (n_distinct_per_range = 2000, false_positive_rate = 0.0001)) WITH (pages_per_range = 5)', 'id > 4000' ],
	inclusion => [ 'USING brin (int4range(id, id + 10)) WITH (pages_per_range = 3)', 'id > 4000' ],
	nulls => [ 'USING brin ((CASE WHEN id <> 4007 THEN 1 END))', 'id = 4007' ],
	not_null => [ 'USING brin ((CASE WHEN id = 4007 THEN 1 END))', 'id = 4007' ],
	nothing => [ 'USING brin (id) WHERE id BETWEEN 4003 AND 9000', 'id BETWEEN 4003 AND 9000' ]);
my @summaries = sort keys %summary;

# Rows with HOT chains, so that what indexes name is not where the row is; entries are for the chain's root.
sql('CREATE EXTENSION pagestore');
sql("CREATE TABLE t (id int, n int, v text) USING pagestore WITH (fillfactor = 70);
	INSERT INTO t SELECT i, 0, 'row' || i FROM generate_series(1, 3000) i");
sql("CREATE INDEX $_ ON t " . ($index{$_} // $summary{$_})->[0]) foreach @names, @summaries;
sql("UPDATE t SET n = 1 WHERE id % 3 = 0; VACUUM t; UPDATE t SET n = 2 WHERE id % 5 = 0");
is(sql("SELECT * FROM pagestore_check('t')"), '', 'nothing wrong');

my %file = map { $_ => main_file($node, $_) } @names, @summaries;

# Do it, then put the indexes back to where they were before.
sub behind_indexes
{
	my ($statements) = @_;
	sql("SET gin_pending_list_limit = 64; SELECT gin_clean_pending_list('gin'); CHECKPOINT");
	copy($file{$_}, "$file{$_}.saved") or die $! foreach keys %file;
	sql($statements);
	$node->stop;
	move("$file{$_}.saved", $file{$_}) or die $! foreach keys %file;
	$node->start;
	return;
}

# What is found of each index: block and offset, in order.
sub found_of
{
	my ($index, $message) = @_;
	return sql("SELECT blkno, offnum FROM pagestore_check('t') WHERE msg LIKE 'index \"$index\" $message' ORDER BY 1, 2");
}

# Block and offset of the rows.
sub rows
{
	return sql("SET enable_indexscan = off; SET enable_bitmapscan = off; SELECT (ctid::text::point)[0], (ctid::text::point)[1] FROM t WHERE $_[0] ORDER BY 1, 2");
}

# ---- rows that the indexes lack ----

behind_indexes("INSERT INTO t SELECT i, 0, nullif('row' || i, 'row4009') FROM generate_series(4001, 4010) i; UPDATE t SET v = 'new' || id, id = id + 10000 WHERE id IN (4, 5)");
is(found_of($_, 'has no entry for the row'), rows("id > 4000 AND $index{$_}[1]"), "$_: rows without an entry") foreach @names;
is(found_of($_, 'does not cover the row in the summary of its % blocks from % on'), rows($summary{$_}[1]), "$_: rows that the summary does not cover") foreach @summaries;
is(sql("SELECT brin_desummarize_range('minmax', 0); SELECT min(blkno) > 1 FROM pagestore_check('t') WHERE msg LIKE 'index \"minmax\"%'"), "\nt", 'none of a range without a summary');
my (undef, $out, $err) = $node->psql('postgres', "SELECT * FROM pagestore_check('t')");
like($err, qr/NOTICE:  index "btree" is compared with rows, but its structure is not checked/, 'amcheck is missed');
(undef, $out, $err) = $node->psql('postgres', "SELECT * FROM pagestore_check('t', check_indexes => false, check_toast => false)");
is($out . $err, '', '... not if indexes are not to be checked');
(undef, $out, $err) = $node->psql('postgres', "SELECT * FROM pagestore_check('t', heapallindexed => false)");
like($err, qr/index "$_" is not checked/, "$_ is not checked without its rows, and that is said") foreach @names, @summaries;

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
sql("DROP INDEX $_") foreach @summaries;

# ---- entries for what is no row ----

# line pointers that VACUUM sets free, at the end of pages, in their middle, and whole pages that it cuts off
my $going = 'id BETWEEN 1501 AND 1508 AND id % 3 <> 0 AND id % 5 <> 0';
my %gone = map { $_ => rows("$going AND $index{$_}[1]") } @names;
my $blocks = sql("SELECT pg_relation_size('t') / 8192");
behind_indexes("DELETE FROM t WHERE id BETWEEN 1501 AND 1508; DELETE FROM t WHERE ctid >= '(20,0)'; VACUUM t");
cmp_ok(my $left = sql("SELECT pg_relation_size('t') / 8192"), '<', $blocks, 'the table was cut off');
foreach my $i (@names)
{
	my $found = found_of($i, 'has an entry for what is no row');
	like($found, qr/^\Q$_\E$/m, "$i: entry for what was at $_") foreach split /\n/, $gone{$i};
	is(sql("SELECT min(blkno), count(DISTINCT blkno), count(offnum) FROM pagestore_check('t') WHERE msg = 'index \"$i\" has an entry beyond the table''s $left blocks'"),
		"$left|" . ($blocks - $left) . '|0', "$i: entries for pages that are not there");
}
is(sql("SELECT count(*) FROM pagestore_check('t') WHERE msg LIKE '%no entry for the row'"), '0', 'no row is without an entry');
sql('REINDEX TABLE t');
is(sql("SELECT * FROM pagestore_check('t')"), '', 'nothing wrong after REINDEX');

# ---- what an entry says, and pages that are none of the index ----

# The offset in the file of the first entry of the page, and the row that it is for.
sub first_entry
{
	my ($index, $block) = @_;
	my ($offset, $tid) = split /\|/, sql("SELECT (get_byte(p, 24) | (get_byte(p, 25) << 8)) & 32767, ctid FROM get_raw_page('$index', $block) p, hash_page_items(p) LIMIT 1");
	return (8192 * $block + $offset, $tid);
}

sub write_at
{
	my ($file, $at, $bytes) = @_;
	open(my $fh, '+<:raw', $file) or die "$file: $!";
	seek($fh, $at, 0);
	print $fh $bytes;
	close $fh;
	return;
}

sql('CREATE EXTENSION pageinspect; CHECKPOINT');
%file = map { $_ => main_file($node, $_) } @names;
my ($at, $tid) = first_entry('hash', 3);
my $code = sql("SELECT data FROM hash_page_items(get_raw_page('hash', 3)) LIMIT 1");
$node->stop;
# a lower one is still in the page's order, and of another bucket
write_at($file{hash}, $at + 8, pack('V', ($code - 1) & 0xffffffff));
$node->start;
is(sql("SELECT '(' || blkno || ',' || offnum || ')', msg FROM pagestore_check('t')"), "$tid|index \"hash\" has no entry for the row", 'a wrong hash code hides the row from who looks for it');
$node->stop;
write_at($file{hash}, $at + 8, pack('V', $code));
# flags and, of the other, where its special space begins
write_at($file{hash}, 8192 * 4 - 4, "\0\0");
write_at($file{gist}, 8192 * 2 + 16, "\0\0");
$node->start;
my $found = sql("SELECT msg FROM pagestore_check('t') ORDER BY 1");
like($found, qr/^index "hash": index "hash" contains corrupted page at block 3$/m, 'a page that is none of a hash index');
like($found, qr/^index "gist": invalid page in block 2 of relation/m, '... of a gist index');
unlike($found, qr/btree|spgist|gin|part/, '... others are sound');
sql('REINDEX TABLE t');
is(sql("SELECT * FROM pagestore_check('t')"), '', 'nothing wrong after REINDEX');

# ---- a hash index in use ----

(undef, $out, $err) = $node->psql('postgres', "SET enable_seqscan = off; SET enable_bitmapscan = off; BEGIN; DECLARE c CURSOR FOR SELECT * FROM t WHERE v = 'row1'; FETCH 1 FROM c; SELECT * FROM pagestore_check('t')");
like($err, qr/WARNING:  entries of index "hash" are not checked: this session is using it/, 'by this session: it would wait for itself');

# more rows of one value than there is memory for, and of many
sql("CREATE TABLE many USING pagestore AS SELECT i % 2 * i AS i, repeat('x', 500) || i % 3 * i AS v FROM generate_series(1, 30000) i; CREATE INDEX many_i ON many USING hash (i); CREATE INDEX many_v ON many USING hash (v)");
(undef, $out, $err) = $node->psql('postgres', "SET maintenance_work_mem = '1MB'; SELECT * FROM pagestore_check('many')");
is($out, '', 'nothing wrong in batches');

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
# so do functions of operator classes, where rows are compared with a hash or brin index
sql("CREATE FUNCTION hash_of(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS \$\$ BEGIN IF current_user <> 'owner' THEN RAISE EXCEPTION 'run as %', current_user; END IF; RETURN hashint4(\$1); END \$\$;
	CREATE FUNCTION equal(int, int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS \$\$ BEGIN IF current_user <> 'owner' THEN RAISE EXCEPTION 'run as %', current_user; END IF; RETURN \$1 = \$2; END \$\$;
	CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = equal, HASHES);
	CREATE OPERATOR CLASS as_owner FOR TYPE int USING hash AS OPERATOR 1 ===, FUNCTION 1 hash_of(int);
	SET ROLE owner; CREATE INDEX of_class ON mine USING hash (i as_owner)");
is(sql("SELECT * FROM pagestore_check('mine')"), '', 'those of its operator class do');
sql('DELETE FROM mine WHERE i = 3');
is(sql("SET enable_seqscan = off; SET ROLE owner; SELECT count(*) FROM mine WHERE i === 4"), '1', '... and the index is one');
$node->stop;
done_testing();
