/*
 * lock.c
 *		Lock a row, or its newest version.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "am/lock.h"
#include "am/slot.h"
#include "miscadmin.h"
#include "row/claim.h"
#include "row/vm.h"
#include "row/wal_change.h"
#include "server/compat.h"

/*
 * Write the lock into the row.  Cmax stays: it means nothing to a lock, and an
 * update that is already in the xmax needs it.  A combo command id belongs to
 * the transaction that made the row and stays as long as that may still ask
 * for it, whoever locks the row: only what is left of one in a row whose
 * maker has committed goes, as redo of the lock lets it go.
 */
static void
mark_locked(PsClaim *claim) PS_REQUIRES(claim->guard)
{
	HeapTupleHeader header = claim->row.header;
	PsXmax		xmax;
	PsVmCleared all_frozen;

	MultiXactIdSetOldestMember();
	xmax = ps_xmax_add(ps_xmax_of(header), GetCurrentTransactionId(), claim->mode, false);

	START_CRIT_SECTION();
	ps_mark_dirty(&claim->guard);
	ps_xmax_store(header, xmax);
	if (HeapTupleHeaderXminCommitted(header))
		header->t_infomask &= ~HEAP_COMBOCID;

	/*
	 * No newer version: there must be no link to one, left by an update that
	 * aborted.
	 */
	if (HEAP_XMAX_IS_LOCKED_ONLY(xmax.infomask))
	{
		HeapTupleHeaderClearHotUpdated(header);
		header->t_ctid = claim->tid;
	}
	all_frozen = ps_vm_clear_frozen(&claim->guard, claim->vmbuf);
	if (RelationNeedsWAL(claim->rel))
		ps_wal_lock(&claim->guard, &claim->row, &all_frozen);
	END_CRIT_SECTION();
	ps_vm_cleared_end(&all_frozen);
}

/* What a look at a version with a dirty snapshot tells. */
typedef struct Look
{
	bool		exists;
	bool		live;
	TransactionId xmin;
	CommandId	cmin;			/* if xmin is ours */
	ItemPointerData next;
	TransactionId updater;		/* if not live */
} Look;

static Look
look_at(Relation rel, ItemPointer tid, Snapshot dirty)
{
	PsPin		pin = ps_pin(rel, ItemPointerGetBlockNumber(tid));
	PsRead		guard;
	Look		look = {0};
	PsRow		row;

	ps_read_lock(rel, &pin, &guard);
	if (ps_row_at(&guard, ItemPointerGetOffsetNumber(tid), &row))
	{
		HeapTupleHeader header = unconstify(HeapTupleHeaderData *, row.header);

		look.exists = true;
		look.live = ps_row_visible(&guard, &row, dirty);
		look.xmin = HeapTupleHeaderGetXmin(header);
		if (TransactionIdIsCurrentTransactionId(look.xmin))
			look.cmin = HeapTupleHeaderGetCmin(header);
		look.next = header->t_ctid;
		if (!look.live)
			look.updater = HeapTupleHeaderGetUpdateXid(header);
	}
	ps_read_unlock(&guard);
	ps_unpin(&pin);
	return look;
}

/*
 * The row at *tid was updated by tmfd->xmax: follow the chain to the version
 * that is live now. TM_Ok: *tid is where, try to lock that.  Anything else is
 * the answer.
 */
static TM_Result
find_newest(Relation rel, ItemPointer tid, CommandId cid, LockWaitPolicy wait_policy,
			TM_FailureData *tmfd)
{
	TransactionId expected_xmin = tmfd->xmax;
	SnapshotData dirty;

	*tid = tmfd->ctid;
	tmfd->traversed = true;
	InitDirtySnapshot(dirty);

	for (;;)
	{
		Look		look;

		CHECK_FOR_INTERRUPTS();
		if (ItemPointerIndicatesMovedPartitions(tid))
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("tuple to be locked was already moved to another partition due to concurrent update")));

		look = look_at(rel, tid, &dirty);

		/* Another row by now: the newest version was deleted and removed. */
		if (!look.exists || !TransactionIdEquals(look.xmin, expected_xmin))
			return TM_Deleted;

		if (!look.live)
		{
			if (ItemPointerEquals(tid, &look.next))
				return TM_Deleted;
			*tid = look.next;
			expected_xmin = look.updater;
			continue;
		}

		if (TransactionIdIsValid(dirty.xmin))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg_internal("t_xmin %u is uncommitted in tuple (%u,%u) to be updated in table \"%s\"",
									 dirty.xmin,
									 ItemPointerGetBlockNumber(tid),
									 ItemPointerGetOffsetNumber(tid),
									 RelationGetRelationName(rel))));

		/* Being updated: see how that ends. */
		if (TransactionIdIsValid(dirty.xmax))
		{
			if (!ps_xid_wait(dirty.xmax, wait_policy, rel, tid, XLTW_FetchUpdated))
				return TM_WouldBlock;
			continue;
		}

		/* Made by a later command of ours: this one must not see it. */
		if (TransactionIdIsCurrentTransactionId(look.xmin) && look.cmin >= cid)
		{
			tmfd->xmax = look.xmin;
			tmfd->cmax = look.cmin;
			return TM_SelfModified;
		}
		return TM_Ok;
	}
}

/* Lock the version at *tid and put it into the slot. */
static TM_Result
lock_here(Relation rel, ItemPointer tid, TupleTableSlot *slot, PsClaim *claim,
		  bool want_newest, TM_FailureData *tmfd)
{
	TM_Result	result;
	PsRow		row;

	ps_claim_open(claim, rel, tid);
	result = ps_claim_settle(claim);
	if (result == TM_Ok)
	{
		if (!claim->already_held)
			mark_locked(claim);
	}
	else if (result != TM_Invisible)
		ps_claim_failure(claim, result, tmfd);

	row = ps_row_lend(&claim->row);
	ps_claim_unlatch(claim);

	/* On the way to the newest version the slot is of no use yet. */
	if (!(result == TM_Updated && want_newest))
	{
		slot->tts_tableOid = RelationGetRelid(rel);
		ps_slot_store(slot, &row, &claim->pin);
	}
	ps_claim_close(claim);
	return result;
}

TM_Result
ps_tuple_lock(Relation rel, ItemPointer tid, Snapshot snapshot, TupleTableSlot *slot,
			  CommandId cid, LockTupleMode mode, LockWaitPolicy wait_policy, uint8 flags,
			  TM_FailureData *tmfd)
{
	bool		want_newest = (flags & TUPLE_LOCK_FLAG_FIND_LAST_VERSION) != 0;
	PsClaim		claim = {
		.snapshot = snapshot,.cid = cid,.mode = mode,.policy = wait_policy,.oper = XLTW_Lock,
		.locking = true,
		.follow = (flags & TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS) != 0
	};
	TM_Result	result;

	tmfd->traversed = false;
	for (;;)
	{
		result = lock_here(rel, tid, slot, &claim, want_newest, tmfd);
		if (result != TM_Updated || !want_newest)
			return result;
		if (ItemPointerEquals(&tmfd->ctid, tid))
			return TM_Deleted;
		result = find_newest(rel, tid, cid, wait_policy, tmfd);
		if (result != TM_Ok)
			return result;
		claim.snapshot = InvalidSnapshot;	/* it may not see that version */
	}
}
