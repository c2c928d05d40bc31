# pg_dirtyread reads dead rows by heap's own scan: refused on a pagestore table, right once it has been switched to heap.
packages=(postgresql-15-dirtyread)

job() {
	local all="SELECT count(*), sum(id), count(*) FILTER (WHERE v LIKE '%.') FROM pg_dirtyread('t') AS t (id int, v text)"
	q "CREATE EXTENSION pg_dirtyread" "CREATE TABLE t (id int PRIMARY KEY, v text) :using" "ALTER TABLE t SET (autovacuum_enabled = false)" \
		"INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 2000) i" "UPDATE t SET v = v || '.' WHERE id % 4 = 0" "DELETE FROM t WHERE id % 4 = 1"
	crash
	if [ "$mode" != heap ]; then
		if q "$all" >"$dir/refused" 2>&1; then die "pg_dirtyread was not refused"; fi
		grep -q 'only heap AM is supported' "$dir/refused" || die "pg_dirtyread was refused in another way: $(cat "$dir/refused")"
		q "SELECT pagestore_convert('t', 'heap')" >/dev/null
	fi
	report "$all" "SELECT count(*), sum(id) FROM t"
	[ "$mode" = heap ] || q "SELECT pagestore_convert('t', 'pagestore')" >/dev/null
	q "VACUUM t"
	report "SELECT count(*), sum(id) FROM t"
}
