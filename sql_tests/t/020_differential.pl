# The same random statements to heap and to pagestore tables (scripts/differential): same rows, same errors,
# pages that verify_heapam() and bt_index_check() accept, and a replay that makes the same pages.
# PAGESTORE_DIFF_SEED (1), PAGESTORE_DIFF_STEPS (800) and PAGESTORE_DIFF_ROUNDS (1) choose other streams, and longer ones.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;

my $script = "$FindBin::Bin/../../scripts/differential";
my $seed = $ENV{PAGESTORE_DIFF_SEED} // 1;
my $steps = $ENV{PAGESTORE_DIFF_STEPS} // 800;
my $rounds = $ENV{PAGESTORE_DIFF_ROUNDS} // 1;
my @settings = (
	[ 'a pool that holds all', 'pagestore.pool_size=16MB' ],
	[ 'the smallest pool', 'pagestore.pool_size=1MB' ],
	[ 'protected frames', 'pagestore.pool_size=2MB', 'pagestore.debug_protect_frames=on' ]);

foreach my $s (@settings)
{
	my ($name, @set) = @$s;
	command_like([ $script, '--seed', $seed, '--steps', $steps, '--rounds', $rounds, map { ('--set', $_) } @set ],
		qr/crash recovery replays to the same pages/, "$name: no difference");
	$seed += $rounds;
}
done_testing();
