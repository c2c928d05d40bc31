# pgBackRest: full, differential and incremental backups of a running server, restored after its loss, whole and to a point in time.
packages=(pgbackrest)

backrest() { as_server pgbackrest --config="$dir/pgbackrest.conf" --stanza=s --log-level-console=warn "$@"; }

answers() { report "SELECT count(*), sum(n), md5(string_agg(v, '' ORDER BY id)) FROM t" "SET enable_seqscan = off" "SELECT count(*) FROM t WHERE id > 0"; }

work() {
	q "UPDATE t SET n = n + 1, v = v || '$1' WHERE id % $1 = 0" "DELETE FROM t WHERE id % 23 = $1" "INSERT INTO t SELECT i, 'more', 0 FROM generate_series($1 * 100000, $1 * 100000 + 3000) i"
}

# restore ARGS...: into the place of the data directory, and start; recovery ends before anybody asks
restore() {
	backrest restore "$@"
	start_cluster "$dir"
	wait_until 60 "SELECT NOT pg_is_in_recovery()"
}

job() {
	mkdir -p "$dir/repo" "$dir/lock" "$dir/spool"
	cat >"$dir/pgbackrest.conf" <<-CONF
		[global]
		repo1-path=$dir/repo
		repo1-retention-full=2
		repo1-bundle=y
		compress-type=none
		lock-path=$dir/lock
		spool-path=$dir/spool
		log-level-file=off
		start-fast=y
		[s]
		pg1-path=$dir/data
		pg1-socket-path=$dir
		pg1-user=postgres
	CONF
	give_to_server "$dir"
	q "ALTER SYSTEM SET archive_mode = on" "ALTER SYSTEM SET archive_command = 'pgbackrest --config=$dir/pgbackrest.conf --stanza=s archive-push %p'"
	restart
	backrest stanza-create
	q "CREATE TABLE t (id int PRIMARY KEY, v text, n int) :using" "INSERT INTO t SELECT i, repeat('v', i % 60), 0 FROM generate_series(1, 20000) i"
	backrest --type=full backup
	work 3
	crash
	backrest --type=diff backup
	work 4
	backrest --type=incr backup
	work 5
	answers
	q "SELECT pg_create_restore_point('here')" "SELECT pg_switch_wal()" >/dev/null
	work 6
	q "CHECKPOINT"
	answers
	q "SELECT pg_switch_wal()" >/dev/null
	wait_until 60 "SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 16777216) FROM pg_stat_archiver"

	kill_cluster "$dir"
	rm -rf "$dir/data"
	mkdir -m 700 "$dir/data"
	give_to_server "$dir/data"
	restore
	answers
	work 7
	kill_cluster "$dir"
	restore --delta --type=name --target=here --target-action=promote
	answers
	work 8
	crash
	answers
}
