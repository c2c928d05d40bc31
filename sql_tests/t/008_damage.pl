# A damaged page is an error of the statement that needs it, never a crash: every bound that a page's
# header, line pointers and tuple headers can break, then bytes at random.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('damage', checksums => 0, conf => "autovacuum = off\nrestart_after_crash = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pagestore');

sub u16 { my ($page, $at, $value) = @_; substr($$page, $at, 2) = pack('v', $value); }
sub item { my ($page, $n) = @_; return unpack('V', substr($$page, 20 + 4 * $n, 4)); }
sub set_item
{
	my ($page, $n, $offset, $flags, $length) = @_;
	substr($$page, 20 + 4 * $n, 4) = pack('V', $offset | $flags << 15 | $length << 17);
}
sub tuple { my ($page, $n) = @_; return item($page, $n) & 0x7fff; }
sub tuple_length { my ($page, $n) = @_; return item($page, $n) >> 17; }

# what is broken, how, and what the error says of it
my @damage = (
	[ 'line pointers reach into the rows', sub { u16($_[0], 12, 8000) }, qr/invalid page/ ],
	[ 'line pointers end inside the header', sub { u16($_[0], 12, 8) }, qr/invalid page/ ],
	[ 'rows begin behind the page', sub { u16($_[0], 14, 9000) }, qr/invalid page/ ],
	[ 'special space beyond the page', sub { u16($_[0], 16, 16000) }, qr/invalid page/ ],
	[ 'special space in a table', sub { u16($_[0], 16, 8176) }, qr/page header out of bounds/ ],
	[ 'unknown flags', sub { u16($_[0], 10, 0xff00) }, qr/invalid page/ ],
	[ 'another layout', sub { u16($_[0], 18, 8192 + 9) }, qr/page size or layout/ ],
	[ 'half a line pointer', sub { u16($_[0], 12, 24 + 4 * 20 + 2) }, qr/ends within a line pointer/ ],
	[ 'more line pointers than rows fit', sub { u16($_[0], 14, 4000); u16($_[0], 12, 24 + 4 * 400) }, qr/too many line pointers/ ],
	[ 'garbage on a page said to be new', sub { u16($_[0], 14, 0) }, qr/invalid page/ ],
	[ 'row behind the page', sub { set_item($_[0], 5, 8184, 1, 40) }, qr/line pointer out of bounds.*number 5/ ],
	[ 'row over the line pointers', sub { set_item($_[0], 5, 24, 1, 40) }, qr/line pointer out of bounds.*number 5/ ],
	[ 'row far too long', sub { set_item($_[0], 5, tuple($_[0], 5), 1, 32000) }, qr/line pointer out of bounds/ ],
	[ 'row not aligned', sub { set_item($_[0], 5, tuple($_[0], 5) + 3, 1, 32) }, qr/not aligned/ ],
	[ 'row shorter than its header', sub { set_item($_[0], 5, tuple($_[0], 5), 1, 12) }, qr/shorter than its header/ ],
	[ 'redirect behind the last line pointer', sub { set_item($_[0], 5, 3000, 2, 0) }, qr/redirect out of bounds/ ],
	[ 'redirect to nothing', sub { set_item($_[0], 5, 0, 2, 0) }, qr/redirect out of bounds/ ],
	[ 'dead line pointer with bytes', sub { set_item($_[0], 5, tuple($_[0], 5), 3, 40) }, qr/dead or unused line pointer/ ],
	[ 'unused line pointer with bytes', sub { set_item($_[0], 5, tuple($_[0], 5), 0, 40) }, qr/dead or unused line pointer/ ],
	[ 'rows that overlap', sub { set_item($_[0], $_, tuple($_[0], 9), 1, tuple_length($_[0], 9)) foreach (1 .. 8); set_item($_[0], 9, tuple($_[0], 20), 1, 8000 - tuple($_[0], 20)) }, qr/tuples overlap/ ],
	[ 'data inside the header', sub { substr(${ $_[0] }, tuple($_[0], 5) + 22, 1) = chr(8) }, qr/tuple data offset/ ],
	[ 'data behind the row', sub { substr(${ $_[0] }, tuple($_[0], 5) + 22, 1) = chr(248) }, qr/tuple data offset/ ],
	[ 'data not aligned', sub { substr(${ $_[0] }, tuple($_[0], 5) + 22, 1) = chr(25) }, qr/tuple data offset/ ],
	[ 'null bitmap over the data', sub { u16($_[0], tuple($_[0], 5) + 20, 1 | 0x0900); u16($_[0], tuple($_[0], 5) + 18, 1600) }, qr/tuple data offset/ ]);

# a server with assertions stops at many a value in a tuple header that heap takes, too
my $random = $node->safe_psql('postgres', 'SHOW debug_assertions') eq 'on' ? 1 : 60;
my $count = @damage + $random;
$node->safe_psql('postgres', join('', map {
	"CREATE TABLE d$_ (id int, n int) USING pagestore; INSERT INTO d$_ SELECT i, 0 FROM generate_series(1, 600) i; UPDATE d$_ SET n = 1 WHERE id % 3 = 0; CREATE INDEX d${_}_id ON d$_ (id);"
} (0 .. $count - 1)));
my @files = map { main_file($node, "d$_") } (0 .. $count - 1);
$node->stop;

# Page 1 of each file, changed by a function of the page.
sub change
{
	my ($file, $how) = @_;
	open(my $fh, '+<:raw', $file) or die "$file: $!";
	seek($fh, 8192, 0);
	read($fh, my $page, 8192) == 8192 or die "$file is short";
	$how->(\$page);
	seek($fh, 8192, 0);
	print $fh $page;
	close $fh;
}

