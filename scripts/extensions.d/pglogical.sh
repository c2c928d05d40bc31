# pglogical: from database "from" to database d, initial copy and changes.
#
# Its apply worker changes rows with heap's own functions.  On a pagestore table that must be refused before any harm;
# with pglogical.use_spi it applies by SQL, and everything must arrive.
packages=(postgresql-15-pglogical)
preload=pglogical
settings=("track_commit_timestamp = on" "pglogical.conflict_resolution = error")
standby=1

from() { printf '%s;\n' "$@" | sql "$dir" -d from -At; }

tables() {
	echo "CREATE TABLE t (id int PRIMARY KEY, v text, n int) $1;
		CREATE TABLE u (id int PRIMARY KEY, v text) $1;"
}

work() {
	from "INSERT INTO t SELECT i, repeat('v', i % 50), 0 FROM generate_series($1, $1 + 299) i" \
		"INSERT INTO u SELECT i, repeat(md5(i::text), 200) FROM generate_series($1, $1 + 9) i" \
		"UPDATE t SET n = n + 1, v = v || 'u' WHERE id % 3 = 0" \
		"DELETE FROM t WHERE id % 5 = 1 AND id > $1" \
		"UPDATE u SET v = 'short' WHERE id % 2 = 0"
}

same() { # is everything in d that is in "from"?
	[ "$(from "$1")" = "$(q "$1")" ]
}

arrive() {
	local sum="SELECT (SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM t) || (SELECT md5(string_agg(u::text, ',' ORDER BY id)) FROM u)" end=$((SECONDS + 60))
	until same "$sum"; do
		[ $SECONDS -lt $end ] || die "changes did not arrive"
		sleep 0.2
	done
	report "$sum"
}

job() {
	local using
	q "CREATE DATABASE \"from\""
	case $mode in heap) using="USING heap" ;; tables) using="USING pagestore" ;; default) using="" ;; esac
	from "$(tables "$using")" "CREATE EXTENSION pglogical"
	q "$(tables "$using")" "CREATE EXTENSION pglogical"
	from "INSERT INTO t SELECT i, 'first', 0 FROM generate_series(1, 1000) i"
	from "SELECT pglogical.create_node('from', 'host=$dir dbname=from user=postgres')" \
		"SELECT pglogical.replication_set_add_all_tables('default', '{public}')" >/dev/null
	q "SELECT pglogical.create_node('d', 'host=$dir dbname=d user=postgres')" \
		"SELECT pglogical.create_subscription('s', 'host=$dir dbname=from user=postgres', synchronize_data := true)" >/dev/null
	wait_until 60 "SELECT status = 'replicating' FROM pglogical.show_subscription_status('s')"
	wait_until 60 "SELECT count(*) = 1000 FROM t"
	q "CHECKPOINT"
	work 2001
	if [ "$mode" != heap ]; then
		# refused before any harm: an error that says what to do, and not a row is changed
		local end=$((SECONDS + 60))
		until grep -q 'ERROR:  pglogical cannot write to pagestore table' "$dir/log"; do
			[ $SECONDS -lt $end ] || die "pglogical's apply worker was not refused"
			sleep 0.2
		done
		[ "$(q "SELECT count(*) || ' ' || sum(n) || ' ' || count(DISTINCT v) FROM t")" = "1000 0 1" ] || die "a refused worker has changed rows"
		q "CHECKPOINT"
		crash
		[ "$(q "SELECT count(*) || ' ' || sum(n) || ' ' || count(DISTINCT v) FROM t")" = "1000 0 1" ] || die "a refused worker has changed rows"
		q "ALTER SYSTEM SET pglogical.use_spi = on"
		restart
	else
		crash
		restart
	fi
	arrive
	work 3001
	q "CHECKPOINT"
	arrive
	crash
	work 4001
	arrive
	q "SELECT pglogical.alter_subscription_disable('s', true)" >/dev/null
	restart
	q "SELECT pglogical.drop_subscription('s')" "SELECT pglogical.drop_node('d')" >/dev/null
	report "SELECT count(*) FROM pglogical.node" "SELECT count(*) FROM pglogical.subscription" "SELECT count(*) FROM pglogical.local_sync_status"
}
