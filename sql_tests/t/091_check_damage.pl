# pagestore_check() finds damage of every kind where it is, by block, offset and attribute, and verify_heapam() finds the
# same once the table is heap's, apart from what it does not look for.  Nothing crashes, and what is sound is passed.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Pagestore;

my $node = new_server('check', checksums => 0, conf => "autovacuum = off\nrestart_after_crash = off\n");
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]); }

sub u16 { my ($page, $at, $value) = @_; substr($$page, $at, 2) = pack('v', $value) if defined $value; return unpack('v', substr($$page, $at, 2)); }
sub u32 { my ($page, $at, $value) = @_; substr($$page, $at, 4) = pack('V', $value) if defined $value; return unpack('V', substr($$page, $at, 4)); }
sub u8 { my ($page, $at, $value) = @_; substr($$page, $at, 1) = chr($value) if defined $value; return ord(substr($$page, $at, 1)); }
sub item { my ($page, $n) = @_; return u32($page, 20 + 4 * $n); }
sub set_item { my ($page, $n, $offset, $flags, $length) = @_; return u32($page, 20 + 4 * $n, $offset | $flags << 15 | $length << 17); }
sub items { my ($page) = @_; return (u16($page, 12) - 24) / 4; }
sub flags { my ($page, $n) = @_; return item($page, $n) >> 15 & 3; }
sub row { my ($page, $n) = @_; return item($page, $n) & 0x7fff; }
sub row_length { my ($page, $n) = @_; return item($page, $n) >> 17; }

# places in a row's header
my ($xmin, $xmax, $ctid, $mask2, $mask, $hoff) = (0, 4, 12, 18, 20, 22);
my ($is_multi, $xmax_invalid, $xmax_committed, $xmin_bits, $has_external, $lock_only) = (0x1000, 0x0800, 0x0400, 0x0300, 0x0004, 0x0080);
my ($hot_updated, $heap_only) = (0x4000, 0x8000);

sub set_bits { my ($page, $at, $set, $clear) = @_; return u16($page, $at, (u16($page, $at) & ~$clear) | $set); }

# The first line pointer of the page that is wanted.
sub first
{
	my ($page, $wanted) = @_;
	foreach my $n (1 .. items($page))
	{
		return $n if $wanted->($n);
	}
	die 'no such line pointer';
}

sub redirect { my ($page) = @_; return first($page, sub { flags($page, $_[0]) == 2 }); }
sub is_row { my ($page, $n, $bits, $of) = @_; return flags($page, $n) == 1 && (u16($page, row($page, $n) + $mask2) & $of) == $bits; }
# one that nobody has updated, and without a value in the TOAST table
sub plain { my ($page) = @_; return first($page, sub { is_row($page, $_[0], 0, $hot_updated | $heap_only) && !(u16($page, row($page, $_[0]) + $mask) & $has_external) }); }
sub toasted { my ($page) = @_; return first($page, sub { is_row($page, $_[0], 0, $hot_updated | $heap_only) && (u16($page, row($page, $_[0]) + $mask) & $has_external) }); }
sub updated { my ($page) = @_; return first($page, sub { is_row($page, $_[0], $hot_updated, $hot_updated) }); }
sub newer { my ($page, $n) = @_; return u16($page, row($page, $n) + $ctid + 4); }
# id and n are 4 bytes each, v follows; where big is, which is the last
sub value { my ($page, $n) = @_; return row($page, $n) + u8($page, row($page, $n) + $hoff) + 8; }
sub pointer { my ($page, $n) = @_; return row($page, $n) + row_length($page, $n) - 16; }    # behind the two bytes that say that it is one

# xids that can't be; known when the tables are there
my %xid;