srand(15);
change($files[$_], $damage[$_][1]) foreach (0 .. $#damage);
foreach my $t (@damage .. $count - 2)
{
	change($files[$t], sub {
		my ($page) = @_;
		my $items = (unpack('v', substr($$page, 12, 2)) - 24) / 4;
		foreach my $i (1 .. 1 + $t % 6)
		{
			# some row's header, but for where its data begins: that passes the check; else anything that a check looks at
			my $at = tuple($page, 1 + int(rand($items))) + int(rand(22));
			$at = 8 + int(rand(16 + 4 * $items)) if $t % 3 == 0;
			substr($$page, $at, 1) = chr(int(rand(256))) if $at < 8192;
		}
	});
}
# chains that run in a circle: each row is its own successor, by HOT
change($files[-1], sub {
	my ($page) = @_;
	foreach my $n (1 .. 40)
	{
		my $at = tuple($page, $n);
		next if (item($page, $n) >> 15 & 3) != 1;
		substr($$page, $at + 4, 4) = substr($$page, $at, 4);
		substr($$page, $at + 12, 6) = pack('vvv', 0, 1, $n);
		u16($page, $at + 18, unpack('v', substr($$page, $at + 18, 2)) | 0x4000);
		u16($page, $at + 20, (unpack('v', substr($$page, $at + 20, 2)) | 0x0100) & ~0x0e00);
	}
});

$node->start;
foreach my $t (0 .. $#damage)
{
	my ($name, undef, $error) = @{ $damage[$t] };
	my ($rc, $out, $err) = $node->psql('postgres', "SELECT count(*) FROM d$t");
	ok($rc != 0 && $err =~ $error, $name) or diag("rc $rc: $out $err");
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM d0 WHERE ctid < \'(1,0)\''), '151', 'other pages can be read');
my ($rc, $out, $err) = $node->psql('postgres', 'SET zero_damaged_pages = on; SELECT count(*) FROM d3');
ok($rc == 0 && $out > 300 && $out < 600 && $err =~ /zeroing out page/, 'zero_damaged_pages');

my $errors = 0;
foreach my $t (@damage .. $count - 1)
{
	my (undef, undef, $told) = $node->psql('postgres', join(";\n", "SET statement_timeout = '20s'",
		"SELECT count(*), sum(n) FROM d$t", 'SET enable_seqscan = off', "SELECT count(n) FROM d$t WHERE id < 500", 'RESET enable_seqscan',
		"SELECT count(*) FROM d$t WHERE ctid > '(1,3)'", "SELECT sum(n) FROM d$t TABLESAMPLE BERNOULLI (50)",
		'BEGIN', "SELECT count(*) FROM (SELECT * FROM d$t FOR UPDATE) s", 'ROLLBACK', "UPDATE d$t SET n = n + 1",
		"DELETE FROM d$t WHERE id % 5 = 0", "ANALYZE d$t", "CREATE INDEX ON d$t (n)", "REINDEX INDEX CONCURRENTLY d${t}_id",
		"VACUUM d$t", "VACUUM (FREEZE, DISABLE_PAGE_SKIPPING) d$t", "TRUNCATE d$t"), on_error_stop => 0);
	$errors += () = $told =~ /ERROR/g;
}
cmp_ok($errors, '>', $random, 'random damage is noticed') if $random > 1;
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is still there');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|canceling statement due to statement timeout/, 'nothing crashed or hung');
$node->stop;

# ---- a page of which nothing but the checksum is wrong: as heap's, counted, and read where that is asked for ----

my $sums = new_server('sums', conf => "autovacuum = off\n");
$sums->start;
$sums->safe_psql('postgres', 'CREATE EXTENSION pagestore; ' . join(' ', map {
	"CREATE TABLE c_$_ (i int, v text) USING $_; INSERT INTO c_$_ SELECT i, repeat('v', 30) FROM generate_series(1, 600) i; VACUUM (FREEZE) c_$_;"
} ('heap', 'pagestore')));
my %file = map { $_ => main_file($sums, "c_$_") } ('heap', 'pagestore');
$sums->stop;
foreach my $file (values %file)
{
	change($file, sub {
		my ($lower, $upper) = unpack('vv', substr(${ $_[0] }, 12, 4));
		die 'no room between line pointers and rows' if $lower == $upper;
		substr(${ $_[0] }, $lower, 1) = chr(77);
	});
}
$sums->start;
foreach my $ignored ('off', 'on')
{
	my %saw;
	foreach my $am ('heap', 'pagestore')
	{
		my $failures = "SELECT checksum_failures FROM pg_stat_database WHERE datname = 'postgres'";
		my $before = $sums->safe_psql('postgres', $failures);
		my ($rc, $out, $err) = $sums->psql('postgres', "SET ignore_checksum_failure = $ignored; SELECT count(*), sum(i), sum(length(v)) FROM c_$am");
		$sums->poll_query_until('postgres', "SELECT checksum_failures > $before FROM pg_stat_database WHERE datname = 'postgres'");
		my $counted = $sums->safe_psql('postgres', $failures) - $before;
		$saw{$am} = "$rc|$out|" . ($err =~ /ERROR:  invalid page in block 1 of relation/ ? 'refused' : 'read') . "|$counted";
		like($err, qr/checksum/, "ignore_checksum_failure = $ignored, $am: a warning names the checksum") if $am eq 'pagestore';
	}
	is($saw{pagestore}, $saw{heap}, "ignore_checksum_failure = $ignored: $saw{heap}");
	like($saw{heap}, $ignored eq 'on' ? qr/^0\|600\|180300\|18000\|read\|1$/ : qr/^3\|\|refused\|1$/, '... as it should be');
}
$sums->stop;
done_testing();
