/*
 * stray.h
 *		Dirty shared buffers of pages that the pool owns.
 */
#ifndef PAGESTORE_POOL_STRAY_H
#define PAGESTORE_POOL_STRAY_H

#include "postgres.h"
#include "server/compat.h"
#include "utils/rel.h"

/* Look at all shared buffers; false if one that was found has to be tried again. */
extern bool ps_stray_check_all(void);

/*
 * Look at the next of them, for whoever comes by often: a round takes a hundred
 * calls, more above 6 GB of shared buffers.
 */
extern void ps_stray_check_some(void);

/*
 * The relation is about to pass the gate: write its dirty shared buffers to
 * the file, except where the pool has the page already.  No latch held.
 */
extern void ps_stray_pass(Relation rel);

/*
 * The relation leaves the pool, under AccessExclusiveLock: settle its dirty
 * shared buffers, which are about to be dropped.
 */
extern void ps_stray_leave(RelFileLocator rlocator);

extern Size ps_stray_shmem_size(void);
extern void ps_stray_shmem_init(void);

/*
 * Does page a hold all that page b holds, hint bits aside?  Set by the layer
 * that knows tuples (page/compare.h); must not throw.
 */
extern bool (*ps_pool_page_contains) (const char *a, const char *b);
extern bool (*ps_pool_page_adds_only_since) (const char *a, const char *b, TransactionId xid);

#endif							/* PAGESTORE_POOL_STRAY_H */
