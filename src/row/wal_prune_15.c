/*
 * wal_prune_15.c
 *		WAL records of a page that is cleaned up, in the layout of PostgreSQL 15's
 *		heapam_xlog.h.
 *
 * What is done to the page is registered as data of the block: a full-page
 * image makes it superfluous.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/pg_control.h"
#include "row/wal_prune.h"

static void
register_offsets(const OffsetNumber *offsets, int n)
{
	if (n > 0)
		XLogRegisterBufData(0, (char *) offsets, n * sizeof(OffsetNumber));
}

static void
log_prune(PsWrite *guard, const PsPruneItems *items, TransactionId conflict_xid) PS_REQUIRES(guard)
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

static void
log_freeze(PsWrite *guard, TransactionId cutoff_xid, PsFreezePlan *plans, int n) PS_REQUIRES(guard)
{
	xl_heap_freeze_page record = {.cutoff_xid = cutoff_xid,.ntuples = n};

	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfHeapFreezePage);
	ps_xlog_register(0, guard, REGBUF_STANDARD);
	XLogRegisterBufData(0, (char *) plans, n * sizeof(xl_heap_freeze_tuple));
	ps_set_lsn(guard, XLogInsert(RM_HEAP2_ID, XLOG_HEAP2_FREEZE_PAGE));
}

void
ps_wal_cleanup(PsWrite *guard, const PsCleanup *done)
{
	Assert((done->items != NULL) != (done->nfreeze > 0) && !done->visible);
	if (done->items)
		log_prune(guard, done->items, done->conflict_xid);
	else
		log_freeze(guard, done->freeze_cutoff, done->freeze, done->nfreeze);
}

void
ps_wal_reap(PsWrite *guard, const OffsetNumber *unused, int n, const PsNowVisible *visible)
{
	xl_heap_vacuum record = {.nunused = n};

	Assert(!visible);
	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfHeapVacuum);
	ps_xlog_register(0, guard, REGBUF_STANDARD);
	register_offsets(unused, n);
	ps_set_lsn(guard, XLogInsert(RM_HEAP2_ID, XLOG_HEAP2_VACUUM));
}
