/*
 * usage.h
 *		How this process's page accesses divide between the pool and
 *		shared_buffers.
 *
 * Core counts both kinds together (pgBufferUsage).  What is not the pool's is
 * added to the counts of all processes at the end of each transaction
 * (PS_COUNT_SHARED_HITS, PS_COUNT_SHARED_READS).
 */
#ifndef PAGESTORE_PAGE_USAGE_H
#define PAGESTORE_PAGE_USAGE_H

#include "postgres.h"
#include "executor/instrument.h"
#include "server/compat.h"

typedef struct PsUsage
{
	int64		hits;
	int64		reads;
} PsUsage;

/* Of the pool, and around it, since the process began: counted by ps_usage_count() alone. */
extern PsUsage ps_usage_of_pool;

/* A page of a table that the pool owns was accessed: for core's count and ours. */
static inline void
ps_usage_count(bool hit)
{
	if (hit)
	{
		pgBufferUsage.shared_blks_hit++;
		ps_usage_of_pool.hits++;
	}
	else
	{
		pgBufferUsage.shared_blks_read++;
		ps_usage_of_pool.reads++;
	}
}

/*
 * What this process does from here on counts in that context, in pg_stat_io;
 * returns the one before, to go back to.  After an error the end of the
 * transaction or subtransaction goes back to "normal".
 */
extern IOContext ps_usage_enter(IOContext context);

/* In the postmaster. */
extern void ps_usage_init(void);

#endif							/* PAGESTORE_PAGE_USAGE_H */
