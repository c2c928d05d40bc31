/*
 * storage.h
 *		The main fork as a whole: its size, its growth, its end.
 */
#ifndef PAGESTORE_PAGE_STORAGE_H
#define PAGESTORE_PAGE_STORAGE_H

#include "page/guard.h"
#include "server/compat.h"

/*
 * Add a block to the relation: pins it in *pin and latches it exclusively,
 * zeroed (PageInit is the caller's).  Takes and releases the extension lock
 * itself when needed.  A caller that has it already has asked ps_origin()
 * before: that may look into the catalog, which must not happen under the
 * lock.
 */
extern void ps_extend(Relation rel, PsPin *pin, PsWrite *guard) PS_ACQUIRE(guard);

/* Number of blocks of the main fork (as RelationGetNumberOfBlocks). */
extern BlockNumber ps_nblocks(Relation rel);

/* Cut the main fork, and core's maps, to nblocks.  AccessExclusiveLock held. */
extern void ps_truncate(Relation rel, BlockNumber nblocks);

/*
 * Bring the relation's files up to date: what the pool or a buffer has of it
 * is written out, and stays.  Who reads the files next holds a lock that keeps
 * them so.
 */
extern void ps_flush(Relation rel);

/*
 * A relfilenode begins its life, and its file has been made: the pool has it,
 * unless WAL is skipped, and forgets what an earlier life of the number left
 * behind.  Not for temporary relations.
 */
extern void ps_storage_created(RelFileLocator rlocator);

#endif							/* PAGESTORE_PAGE_STORAGE_H */
