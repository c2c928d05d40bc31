# The same random work on heap and on pagestore tables gives the same answers (scripts/differential),
# with an ample pool, the smallest one, and protected frames.
# PAGESTORE_DIFFERENTIAL_ROUNDS (1) and PAGESTORE_DIFFERENTIAL_STEPS (400) make it longer.
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

my $script = dirname(__FILE__) . '/../../scripts/differential';
my $rounds = $ENV{PAGESTORE_DIFFERENTIAL_ROUNDS} // 1;
my $steps = $ENV{PAGESTORE_DIFFERENTIAL_STEPS} // 400;
# another stream each day, the same one within it
my $seed = $ENV{PAGESTORE_DIFFERENTIAL_SEED} // int(time / 86400) * 1000;

my $bindir = `pg_config --bindir`;
chomp $bindir;
$ENV{PG_CONFIG} = "$bindir/pg_config";

my %settings = (
	'ample pool' => [],
	'smallest pool' => [ '--set', 'pagestore.pool_size=1MB' ],
	'protected frames' => [ '--set', 'pagestore.debug_protect_frames=on' ],
	'synchronous reads, clock' => [ '--set', 'pagestore.io_method=sync', '--set', 'pagestore.replacement=clock', '--set', 'pagestore.pool_size=1MB' ]);
foreach my $name (sort keys %settings)
{
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run([ $script, '--seed', $seed, '--rounds', $rounds, '--steps', $steps, @{ $settings{$name} } ],
		'<', \undef, '>', \$out, '2>', \$err);
	ok($ok, "$name, seed $seed");
	$ok ? note($out) : diag("$out$err");
	$seed += 100;
}
done_testing();
