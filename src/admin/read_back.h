/*
 * read_back.h
 *		Read pages of one database back into the pool.
 */
#ifndef PAGESTORE_ADMIN_READ_BACK_H
#define PAGESTORE_ADMIN_READ_BACK_H

#include "admin/resident.h"
#include "port/atomics.h"

/*
 * Those of the runs that are of MyDatabaseId, in order, until the pool has no
 * free frame left: nothing is evicted.  What is gone, has another owner, is past
 * its end or locked is passed over; errors go to the log, and the page with them
 * is passed over.  *nread counts along.  Ends early once *database is another
 * one.  In no transaction.
 */
extern void ps_prewarm_read_back(const PsResident *resident, pg_atomic_uint64 *nread,
								 pg_atomic_uint32 *database);

#endif							/* PAGESTORE_ADMIN_READ_BACK_H */
