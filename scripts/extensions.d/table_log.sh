# table_log: a trigger that logs rows (SPI in C), from which a table is restored as it was.
packages=(postgresql-15-tablelog)

job() {
	q "CREATE EXTENSION table_log"
	q "CREATE TABLE t (id int PRIMARY KEY, v text) :using" "SELECT table_log_init(5, 'public', 't', 'public', 't_log')" >/dev/null 2>&1
	q "INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 300) i" "CHECKPOINT" "UPDATE t SET v = v || '.' WHERE id % 3 = 0" "DELETE FROM t WHERE id % 10 = 0"
	crash
	report "SELECT trigger_mode, trigger_tuple, id, v FROM t_log ORDER BY trigger_id"
	q "UPDATE t SET v = 'lost'" "DELETE FROM t WHERE id > 100" "VACUUM t"
	restart
	report "SELECT trigger_mode, trigger_tuple, count(*), count(DISTINCT v) FROM t_log GROUP BY 1, 2 ORDER BY 1, 2"
	report "SELECT * FROM t ORDER BY id"
}
