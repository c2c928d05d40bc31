/*
 * cleanup.h
 *		Carry out what is planned for a page: prune, freeze, reap, and say in the
 *		visibility map that it is visible to all.
 *
 * All of it in one critical section, in which nothing can fail, and in as few
 * records as the server's kinds of records allow.
 */
#ifndef PAGESTORE_ROW_CLEANUP_H
#define PAGESTORE_ROW_CLEANUP_H

#include "row/wal_prune.h"

/* What becomes of a line pointer. */
typedef enum PsItemFate
{
	PS_ITEM_STAYS,				/* as it is; a redirect may lead to it */
	PS_ITEM_REDIRECTS,
	PS_ITEM_DIES,				/* LP_DEAD, until the indexes are clean */
	PS_ITEM_UNUSED
} PsItemFate;

/*
 * What pruning does to a page.  Offsets only: it outlives the move of the page
 * to another frame, as long as the latch is kept.
 */
typedef struct PsPrunePlan
{
	PsPruneItems items;
	int			ndeleted;		/* rows that go */
	TransactionId conflict_xid; /* the newest xid that one of them has */
	TransactionId next_prunable;	/* pd_prune_xid to be */
	uint8		fate[MaxHeapTuplesPerPage + 1]; /* PsItemFate, by offset */
} PsPrunePlan;

static inline bool
ps_prune_plan_is_empty(const PsPrunePlan *plan)
{
	return plan->items.nredirected + plan->items.ndead + plan->items.nunused == 0;
}

/*
 * Carry out a plan (NULL: none), on a page that is ps_write_movable() unless
 * it is empty, and what else is in todo: plans to freeze rows that it leaves,
 * in ascending offsets; the map's bits, the map page being pinned, not locked.
 * Log that.  All plans were made under this guard.  Returns the map's previous
 * bits, if any were to be set.  todo->items are the plan's; todo is changed.
 * Throws, with nothing done, where a row to be frozen is damaged.
 */
extern uint8 ps_clean_up(PsWrite *guard, const PsPrunePlan *plan, PsCleanup *todo) PS_REQUIRES(guard);

/*
 * Dead line pointers, n of them, become unused, and the page visible, unless
 * that is NULL; returns the map's previous bits.  No tuple's bytes move, since
 * dead items have none: the latch is enough.
 */
extern uint8 ps_reap(PsWrite *guard, const OffsetNumber *unused, int n, const PsNowVisible *visible)
			PS_REQUIRES(guard);

#endif							/* PAGESTORE_ROW_CLEANUP_H */
