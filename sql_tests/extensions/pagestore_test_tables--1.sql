CREATE TABLE x_table (i int, v text);
CREATE UNLOGGED TABLE x_unlogged (i int);
CREATE TABLE x_as AS SELECT 1 AS i;
SELECT 1 AS i INTO x_into;
CREATE MATERIALIZED VIEW x_view AS SELECT 1 AS i;
CREATE TABLE x_named (i int) USING pagestore;
CREATE TABLE x_as_named USING pagestore AS SELECT 1 AS i;
CREATE TABLE x_parted (i int) PARTITION BY RANGE (i);
CREATE TABLE x_part PARTITION OF x_parted FOR VALUES FROM (0) TO (9);
DO $$ BEGIN EXECUTE 'CREATE TABLE x_do (i int)'; END $$;
CREATE FUNCTION x_make(text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (i int)', $1);
END $$;
SELECT x_make('x_function');
