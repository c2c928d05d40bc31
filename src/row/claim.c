/*
 * claim.c
 *		The right to change a row version.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "row/claim.h"
#include "row/lock_chain.h"
#include "row/vm.h"
#include "utils/snapmgr.h"

/* ---- latching ---- */

static bool
snapshot_sees(PsClaim *c, Snapshot snapshot) PS_REQUIRES(c->guard)
{
	PsRead		lent;
	PsRow		row = ps_row_lend(&c->row);

	ps_write_lend(&c->guard, &lent);
	return ps_row_visible(&lent, &row, snapshot);
}

/*
 * May the line pointer have been used again, where old_snapshot_threshold lets
 * a row go that the snapshot sees?  A newer version that the snapshot does not
 * see is meant all the same if this transaction has locked it: it goes on to
 * change what it had to wait for.
 */
static inline bool
may_be_another_row(PsClaim *c) PS_REQUIRES(c->guard)
{
	return OldSnapshotThresholdActive() && c->snapshot != InvalidSnapshot &&
		c->snapshot->snapshot_type == SNAPSHOT_MVCC &&
		!snapshot_sees(c, c->snapshot) &&
		!ps_xmax_holders(ps_xmax_of(c->row.header), c->mode).own;
}

void
ps_claim_rederive(PsClaim *c)
{
	bool		found;

	c->latched = true;
	found = ps_row_at_mut(&c->guard, ItemPointerGetOffsetNumber(&c->tid), &c->row);
	if (!found || may_be_another_row(c))
		TestForOldSnapshot(c->snapshot, c->rel, c->guard.page);
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg_internal("row version (%u,%u) of relation \"%s\" is not there",
								 ItemPointerGetBlockNumber(&c->tid),
								 ItemPointerGetOffsetNumber(&c->tid),
								 RelationGetRelationName(c->rel))));
}

void
ps_claim_open(PsClaim *c, Relation rel, ItemPointer tid)
{
	c->rel = rel;
	c->tid = *tid;
	c->vmbuf = InvalidBuffer;
	c->lockers_gone = c->already_held = c->row_locked = false;

	c->pin = ps_pin(rel, ItemPointerGetBlockNumber(tid));
	ps_vm_latch(rel, &c->pin, &c->vmbuf, &c->guard);
	ps_claim_rederive(c);
}

void
ps_claim_unlatch(PsClaim *c)
{
	Assert(c->latched);
	ps_write_unlock(&c->guard);
	c->latched = false;
}

void
ps_claim_latch(PsClaim *c)
{
	Assert(!c->latched);
	ps_vm_latch(c->rel, &c->pin, &c->vmbuf, &c->guard);
	ps_claim_rederive(c);
}

void
ps_claim_close(PsClaim *c)
{
	Assert(!c->latched);
	ps_unpin(&c->pin);
	ps_vm_release(&c->vmbuf);
	if (c->row_locked)
		ps_tuplock_release(c->rel, &c->tid, c->mode);
	c->row_locked = false;
}

void
ps_claim_failure(const PsClaim *c, TM_Result result, TM_FailureData *tmfd)
{
	HeapTupleHeader header = c->row.header;

	Assert(c->latched);
	tmfd->ctid = header->t_ctid;
	tmfd->xmax = HeapTupleHeaderGetUpdateXid(header);
	tmfd->cmax = result == TM_SelfModified ? HeapTupleHeaderGetCmax(header) : InvalidCommandId;
}

/* ---- settling ---- */

/* Has the row a newer version, or is one being made? */
static inline bool
has_successor(PsClaim *c)
{
	return !HEAP_XMAX_IS_LOCKED_ONLY(c->row.header->t_infomask) &&
		!ItemPointerEquals(&c->tid, &c->row.header->t_ctid);
}

/* Nobody who could forbid it is at work on the row any more: what has become of it? */
static TM_Result
outcome(PsClaim *c)
{
	HeapTupleHeader header = c->row.header;

	if ((header->t_infomask & HEAP_XMAX_INVALID) ||
		HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) ||
		HeapTupleHeaderIsOnlyLocked(header))
		return TM_Ok;
	return ItemPointerEquals(&c->tid, &header->t_ctid) ? TM_Deleted : TM_Updated;
}

/*
 * With the latch let go, wait for the holders and lock newer versions.  TM_Ok,
 * or why the row can't be ours.
 */
static TM_Result
wait_for_holders(PsClaim *c, PsXmax seen, PsHolders holders, const ItemPointerData *successor,
				 bool *remain)
{
	/*
	 * The heavyweight lock gives waiters their order.  Not for one who holds
	 * a weaker lock already: whoever has the heavyweight lock may be waiting
	 * for us.
	 */
	if (!holders.own && !c->row_locked)
	{
		if (!ps_tuplock_take(c->rel, &c->tid, c->mode, c->policy))
			return TM_WouldBlock;
		c->row_locked = true;
	}
	if (!ps_xmax_wait(seen, c->mode, c->policy, c->rel, &c->tid, c->oper, remain))
		return TM_WouldBlock;
	if (successor != NULL)
		return ps_lock_chain(c->rel, seen, successor, c->mode);
	return TM_Ok;
}

