# pg_dump and pg_restore of a database with the extension and its tables: whole, in parallel, and in one transaction.
packages=()

restore() { # DATABASE [pg_restore's options]
	as_server env PGOPTIONS="${options:-}" "$BIN/pg_restore" -h "$dir" -U postgres -d "$1" "${@:2}" "$dir/dump"
}

methods() { sql "$dir" -d "$1" -At -c "SELECT relname, amname FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relname IN ('t', 'm') ORDER BY 1"; }

whole() { # DATABASE: is all there?
	sql "$dir" -d "$1" -At >>"$dir/result" <<-'SQL'
		SELECT count(*), sum(id), md5(string_agg(md5(v), '' ORDER BY id)) FROM t;
		SET enable_seqscan = off;
		SELECT count(*) FROM t WHERE id > 5;
		TABLE m;
	SQL
	methods "$1" | diff "$dir/methods" - || die "$1: tables have changed their access method"
}

job() {
	q "CREATE TABLE t (id int PRIMARY KEY, v text) :using" "INSERT INTO t SELECT i, repeat(md5(i::text), 1 + i % 5) FROM generate_series(1, 80000) i" \
		"CREATE INDEX ON t (v)" "CREATE MATERIALIZED VIEW m :using AS SELECT count(*) FROM t"
	methods d >"$dir/methods"
	as_server "$BIN/pg_dump" -h "$dir" -U postgres -Fd -j 2 -f "$dir/dump" d
	q "CREATE DATABASE a TEMPLATE template0" "CREATE DATABASE b TEMPLATE template0" "CREATE DATABASE c TEMPLATE template0" "CREATE DATABASE e TEMPLATE template0"
	restore a
	whole a
	restore b -j 2
	whole b
	if [ "$mode" != heap ]; then
		# core's limit: a parallel worker asks for the access method before it can see what its leader has created
		if restore c --single-transaction >"$dir/refused" 2>&1; then die "pg_restore --single-transaction works: README says it does not"; fi
		grep -q 'Table access method "pagestore" does not exist' "$dir/refused" || die "pg_restore fails in another way: $(cat "$dir/refused")"
	fi
	options="-c max_parallel_maintenance_workers=0" restore c --single-transaction
	whole c
	sql "$dir" -d e -c "CREATE EXTENSION pagestore"
	restore e --single-transaction
	whole e
	crash
	whole c
	whole e
	restart
	whole a
}
