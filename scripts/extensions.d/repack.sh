# pg_repack copies a table into a new one and swaps their files in pg_class, while others go on writing.
packages=(postgresql-15-repack)
standby=1

repack() { as_server "$BIN/pg_repack" -h "$dir" -U postgres -d d --no-kill-backend "$@"; }

job() {
	local t
	q "CREATE EXTENSION pg_repack"
	# "plain" is heap in every mode: what the copy of it is made as must not matter
	q "CREATE TABLE big (id int PRIMARY KEY, v text, big text) :using" "CREATE TABLE plain (LIKE big INCLUDING ALL) USING heap"
	for t in big plain; do
		q "INSERT INTO $t SELECT i, repeat('v', i % 90), CASE WHEN i % 500 = 0 THEN repeat(md5(i::text), 300) END FROM generate_series(1, 20000) i" \
			"DELETE FROM $t WHERE id % 3 = 0" "UPDATE $t SET v = v || 'u' WHERE id % 7 = 0" "CREATE INDEX ON $t (v)"
	done
	q "CHECKPOINT"
	for t in big plain; do
		repack -t "$t"
		report "SELECT '$t', count(*), sum(length(v)), md5(string_agg(md5(big), '' ORDER BY id)) FROM $t"
	done
	crash
	for t in big plain; do
		report "SELECT '$t', count(*), sum(length(v)), md5(string_agg(md5(big), '' ORDER BY id)) FROM $t"
		q "UPDATE $t SET v = v || 'w' WHERE id % 5 = 0" "INSERT INTO $t SELECT i, 'new' FROM generate_series(30001, 31000) i"
	done
	q "CHECKPOINT"

	# writers while the copy is made: their changes come through pg_repack's log table
	for t in big plain; do
		echo "\\set id random(1, 20000)
			UPDATE $t SET v = v || 'x' WHERE id = :id;
			INSERT INTO $t VALUES (:id, 'back') ON CONFLICT DO NOTHING;" >"$dir/$t.sql"
		as_server "$BIN/pgbench" -h "$dir" -U postgres -n -f "$dir/$t.sql" -c 2 -t 300 -R 400 d >"$dir/pgbench.$t" 2>&1 &
		repack -t "$t" -o "v"
		wait $!
		q "DELETE FROM $t WHERE id % 11 = 1"
		report "SELECT '$t', count(*) BETWEEN 13000 AND 15000, count(*) FILTER (WHERE id > 30000), count(DISTINCT id) = count(*) FROM $t"
	done
	restart
	q "CHECKPOINT"
	for t in big plain; do
		repack -t "$t" --only-indexes
		q "SET enable_seqscan = off" "SELECT count(*) FROM $t WHERE id > 0" >"$dir/by-index.$t"
		q "SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off" "SELECT count(*) FROM $t WHERE id > 0" | diff "$dir/by-index.$t" - ||
			die "$t: the index has other rows than the table"
	done
	crash
}
