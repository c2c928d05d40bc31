/*
 * prune.h
 *		Which dead versions of a page go, and their removal on access, without a
 *		cleanup lock (doc/architecture.md).
 */
#ifndef PAGESTORE_ROW_PRUNE_H
#define PAGESTORE_ROW_PRUNE_H

#include "row/cleanup.h"
#include "row/visibility.h"

/*
 * Prune if it seems worth it (heap_page_prune_opt's rule).  Pin held, no latch;
 * the pin may move.  map: unless it is NULL, the page may turn all visible with
 * that, or where it is to be written anyway, as heap's do from PostgreSQL 19 on;
 * the page's map page is left pinned there (see ps_vm_release()).
 */
extern void ps_prune_opportunistic(Relation rel, PsPin *pin, Buffer *map);

/*
 * May the plan be carried out?  If it is not empty the page is movable then, see
 * ps_write_movable().
 */
extern bool ps_prune_can_begin(PsWrite *guard, const PsPrunePlan *plan, struct GlobalVisState *vistest,
							   bool wait) PS_REQUIRES(guard);

/*
 * Plan to prune a page for VACUUM.  oldest_xmin: its cutoff; what that calls
 * dead goes, even where vistest has moved back since.  reap: no index knows
 * the rows, so that line pointers that would die, and dead ones, become unused.
 * off_loc follows the offset at work for error contexts.
 */
extern void ps_prune_plan(const PsWrite *guard, TransactionId oldest_xmin, struct GlobalVisState *vistest,
						  bool reap, PsPrunePlan *plan, OffsetNumber *off_loc) PS_REQUIRES(guard);

#endif							/* PAGESTORE_ROW_PRUNE_H */
