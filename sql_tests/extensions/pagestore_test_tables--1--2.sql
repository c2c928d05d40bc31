CREATE TABLE x_update (i int);
ALTER TABLE x_into SET ACCESS METHOD pagestore;
SELECT pagestore_convert('x_as', 'pagestore');
