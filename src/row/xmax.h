/*
 * xmax.h
 *		What an xmax says about lockers and updaters, what it becomes when one
 *		more comes, and waiting for them.
 *
 * heap's rules (README.tuplock): a lock is an xid or a multixact in the row's
 * xmax with bits that tell its strength; whoever has to wait takes a
 * heavyweight lock on the row first, which gives waiters their order.  Nothing
 * here touches a page.
 */
#ifndef PAGESTORE_ROW_XMAX_H
#define PAGESTORE_ROW_XMAX_H

#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/xact.h"
#include "nodes/lockoptions.h"
#include "storage/lmgr.h"
#include "utils/rel.h"

/* An xmax, which may be a multixact, with the bits of both infomasks that belong to it. */
typedef struct PsXmax
{
	TransactionId xmax;
	uint16		infomask;
	uint16		infomask2;
} PsXmax;

static inline PsXmax
ps_xmax_of(const HeapTupleHeaderData *header)
{
	PsXmax		x = {
		HeapTupleHeaderGetRawXmax(header),
		header->t_infomask & HEAP_XMAX_BITS,
		header->t_infomask2 & HEAP_KEYS_UPDATED
	};

	return x;
}

/* Put it into a row (critical section). */
static inline void
ps_xmax_store(HeapTupleHeader header, PsXmax x)
{
	header->t_infomask = (header->t_infomask & ~HEAP_XMAX_BITS) | x.infomask;
	header->t_infomask2 = (header->t_infomask2 & ~HEAP_KEYS_UPDATED) | x.infomask2;
	HeapTupleHeaderSetXmax(header, x.xmax);
}

/* Same holders, same strengths; hint bits may differ. */
static inline bool
ps_xmax_same(PsXmax a, PsXmax b)
{
	return a.xmax == b.xmax &&
		((a.infomask ^ b.infomask) &
		 (HEAP_XMAX_IS_MULTI | HEAP_XMAX_LOCK_ONLY | HEAP_LOCK_MASK)) == 0;
}

/*
 * The xmax after xid, of this transaction, locks or (is_update) updates or
 * deletes the row with this mode.  May create a multixact.  Call
 * MultiXactIdSetOldestMember() before.
 */
extern PsXmax ps_xmax_add(PsXmax old, TransactionId xid, LockTupleMode mode, bool is_update);

/* The xmax that a new version takes over from the old one: lockers that are still there. */
extern PsXmax ps_xmax_inherit(PsXmax old, bool lockers_gone);

/* The updating or deleting xid in it; invalid when there are only lockers. */
extern TransactionId ps_xmax_updater(PsXmax x);

/* Who holds it, as seen by one who wants mode? */
typedef struct PsHolders
{
	bool		conflict;		/* someone else must be waited for, or has
								 * changed the row */
	bool		own;			/* this transaction is among them */
	LockTupleMode own_mode;		/* its strongest lock */
} PsHolders;

extern PsHolders ps_xmax_holders(PsXmax x, LockTupleMode mode);

/* Each holder with its status.  -1, and *members NULL: none that still count. */
extern int	ps_xmax_members(PsXmax x, MultiXactMember **members);

static inline void
ps_xmax_free_members(MultiXactMember *members)
{
	if (members != NULL)
		pfree(members);
}

extern bool ps_status_conflicts(MultiXactStatus status, LockTupleMode mode);

/*
 * Wait until nobody who conflicts with mode is left.  False: LockWaitSkip, and
 * one is there.  ereport(ERROR, ERRCODE_LOCK_NOT_AVAILABLE) for LockWaitError.
 * *remain: holders that are still there, our own included.
 */
extern bool ps_xmax_wait(PsXmax x, LockTupleMode mode, LockWaitPolicy policy, Relation rel,
						 ItemPointer tid, XLTW_Oper oper, bool *remain);

/* Wait for one transaction, in the same manner. */
extern bool ps_xid_wait(TransactionId xid, LockWaitPolicy policy, Relation rel,
						ItemPointer tid, XLTW_Oper oper);

/* The heavyweight lock of a row; results as of ps_xmax_wait(). */
extern bool ps_tuplock_take(Relation rel, ItemPointer tid, LockTupleMode mode, LockWaitPolicy policy);
extern void ps_tuplock_release(Relation rel, ItemPointer tid, LockTupleMode mode);

#endif							/* PAGESTORE_ROW_XMAX_H */
