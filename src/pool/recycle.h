/*
 * recycle.h
 *		Pages that one process brings into the pool, and few of which are to stay.
 *
 * As core's rings of shared buffers: of the pages that it is done with the last
 * ones stay; with each one more the oldest leaves the pool, written first where
 * it is dirty, unless somebody has used it since.
 */
#ifndef PAGESTORE_POOL_RECYCLE_H
#define PAGESTORE_POOL_RECYCLE_H

#include "pool/tag.h"

typedef struct PsRecycler PsRecycler;

/* So many pages stay, at least one.  In CurrentMemoryContext, and gone with it. */
extern PsRecycler *ps_recycler_make(int pages);

/*
 * Done with the page of a frame that is still pinned.  No latch is held.
 * ereport(ERROR) where the oldest can't be written (flush.h).
 */
extern void ps_recycle(PsRecycler *recycler, PsFrame frame);

#endif							/* PAGESTORE_POOL_RECYCLE_H */
