# The same random statements to heap and to pagestore tables (scripts/differential): same rows, same errors,
# pages that verify_heapam() and bt_index_check() accept, and a replay that makes the same pages.
# One round of each mode; PAGESTORE_DIFF_SEED and PAGESTORE_DIFF_SECONDS choose other streams, and longer ones;
# PAGESTORE_DIFF_SET adds settings of the server.  One round has a pool whose size changes all the time.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;

my $script = "$FindBin::Bin/../../scripts/differential";
my @more = ('--seconds', $ENV{PAGESTORE_DIFF_SECONDS} // 0, map { ('--set', $_) } split(' ', $ENV{PAGESTORE_DIFF_SET} // ''));

# The seeds of the last two met, on a version that judged waiting for row locks by holders that were gone, a difference.
my @runs = (
	[ 'wide, a pool that holds all', 1, 600, 'pagestore.pool_size=16MB' ],
	[ 'wide, a pool that changes its size', 3, 400, 'pagestore.pool_size=4MB', 'pagestore.debug_resize_random=20' ],
	[ 'hot, the smallest pool', 2, 850, 'pagestore.pool_size=1MB' ],
	[ 'serial, protected frames', 2, 400, 'pagestore.pool_size=2MB', 'pagestore.debug_protect_frames=on' ]);

foreach my $run (@runs)
{
	my ($name, $seed, $steps, @set) = @$run;
	my ($mode) = $name =~ /^(\w+)/;
	command_like([ $script, '--mode', $mode, '--seed', $ENV{PAGESTORE_DIFF_SEED} // $seed, '--steps', $steps, @more, map { ('--set', $_) } @set ],
		qr/crash recovery replays to the same pages/, "$name: no difference");
}
done_testing();
