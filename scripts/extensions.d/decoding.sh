# Output plugins: wal2json and decoderbufs decode a table's changes from heap's WAL records.
packages=(postgresql-15-wal2json postgresql-15-decoderbufs)
settings=("autovacuum = off")	# its transactions, empty ones to a plugin, would come when they like

# without what differs from run to run: positions, transaction ids, times
changes() {
	report "SELECT data FROM pg_logical_slot_get_changes('w', NULL, NULL, 'format-version', '2', 'include-lsn', 'false', 'include-xids', 'false')"
	report "SELECT regexp_replace(data, '(txid|commit_time)\[[^]]*\]', '', 'g') FROM pg_logical_slot_get_changes('b', NULL, NULL, 'debug-mode', '1')"
}

job() {
	q "CREATE TABLE t (id int PRIMARY KEY, v text, n numeric) :using" "CREATE TABLE f (a int, b text) :using" "ALTER TABLE f REPLICA IDENTITY FULL" \
		"SELECT pg_create_logical_replication_slot('w', 'wal2json')" "SELECT pg_create_logical_replication_slot('b', 'decoderbufs')" >/dev/null
	q "INSERT INTO t SELECT i, repeat('v', i), i / 7.0 FROM generate_series(1, 50) i" "INSERT INTO t SELECT i, repeat(md5(i::text), 300) FROM generate_series(51, 53) i" \
		"INSERT INTO f SELECT i, 'f' || i FROM generate_series(1, 30) i"
	q "UPDATE t SET n = n + 1 WHERE id % 5 = 0 OR id = 51" "UPDATE t SET id = id + 1000 WHERE id IN (3, 52)" "DELETE FROM t WHERE id % 8 = 1" "UPDATE f SET b = b || '!' WHERE a < 5" "DELETE FROM f WHERE a > 25"
	crash
	changes
	q "BEGIN" "INSERT INTO t VALUES (2000, 'a')" "SAVEPOINT s" "UPDATE t SET v = 'b' WHERE id < 10" "ROLLBACK TO s" "UPDATE t SET v = 'c' WHERE id = 2000" "COMMIT" \
		"COPY t FROM PROGRAM 'seq -f \"%.0f,copied,1\" 3000 3040' (FORMAT csv)" "CHECKPOINT" \
		"INSERT INTO t VALUES (2000, 'a') ON CONFLICT (id) DO UPDATE SET v = 'upserted'" "ALTER TABLE t ADD COLUMN x int DEFAULT 7" "UPDATE t SET x = 8 WHERE id > 3030" "TRUNCATE f"
	restart
	changes
	q "VACUUM FULL t" "CLUSTER t USING t_pkey" "UPDATE t SET v = 'after' WHERE id % 100 = 0" "PREPARE TRANSACTION 'none'" >/dev/null 2>&1 || true
	crash
	changes
}
