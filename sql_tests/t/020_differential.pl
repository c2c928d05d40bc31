# The same stream of statements, chosen by a seed, to heap tables and to pagestore tables: same rows, same errors.
# Several sessions take turns, so that transactions overlap; whoever would wait fails by lock_timeout, on both sides alike.
# At the end the pagestore tables become heap tables and heap's own checkers look at them.
# PAGESTORE_DIFF_SEED (by the day) and PAGESTORE_DIFF_STEPS (700) choose the streams.
use strict;
use warnings;
use Pagestore;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{PAGESTORE_DIFF_SEED} // int(time / 86400);
my $steps = $ENV{PAGESTORE_DIFF_STEPS} // 700;
my $sessions = 4;
my @settings = (
	[ 'a pool of 8 MB', '' ],
	[ 'the smallest pool', "pagestore.pool_size = '1MB'\n" ],
	[ 'protected frames', "pagestore.debug_protect_frames = on\n" ]);

# ---- a session: psql that is sent one statement at a time ----

sub session
{
	my ($node, $schema) = @_;
	my $s = { in => '', out => '', err => '', n => 0 };

	$s->{h} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=terse', '-h', $node->host, '-p', $node->port, 'postgres' ],
		'<', \$s->{in}, '>', \$s->{out}, '2>', \$s->{err}, IPC::Run::timeout(300));
	ask($s, "SET search_path = $schema; SET default_table_access_method = " . ($schema eq 'h' ? 'heap' : 'pagestore')
		  . "; SET lock_timeout = '30ms'; SET client_min_messages = warning");
	return $s;
}

# What the statement returns, lines in order of the alphabet, errors included.
sub ask
{
	my ($s, $sql) = @_;
	my $end = 'end of ' . ++$s->{n};

	$s->{out} = $s->{err} = '';
	$s->{in} .= "$sql;\n\\echo $end\n\\warn $end\n";
	$s->{h}->pump until $s->{out} =~ /^\Q$end\E\n/m && $s->{err} =~ /^\Q$end\E\n/m;
	my $out = $s->{out} . $s->{err};
	$out =~ s/^\Q$end\E\n//mg;
	$out =~ s/^psql:<stdin>:\d+: //mg;
	return join("\n", sort split(/\n/, $out));
}

# ---- the stream ----

# Perl's own generator changes with its version: a linear congruential one does not.
my $state;
sub rnd
{
	my ($n) = @_;
	$state = ($state * 1103515245 + 12345) % 2147483648;
	return int($state / 65536) % $n;
}
sub pick { return $_[rnd(scalar @_)]; }
sub key { return rnd(120); }

# Values from nothing to several pages, some that compress and some that don't.
sub text
{
	my $r = rnd(10);
	return 'NULL' if $r == 0;
	return "repeat('" . pick('a' .. 'f') . "', " . rnd(60) . ')' if $r < 7;
	return "repeat('" . pick('u' .. 'z') . "', " . (500 + rnd(9000)) . ')' if $r < 9;
	return '(SELECT string_agg(md5(i::text), NULL) FROM generate_series(' . rnd(100) . ', 300) i)';
}

my $serial = 1000;
my @dml = (
	sub { my $k = key(); "INSERT INTO d VALUES ($k, " . $serial++ . ', ' . rnd(10) . ', ' . text() . ')' },
	sub { my $k = key(); "INSERT INTO d SELECT i, i + " . ($serial += 20) . ", 0, 'many' FROM generate_series($k, $k + 9) i ON CONFLICT (id) DO NOTHING" },
	sub { my $k = key(); "INSERT INTO d VALUES ($k, " . $serial++ . ", 1, 'upsert') ON CONFLICT (id) DO UPDATE SET n = d.n + 1, t = excluded.t RETURNING id, n" },
	sub { 'UPDATE d SET n = n + 1 WHERE id = ' . key() . ' RETURNING id, n' },
	sub { my $k = key(); "UPDATE d SET n = n + 1 WHERE id BETWEEN $k AND $k + 5 RETURNING id, n" },
	sub { 'UPDATE d SET t = ' . text() . ' WHERE id = ' . key() . ' RETURNING id, md5(t)' },
	sub { 'UPDATE d SET id = ' . key() . ' WHERE id = ' . key() . ' RETURNING id' },
	sub { 'UPDATE d SET k = ' . $serial++ . ' WHERE id = ' . key() },
	sub { 'DELETE FROM d WHERE id = ' . key() . ' RETURNING id' },
	sub { 'DELETE FROM d WHERE n > ' . (3 + rnd(8)) . ' RETURNING id' },
	sub { 'INSERT INTO f VALUES (' . rnd(200) . ', ' . key() . ')' },
	sub { 'DELETE FROM f WHERE a < ' . rnd(30) },
	sub { 'UPDATE f SET id = ' . key() . ' WHERE a = ' . rnd(200) },
	sub { my $k = key(); "MERGE INTO d USING (SELECT $k AS id, " . $serial++ . ' AS k) s ON d.id = s.id WHEN MATCHED AND d.n > 3 THEN DELETE '
		  . "WHEN MATCHED THEN UPDATE SET n = d.n + 2 WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.k, 0, 'merged')" },
	sub { "WITH w AS (DELETE FROM d WHERE id = " . key() . " RETURNING *) INSERT INTO d SELECT id + 200, k, n, t FROM w" });
