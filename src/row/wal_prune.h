/*
 * wal_prune.h
 *		WAL records of a page that is cleaned up: pruned, frozen, reaped.  heap's
 *		own, so that core replays them.
 *
 * Each function is called in the critical section, after the page was marked
 * dirty and changed, and only where RelationNeedsWAL().  The records differ from
 * server to server: wal_prune_15.c, wal_prune_17.c.  Where PS_RECORDS_SET_MAP_BITS
 * they tell of the visibility map's bits, too; elsewhere those have a record of
 * their own (wal_visible.h).
 */
#ifndef PAGESTORE_ROW_WAL_PRUNE_H
#define PAGESTORE_ROW_WAL_PRUNE_H

#include "access/heapam_xlog.h"
#include "access/htup_details.h"
#include "page/guard.h"
#include "server/compat.h"
#include "storage/buf.h"

/* What pruning does to the line pointers of a page. */
typedef struct PsPruneItems
{
	int			nredirected;	/* pairs */
	int			ndead;
	int			nunused;
	OffsetNumber redirected[MaxHeapTuplesPerPage * 2];	/* from, to */
	OffsetNumber dead[MaxHeapTuplesPerPage];
	OffsetNumber unused[MaxHeapTuplesPerPage];
} PsPruneItems;

/* What heap_prepare_freeze_tuple() plans for a row. */
typedef HeapTupleFreeze PsFreezePlan;

/* A page turns all visible, or all frozen. */
typedef struct PsNowVisible
{
	Buffer		map;			/* its map page, pinned */
	uint8		bits;			/* VISIBILITYMAP_*, all that are to be set */
	TransactionId newest_xmin;	/* a standby must not show it as running */
} PsNowVisible;

/* What was done to a page. */
typedef struct PsCleanup
{
	bool		vacuum;			/* by VACUUM, not on access */

	/*
	 * pruned, unless NULL; the newest xid whose removed row a standby's query
	 * may still see
	 */
	const PsPruneItems *items;
	TransactionId conflict_xid;

	/*
	 * frozen: plans that were carried out, if any.  A standby must not show
	 * what is older than the cutoff as running.  Their order may be changed.
	 */
	int			nfreeze;
	PsFreezePlan *freeze;
	TransactionId freeze_cutoff;

	/*
	 * map bits were set, unless NULL; the map's page is locked.  Where
	 * PS_RECORDS_SET_MAP_BITS.
	 */
	const PsNowVisible *visible;
} PsCleanup;

/*
 * The page was pruned or frozen, or, where PS_PRUNE_FREEZES, both, or its map
 * bits were set; sets its LSN, but not for the bits alone unless hint bits are
 * to be logged, and the map page's.
 */
extern void ps_wal_cleanup(PsWrite *guard, const PsCleanup *done)
			PS_REQUIRES(guard);

/*
 * n dead line pointers became unused, and the page visible, unless that is NULL
 * (as in PsCleanup); sets the page's LSN, and the map page's.
 */
extern void ps_wal_reap(PsWrite *guard, const OffsetNumber *unused, int n, const PsNowVisible *visible)
			PS_REQUIRES(guard);

#endif							/* PAGESTORE_ROW_WAL_PRUNE_H */
