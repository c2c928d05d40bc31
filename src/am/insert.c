/*
 * insert.c
 *		Insert one row.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/heaptoast.h"
#include "access/parallel.h"
#include "access/xact.h"
#include "am/am.h"
#include "am/insert.h"
#include "am/place.h"
#include "miscadmin.h"
#include "page/usage.h"
#include "pgstat.h"
#include "row/vm.h"
#include "row/wal_change.h"
#include "server/compat.h"
#include "storage/predicate.h"

HeapTuple
ps_prepare_insert(Relation rel, HeapTuple tuple, CommandId cid, uint32 options)
{
	HeapTupleHeader header = tuple->t_data;

	/*
	 * A worker can't tell the others of a combo command id that this row may
	 * come to need.
	 */
	if (IsParallelWorker())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("cannot insert tuples in a parallel worker")));

	header->t_infomask &= ~HEAP_XACT_MASK;
	header->t_infomask2 &= ~HEAP2_XACT_MASK;
	header->t_infomask |= HEAP_XMAX_INVALID;
	HeapTupleHeaderSetXmin(header, GetCurrentTransactionId());
	if (options & HEAP_INSERT_FROZEN)
		HeapTupleHeaderSetXminFrozen(header);
	HeapTupleHeaderSetCmin(header, cid);
	HeapTupleHeaderSetXmax(header, InvalidTransactionId);
	tuple->t_tableOid = RelationGetRelid(rel);

	if (ps_can_toast(rel) &&
		(HeapTupleHasExternal(tuple) || tuple->t_len > TOAST_TUPLE_THRESHOLD))
		return heap_toast_insert_or_update(rel, tuple, NULL, options);
	Assert(ps_can_toast(rel) || !HeapTupleHasExternal(tuple));
	return tuple;
}

void
ps_insert_tuple(Relation rel, HeapTuple tuple, CommandId cid, uint32 options)
{
	HeapTuple	stored = ps_prepare_insert(rel, tuple, cid, options);
	PsPlace		place;
	PsVmCleared all_visible;

	Assert(HeapTupleHeaderGetNatts(tuple->t_data) <= RelationGetNumberOfAttributes(rel));

	ps_place_init(&place);
	ps_place_find(rel, stored->t_len, options, &place);

	/*
	 * Under the latch, so that no serializable scan can slip in between.  A
	 * new row can conflict only with locks on the whole table.
	 */
	CheckForSerializableConflictIn(rel, NULL, InvalidBlockNumber);

	START_CRIT_SECTION();
	ps_mark_dirty(&place.guard);
	ps_place_put(&place.guard, stored, (options & HEAP_INSERT_SPECULATIVE) != 0);
	all_visible = ps_vm_clear(&place.guard, place.vmbuf);
	if (RelationNeedsWAL(rel))
		ps_wal_insert(&place.guard, stored, options, &all_visible);
	END_CRIT_SECTION();
	ps_vm_cleared_end(&all_visible);

	ps_place_leave(&place);
	ps_vm_release(&place.vmbuf);

	pgstat_count_heap_insert(rel, 1);

	if (stored != tuple)
	{
		tuple->t_self = stored->t_self;
		heap_freetuple(stored);
	}
}

void
ps_tuple_insert(Relation rel, TupleTableSlot *slot, CommandId cid, uint32 options,
				struct BulkInsertStateData *bistate)
{
	bool		should_free = true;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(slot, true, &should_free);

	IOContext	before = ps_usage_enter(bistate ? IOCONTEXT_BULKWRITE : IOCONTEXT_NORMAL);

	slot->tts_tableOid = RelationGetRelid(rel);
	ps_insert_tuple(rel, tuple, cid, options);
	slot->tts_tid = tuple->t_self;

	if (should_free)
		pfree(tuple);
	(void) ps_usage_enter(before);
}

/* Rows are in the pages when an insert returns: nothing is left to do. */
void
ps_finish_bulk_insert(Relation rel, uint32 options)
{
}
