CREATE TABLE f_table (i int);
SELECT 1 / 0;
