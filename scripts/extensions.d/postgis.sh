# PostGIS: geometries (many of them TOASTed) with GiST, SP-GiST and BRIN indexes; and pgRouting over a table of edges.
packages=(postgresql-15-postgis-3 postgresql-15-postgis-3-scripts postgresql-15-pgrouting)

answers() {
	report "SELECT count(*), round(sum(ST_Area(g))::numeric, 4), md5(string_agg(ST_AsText(g, 3), ',' ORDER BY id)) FROM shapes"
	report "SET enable_seqscan = off" "SELECT count(*), sum(id) FROM shapes WHERE g && ST_MakeEnvelope(10, 10, 30, 30)" \
		"SELECT id FROM shapes ORDER BY g <-> ST_Point(50, 50), id LIMIT 10" \
		"SELECT count(*) FROM shapes a JOIN shapes b ON ST_Intersects(a.g, b.g) WHERE a.id < 200" \
		"SELECT count(*), sum(id) FROM spots WHERE p && ST_MakeEnvelope(0, 0, 40, 70)"
	report "SELECT seq, node, edge, cost FROM pgr_dijkstra('SELECT id, source, target, cost FROM edges', 1, 400)"
	report "SELECT count(*), md5(string_agg(srtext, '' ORDER BY srid)) FROM spatial_ref_sys"
}

job() {
	q "SET client_min_messages = warning" "CREATE EXTENSION postgis" "CREATE EXTENSION pgrouting"
	q "CREATE TABLE shapes (id int PRIMARY KEY, g geometry) :using" "CREATE TABLE spots (id int PRIMARY KEY, p geometry(Point)) :using" \
		"CREATE TABLE edges (id int PRIMARY KEY, source int, target int, cost float8) :using" \
		"INSERT INTO shapes SELECT i, ST_Buffer(ST_Point(i % 97, i % 89), 1 + i % 5, CASE WHEN i % 40 = 0 THEN 200 ELSE 4 END) FROM generate_series(1, 3000) i" \
		"INSERT INTO spots SELECT i, ST_Point(i % 101, i / 101) FROM generate_series(1, 8000) i" \
		"INSERT INTO edges SELECT i, 1 + (i - 1) % 400, 1 + (i * 7) % 400, 1 + i % 13 FROM generate_series(1, 2400) i" \
		"CREATE INDEX ON shapes USING gist (g)" "CREATE INDEX ON spots USING spgist (p)" "CREATE INDEX ON spots USING brin (p)" "CHECKPOINT"
	answers
	crash
	answers
	q "UPDATE shapes SET g = ST_Translate(g, 1, -1) WHERE id % 3 = 0" "DELETE FROM shapes WHERE id % 7 = 0" "UPDATE spots SET p = ST_Translate(p, 0.5, 0.5) WHERE id % 2 = 0" \
		"UPDATE edges SET cost = cost + 2 WHERE id % 3 = 0"
	crash
	answers
	q "VACUUM ANALYZE shapes" "VACUUM FULL spots" "CLUSTER shapes USING shapes_g_idx" "REINDEX TABLE shapes"
	q "INSERT INTO shapes SELECT 10000 + i, ST_Buffer(ST_Point(i % 97, i % 89), 2) FROM generate_series(1, 1000) i"
	restart
	answers
}
