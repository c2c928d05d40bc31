/*
 * delete.c
 *		Delete a row.
 */
#include "postgres.h"

#include "access/heaptoast.h"
#include "access/xact.h"
#include "am/am.h"
#include "am/delete.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "row/claim.h"
#include "row/vm.h"
#include "row/wal_change.h"
#include "server/compat.h"
#include "storage/predicate.h"

/* The row is ours: mark it deleted, and log that. */
static void
mark_deleted(PsClaim *claim, HeapTuple tuple, CommandId cid, uint32 options)
			PS_RELEASE(claim->guard)
{
	Relation	rel = claim->rel;
	TransactionId xid = GetCurrentTransactionId();
	HeapTupleHeader header = claim->row.header;
	bool		is_combo;
	bool		key_copied;
	PsVmCleared all_visible;
	HeapTuple	old_key;
	PsXmax		xmax;

	HeapTupleHeaderAdjustCmax(header, &cid, &is_combo);
	old_key = ps_replica_identity(rel, tuple, !(options & TABLE_DELETE_NO_LOGICAL), true, &key_copied);
	MultiXactIdSetOldestMember();
	xmax = ps_xmax_add(ps_xmax_of(header), xid, LockTupleExclusive, true);

	START_CRIT_SECTION();
	ps_mark_dirty(&claim->guard);
	PageSetPrunable(claim->guard.page, xid);
	all_visible = ps_vm_clear(&claim->guard, claim->vmbuf);
	header->t_infomask &= ~HEAP_MOVED;
	ps_xmax_store(header, xmax);
	HeapTupleHeaderClearHotUpdated(header);
	HeapTupleHeaderSetCmax(header, cid, is_combo);
	header->t_ctid = claim->tid;
	if (options & TABLE_DELETE_CHANGING_PARTITION)
		HeapTupleHeaderSetMovedPartitions(header);
	if (RelationNeedsWAL(rel))
		ps_wal_delete(&claim->guard, &claim->row, old_key, &all_visible, options);
	END_CRIT_SECTION();
	ps_vm_cleared_end(&all_visible);

	ps_claim_unlatch(claim);
	if (key_copied)
		heap_freetuple(old_key);
}

TM_Result
ps_tuple_delete(Relation rel, ItemPointer tid, CommandId cid, uint32 options,
				Snapshot snapshot, Snapshot crosscheck, bool wait, TM_FailureData *tmfd)
{
	PsClaim		claim = {
		.snapshot = snapshot,.crosscheck = crosscheck,.cid = cid,.mode = LockTupleExclusive,.policy = LockWaitBlock,
		.oper = XLTW_Delete,.nowait = !wait
	};
	TM_Result	result;
	PsRow		row;
	HeapTupleData tuple;

	/* The other workers could not be told of a combo command id. */
	if (IsInParallelMode())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("cannot delete tuples during a parallel operation")));

	ps_claim_open(&claim, rel, tid);
	result = ps_claim_settle(&claim);
	if (result == TM_Invisible)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("attempted to delete invisible tuple")));

	if (result != TM_Ok)
	{
		ps_claim_failure(&claim, result, tmfd);
		ps_claim_unlatch(&claim);
		ps_claim_close(&claim);
		return result;
	}

	/* Under the latch, so that no serializable reader can slip in between. */
	CheckForSerializableConflictIn(rel, &claim.tid, claim.pin.block);

	row = ps_row_lend(&claim.row);
	tuple = ps_row_tuple(&row);
	mark_deleted(&claim, &tuple, cid, options);

	/* Values out of line go too; the pin keeps the row's bytes for this. */
	if (HeapTupleHasExternal(&tuple))
	{
		Assert(ps_can_toast(rel));
		heap_toast_delete(rel, &tuple, false);
	}
	ps_claim_close(&claim);
	pgstat_count_heap_delete(rel);
	return TM_Ok;
}
