# periods: SQL:2016's periods and system-versioned tables, by triggers that write history in C (SPI).
packages=(postgresql-15-periods)

answers() {
	report "SELECT id, v, lower(r), upper(r) FROM (SELECT id, v, int4range(s, e) r FROM app) x ORDER BY id, 3"
	report "SELECT id, v, count(*) FROM versioned_history GROUP BY 1, 2 ORDER BY 1, 2" "SELECT id, v FROM versioned ORDER BY id" \
		"SELECT count(*), count(DISTINCT system_time_start) FROM versioned_with_history"
}

job() {
	q "SET client_min_messages = warning" "CREATE EXTENSION periods CASCADE"
	q "CREATE TABLE app (pk int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id int, v text, s int NOT NULL, e int NOT NULL) :using" \
		"SELECT periods.add_period('app', 'p', 's', 'e')" "SELECT periods.add_for_portion_view('app', 'p')" \
		"CREATE TABLE versioned (id int PRIMARY KEY, v text) :using" "SELECT periods.add_system_time_period('versioned')" "SELECT periods.add_system_versioning('versioned')" >/dev/null 2>&1
	q "INSERT INTO app (id, v, s, e) SELECT i, 'v' || i, 0, 100 FROM generate_series(1, 20) i" "INSERT INTO versioned SELECT i, 'v' || i FROM generate_series(1, 20) i" "CHECKPOINT"
	q "UPDATE versioned SET v = v || '.' WHERE id % 2 = 0"
	q "DELETE FROM versioned WHERE id % 5 = 0"
	q "UPDATE app__for_portion_of_p SET v = 'portion', s = 20, e = 30 WHERE id % 3 = 0"
	crash
	answers
	q "UPDATE versioned SET v = 'again' WHERE id % 3 = 0" "CHECKPOINT"
	q "INSERT INTO versioned VALUES (100, 'new')"
	q "UPDATE app__for_portion_of_p SET v = 'again', s = 25, e = 60 WHERE id % 2 = 0"
	answers
	restart
	q "UPDATE versioned SET v = v || '!'"
	answers
}
