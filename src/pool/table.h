/*
 * table.h
 *		The page table: which frame holds a page.
 *
 * A partitioned hash table with chains through PsFrameHeader.next.  Locks are
 * named by the hash of the tag (ps_tag_hash()).  Nobody waits for a latch, an
 * I/O or another bucket lock while holding a bucket lock.
 */
#ifndef PAGESTORE_POOL_TABLE_H
#define PAGESTORE_POOL_TABLE_H

#include "pool/pool.h"

extern PsRef *ps_table_heads;	/* of chains; bucket locks */
extern uint32 ps_table_mask;	/* fixed at start */

static inline volatile PsRef *
ps_table_bucket(uint32 hash)
{
	return &ps_table_heads[hash & ps_table_mask];
}

/* The lock of the bucket. */
extern PsLock *ps_table_lock(uint32 hash);

/*
 * The frame of a page.  Under the bucket lock the answer is true; without it a
 * guess, to be verified after pinning: the walk may end up in another chain,
 * so it is cut off at PS_MAX_STRAY steps.
 */
#define PS_MAX_STRAY 64
static inline PsFrame
ps_table_find(const PsTag *tag, uint32 hash)
{
	PsFrame		frame = ps_deref(*ps_table_bucket(hash));

	for (int steps = 0; frame != PS_NO_FRAME; steps++)
	{
		PsFrameHeader *header = ps_frame(frame);

		if (ps_tag_equal(&header->tag, tag))
			return frame;
		if (unlikely(steps >= PS_MAX_STRAY) && !ps_lock_is_held(ps_table_lock(hash)))
			return PS_NO_FRAME;
		frame = ps_deref(*(volatile PsRef *) &header->next);
	}
	return PS_NO_FRAME;
}

/*
 * Is the page here, being read included?  No lock is held.  True is a guess;
 * false is certain: at some moment of the call it was not in the table.
 */
extern bool ps_table_has(const PsTag *tag, uint32 hash);

/*
 * How many pages of the relation are in the table: an upper bound; 0 is
 * certain while nobody brings pages in.  No lock.
 */
extern uint32 ps_table_pages_of(const RelFileLocator *rlocator);

/*
 * Changes, under the bucket lock, exclusively; flags of the frames are the
 * caller's.  insert: the page is not there; remove: it is, or PANIC; replace:
 * the page of old, which stays pinned, is found in new from here on.
 */
extern void ps_table_insert(PsFrame frame, uint32 hash) PS_REQUIRES(ps_table_lock(hash));
extern void ps_table_remove(PsFrame frame, uint32 hash) PS_REQUIRES(ps_table_lock(hash));
extern void ps_table_replace(PsFrame old, PsFrame new, uint32 hash) PS_REQUIRES(ps_table_lock(hash));

extern Size ps_table_shmem_size(void);
extern void ps_table_shmem_init(void);

#endif							/* PAGESTORE_POOL_TABLE_H */
