# pg_cron keeps its jobs in a table of its own, which it deletes from in C (simple_heap_delete), and runs them in workers.
packages=(postgresql-15-cron)
preload=pg_cron
settings=("cron.database_name = 'd'" "cron.use_background_workers = on")
standby=1

job() {
	q "CREATE EXTENSION pg_cron" \
		"CREATE TABLE runs (job text, n int) :using" \
		"SELECT cron.schedule('never ' || i, '0 0 30 2 *', 'SELECT ' || i) FROM generate_series(1, 5) i" >/dev/null
	q "CHECKPOINT"
	q "SELECT cron.unschedule('never 1')" "SELECT cron.schedule('later ' || i, '0 0 30 2 *', 'SELECT 1') FROM generate_series(1, 3) i" >/dev/null
	q "CHECKPOINT"
	q "SELECT cron.unschedule('never 2')" "SELECT cron.schedule('later 4', '0 0 30 2 *', 'SELECT 2')" \
		"SELECT cron.schedule('start ' || i, '@reboot', format('INSERT INTO runs SELECT %L, count(*) FROM cron.job', i)) FROM generate_series(1, 3) i" >/dev/null
	report "SELECT jobid, jobname, schedule, command, active FROM cron.job ORDER BY jobid"
	crash
	report "SELECT jobid, jobname, schedule, command, active FROM cron.job ORDER BY jobid"
	wait_until 60 "SELECT count(*) = 3 FROM cron.job_run_details WHERE status = 'succeeded'"
	report "SELECT * FROM runs ORDER BY 1, 2"
	q "CHECKPOINT"
	restart
	wait_until 60 "SELECT count(*) = 6 FROM cron.job_run_details WHERE status = 'succeeded'"
	report "SELECT * FROM runs ORDER BY 1, 2"
	report "SELECT jobid, command, status, return_message FROM cron.job_run_details ORDER BY jobid, runid"
	q "SELECT cron.unschedule(jobid) FROM cron.job WHERE schedule = '@reboot'" >/dev/null
	report "SELECT jobid, jobname FROM cron.job ORDER BY jobid"
}
