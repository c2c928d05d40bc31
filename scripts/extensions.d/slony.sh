# Slony: replication by triggers (in C, by SPI) whose log tables are emptied by TRUNCATE; from database "from" to database d.
# Its own tables are made by a client, not by an extension's script: they follow default_table_access_method.
packages=(slony1-2-bin postgresql-15-slony1-2)

from() { printf '%s;\n' "$@" | sql "$dir" -d from -At; }

daemons() {
	local db
	for db in from d; do
		as_server slon -s 500 -t 1000 pages "host=$dir dbname=$db user=postgres" >>"$dir/slon.$db" 2>&1 &
	done
}

# the daemons are children of this shell, or of the runuser that it started
end_daemons() {
	local p
	for p in $(jobs -p); do
		kill $(ps -o pid= --ppid "$p") "$p" 2>/dev/null || true
	done
	wait || true
}

work() {
	from "INSERT INTO t SELECT i, repeat('v', i % 40) FROM generate_series($1, $1 + 499) i" "UPDATE t SET v = v || '.' WHERE id % 7 = 0" "DELETE FROM t WHERE id % 11 = $2"
}

arrive() {
	local sum="SELECT count(*), md5(string_agg(t::text, ',' ORDER BY id)) FROM t" end=$((SECONDS + 90))
	until [ "$(from "$sum")" = "$(q "$sum")" ]; do
		[ $SECONDS -lt $end ] || die "changes did not arrive"
		sleep 0.5
	done
	report "$sum"
}

job() {
	local db using
	case $mode in heap) using="USING heap" ;; tables) using="USING pagestore" ;; default) using="" ;; esac
	q "CREATE DATABASE \"from\""
	for db in from d; do sql "$dir" -d $db -c "CREATE TABLE t (id int PRIMARY KEY, v text) $using"; done
	work 1 0
	{
		echo "cluster name = pages;"
		echo "node 1 admin conninfo = 'host=$dir dbname=from user=postgres';"
		echo "node 2 admin conninfo = 'host=$dir dbname=d user=postgres';"
		echo "init cluster (id = 1, comment = 'from');"
		echo "create set (id = 1, origin = 1, comment = 's');"
		echo "set add table (set id = 1, origin = 1, id = 1, fully qualified name = 'public.t');"
		echo "store node (id = 2, comment = 'd', event node = 1);"
		echo "store path (server = 1, client = 2, conninfo = 'host=$dir dbname=from user=postgres');"
		echo "store path (server = 2, client = 1, conninfo = 'host=$dir dbname=d user=postgres');"
	} | as_server slonik >"$dir/slonik" 2>&1 || die "slonik: $(cat "$dir/slonik")"
	trap end_daemons EXIT
	daemons
	{
		echo "cluster name = pages;"
		echo "node 1 admin conninfo = 'host=$dir dbname=from user=postgres';"
		echo "node 2 admin conninfo = 'host=$dir dbname=d user=postgres';"
		echo "subscribe set (id = 1, provider = 1, receiver = 2, forward = no);"
	} | as_server slonik >>"$dir/slonik" 2>&1 || die "slonik: $(cat "$dir/slonik")"
	arrive
	work 1001 1
	arrive
	from "SELECT _pages.logswitch_start()" >/dev/null
	work 2001 2
	q "CHECKPOINT"
	arrive
	end_daemons
	work 3001 3
	crash
	daemons
	arrive
	from "SELECT _pages.cleanupevent('0'::interval)" "SELECT _pages.logswitch_finish()" >/dev/null
	work 4001 4
	arrive
	end_daemons
	trap - EXIT
	restart
	report "SELECT count(*) FROM _pages.sl_subscribe" "SELECT tab_relname FROM _pages.sl_table"
}
