# Loaded before one of PostgreSQL's own TAP scripts: each server that it makes has an access method more, which is the
# default from the server's first start on.  DEFAULT_METHOD in the environment: pagestore, heap_renamed, or heap.
package DefaultMethod;
use strict;
use warnings;
use PostgreSQL::Test::Cluster;

my $method = $ENV{DEFAULT_METHOD};
my %create = (
	pagestore => 'CREATE EXTENSION pagestore',
	heap_renamed => 'CREATE ACCESS METHOD heap_renamed TYPE TABLE HANDLER heap_tableam_handler');
my %new;	# servers that have not been started yet

my $init = \&PostgreSQL::Test::Cluster::init;
my $start = \&PostgreSQL::Test::Cluster::start;

sub init
{
	my ($node, @rest) = @_;
	my $result = $init->($node, @rest);
	# what is remembered of pages in the pool makes files and processes that these tests do not expect
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pagestore'\npagestore.pool_size = '8MB'\npagestore.autoprewarm = off\n")
	  if $method eq 'pagestore';
	$new{ $node->name } = 1;
	return $result;
}

sub start
{
	my ($node, @rest) = @_;
	my $result = $start->($node, @rest);
	if (delete $new{ $node->name } && $create{$method})
	{
		$node->safe_psql($_, $create{$method}) foreach ('template1', 'postgres');
		$node->append_conf('postgresql.conf', "default_table_access_method = '$method'");
		$node->reload;
		$node->poll_query_until('postgres', "SELECT current_setting('default_table_access_method') = '$method'") or die 'the default is not taken';
	}
	return $result;
}

no warnings 'redefine';
*PostgreSQL::Test::Cluster::init = \&init;
*PostgreSQL::Test::Cluster::start = \&start;

1;
