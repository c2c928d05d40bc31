# Types of extensions, with the indexes that they bring: hll, ip4r, jsquery, prefix, q3c, semver, tdigest, unit.
packages=(postgresql-15-hll postgresql-15-ip4r postgresql-15-jsquery postgresql-15-prefix postgresql-15-q3c postgresql-15-semver postgresql-15-tdigest
	postgresql-15-unit)

answers() {
	report "SET enable_seqscan = off; SET enable_indexonlyscan = off" \
		"SELECT count(*), sum(id) FROM t WHERE ip <<= '10.0.3.0/24'" \
		"SELECT count(*), sum(id) FROM t WHERE j @@ 'a.# = 3 AND b = \"x\"'::jsquery" \
		"SELECT id, p FROM t WHERE p @> '0049711' ORDER BY id LIMIT 5" \
		"SELECT count(*), sum(id) FROM t WHERE q3c_radial_query(ra, dec, 40, 20, 5)" \
		"SELECT count(*), max(v), min(v) FROM t WHERE v > '1.20.0'" \
		"SELECT count(*), sum(u) FROM t WHERE u BETWEEN '3 m' AND '5 km'"
	report "SELECT k, round(hll_cardinality(hll_union_agg(h))), round(tdigest_percentile(td, 0.5)::numeric, 3) FROM sketch GROUP BY k ORDER BY k"
	report "SELECT count(*), md5(string_agg(t::text, ',' ORDER BY id)) FROM t"
}

job() {
	local e
	for e in hll ip4r jsquery prefix q3c semver tdigest unit; do q "SET client_min_messages = error" "CREATE EXTENSION $e"; done
	q "CREATE TABLE t (id int PRIMARY KEY, ip ip4r, j jsonb, p prefix_range, ra float8, dec float8, v semver, u unit) :using" \
		"CREATE TABLE sketch (k int, h hll, td tdigest) :using"
	q "INSERT INTO t SELECT i, ('10.0.' || i % 8 || '.' || i % 250)::ip4r, jsonb_build_object('a', ARRAY[i % 5, i % 7], 'b', CASE WHEN i % 2 = 0 THEN 'x' END),
			('00' || (49700 + i % 50))::prefix_range, i % 360, i % 80, ('1.' || i % 30 || '.' || i % 10)::semver,
			(i % 9000 || ' m')::unit FROM generate_series(1, 5000) i" \
		"INSERT INTO sketch SELECT i % 5, hll_add_agg(hll_hash_integer(i)), tdigest(i % 1000, 100) FROM generate_series(1, 10000) i GROUP BY i % 5" \
		"CREATE INDEX ON t USING gist (ip)" "CREATE INDEX ON t USING gin (j jsonb_path_value_ops)" "CREATE INDEX ON t USING gist (p)" \
		"CREATE INDEX ON t (q3c_ang2ipix(ra, dec))" "CREATE INDEX ON t (v)" "CREATE INDEX ON t (u)" "CHECKPOINT"
	answers
	crash
	q "UPDATE t SET ip = '10.0.3.7', j = '{\"a\": [3], \"b\": \"x\"}', ra = 41, v = '2.0.0' WHERE id % 10 = 0" "DELETE FROM t WHERE id % 13 = 0" \
		"UPDATE sketch SET h = hll_add(h, hll_hash_integer(-k)), td = (SELECT tdigest(x, 100) FROM generate_series(1, 200) x) WHERE k < 3"
	crash
	answers
	q "VACUUM ANALYZE t" "INSERT INTO sketch SELECT * FROM sketch" "CLUSTER t USING t_v_idx"
	restart
	answers
}
