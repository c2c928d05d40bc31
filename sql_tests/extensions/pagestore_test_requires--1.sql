CREATE TABLE z_table (i int);
