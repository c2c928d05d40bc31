/*
 * pass.h
 *		Passes over tables that are too large to come into the pool unasked.
 *
 * A pass is as many pages of a table as it has, read by whatever scans: by the
 * processes of a parallel scan, by several scans that stop early.  The first
 * one goes around the pool and is remembered, for half as many evictions again
 * as there are frames (as long as policy s3fifo remembers a page).  One that
 * follows meanwhile may bring in as many pages as there are frames that nobody
 * has used since: so what is worth as much as the table, a page used once
 * between two passes, stays, and the table gets the rest.
 *
 * All functions take PagestorePass, a leaf; they throw nothing.
 */
#ifndef PAGESTORE_POOL_PASS_H
#define PAGESTORE_POOL_PASS_H

#include "pool/tag.h"

/*
 * A scan of a table of nblocks that could go around the pool has begun to read
 * in earnest: it joins the pass under way, or begins one.  May pages come into
 * the pool?  *frames: of a table that comes again, with how many frames the
 * pool would have had all of it when this pass began; else 0.
 */
extern bool ps_pass_join(RelFileLocator rlocator, BlockNumber nblocks, int64 *frames);

/* So many pages have been brought in; may more of them come? */
extern bool ps_pass_brought_in(RelFileLocator rlocator, uint32 npages);

/* So many pages have been read, wherever they came from.  Nothing, if no pass is under way. */
extern void ps_pass_count(RelFileLocator rlocator, uint32 npages);

extern Size ps_passes_shmem_size(void);
extern void ps_passes_shmem_init(void);

#endif							/* PAGESTORE_POOL_PASS_H */
