/*
 * wal_prune.h
 *		The WAL record of a pruned page.
 */
#ifndef PAGESTORE_ROW_WAL_PRUNE_H
#define PAGESTORE_ROW_WAL_PRUNE_H

#include "access/htup_details.h"
#include "page/guard.h"

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

/*
 * Log the change and set the page's LSN.  In the critical section, page
 * changed and marked dirty.  conflict_xid: newest xid whose removed row a
 * standby's query may still see.
 */
extern void ps_log_prune(PsWrite *guard, const PsPruneItems *items, TransactionId conflict_xid)
			PS_REQUIRES(guard);

#endif							/* PAGESTORE_ROW_WAL_PRUNE_H */