/*
 * Does a locker have to wait for the holders, or give up if the row was
 * changed?  The bits decide where they can, the members elsewhere.  The bits
 * tell of holders that have ended, too: a FOR KEY SHARE that comes upon a
 * FOR UPDATE and a change of no key by the same transaction gives way to both,
 * before and after they commit.
 */
static bool
locker_gives_way(PsXmax x, PsHolders holders, LockTupleMode mode)
{
	bool		single = !(x.infomask & HEAP_XMAX_IS_MULTI);
	bool		tolerates = false;

	switch (mode)
	{
		case LockTupleKeyShare:
			tolerates = !(x.infomask2 & HEAP_KEYS_UPDATED);
			break;
		case LockTupleShare:
			tolerates = HEAP_XMAX_IS_LOCKED_ONLY(x.infomask) && !HEAP_XMAX_IS_EXCL_LOCKED(x.infomask);
			break;
		case LockTupleNoKeyExclusive:
			tolerates = single ? HEAP_XMAX_IS_KEYSHR_LOCKED(x.infomask) : !holders.conflict;
			break;
		case LockTupleExclusive:
			break;
	}
	return !tolerates && !(single && holders.own);
}

/*
 * The holders may stay.  True: *result is the answer; false: look again, the
 * row has changed while it was not latched.
 */
static bool
go_beside_holders(PsClaim *c, PsXmax seen, const ItemPointerData *successor, TM_Result *result)
			PS_REQUIRES(c->guard)
{
	*result = c->locking ? TM_Ok : outcome(c);
	if (!c->locking || successor == NULL)
		return true;

	/*
	 * Locks of both kinds can live together; the newer versions want ours as
	 * well.
	 */
	ps_claim_unlatch(c);
	*result = ps_lock_chain(c->rel, seen, successor, c->mode);
	ps_claim_latch(c);
	return *result != TM_Ok || ps_xmax_same(seen, ps_xmax_of(c->row.header));
}

/* The holders must end first.  The same. */
static bool
outwait_holders(PsClaim *c, PsXmax seen, PsHolders holders, const ItemPointerData *successor, TM_Result *result)
			PS_REQUIRES(c->guard)
{
	bool		remain;

	ps_claim_unlatch(c);
	*result = wait_for_holders(c, seen, holders, successor, &remain);
	ps_claim_latch(c);
	if (*result != TM_Ok)
		return true;

	/* Others may have come first. */
	if (!ps_xmax_same(seen, ps_xmax_of(c->row.header)))
		return false;
	if (!(seen.infomask & HEAP_XMAX_IS_MULTI))
	{
		PsRead		lent;
		PsRow		row = ps_row_lend(&c->row);

		ps_write_lend(&c->guard, &lent);
		ps_row_settle_xmax(&lent, &row, seen.xmax);
	}
	c->lockers_gone = !remain;
	*result = outcome(c);
	return true;
}

/* The row has an xmax that counts.  The same; *result comes in as what is known of the row. */
static bool
deal_with_holders(PsClaim *c, TM_Result *result) PS_REQUIRES(c->guard)
{
	PsXmax		seen = ps_xmax_of(c->row.header);
	PsHolders	holders = ps_xmax_holders(seen, c->mode);
	ItemPointerData next = c->row.header->t_ctid;
	const ItemPointerData *successor = c->follow && has_successor(c) ? &next : NULL;

	if (c->locking && holders.own && holders.own_mode >= c->mode)
	{
		c->already_held = true;
		*result = TM_Ok;
		return true;
	}
	if (!(c->locking ? locker_gives_way(seen, holders, c->mode) : holders.conflict))
		return go_beside_holders(c, seen, successor, result);

	/* No use in waiting for one who has committed. */
	if (*result != TM_BeingModified)
		return true;
	return outwait_holders(c, seen, holders, successor, result);
}

/* Ours, or why not, for all that others do. */
static TM_Result
settle_with_others(PsClaim *c) PS_REQUIRES(c->guard)
{
	for (;;)
	{
		PsRead		lent;
		PsRow		row = ps_row_lend(&c->row);
		TM_Result	result;
		bool		contended;

		ps_write_lend(&c->guard, &lent);
		result = ps_row_updatable(&lent, &row, c->cid);
		contended = c->locking ?
			(result == TM_BeingModified || result == TM_Updated || result == TM_Deleted) :
			(result == TM_BeingModified && !c->nowait);
		c->lockers_gone = false;
		if (!contended || deal_with_holders(c, &result))
			return result;
	}
}

TM_Result
ps_claim_settle(PsClaim *c)
{
	TM_Result	result = settle_with_others(c);

	if (result == TM_Ok && c->crosscheck != InvalidSnapshot && !snapshot_sees(c, c->crosscheck))
		return TM_Updated;
	return result;
}
