/*
 * freeze.c
 *		Apply freeze plans to a page and log them.
 */
#include "postgres.h"

#include "access/xloginsert.h"
#include "miscadmin.h"
#include "page/view.h"
#include "row/freeze.h"

/* The plans belong to the block's data: a full-page image makes them superfluous. */
static XLogRecPtr
log_freeze(const PsWrite *guard, TransactionId cutoff_xid,
		   xl_heap_freeze_tuple *plans, int n) PS_REQUIRES(guard)
{
	xl_heap_freeze_page record = {.cutoff_xid = cutoff_xid,.ntuples = n};

	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfHeapFreezePage);
	ps_xlog_register(0, guard, REGBUF_STANDARD);
	XLogRegisterBufData(0, (char *) plans, n * sizeof(xl_heap_freeze_tuple));
	return XLogInsert(RM_HEAP2_ID, XLOG_HEAP2_FREEZE_PAGE);
}

void
ps_freeze_page(PsWrite *guard, TransactionId cutoff_xid,
			   xl_heap_freeze_tuple *plans, int n)
{
	Assert(n > 0 && n <= MaxHeapTuplesPerPage);

	START_CRIT_SECTION();
	ps_mark_dirty(guard);
	for (int i = 0; i < n; i++)
	{
		ItemId		item = PageGetItemId(guard->page, plans[i].offset);

		heap_execute_freeze_tuple((HeapTupleHeader) PageGetItem(guard->page, item),
								  &plans[i]);
	}
	if (RelationNeedsWAL(guard->rel))
		ps_set_lsn(guard, log_freeze(guard, cutoff_xid, plans, n));
	END_CRIT_SECTION();
}
