# pagestore.debug_protect_frames: a session can touch a frame only while it holds a pin on it.
use strict;
use warnings;
use Pagestore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('protect', conf => "pagestore.debug_protect_frames = on\nhuge_pages = off\n");
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pagestore; CREATE EXTENSION pagestore_test;
	CREATE TABLE p (id int PRIMARY KEY, t text) USING pagestore;
	INSERT INTO p SELECT i, repeat('x', 500) FROM generate_series(1, 200) i));

# Which frames of p's blocks 0 and 5 can be touched: before, while a cursor stands on block 5, after.
my $look = q(SELECT string_agg(relblocknumber || ':' || pagestore_can_touch(frame), ' ' ORDER BY relblocknumber)
	FROM pagestore_frames WHERE relfilenode = pg_relation_filenode('p')
	AND reldatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) AND relblocknumber IN (0, 5););
my $steps = qq(
	SELECT count(*) FROM p;
	$look
	BEGIN;
	DECLARE c CURSOR FOR SELECT * FROM p WHERE ctid = '(5,1)';
	FETCH c \\gset
	$look
	SAVEPOINT s;
	$look
	CLOSE c;
	$look
	DECLARE d CURSOR FOR SELECT * FROM p WHERE ctid = '(5,1)';
	FETCH d \\gset
	ROLLBACK TO s;
	$look
	COMMIT;
	$look);
is($node->safe_psql('postgres', $steps),
	join("\n", '200', '0:false 5:false', '0:false 5:true', '0:false 5:true', '0:false 5:false', '0:false 5:false', '0:false 5:false'),
	'frames can be touched while pinned only');

is($node->safe_psql('postgres', q(SELECT count(*) FROM pagestore_frames WHERE pins > 0)), '0', 'no pin is left');

$node->append_conf('postgresql.conf', "pagestore.debug_protect_frames = off");
$node->restart;
is($node->safe_psql('postgres', "SELECT count(*) FROM p; $look"), "200\n0:true 5:true", 'and always without the setting');
$node->stop;
done_testing();