my @queries = (
	sub { 'SELECT count(*), sum(n), md5(string_agg(t, id::text ORDER BY id)) FROM d' },
	sub { 'SELECT id, n FROM d WHERE id BETWEEN ' . rnd(60) . ' AND ' . (60 + rnd(60)) },
	sub { 'SELECT id, k FROM d WHERE k > ' . ($serial - 20) },
	sub { 'SELECT d.id, count(f.a) FROM d LEFT JOIN f USING (id) GROUP BY 1' },
	sub { my $k = key(); "SELECT id, n FROM d WHERE id BETWEEN $k AND $k + 3 FOR " . pick('UPDATE', 'NO KEY UPDATE', 'SHARE', 'KEY SHARE') . pick('', ' NOWAIT', ' SKIP LOCKED') });
my @inside = (
	sub { 'SAVEPOINT s' }, sub { 'SAVEPOINT s' }, sub { 'ROLLBACK TO s' }, sub { 'RELEASE s' },
	sub { 'DECLARE c CURSOR FOR SELECT id, n FROM d ORDER BY id' }, sub { 'FETCH 10 FROM c' }, sub { 'FETCH BACKWARD 5 FROM c' },
	sub { 'DECLARE w CURSOR FOR SELECT id, n FROM d WHERE id < 60 ORDER BY id FOR UPDATE' }, sub { 'FETCH 2 FROM w' },
	sub { 'UPDATE d SET n = n + 100 WHERE CURRENT OF w' }, sub { 'DELETE FROM d WHERE CURRENT OF w' });
my @ddl = (
	sub { 'CREATE INDEX IF NOT EXISTS d_n ON d (n)' }, sub { 'DROP INDEX IF EXISTS d_n' },
	sub { 'CREATE INDEX IF NOT EXISTS d_t ON d USING hash (t)' }, sub { 'DROP INDEX IF EXISTS d_t' },
	sub { 'ALTER TABLE d ADD IF NOT EXISTS x int DEFAULT 7' }, sub { 'ALTER TABLE d DROP IF EXISTS x' },
	sub { 'ALTER TABLE d ALTER n TYPE ' . pick('int', 'bigint') },
	sub { 'ALTER TABLE d SET (fillfactor = ' . pick(50, 80, 100) . ')' },
	sub { 'ALTER TABLE d ALTER t SET STORAGE ' . pick('EXTERNAL', 'EXTENDED', 'MAIN') },
	sub { 'TRUNCATE f' }, sub { 'REINDEX TABLE d' }, sub { 'CLUSTER d USING d_pkey' }, sub { 'LOCK TABLE d IN SHARE ROW EXCLUSIVE MODE' });
my @alone = (
	(sub { 'VACUUM d' }) x 3, sub { 'VACUUM (ANALYZE) f' }, sub { 'VACUUM FULL d' }, sub { 'VACUUM (INDEX_CLEANUP OFF) d' },
	sub { 'REINDEX TABLE CONCURRENTLY f' }, sub { 'CHECKPOINT' });
# heap's wait for pins of open cursors, for ever
my @nobody_else = (sub { 'VACUUM (FREEZE) d' }, sub { 'VACUUM (DISABLE_PAGE_SKIPPING) d' }, sub { 'VACUUM (FREEZE) f' });

