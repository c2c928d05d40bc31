# pg_partman makes partitions, moves rows between them, drops old ones, and undoes it all.  (Without its worker: maintenance
# that meets another one at work does nothing.)
packages=(postgresql-15-partman)

rows() { report "SELECT tableoid::regclass::text, count(*), sum(v), min(id), max(id) FROM part GROUP BY 1 ORDER BY min(id)"; }

job() {
	q "CREATE SCHEMA partman" "CREATE EXTENSION pg_partman SCHEMA partman"
	q "CREATE TABLE part (id int NOT NULL, v numeric, s text) PARTITION BY RANGE (id)" "CREATE INDEX ON part (id)" \
		"CREATE TABLE template (LIKE part, PRIMARY KEY (id)) :using"
	[ "$mode" != tables ] || q "ALTER DATABASE d SET default_table_access_method = pagestore"	# partitions have no clause to name it in
	q "SELECT partman.create_parent('public.part', 'id', 'native', '1000', p_template_table := 'public.template', p_premake := 4)" >/dev/null
	q "INSERT INTO part SELECT i, i % 77, repeat('s', i % 50) FROM generate_series(1, 9000) i" "CHECKPOINT"	# the last of them into the default partition
	rows
	crash
	rows
	q "CALL partman.partition_data_proc('public.part')" "CALL partman.run_maintenance_proc()" >/dev/null 2>&1
	rows
	q "UPDATE part SET id = id + 1500 WHERE id BETWEEN 100 AND 300 AND NOT EXISTS (SELECT FROM part p WHERE p.id = part.id + 1500)" \
		"UPDATE part SET v = v + 1 WHERE id % 3 = 0" "DELETE FROM part WHERE id % 10 = 4"
	rows
	crash
	q "UPDATE partman.part_config SET retention = '4000', retention_keep_table = false" "SELECT partman.run_maintenance('public.part')" >/dev/null
	q "CHECKPOINT"
	rows
	crash
	rows
	q "CREATE TABLE whole (LIKE part) :using" "CALL partman.undo_partition_proc('public.part', p_target_table := 'public.whole', p_keep_table := false)" >/dev/null 2>&1
	report "SELECT count(*), sum(v), md5(string_agg(s, '' ORDER BY id)) FROM whole"
	restart
	report "SELECT count(*), sum(v), md5(string_agg(s, '' ORDER BY id)) FROM whole"
}
