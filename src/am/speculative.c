/*
 * speculative.c
 *		INSERT ... ON CONFLICT: insert, then confirm or take back.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/heaptoast.h"
#include "access/transam.h"
#include "access/xact.h"
#include "am/insert.h"
#include "am/speculative.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "row/wal_change.h"
#include "utils/snapmgr.h"

void
ps_tuple_insert_speculative(Relation rel, TupleTableSlot *slot, CommandId cid, uint32 options,
							struct BulkInsertStateData *bistate, uint32 spec_token)
{
	bool		should_free = true;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(slot, true, &should_free);

	slot->tts_tableOid = RelationGetRelid(rel);
	HeapTupleHeaderSetSpeculativeToken(tuple->t_data, spec_token);
	ps_insert_tuple(rel, tuple, cid, options | HEAP_INSERT_SPECULATIVE);
	slot->tts_tid = tuple->t_self;

	if (should_free)
		pfree(tuple);
}

/* Latch the page of a row that this command inserted. */
static void
latch_own_row(Relation rel, ItemPointer tid, PsPin *pin, PsWrite *guard, PsRowMut *row)
			PS_ACQUIRE(guard)
{
	*pin = ps_pin(rel, ItemPointerGetBlockNumber(tid));
	ps_write_lock(rel, pin, guard);
	if (!ps_row_at_mut(guard, ItemPointerGetOffsetNumber(tid), row))
		elog(ERROR, "invalid line pointer of a speculative tuple");
	if (!HeapTupleHeaderIsSpeculative(row->header))
		elog(ERROR, "tuple (%u,%u) is not speculative",
			 ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid));
}

/* The insertion stands: a t_ctid that points to the row itself replaces the token. */
static void
confirm(Relation rel, ItemPointer tid)
{
	PsPin		pin;
	PsWrite		guard;
	PsRowMut	row;

	latch_own_row(rel, tid, &pin, &guard, &row);
	START_CRIT_SECTION();
	ps_mark_dirty(&guard);
	row.header->t_ctid = *tid;
	if (RelationNeedsWAL(rel))
		ps_wal_confirm(&guard, ItemPointerGetOffsetNumber(tid));
	END_CRIT_SECTION();

	ps_write_unlock(&guard);
	ps_unpin(&pin);
}

/*
 * The insertion never was: an invalid xmin makes the row dead to all at once,
 * so that nobody who waits for the token goes on to wait for our transaction.
 */
static void
take_back(Relation rel, ItemPointer tid)
{
	TransactionId xid = GetCurrentTransactionId();
	TransactionId prune_xid = TransactionXmin;
	PsPin		pin;
	PsRowMut	row;
	PsRow		lent;
	HeapTupleData tuple;
	PsWrite		guard;

	latch_own_row(rel, tid, &pin, &guard, &row);
	if (HeapTupleHeaderGetRawXmin(row.header) != xid)
		elog(ERROR, "attempted to kill a tuple inserted by another transaction");
	Assert(!ps_page_all_visible(guard.page));
	Assert(!HeapTupleHeaderIsHeapOnly(row.header));

	/*
	 * The oldest xid at hand that is surely not older than relfrozenxid: the
	 * page may be pruned soon.
	 */
	Assert(TransactionIdIsValid(TransactionXmin));
	if (TransactionIdPrecedes(prune_xid, rel->rd_rel->relfrozenxid))
		prune_xid = rel->rd_rel->relfrozenxid;

	START_CRIT_SECTION();
	ps_mark_dirty(&guard);
	PageSetPrunable(guard.page, prune_xid);
	row.header->t_infomask &= ~(HEAP_XMAX_BITS | HEAP_MOVED);
	row.header->t_infomask2 &= ~HEAP_KEYS_UPDATED;
	HeapTupleHeaderSetXmin(row.header, InvalidTransactionId);
	row.header->t_ctid = row.tid;
	if (RelationNeedsWAL(rel))
		ps_wal_kill(&guard, &row, xid);
	END_CRIT_SECTION();

	/*
	 * The pin keeps the bytes where they are; our own inserts into TOAST go
	 * the same way.
	 */
	ps_write_unlock(&guard);
	lent = ps_row_lend(&row);
	tuple = ps_row_tuple(&lent);
	if (HeapTupleHasExternal(&tuple))
		heap_toast_delete(rel, &tuple, true);
	ps_unpin(&pin);

	pgstat_count_heap_delete(rel);	/* the insertion was counted */
}

void
ps_tuple_complete_speculative(Relation rel, TupleTableSlot *slot, uint32 spec_token,
							  bool succeeded)
{
	if (succeeded)
		confirm(rel, &slot->tts_tid);
	else
		take_back(rel, &slot->tts_tid);
}
