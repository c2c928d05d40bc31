/*
 * convert.h
 *		Tables between heap and pagestore, for the functions that users call.
 */
#ifndef PAGESTORE_ADMIN_CONVERT_H
#define PAGESTORE_ADMIN_CONVERT_H

#include "postgres.h"

/*
 * Would ps_convert() change this table or materialized view, were it not in
 * use?  Throws what it would.  Takes AccessShareLock for the moment.
 */
extern bool ps_could_convert(Oid relid, Oid to);

/*
 * Give a table, materialized view or partitioned table that has one the access
 * method, and if partitions, each partition of a partitioned table, whether that
 * has one or not; false if all have it already.  Takes AccessExclusiveLock until
 * the end of the transaction.  ereport(ERROR) where the user may not, or where
 * that would want a rewrite; force: also what belongs to an extension.
 */
extern bool ps_convert(Oid relid, Oid to, bool force, bool partitions);

#endif							/* PAGESTORE_ADMIN_CONVERT_H */
