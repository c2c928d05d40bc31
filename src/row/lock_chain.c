/*
 * lock_chain.c
 *		Lock the newer versions of a row along with it.
 *
 * A FOR KEY SHARE lock lets a row be updated; its holder is protected only if
 * the versions to come carry the lock too.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "row/chain.h"
#include "row/lock_chain.h"
#include "row/vm.h"
#include "row/wal_change.h"
#include "server/compat.h"
#include "storage/procarray.h"

/* Where we are in the chain. */
typedef struct Step
{
	Relation	rel;
	LockTupleMode mode;
	ItemPointerData tid;
	TransactionId xmin;			/* of the version there: else the chain has
								 * ended */
	PsPin		pin;
	PsWrite		guard;
	PsRowMut	row;
	Buffer		vmbuf;
} Step;

typedef enum Verdict
{
	CAN_LOCK,
	LOCKED_ALREADY,				/* by this transaction, earlier on */
	MUST_WAIT,
	CHANGED						/* by one who has committed */
} Verdict;

static Verdict
judge_member(const MultiXactMember *member, LockTupleMode mode)
{
	bool		conflict = ps_status_conflicts(member->status, mode);

	if (TransactionIdIsCurrentTransactionId(member->xid))
		return LOCKED_ALREADY;
	if (TransactionIdIsInProgress(member->xid))
		return conflict ? MUST_WAIT : CAN_LOCK;
	if (conflict && ISUPDATE_from_mxstatus(member->status) && TransactionIdDidCommit(member->xid))
		return CHANGED;
	return CAN_LOCK;
}

/* The first holder that is in the way decides. */
static Verdict
judge_holders(const PsRowMut *row, LockTupleMode mode, TransactionId *wait_for)
{
	Verdict		verdict = CAN_LOCK;
	MultiXactMember *members;
	int			n = ps_xmax_members(ps_xmax_of(row->header), &members);

	for (int i = 0; verdict == CAN_LOCK && i < n; i++)
	{
		verdict = judge_member(&members[i], mode);
		*wait_for = members[i].xid;
	}
	ps_xmax_free_members(members);
	return verdict;
}

/* Latch the page; false if the version is not there (any more). */
static bool
latch_version(Step *s) PS_ACQUIRE(s->guard)
{
	ps_vm_latch(s->rel, &s->pin, &s->vmbuf, &s->guard);

	/*
	 * Gone, or another row by now, or made by one who has aborted: the
	 * version before was the last.
	 */
	return ps_row_at_mut(&s->guard, ItemPointerGetOffsetNumber(&s->tid), &s->row) &&
		ps_chain_follows(s->row.header, s->xmin) &&
		!TransactionIdDidAbort(HeapTupleHeaderGetXmin(s->row.header));
}

static void
lock_successor(Step *s) PS_REQUIRES(s->guard)
{
	PsXmax		new = ps_xmax_add(ps_xmax_of(s->row.header), GetCurrentTransactionId(), s->mode, false);
	PsVmCleared all_frozen;

	START_CRIT_SECTION();
	ps_mark_dirty(&s->guard);
	ps_xmax_store(s->row.header, new);
	all_frozen = ps_vm_clear_frozen(&s->guard, s->vmbuf);
	if (RelationNeedsWAL(s->rel))
		ps_wal_lock_updated(&s->guard, &s->row, &all_frozen);
	END_CRIT_SECTION();
	ps_vm_cleared_end(&all_frozen);
}

/* Lock the version at s->tid; *more: there is another one, where s now points. */
static TM_Result
lock_step(Step *s, bool *more)
{
	TM_Result	result = TM_Ok;

	*more = false;
	s->pin = ps_pin(s->rel, ItemPointerGetBlockNumber(&s->tid));
	for (;;)
	{
		TransactionId wait_for = InvalidTransactionId;
		Verdict		verdict;

		CHECK_FOR_INTERRUPTS();
		if (!latch_version(s))
			break;
		verdict = judge_holders(&s->row, s->mode, &wait_for);
		if (verdict == MUST_WAIT)
		{
			ps_write_unlock(&s->guard);
			XactLockTableWait(wait_for, s->rel, &s->tid, XLTW_LockUpdated);
			continue;
		}
		if (verdict == CHANGED)
		{
			result = ItemPointerEquals(&s->tid, &s->row.header->t_ctid) ? TM_Deleted : TM_Updated;
			break;
		}
		if (verdict == CAN_LOCK)
			lock_successor(s);
		*more = ps_chain_successor(s->row.header, &s->tid, &s->xmin);
		break;
	}
	ps_write_unlock(&s->guard);
	ps_unpin(&s->pin);
	return result;
}

TM_Result
ps_lock_chain(Relation rel, PsXmax prior, const ItemPointerData *successor, LockTupleMode mode)
{
	Step		s = {
		.rel = rel,.mode = mode,.tid = *successor,
		.xmin = ps_xmax_updater(prior),.vmbuf = InvalidBuffer
	};
	TM_Result	result;
	bool		more;

	/* Moved to another partition: nothing to lock here. */
	if (ItemPointerIndicatesMovedPartitions(successor))
		return TM_Ok;

	MultiXactIdSetOldestMember();
	do
	{
		result = lock_step(&s, &more);
	} while (more);
	ps_vm_release(&s.vmbuf);
	return result;
}
