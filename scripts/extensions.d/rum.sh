# RUM: an index access method of an extension, with its own WAL (generic records), over documents.
packages=(postgresql-15-rum)
standby=1

answers() {
	report "SET enable_seqscan = off" "SELECT count(*), sum(id) FROM docs WHERE t @@ 'word7 & word21'" \
		"SELECT id FROM docs WHERE t @@ 'word3 | word9' ORDER BY t <=> to_tsquery('simple', 'word3 | word9'), id LIMIT 20" \
		"SELECT id, d FROM docs WHERE t @@ 'word5' ORDER BY d <=| '2020-02-01', id LIMIT 10"
	report "SET enable_indexscan = off; SET enable_bitmapscan = off" "SELECT count(*), sum(id) FROM docs WHERE t @@ 'word7 & word21'"
}

job() {
	q "CREATE EXTENSION rum" "CREATE TABLE docs (id int PRIMARY KEY, d timestamp, t tsvector) :using"
	q "INSERT INTO docs SELECT i, '2020-01-01'::timestamp + i * interval '1 hour', to_tsvector('simple', 'word' || i % 10 || ' word' || i % 23 || ' word' || i % 7) FROM generate_series(1, 6000) i" \
		"CREATE INDEX ON docs USING rum (t rum_tsvector_ops)" "CREATE INDEX ON docs USING rum (t rum_tsvector_addon_ops, d) WITH (attach = 'd', to = 't')" "CHECKPOINT"
	answers
	q "UPDATE docs SET t = to_tsvector('simple', 'word7 word21 word' || id % 5) WHERE id % 11 = 0" "DELETE FROM docs WHERE id % 13 = 0"
	crash
	answers
	q "VACUUM docs"
	answers
	q "INSERT INTO docs SELECT i, '2021-01-01', to_tsvector('simple', 'word3 word5') FROM generate_series(6001, 7000) i" "CHECKPOINT"
	crash
	answers
}
