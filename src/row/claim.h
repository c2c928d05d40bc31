/*
 * claim.h
 *		The right to change a row version: latch its page, wait for whoever holds it.
 *
 * Delete, update and row locks all begin like this:
 *
 *	ps_claim_open(&claim, rel, tid)			pin and latch the page
 *	result = ps_claim_settle(&claim)		wait until it is ours, or see that it can't be
 *	... TM_Ok: change it under claim.guard, or ps_claim_failure() ...
 *	ps_claim_unlatch(&claim)
 *	ps_claim_close(&claim)
 *
 * The caller's snapshot, not our pin, keeps the version from being removed
 * while we wait for others with no latch on its page.  Where
 * old_snapshot_threshold lets vacuum ignore the snapshot, a row that it does
 * not see, on a page changed since, is taken for another one.
 */
#ifndef PAGESTORE_ROW_CLAIM_H
#define PAGESTORE_ROW_CLAIM_H

#include "row/visibility.h"
#include "row/xmax.h"

typedef struct PsClaim
{
	/* what the caller wants */
	Relation	rel;
	ItemPointerData tid;
	Snapshot	snapshot;		/* which found the row; InvalidSnapshot: none
								 * did */
	Snapshot	crosscheck;		/* delete and update: has to see the row as
								 * well; InvalidSnapshot: none */
	CommandId	cid;
	LockTupleMode mode;
	LockWaitPolicy policy;
	XLTW_Oper	oper;			/* for the error context of a wait */
	bool		locking;		/* a row lock: no change of the row itself */
	bool		nowait;			/* delete and update: give up at once on a row
								 * being modified */
	bool		follow;			/* row lock: lock newer versions along */

	/* the row, while latched */
	PsPin		pin;
	PsWrite		guard;
	PsRowMut	row;
	bool		latched;
	Buffer		vmbuf;			/* map page, pinned if the latched page is all
								 * visible */

	/* what was found */
	bool		lockers_gone;	/* we waited, and nobody who locked the row is
								 * left */
	bool		already_held;	/* row lock: this transaction has it */

	bool		row_locked;		/* we hold the heavyweight lock */
} PsClaim;

/*
 * Fill in rel and tid, pin the page and latch it exclusively.  The caller sets
 * the other wishes, before or after, but snapshot before.  ereport(ERROR):
 * ERRCODE_SNAPSHOT_TOO_OLD; ERRCODE_DATA_CORRUPTED if there is no row.
 */
extern void ps_claim_open(PsClaim *claim, Relation rel, ItemPointer tid) PS_ACQUIRE(claim->guard);

/*
 * Wait until this transaction may act on the row, or find out why not.
 * Latched on return.  Results as table_tuple_update() and table_tuple_lock()
 * give them.  row is derived anew: the page may have been unlatched meanwhile.
 */
extern TM_Result ps_claim_settle(PsClaim *claim) PS_REQUIRES(claim->guard);

/* Let go of the latch and take it again: row is derived anew, with errors as of ps_claim_open(). */
extern void ps_claim_unlatch(PsClaim *claim) PS_RELEASE(claim->guard);
extern void ps_claim_latch(PsClaim *claim) PS_ACQUIRE(claim->guard);

/* After somebody else has latched the page for us: derive row. */
extern void ps_claim_rederive(PsClaim *claim) PS_REQUIRES(claim->guard);

/* What to tell the caller about a row that is not ours. */
extern void ps_claim_failure(const PsClaim *claim, TM_Result result, TM_FailureData *tmfd)
			PS_REQUIRES(claim->guard);

/* Unlatched: unpin, release the heavyweight lock. */
extern void ps_claim_close(PsClaim *claim) PS_EXCLUDES(claim->guard);

#endif							/* PAGESTORE_ROW_CLAIM_H */
