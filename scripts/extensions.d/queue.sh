# PgQ: event queues, whose rotating tables are emptied by TRUNCATE, filled by its triggers in C and in SQL.
packages=(postgresql-15-pgq3)

consume() {
	q "SELECT pgq.force_tick('q')" "SELECT pgq.ticker()" >/dev/null
	report "SELECT ev_type, ev_data, ev_extra1 FROM pgq.get_batch_events($(q "SELECT pgq.next_batch('q', 'c')")) ORDER BY ev_id"
	q "SELECT pgq.finish_batch(sub_batch) FROM pgq.subscription WHERE sub_batch IS NOT NULL" >/dev/null
}

job() {
	q "CREATE EXTENSION pgq" "SELECT pgq.create_queue('q')" "SELECT pgq.set_queue_config('q', 'rotation_period', '0')" "SELECT pgq.register_consumer('q', 'c')" >/dev/null
	q "CREATE TABLE t (id int PRIMARY KEY, v text) :using" \
		"CREATE TRIGGER log AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION pgq.logutriga('q')" \
		"CREATE TRIGGER sql AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION pgq.sqltriga('q')"
	for i in 1 2 3 4; do
		q "INSERT INTO t SELECT i, 'v' || i FROM generate_series($i * 100, $i * 100 + 20) i" "UPDATE t SET v = v || '.' WHERE id % 7 = 0" "DELETE FROM t WHERE id % 9 = $i"
		q "SELECT pgq.insert_event('q', 'by hand', 'event $i')" >/dev/null
		case $i in 2 | 4) crash ;; 3) q "CHECKPOINT" ;; esac
		consume
		q "SELECT pgq.maint_rotate_tables_step1('q')" "SELECT pgq.maint_rotate_tables_step2()" >/dev/null
	done
	restart
	report "SELECT queue_cur_table, queue_ntables FROM pgq.queue" "SELECT count(*) FROM t"
	q "SELECT pgq.unregister_consumer('q', 'c')" "SELECT pgq.drop_queue('q')" >/dev/null
}
