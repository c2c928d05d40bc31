# Libraries that work on tables behind their access method: refused before any harm, on heap tables not in the way.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use File::Basename;
use Pagestore;

my $source = dirname(__FILE__) . '/../behind/behind.c';
my $dir = PostgreSQL::Test::Utils::tempdir;
my $include = qx{pg_config --includedir-server};
chomp $include;

# The library as the linker makes it by different habits, and under the name of one that is known.
# Of "partial" the linker protects its slots but for a page that also has data, of "text" they are in its code.
my %build = (lazy => ['-Wl,-z,lazy,-z,norelro'], now => ['-Wl,-z,now,-z,relro'], early => ['-Wl,-z,now,-z,relro'], pglogical => [],
	partial => ['-Wl,-z,now,-z,relro'], text => ['-fno-pic', '-fno-pie', '-mcmodel=large', '-Wl,-z,notext']);
foreach my $name (sort keys %build)
{
	system_or_bail('cc', '-shared', '-fPIC', '-O1', "-I$include", @{ $build{$name} }, '-o', "$dir/$name.so", $source);
}
end_relro_in_data("$dir/partial.so");

# The linker protects whole pages only; some processors' pages are larger than what the library was linked for.
sub end_relro_in_data
{
	my ($file) = @_;
	my $elf = slurp_file($file);
	my ($phoff, $phnum) = (unpack('Q<', substr($elf, 32, 8)), unpack('S<', substr($elf, 56, 2)));
	my $done = 0;
	for (my $header = $phoff; $header < $phoff + 56 * $phnum; $header += 56)
	{
		next if unpack('L<', substr($elf, $header, 4)) != 0x6474e552;    # PT_GNU_RELRO
		substr($elf, $header + 40, 8) = pack('Q<', unpack('Q<', substr($elf, $header + 40, 8)) + 64);
		$done = 1;
	}
	die "no PT_GNU_RELRO in $file" unless $done;
	unlink $file;
	append_to_file($file, $elf);
	chmod 0755, $file or die $!;
}

# "early" is loaded before pagestore is, the others when they are used
my $node = new_server('behind', conf => "dynamic_library_path = '$dir:\$libdir'\nautovacuum = off\n");
$node->append_conf('postgresql.conf', "shared_preload_libraries = '$dir/early, pagestore'\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pagestore;
	CREATE TABLE h (a int) USING heap;
	CREATE TABLE p (a int) USING pagestore;
	INSERT INTO h SELECT generate_series(1, 500);
	INSERT INTO p SELECT generate_series(1, 500);
	VACUUM h; VACUUM p;
	CHECKPOINT;
	UPDATE p SET a = a WHERE a > 400;
});
foreach my $name (qw(lazy now early partial text))
{
	$node->safe_psql('postgres', qq{
		CREATE SCHEMA $name;
		CREATE FUNCTION $name.behind(regclass, text) RETURNS void LANGUAGE c AS '$dir/$name', 'behind';
		CREATE FUNCTION $name.worker(text, text) RETURNS void LANGUAGE c AS '$dir/$name', 'behind_worker';
	});
}
my $before = table_state($node, 'p');
my @all = qw(heap_insert heap_multi_insert heap_delete heap_update heap_lock_tuple simple_heap_insert simple_heap_delete simple_heap_update
	CatalogTupleInsert CatalogTupleUpdate CatalogTupleDelete RelationGetBufferForTuple heap_fetch ReadBuffer ReadBufferExtended ReleaseAndReadBuffer);
push @all, qw(read_stream_begin_relation ExtendBufferedRel ExtendBufferedRelBy ExtendBufferedRelTo) if server_major() >= 17;

sub refused
{
	my ($sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql, on_error_stop => 1);
	return $err;
}

foreach my $name (qw(lazy now early partial text))
{
	my @passed;
	foreach my $what (@all)
	{
		my $err = refused("SELECT $name.behind('p', '$what')");
		push @passed, "$what: $err"
			unless $err =~ /ERROR:  $name cannot work on pagestore table "p"\nDETAIL:  It called $what\(\)/ && $err =~ /HINT:/;
	}
	is(join("\n", @passed), '', "$name: each function is refused on a pagestore table");
	is(refused("SELECT $name.behind('p', 'map')"), '', "$name: its maps may be read");
}
is(table_state($node, 'p'), $before, 'not a row has changed');

# The page is the pool's newest: nothing was read into shared buffers or dirtied there.
kill_server($node);
$node->start;
is(table_state($node, 'p'), $before, 'nor after a crash');
$node->safe_psql('postgres', "SELECT lazy.behind('h', 'heap_insert')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM h'), '501', 'heap tables are as open as ever');

# All of them work where shared or local buffers are what has the page.
my @failed;
foreach my $what (@all)
{
	foreach my $kind ('h2', 'temporary')
	{
		my $create = $kind eq 'h2' ? 'CREATE TABLE h2 (a int) USING heap' : 'CREATE TEMP TABLE temporary (a int) USING pagestore';
		my $err = refused("$create; INSERT INTO $kind VALUES (1); VACUUM $kind; SELECT now.behind('$kind', '$what'); DROP TABLE $kind");
		push @failed, "$what, $kind: $err" if $err ne '';
	}
	my $err = refused("BEGIN; CREATE TABLE h3 (a int) USING heap; INSERT INTO h3 VALUES (1); SELECT pagestore_convert('h3', 'pagestore'); SELECT now.behind('h3', '$what'); ROLLBACK");
	push @failed, "$what, switched in this transaction: $err" if $err ne '';
}
is(join("\n", @failed), '', 'each function works on heap tables, temporary tables, and tables that shared buffers own');

# ---- workers of libraries known by name ----

sub worker
{
	my ($library, $sql) = @_;
	my $from = -s $node->logfile;
	$node->safe_psql('postgres', "SELECT now.worker('$library', \$\$$sql\$\$)");
	return slurp_file($node->logfile, $from);
}

like(worker('pglogical', 'INSERT INTO p VALUES (7777)'), qr/ERROR:  pglogical cannot write to pagestore table "p".*HINT:  .*pglogical\.use_spi/s,
	'a worker of pglogical is refused with its first row');
like(worker('pglogical', 'DELETE FROM p'), qr/ERROR:  pglogical cannot write to pagestore table "p"/, 'or deletion');
is(table_state($node, 'p'), $before, 'not a row has changed');
worker('pglogical', 'INSERT INTO h VALUES (7777)');
is($node->safe_psql('postgres', 'SELECT count(*) FROM h WHERE a = 7777'), '1', 'its heap tables are its own');
worker('now', 'INSERT INTO p VALUES (7777)');
is($node->safe_psql('postgres', 'SELECT count(*) FROM p WHERE a = 7777'), '1', 'workers of other libraries write by SQL');
$node->append_conf('postgresql.conf', 'pglogical.use_spi = on');
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('pglogical.use_spi', true) = 'on'") or die 'reload';
worker('pglogical', 'INSERT INTO p VALUES (8888)');
is($node->safe_psql('postgres', 'SELECT count(*) FROM p WHERE a = 8888'), '1', 'so may pglogical when it is set to');

$node->stop;
done_testing();
