-- Constraints, and what ON CONFLICT makes of them.
SET client_min_messages = warning;
SELECT twins('c', 'id int PRIMARY KEY, u int UNIQUE DEFERRABLE INITIALLY IMMEDIATE, r int4range, v int CHECK (v < 1000), EXCLUDE USING gist (r WITH &&)');
SELECT twin_exec('INSERT INTO c@ SELECT i, i, int4range(i * 10, i * 10 + 5), i % 1000 FROM generate_series(1, 500) i');
SELECT twin_error('INSERT INTO c@ VALUES (1, 1000, NULL, 1)');
SELECT twin_error('INSERT INTO c@ VALUES (1000, 1, NULL, 1)');
SELECT twin_error('INSERT INTO c@ VALUES (1000, 1000, int4range(12, 40), 1)');
SELECT twin_error('INSERT INTO c@ VALUES (1000, 1000, NULL, 1001)');
SELECT twin_error('INSERT INTO c@ SELECT 999 + i / 2, 2000 + i, NULL, 1 FROM generate_series(1, 10) i');
SELECT twin_error('UPDATE c@ SET id = 2 WHERE id = 1');
SELECT twin_error('UPDATE c@ SET id = id + 1 WHERE id < 3');
SELECT twin_rows('SELECT * FROM c@');
-- deferrable: swapped and shifted within a statement, or until commit
SELECT twin_exec('UPDATE c@ SET u = 501 - u');
SELECT twin_exec('UPDATE c@ SET u = u + 1');
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
SELECT twin_exec('UPDATE c@ SET u = 10 WHERE u = 20');
SELECT twin_exec('UPDATE c@ SET u = 20 WHERE id = (SELECT min(id) FROM c@ WHERE u = 10)');
COMMIT;
SELECT twin_rows('SELECT * FROM c@');
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
UPDATE c_p SET u = 30 WHERE u = 31;
COMMIT;
SELECT twin_rows('SELECT * FROM c@');

-- ON CONFLICT
SELECT twin_exec('INSERT INTO c@ SELECT i, 10000 + i, NULL, 7 FROM generate_series(490, 510) i ON CONFLICT (id) DO NOTHING');
SELECT twin_exec('INSERT INTO c@ AS t SELECT i, 20000 + i, NULL, 8 FROM generate_series(495, 520) i
    ON CONFLICT (id) DO UPDATE SET v = t.v + excluded.v WHERE t.id % 2 = 0');
SELECT twin_exec('INSERT INTO c@ VALUES (9999, 9999, int4range(11, 13), 1) ON CONFLICT ON CONSTRAINT c@_r_excl DO NOTHING');
SELECT twin_error('INSERT INTO c@ VALUES (700, 30000, NULL, 1), (700, 30001, NULL, 2) ON CONFLICT (id) DO UPDATE SET v = 3');
SELECT twin_rows('SELECT * FROM c@');
-- the same rows again and again, in savepoints
BEGIN;
SAVEPOINT a;
SELECT twin_exec('INSERT INTO c@ VALUES (800, 800, NULL, 1) ON CONFLICT (id) DO UPDATE SET v = 2');
ROLLBACK TO a;
SELECT twin_exec('INSERT INTO c@ VALUES (800, 800, NULL, 3) ON CONFLICT (id) DO UPDATE SET v = 4');
SAVEPOINT b;
SELECT twin_exec('DELETE FROM c@ WHERE id = 800');
SELECT twin_exec('INSERT INTO c@ VALUES (800, 800, NULL, 5)');
SELECT twin_error('INSERT INTO c@ VALUES (800, 801, NULL, 6)');
ROLLBACK TO b;
SELECT twin_exec('INSERT INTO c@ VALUES (800, 800, NULL, 3) ON CONFLICT (id) DO UPDATE SET v = 40');
COMMIT;
SELECT * FROM c_p WHERE id = 800;
SELECT twin_rows('SELECT * FROM c@');

-- foreign keys
SELECT twins('pk', 'id int PRIMARY KEY, t text');
SELECT twins('fk', 'id int PRIMARY KEY, one int REFERENCES pk@ ON DELETE CASCADE ON UPDATE CASCADE, two int REFERENCES pk@ ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED');
SELECT twin_exec($$INSERT INTO pk@ SELECT i, 'pk' || i FROM generate_series(1, 100) i$$);
SELECT twin_exec('INSERT INTO fk@ SELECT i, 1 + i % 100, 1 + (i * 7) % 100 FROM generate_series(1, 1000) i');
SELECT twin_error('INSERT INTO fk@ VALUES (5000, 5000, 1)');
SELECT twin_exec('DELETE FROM pk@ WHERE id BETWEEN 10 AND 19');
SELECT twin_exec('UPDATE pk@ SET id = id + 1000 WHERE id BETWEEN 20 AND 29 AND id NOT IN (SELECT two FROM fk@ WHERE two IS NOT NULL)');
SELECT twin_rows('SELECT * FROM fk@');
SELECT twin_rows('SELECT * FROM pk@');
BEGIN;
SELECT twin_exec('UPDATE fk@ SET two = 7777 WHERE id = 1');
SELECT twin_exec($$INSERT INTO pk@ VALUES (7777, 'late')$$);
COMMIT;
BEGIN;
INSERT INTO fk_p VALUES (6000, 1, 8888);
COMMIT;
SELECT twin_rows('SELECT * FROM fk@');
ALTER TABLE fk_p DROP CONSTRAINT fk_p_one_fkey;
UPDATE fk_p SET one = -5 WHERE id = 3;
ALTER TABLE fk_p ADD FOREIGN KEY (one) REFERENCES pk_p;
UPDATE fk_p SET one = 5 WHERE id = 3;
ALTER TABLE fk_p ADD FOREIGN KEY (one) REFERENCES pk_p;

DROP TABLE c_h, c_p, fk_h, fk_p, pk_h, pk_p;
