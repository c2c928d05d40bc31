/* pagestore--1.0.sql */

\echo Use "CREATE EXTENSION pagestore" to load this file. \quit

CREATE FUNCTION pagestore_tableam_handler(internal)
RETURNS table_am_handler
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT;

COMMENT ON FUNCTION pagestore_tableam_handler(internal) IS 'handler of the pagestore table access method';

CREATE ACCESS METHOD pagestore TYPE TABLE HANDLER pagestore_tableam_handler;
COMMENT ON ACCESS METHOD pagestore IS 'heap-format tables on their own O_DIRECT pool';
