/*
 * prune.h
 *		Remove dead versions from a page, without a cleanup lock
 *		(doc/architecture.md), and freeze what is left.
 */
#ifndef PAGESTORE_ROW_PRUNE_H
#define PAGESTORE_ROW_PRUNE_H

#include "row/visibility.h"
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

/* Prune if it seems worth it (heap_page_prune_opt's rule).  Pin held, no latch; the pin may move. */
extern void ps_prune_opportunistic(Relation rel, PsPin *pin);

/*
 * Plan to prune a page for VACUUM.  oldest_xmin: its cutoff; what that calls
 * dead goes, even where vistest has moved back since.  reap: no index knows
 * the rows, so that line pointers that would die, and dead ones, become unused.
 * off_loc follows the offset at work for error contexts.
 */
extern void ps_prune_plan(const PsWrite *guard, TransactionId oldest_xmin, struct GlobalVisState *vistest,
						  bool reap, PsPrunePlan *plan, OffsetNumber *off_loc) PS_REQUIRES(guard);

static inline bool
ps_prune_plan_is_empty(const PsPrunePlan *plan)
{
	return plan->items.nredirected + plan->items.ndead + plan->items.nunused == 0;
}

/*
 * Carry out a plan (NULL: none), on a page that is ps_write_movable() unless it
 * is empty, and n plans to freeze rows that it leaves, in ascending offsets;
 * log that.  All plans were made under this guard.  A standby must not show
 * what is older than cutoff_xid as running.
 */
extern void ps_prune_and_freeze(PsWrite *guard, const PsPrunePlan *plan,
								TransactionId cutoff_xid, PsFreezePlan *freeze, int n)
			PS_REQUIRES(guard);

#endif							/* PAGESTORE_ROW_PRUNE_H */