sub statement
{
	my ($s, $others) = @_;
	my $r = rnd(100);

	if ($s->{failed} && $r < 60)
	{
		return 'ROLLBACK TO s' if $r < 25;
		$s->{open} = $s->{failed} = 0;
		return 'ROLLBACK';
	}
	if (!$s->{open})
	{
		return pick(@nobody_else)->() if $r < 4 && !$others;
		return pick(@alone)->() if $r < 6;
		return pick(@ddl)->() if $r < 9;
		if ($r < 45)
		{
			$s->{open} = 1;
			return 'BEGIN ISOLATION LEVEL ' . pick('READ COMMITTED', 'REPEATABLE READ');
		}
	}
	elsif ($r < 14)
	{
		$s->{open} = 0;
		return pick('COMMIT', 'COMMIT', 'ROLLBACK');
	}
	return pick(@inside)->() if $s->{open} && $r < 36;
	return pick(@ddl)->() if $r < 38;
	return $r < 75 ? pick(@dml)->() : pick(@queries)->();
}

# ---- one run ----

sub run
{
	my ($name, $conf, $run_seed) = @_;
	my $node = new_server('diff' . $run_seed, conf => "autovacuum = off\nfsync = off\nmax_wal_size = '256MB'\n$conf");
	my (%side, @log);

	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pagestore; CREATE EXTENSION amcheck; CREATE SCHEMA h; CREATE SCHEMA p');
	$state = $run_seed % 2147483648;
	$serial = 1000;
	foreach my $schema (qw(h p))
	{
		$side{$schema} = [ map { session($node, $schema) } 1 .. $sessions ];
		ask($side{$schema}[0], q(CREATE TABLE d (id int PRIMARY KEY, k int UNIQUE, n int, t text);
			CREATE TABLE f (a int, id int REFERENCES d ON DELETE CASCADE ON UPDATE CASCADE);
			INSERT INTO d SELECT i, i, 0, repeat('i', i * 7) FROM generate_series(1, 100) i));
	}

	my @sessions = map { { open => 0 } } 1 .. $sessions;
	my $differs;
	my ($errors, $timeouts, $idle) = (0, 0, 0);
	for my $i (1 .. $steps)
	{
		my $n = rnd($sessions);
		my $sql = statement($sessions[$n], scalar grep { $_->{open} } @sessions);
		my ($h, $p) = map { ask($side{$_}[$n], $sql) } qw(h p);

		push @log, "$n: $sql";
		$sessions[$n]{failed} = $sessions[$n]{open} && ($h =~ /ERROR/ || ($sessions[$n]{failed} && $sql !~ /^ROLLBACK/));
		$errors++ if $h =~ /ERROR/ && $h !~ /transaction is aborted/;
		$timeouts++ if $h =~ /lock timeout/;
		$idle++ if $h =~ /transaction is aborted/;
		next if $h eq $p;
		$differs = "step $i, session $n: $sql\nheap: $h\npagestore: $p\nbefore it:\n" . join("\n", @log[-($#log > 30 ? 30 : $#log) .. -1]);
		last;
	}
	note("$errors errors, $timeouts of them lock timeouts; $idle in vain");
	ok(!defined $differs, "$name, seed $run_seed: the same answers") or diag($differs);

	foreach my $schema (qw(h p))
	{
		ask($_, 'COMMIT') foreach @{ $side{$schema} };
		ask($side{$schema}[0], 'ALTER TABLE d DROP IF EXISTS x');
	}
	ok(same_tables($node, 'h.d', 'p.d') && same_tables($node, 'h.f', 'p.f'), 'the same rows') unless defined $differs;
	foreach my $schema (qw(h p))
	{
		foreach my $s (@{ $side{$schema} })
		{
			$s->{in} .= "\\q\n";
			$s->{h}->finish;
		}
	}

	is($node->safe_psql('postgres', "SELECT count(bt_index_check(c.oid, true)::text) FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE amname = 'btree' AND relnamespace = 'p'::regnamespace") >= 2,
		1, 'indexes match their tables');
	$node->safe_psql('postgres', "SELECT pagestore_convert('p.$_', 'heap')") foreach qw(d f);
	is($node->safe_psql('postgres', "SELECT c.relname, v.* FROM pg_class c, verify_heapam(c.oid, check_toast => true) v WHERE relname IN ('d', 'f') AND relnamespace = 'p'::regnamespace"),
		'', 'verify_heapam() finds nothing');
	unlike(slurp_file($node->logfile), qr/PANIC|TRAP|invalid page|terminated by signal/, 'nothing bad in the log');
	$node->stop;
}

run(@{ $settings[$_] }, $seed * 10 + $_) foreach 0 .. $#settings;
done_testing();
