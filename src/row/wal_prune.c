/*
 * wal_prune.c
 *		XLOG_HEAP2_PRUNE, as heap_xlog_prune() reads it in 15.
 */
#include "postgres.h"

#include "access/heapam_xlog.h"
#include "access/xloginsert.h"
#include "row/wal_prune.h"

static void
register_offsets(const OffsetNumber *offsets, int n)
{
	if (n > 0)
		XLogRegisterBufData(0, (char *) offsets, n * sizeof(OffsetNumber));
}

void
ps_log_prune(PsWrite *guard, const PsPruneItems *items, TransactionId conflict_xid)
{
	/*
	 * redo takes the number of unused ones from the length of the block's
	 * data
	 */
	xl_heap_prune record = {
		.latestRemovedXid = conflict_xid,
		.nredirected = items->nredirected,
		.ndead = items->ndead
	};

	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfHeapPrune);
	ps_xlog_register(0, guard, REGBUF_STANDARD);
	register_offsets(items->redirected, items->nredirected * 2);
	register_offsets(items->dead, items->ndead);
	register_offsets(items->unused, items->nunused);
	ps_set_lsn(guard, XLogInsert(RM_HEAP2_ID, XLOG_HEAP2_PRUNE));
}
