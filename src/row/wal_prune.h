/*
 * wal_prune.h
 *		WAL records of a page that is cleaned up: pruned, frozen, reaped.  heap's
 *		own, so that core replays them.
 *
 * Each function is called in the critical section, after the page was marked
 * dirty and changed, and only where RelationNeedsWAL().  The records differ from
 * server to server: wal_prune_15.c, wal_prune_17.c.
 */
#ifndef PAGESTORE_ROW_WAL_PRUNE_H
#define PAGESTORE_ROW_WAL_PRUNE_H

#include "access/heapam_xlog.h"
#include "access/htup_details.h"
#include "page/guard.h"
#include "server/compat.h"

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

/*
 * The page was pruned; sets its LSN.  conflict_xid: newest xid whose removed
 * row a standby's query may still see.  vacuum: by it, not on access.
 */
extern void ps_wal_prune(PsWrite *guard, const PsPruneItems *items, TransactionId conflict_xid, bool vacuum)
			PS_REQUIRES(guard);

/*
 * n plans were carried out; sets the page's LSN.  A standby must not show what
 * is older than cutoff_xid as running.  May change the order of the plans.
 */
extern void ps_wal_freeze(PsWrite *guard, TransactionId cutoff_xid, PsFreezePlan *plans, int n)
			PS_REQUIRES(guard);

/* n dead line pointers became unused; sets the page's LSN. */
extern void ps_wal_reap(PsWrite *guard, const OffsetNumber *unused, int n)
			PS_REQUIRES(guard);

#endif							/* PAGESTORE_ROW_WAL_PRUNE_H */
