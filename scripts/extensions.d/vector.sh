# pgvector: HNSW and IVFFlat indexes over vectors, which vacuum repairs.
packages=(postgresql-15-pgvector)
control=vector

# exact answers: no index; approximate ones differ from build to build, so that of the indexes only what they must give is asked
answers() {
	report "SET enable_indexscan = off" "SELECT id FROM items ORDER BY v <-> '[1,2,3,4]', id LIMIT 20" "SELECT count(*), round(avg(v)::text::vector <-> '[0,0,0,0]') FROM items"
	report "SET enable_seqscan = off" "SET hnsw.ef_search = 400" "SELECT count(*) > 15, count(*) FILTER (WHERE i.id IS NULL)
		FROM (SELECT id, v FROM items ORDER BY v <-> '[1,2,3,4]' LIMIT 20) x LEFT JOIN items i USING (id, v)"
	report "SET enable_seqscan = off" "SET ivfflat.probes = 20" "SELECT id FROM items ORDER BY v <=> '[4,3,2,1]', id LIMIT 10"
}

job() {
	q "CREATE EXTENSION vector" "CREATE TABLE items (id int PRIMARY KEY, v vector(4)) :using" \
		"INSERT INTO items SELECT i, ARRAY[i % 17, i % 13, i % 11, 1 + i % 7]::vector FROM generate_series(1, 4000) i" \
		"CREATE INDEX ON items USING hnsw (v vector_l2_ops)" "CREATE INDEX ON items USING ivfflat (v vector_cosine_ops) WITH (lists = 20)" "CHECKPOINT"
	answers
	q "UPDATE items SET v = ARRAY[1, 2, 3, 4.5]::vector WHERE id % 100 = 0" "DELETE FROM items WHERE id % 9 = 0"
	crash
	answers
	q "VACUUM items" "INSERT INTO items SELECT i, ARRAY[i % 5, 2, 3, i % 3 + 1]::vector FROM generate_series(5001, 5500) i" "CHECKPOINT"
	crash
	answers
	q "REINDEX TABLE items" "CLUSTER items USING items_pkey"
	restart
	answers
}