# what is wrong; how, with the line pointer that it is told of; what is said; attribute; does verify_heapam find just this?
my @damage = (
	[ 'header', sub { u16($_[0], 12, 8000); return undef }, qr/page header out of bounds/, '', 0 ],
	[ 'unknown flags', sub { u16($_[0], 10, 0xff00); return undef }, qr/unknown page flags/, '', 0 ],
	[ 'too many line pointers', sub { u16($_[0], 14, 4000); u16($_[0], 12, 24 + 4 * 400); return undef }, qr/too many line pointers/, '', 0 ],
	[ 'garbage on a new page', sub { u16($_[0], 14, 0); return undef }, qr/page header out of bounds/, '', 0 ],
	[ 'not aligned', sub { my $n = plain($_[0]); set_item($_[0], $n, row($_[0], $n) + 3, 1, 32); return $n }, qr/is not aligned/, '', 1 ],
	[ 'shorter than a header', sub { my $n = plain($_[0]); set_item($_[0], $n, row($_[0], $n), 1, 12); return $n }, qr/no room for a header/, '', 1 ],
	[ 'beyond the page', sub { my $n = plain($_[0]); set_item($_[0], $n, 8184, 1, 40); return $n }, qr/beyond the page/, '', 1 ],
	[ 'in free space', sub { my $n = plain($_[0]); set_item($_[0], $n, u16($_[0], 12) + 7 & ~7, 1, 32); return $n }, qr/in the page's free space/, '', 0 ],
	[ 'overlap', sub { my $n = plain($_[0]); set_item($_[0], $n + 1, row($_[0], $n), 1, row_length($_[0], $n)); return $n + 1 }, qr/overlaps another/, '', 0 ],
	[ 'dead with bytes', sub { my $n = plain($_[0]); set_item($_[0], $n, row($_[0], $n), 3, 40); return $n }, qr/dead line pointer with 40 bytes/, '', 0 ],
	[ 'unused with bytes', sub { my $n = plain($_[0]); set_item($_[0], $n, row($_[0], $n), 0, 40); return $n }, qr/unused line pointer with 40 bytes/, '', 0 ],
	[ 'redirect to nothing', sub { my $n = redirect($_[0]); set_item($_[0], $n, 0, 2, 0); return $n }, qr/redirect to line pointer 0/, '', 1 ],
	[ 'redirect beyond', sub { my $n = redirect($_[0]); set_item($_[0], $n, 290, 2, 0); return $n }, qr/redirect to line pointer 290 of/, '', 1 ],
	[ 'redirect to unused', sub { my $n = redirect($_[0]); my $m = plain($_[0]); set_item($_[0], $m, 0, 0, 0); set_bits($_[0], row($_[0], item($_[0], $n) & 0x7fff) + $mask2, 0, $heap_only); set_item($_[0], $n, $m, 2, 0); return $n }, qr/which has no row/, '', 1 ],
	[ 'redirect to itself', sub { my $n = redirect($_[0]); set_item($_[0], $n, $n, 2, 0); return $n }, qr/which has no row/, '', 0 ],
	[ 'redirect to a row of its own', sub { my $n = redirect($_[0]); my $m = item($_[0], $n) & 0x7fff; set_item($_[0], $n, plain($_[0]), 2, 0); set_bits($_[0], row($_[0], $m) + $mask2, 0, $heap_only); return $n }, qr/is not heap-only/, '', 0 ],
	[ 'data begin too late', sub { my $n = plain($_[0]); u8($_[0], row($_[0], $n) + $hoff, 32); return $n }, qr/data begin at byte 32/, '', 1 ],
	[ 'data begin behind the row', sub { my $n = plain($_[0]); u8($_[0], row($_[0], $n) + $hoff, 248); return $n }, qr/data begin at byte 248 of a row of/, '', 1 ],
	[ 'too many attributes', sub { my $n = plain($_[0]); set_bits($_[0], row($_[0], $n) + $mask2, 9, 0x7ff); return $n }, qr/data begin|row has 9 attributes, and the table 4/, '', 1 ],
	[ 'multixact and committed', sub { my $n = plain($_[0]); set_bits($_[0], row($_[0], $n) + $mask, $is_multi | $xmax_committed | $xmax_invalid, 0); u32($_[0], row($_[0], $n) + $xmax, $xid{multi}); return $n }, qr/a multixact and said to be committed/, '', 1 ],
	[ 'xmin in the future', sub { my $n = plain($_[0]); set_bits($_[0], row($_[0], $n) + $mask, 0, $xmin_bits); u32($_[0], row($_[0], $n) + $xmin, $xid{next} + 1000000); return $n }, qr/xmin \d+ has not been given out/, '', 1 ],
	[ 'xmin before the cluster', sub { my $n = plain($_[0]); set_bits($_[0], row($_[0], $n) + $mask, 0, $xmin_bits); u32($_[0], row($_[0], $n) + $xmin, 5); return $n }, qr/xmin 5 is older than \d+, the oldest of the cluster/, '', 1 ],
	[ 'xmin before the table', sub { my $n = plain($_[0]); set_bits($_[0], row($_[0], $n) + $mask, 0, $xmin_bits); u32($_[0], row($_[0], $n) + $xmin, $xid{frozen} - 1); return $n }, qr/xmin \d+ is older than the table's relfrozenxid/, '', 1 ],
	[ 'xmax in the future', sub { my $n = plain($_[0]); set_bits($_[0], row($_[0], $n) + $mask, 0, $xmax_invalid); u32($_[0], row($_[0], $n) + $xmax, $xid{next} + 1000000); return $n }, qr/xmax \d+ has not been given out/, '', 1 ],
	[ 'xmax before the cluster', sub { my $n = plain($_[0]); set_bits($_[0], row($_[0], $n) + $mask, 0, $xmax_invalid); u32($_[0], row($_[0], $n) + $xmax, 5); return $n }, qr/xmax 5 is older than/, '', 1 ],
	[ 'xmax before the table', sub { my $n = plain($_[0]); set_bits($_[0], row($_[0], $n) + $mask, 0, $xmax_invalid); u32($_[0], row($_[0], $n) + $xmax, $xid{frozen} - 1); return $n }, qr/xmax \d+ is older than the table's relfrozenxid/, '', 1 ],
	[ 'invalid multixact', sub { my $n = plain($_[0]); set_bits($_[0], row($_[0], $n) + $mask, $is_multi, 0); u32($_[0], row($_[0], $n) + $xmax, 0); return $n }, qr/multixact ID is invalid/, '', 1 ],
	[ 'multixact in the future', sub { my $n = plain($_[0]); set_bits($_[0], row($_[0], $n) + $mask, $is_multi, 0); u32($_[0], row($_[0], $n) + $xmax, 1000000); return $n }, qr/multixact 1000000 has not been given out/, '', 1 ],
	[ 'multixact before the table', sub { my $n = plain($_[0]); set_bits($_[0], row($_[0], $n) + $mask, $is_multi, 0); u32($_[0], row($_[0], $n) + $xmax, $xid{minmulti} - 1); return $n }, qr/multixact \d+ is older than/, '', 1 ],
	[ 'value too long', sub { my $n = plain($_[0]); u8($_[0], value($_[0], $n), 0xff); return $n }, qr/goes beyond the row's/, '2', 1 ],
	[ 'value too long, long header', sub { my $n = plain($_[0]); substr(${ $_[0] }, value($_[0], $n), 4) = pack('V', 60000 << 2); return $n }, qr/goes beyond the row's/, '2', 1 ],
	[ 'value of no size', sub { my $n = plain($_[0]); substr(${ $_[0] }, value($_[0], $n), 4) = pack('V', 2 << 2); return $n }, qr/value has a size of 2 bytes/, '2', 0 ],
	[ 'unknown TOAST tag', sub { my $n = plain($_[0]); substr(${ $_[0] }, value($_[0], $n), 2) = "\x01\x77"; return $n }, qr/unknown TOAST tag 119/, '2', 1 ],
	[ 'unknown compression', sub { my $n = plain($_[0]); substr(${ $_[0] }, value($_[0], $n), 8) = pack('VV', 12 << 2 | 2, 100 | 3 << 30); return $n }, qr/unknown compression method 3/, '2', 0 ],
	[ 'not in the TOAST table', sub { my $n = toasted($_[0]); u32($_[0], pointer($_[0], $n) + 8, 77777); return $n }, qr/value 77777 is not in the TOAST table/, '3', 1 ],
	[ 'in another relation', sub { my $n = toasted($_[0]); u32($_[0], pointer($_[0], $n) + 12, 1259); return $n }, qr/is in relation 1259/, '3', 0 ],
	[ 'size of a toasted value', sub { my $n = toasted($_[0]); u32($_[0], pointer($_[0], $n), 0x7fffffff); return $n }, qr/has a size of 2147483647 bytes/, '3', 1 ],
	[ 'more compressed than not', sub { my $n = toasted($_[0]); u32($_[0], pointer($_[0], $n), 100); return $n }, qr/value \d+ of 100 bytes takes 5000/, '3', 0 ],
	[ 'compression of a toasted value', sub { my $n = toasted($_[0]); u32($_[0], pointer($_[0], $n), 90000); u32($_[0], pointer($_[0], $n) + 4, 5000 | 3 << 30); return $n }, qr/has unknown compression method 3/, '3', 1 ],
	[ 'row said to have none', sub { my $n = toasted($_[0]); set_bits($_[0], row($_[0], $n) + $mask, 0, $has_external); return $n }, qr/the row is said to have none/, '3', 1 ],
	[ 'HOT-updated to itself', sub { my $n = updated($_[0]); u16($_[0], row($_[0], $n) + $ctid + 4, $n); return $n }, qr/HOT-updated to itself/, '', 0, 'more' ],
	[ 'HOT-updated beyond', sub { my $n = updated($_[0]); u16($_[0], row($_[0], $n) + $ctid + 4, 250); return $n }, qr/HOT-updated to line pointer 250 of/, '', 0, 'more' ],
	[ 'HOT-updated to another block', sub { my $n = updated($_[0]); u16($_[0], row($_[0], $n) + $ctid + 2, 2); return $n }, qr/HOT-updated to block 2/, '', 0, 'more' ],
	[ 'chain to a row of its own', sub { my $n = updated($_[0]); set_bits($_[0], row($_[0], newer($_[0], $n)) + $mask2, 0, $heap_only); return $n }, qr/is not heap-only/, '', 0 ],
	[ 'chain that is none', sub { my $n = updated($_[0]); set_bits($_[0], row($_[0], $n) + $mask2, 0, $hot_updated); return $n }, qr/updated to line pointer \d+, whose row is heap-only/, '', 0 ],
	[ 'two that lead to one', sub { my $page = $_[0]; my $n = updated($page); my $m = first($page, sub { $_[0] > $n && is_row($page, $_[0], $hot_updated, $hot_updated) }); u16($page, row($page, $m) + $ctid + 4, newer($page, $n)); return $m }, qr/leads to line pointer \d+, as line pointer \d+ does/, '', 0, 'more' ],
	[ 'row cut off', sub { my $n = updated($_[0]); set_bits($_[0], row($_[0], $n) + $mask, $xmax_invalid, $xmax_committed); return newer($_[0], $n) }, qr/heap-only row that nothing leads to/, '', 0 ],
	[ 'update of a row that failed', sub { my $n = updated($_[0]); set_bits($_[0], row($_[0], $n) + $mask, 0, $xmin_bits); u32($_[0], row($_[0], $n) + $xmin, $xid{aborted}); return $n }, qr/although inserted by \d+, which did not/, '', 0 ],
	[ 'page not all-visible', sub { u16($_[0], 10, u16($_[0], 10) & ~4); return undef }, qr/visibility map says/, '', 0, 'block 0' ],
);

# Multixacts, and one that vacuum makes the tables forget.
my $other = $node->background_psql('postgres');
sql('CREATE EXTENSION pagestore; CREATE EXTENSION pagestore_test; CREATE TABLE m (i int); INSERT INTO m SELECT generate_series(1, 3)');
foreach my $i (1 .. 3)
{
	$other->query_safe("BEGIN; SELECT FROM m WHERE i = $i FOR SHARE");
	sql("SELECT FROM m WHERE i = $i FOR SHARE");
	$other->query_safe('COMMIT');
}
$other->quit;
$xid{aborted} = 0;
my $make = q[CREATE TABLE %1$s (id int, n int, v text, big text) USING pagestore WITH (fillfactor = 60);
	ALTER TABLE %1$s ALTER big SET STORAGE EXTERNAL;
	INSERT INTO %1$s SELECT i, 0, repeat('v', 100), CASE WHEN i %% 10 = 0 THEN repeat('b', 5000) END FROM generate_series(1, 120) i;
	UPDATE %1$s SET n = 1 WHERE id %% 10 = 3;
	VACUUM %1$s;
	UPDATE %1$s SET n = 2 WHERE id %% 10 = 6 AND ctid >= '(1,0)';];
sql(join('', map { sprintf($make, "d$_") } 0 .. $#damage + 1));    # the last one is left as it is
$xid{aborted} = sql("BEGIN; SELECT pg_current_xact_id()::text; ROLLBACK");
$xid{next} = sql("SELECT pg_current_xact_id()::text");
my @files = map { $node->data_dir . "/$_" } split /\n/, sql("SELECT pg_relation_filepath('d' || i) FROM generate_series(0, $#damage) i ORDER BY i");
my @frozen = split /\n/, sql("SELECT relfrozenxid FROM pg_class, generate_series(0, $#damage) i WHERE relname = 'd' || i ORDER BY i");
$xid{minmulti} = sql("SELECT relminmxid FROM pg_class WHERE relname = 'd0'");
$xid{multi} = sql("SELECT next_multixact_id FROM pg_control_checkpoint()") - 1;
$xid{multi} = $xid{minmulti} if $xid{multi} < $xid{minmulti};
$node->stop;

my %wrong;    # offset of what was damaged
foreach my $d (0 .. $#damage)
{
	my $block = ($damage[$d][5] // '') eq 'block 0' ? 0 : 1;
	$xid{frozen} = $frozen[$d];
	open(my $fh, '+<:raw', $files[$d]) or die "$files[$d]: $!";
	seek($fh, 8192 * $block, 0);
	read($fh, my $page, 8192) == 8192 or die "$files[$d] is short";
	$wrong{$d} = $damage[$d][1]->(\$page);
	seek($fh, 8192 * $block, 0);
	print $fh $page;
	close $fh;
}
$node->start;
sql('CREATE EXTENSION amcheck');

foreach my $d (0 .. $#damage)
{
	my ($name, undef, $message, $attribute, $core, $block) = @{ $damage[$d] };
	my $at = (($block // '') eq 'block 0' ? 0 : 1) . '|' . ($wrong{$d} // '') . "|$attribute|";
	my ($found, $first, $after) = split /--\n?/, sql("SELECT * FROM pagestore_check('d$d'); SELECT '--';
		SELECT count(*) FROM pagestore_check('d$d', on_error_stop => true, startblock => 1); SELECT '--'; SELECT * FROM pagestore_check('d$d', startblock => 2)");
	my @lines = split /\n/, $found;
	ok(scalar(grep { index($_, $at) == 0 && $_ =~ $message } @lines), "$name: found at $at") or diag($found);
	is(scalar(@lines), 1, "$name: and nothing else") or diag($found) unless ($block // '') eq 'more' || $name =~ /multixact and|in another relation|behind/;
	is($first > 0, $at !~ /^0/, "$name: with on_error_stop");
	is($after // '', '', "$name: not on other pages");
	next unless $core;
	my $mine = "t\n" . join("\n", do { my %seen; grep { !$seen{$_}++ } map { /^(\d*\|\d*\|\d*)/; $1 } @lines });
	my $theirs = sql("SELECT pagestore_convert('d$d', 'heap'); SELECT DISTINCT blkno, offnum, attnum FROM verify_heapam('d$d', check_toast => true) ORDER BY 1, 2, 3");
	# From 16 on it tells as well of heap-only rows that no redirect leads to.
	$theirs =~ s/\n1\|35\|$// if server_major() >= 16 && $name =~ /^redirect (to nothing|beyond)$/;
	is($theirs, $mine, "$name: where verify_heapam finds it");
}
is(sql("SELECT * FROM pagestore_check('d" . ($#damage + 1) . "')"), '', 'what is not damaged is passed');

# ---- pages that can't be read ----

my $last = 'd' . ($#damage + 1);
$node->restart;
set_fault($node, op => 'read', error => 'EIO', relfilenode => sql("SELECT pg_relation_filenode('$last')"), times => 100, skip => 0);
like(sql("SELECT * FROM pagestore_check('$last', startblock => 1, endblock => 1)"), qr/^1\|\|\|could not read block.*Input\/output error$/, 'an error of the disk is a finding');
clear_faults($node);
is(sql("SELECT * FROM pagestore_check('$last')"), '', '... as long as it lasts');

# ---- chunks ----

my $toast = sql("SELECT reltoastrelid::regclass FROM pg_class WHERE relname = '$last'");
my $toast_file = main_file($node, $toast);
$node->stop;
open(my $fh, '+<:raw', $toast_file) or die $!;
read($fh, my $page, 8192);
# three chunks a value; the number is behind the value's id
my @chunks = grep { flags(\$page, $_) == 1 } 1 .. items(\$page);
my $second = row(\$page, $chunks[1]);
u32(\$page, $second + u8(\$page, $second + $hoff) + 4, 7);
seek($fh, 0, 0);
print $fh $page;
close $fh;
$node->start;
my $found = sql("SELECT blkno, offnum, attnum, msg FROM pagestore_check('$last')");
like($found, qr/^0\|\d+\|3\|value \d+ in the TOAST table has chunk 7 where chunk 1 should be/m, 'a wrong chunk');
my @where = do { my %seen; grep { !$seen{$_}++ } map { /^(\d*\|\d*\|\d*)/; $1 } split /\n/, $found };
is(scalar(grep { $_ ne '||' } @where), 1, '... is told of the row that has the value');
is(sql("SELECT count(*) FROM pagestore_check('$last', check_toast => false)"), '0', '... if it is looked for');
sql("SELECT pagestore_convert('$last', 'heap')");
is(join("\n", grep { $_ ne '||' } @where), sql("SELECT DISTINCT blkno, offnum, attnum FROM verify_heapam('$last', check_toast => true)"), '... where verify_heapam finds it');

# ---- checksums ----

sql("DROP TABLE d$_") foreach 0 .. $#damage;
sql("DROP TABLE $last; " . sprintf($make, 'c'));
my $file = main_file($node, 'c');
$node->stop;
command_ok([ 'pg_checksums', '--enable', '-D', $node->data_dir ], 'checksums');
open($fh, '+<:raw', $file) or die $!;
seek($fh, 8192 + 8100, 0);
print $fh 'x';
close $fh;
$node->start;
like(sql("SELECT * FROM pagestore_check('c')"), qr/^1\|\|\|checksum is \d+, should be \d+$/m, 'a wrong checksum');

unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal/, 'nothing crashed');
$node->stop;
done_testing();
