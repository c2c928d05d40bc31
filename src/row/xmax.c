/*
 * xmax.c
 *		The arithmetic of xmax, and waiting for those who hold a row.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "row/xmax.h"
#include "server/compat.h"
#include "storage/procarray.h"

/* The heavyweight lock that stands for each LockTupleMode: they conflict as the modes do. */
static const LOCKMODE heavyweight[] = {
	[LockTupleKeyShare] = AccessShareLock,
	[LockTupleShare] = RowShareLock,
	[LockTupleNoKeyExclusive] = ExclusiveLock,
	[LockTupleExclusive] = AccessExclusiveLock,
};

static const LockTupleMode mode_of_status[] = {
	[MultiXactStatusForKeyShare] = LockTupleKeyShare,
	[MultiXactStatusForShare] = LockTupleShare,
	[MultiXactStatusForNoKeyUpdate] = LockTupleNoKeyExclusive,
	[MultiXactStatusForUpdate] = LockTupleExclusive,
	[MultiXactStatusNoKeyUpdate] = LockTupleNoKeyExclusive,
	[MultiXactStatusUpdate] = LockTupleExclusive,
};

static MultiXactStatus
status_of_mode(LockTupleMode mode, bool is_update)
{
	static const MultiXactStatus lock_status[] = {
		[LockTupleKeyShare] = MultiXactStatusForKeyShare,
		[LockTupleShare] = MultiXactStatusForShare,
		[LockTupleNoKeyExclusive] = MultiXactStatusForNoKeyUpdate,
		[LockTupleExclusive] = MultiXactStatusForUpdate,
	};

	if (!is_update)
		return lock_status[mode];
	Assert(mode >= LockTupleNoKeyExclusive);
	return mode == LockTupleExclusive ? MultiXactStatusUpdate : MultiXactStatusNoKeyUpdate;
}

/*
 * What a single xid in xmax holds, by its bits.  False: a lock without a
 * strength, left by a version of PostgreSQL before 9.3: its holder is long
 * gone.
 */
static bool
status_of_xid(PsXmax x, MultiXactStatus *status)
{
	bool		key = (x.infomask2 & HEAP_KEYS_UPDATED) != 0;

	if (!HEAP_XMAX_IS_LOCKED_ONLY(x.infomask))
		*status = key ? MultiXactStatusUpdate : MultiXactStatusNoKeyUpdate;
	else if (HEAP_XMAX_IS_KEYSHR_LOCKED(x.infomask))
		*status = MultiXactStatusForKeyShare;
	else if (HEAP_XMAX_IS_SHR_LOCKED(x.infomask))
		*status = MultiXactStatusForShare;
	else if (HEAP_XMAX_IS_EXCL_LOCKED(x.infomask))
		*status = key ? MultiXactStatusForUpdate : MultiXactStatusForNoKeyUpdate;
	else
		return false;
	return true;
}

bool
ps_status_conflicts(MultiXactStatus status, LockTupleMode mode)
{
	return DoLockModesConflict(heavyweight[mode_of_status[status]], heavyweight[mode]);
}

int
ps_xmax_members(PsXmax x, MultiXactMember **members)
{
	MultiXactStatus status;

	*members = NULL;
	if ((x.infomask & HEAP_XMAX_INVALID) || HEAP_LOCKED_UPGRADED(x.infomask))
		return -1;
	if (x.infomask & HEAP_XMAX_IS_MULTI)
		return GetMultiXactIdMembers(x.xmax, members, false,
									 HEAP_XMAX_IS_LOCKED_ONLY(x.infomask));
	if (!status_of_xid(x, &status))
		return -1;
	*members = palloc(sizeof(MultiXactMember));
	(*members)[0].xid = x.xmax;
	(*members)[0].status = status;
	return 1;
}

TransactionId
ps_xmax_updater(PsXmax x)
{
	TransactionId updater = InvalidTransactionId;
	MultiXactMember *members;
	int			n;

	if (HEAP_XMAX_IS_LOCKED_ONLY(x.infomask))
		return InvalidTransactionId;
	n = ps_xmax_members(x, &members);
	for (int i = 0; i < n; i++)
		if (ISUPDATE_from_mxstatus(members[i].status))
		{
			Assert(!TransactionIdIsValid(updater));
			updater = members[i].xid;
		}
	ps_xmax_free_members(members);
	return updater;
}

/* ---- computing a new xmax ---- */

/* Nobody else counts: the xid stands alone. */
static PsXmax
alone(TransactionId xid, LockTupleMode mode, bool is_update)
{
	PsXmax		x = {.xmax = xid};

	if (mode == LockTupleExclusive)
		x.infomask2 = HEAP_KEYS_UPDATED;
	if (is_update)
		return x;

	x.infomask = HEAP_XMAX_LOCK_ONLY;
	switch (mode)
	{
		case LockTupleKeyShare:
			x.infomask |= HEAP_XMAX_KEYSHR_LOCK;
			break;
		case LockTupleShare:
			x.infomask |= HEAP_XMAX_SHR_LOCK;
			break;
		case LockTupleNoKeyExclusive:
		case LockTupleExclusive:
			x.infomask |= HEAP_XMAX_EXCL_LOCK;
			break;
	}
	return x;
}

/* A multixact with the bits that tell of its members. */
static PsXmax
together(MultiXactId multi)
{
	PsXmax		x = {.xmax = multi,.infomask = HEAP_XMAX_IS_MULTI};
	LockTupleMode strongest = LockTupleKeyShare;
	bool		updated = false;
	MultiXactMember *members;
	int			n = GetMultiXactIdMembers(multi, &members, false, false);

	for (int i = 0; i < n; i++)
	{
		LockTupleMode mode = mode_of_status[members[i].status];

		strongest = Max(strongest, mode);
		if (mode == LockTupleExclusive)
			x.infomask2 = HEAP_KEYS_UPDATED;
		if (ISUPDATE_from_mxstatus(members[i].status))
			updated = true;
	}
	ps_xmax_free_members(members);

	if (strongest >= LockTupleNoKeyExclusive)
		x.infomask |= HEAP_XMAX_EXCL_LOCK;
	else if (strongest == LockTupleShare)
		x.infomask |= HEAP_XMAX_SHR_LOCK;
	else
		x.infomask |= HEAP_XMAX_KEYSHR_LOCK;
	if (!updated)
		x.infomask |= HEAP_XMAX_LOCK_ONLY;
	return x;
}

static PsXmax
add_to_multi(PsXmax old, TransactionId xid, LockTupleMode mode, bool is_update)
{
	bool		locked_only = HEAP_XMAX_IS_LOCKED_ONLY(old.infomask);

	Assert(!(old.infomask & HEAP_XMAX_COMMITTED));
	if (HEAP_LOCKED_UPGRADED(old.infomask))
		return alone(xid, mode, is_update);

	/* All gone, and no update that lasts: no need of a multixact any more. */
	if (!MultiXactIdIsRunning(old.xmax, locked_only) &&
		(locked_only || !TransactionIdDidCommit(ps_xmax_updater(old))))
		return alone(xid, mode, is_update);

	return together(MultiXactIdExpand(old.xmax, xid, status_of_mode(mode, is_update)));
}

/* Does an update by the xid in old last, or is its holder still there?  In progress first: see heapam_visibility.c. */
static bool
xid_counts(PsXmax old, bool *running)
{
	*running = false;
	if (old.infomask & HEAP_XMAX_COMMITTED)
		return true;
	*running = TransactionIdIsInProgress(old.xmax);
	return *running ||
		(!HEAP_XMAX_IS_LOCKED_ONLY(old.infomask) && TransactionIdDidCommit(old.xmax));
}

PsXmax
ps_xmax_add(PsXmax old, TransactionId xid, LockTupleMode mode, bool is_update)
{
	MultiXactStatus old_status;
	bool		running;

	Assert(TransactionIdIsCurrentTransactionId(xid));
	if (old.infomask & HEAP_XMAX_INVALID)
		return alone(xid, mode, is_update);
	if (old.infomask & HEAP_XMAX_IS_MULTI)
		return add_to_multi(old, xid, mode, is_update);
	if (!xid_counts(old, &running) || !status_of_xid(old, &old_status))
		return alone(xid, mode, is_update);

	/* Our own lock: the stronger of both will do. */
	if (running && old.xmax == xid)
	{
		Assert(HEAP_XMAX_IS_LOCKED_ONLY(old.infomask));
		return alone(xid, Max(mode, mode_of_status[old_status]), is_update);
	}
	return together(MultiXactIdCreate(old.xmax, old_status,
									  xid, status_of_mode(mode, is_update)));
}

/*
 * The members of a multixact that are still there.  Those that have ended must
 * not go along: the new version may come to a page that vacuum has passed, which
 * goes on to say that no id as old is left in the table.  Our snapshot keeps it
 * from saying that of one that still runs.
 */
static PsXmax
members_left(PsXmax old, PsXmax none)
{
	MultiXactMember *members;
	int			n = GetMultiXactIdMembers(old.xmax, &members, false,
										  HEAP_XMAX_IS_LOCKED_ONLY(old.infomask));
	int			left = 0;
	PsXmax		x = none;

	for (int i = 0; i < n; i++)
		if (TransactionIdIsInProgress(members[i].xid))
			members[left++] = members[i];

	if (left > 0 && left == n)
		x = together(old.xmax);
	else if (left > 1)
	{
		MultiXactIdSetOldestMember();
		x = together(MultiXactIdCreateFromMembers(left, members));
	}
	else if (left == 1)
		x = alone(members[0].xid, mode_of_status[members[0].status], false);
	ps_xmax_free_members(members);
	return x;
}

PsXmax
ps_xmax_inherit(PsXmax old, bool lockers_gone)
{
	PsXmax		none = {InvalidTransactionId, HEAP_XMAX_INVALID, 0};
	PsXmax		keyshare = {old.xmax, HEAP_XMAX_KEYSHR_LOCK | HEAP_XMAX_LOCK_ONLY, 0};

	if ((old.infomask & HEAP_XMAX_INVALID) || HEAP_LOCKED_UPGRADED(old.infomask) ||
		lockers_gone || !TransactionIdIsValid(old.xmax))
		return none;
	if (old.infomask & HEAP_XMAX_IS_MULTI)
		return members_left(old, none);

	/*
	 * A single locker that let an update go ahead holds FOR KEY SHARE, or is
	 * ourselves.
	 */
	return keyshare;
}

/* ---- judging and waiting ---- */

/* Does another transaction's hold on the row still count for one who conflicts with it? */
static bool
member_counts(const MultiXactMember *member)
{
	if (ISUPDATE_from_mxstatus(member->status))
		return !TransactionIdDidAbort(member->xid);
	return TransactionIdIsInProgress(member->xid);
}

PsHolders
ps_xmax_holders(PsXmax x, LockTupleMode mode)
{
	PsHolders	holders = {false, false, LockTupleKeyShare};
	bool		single = !(x.infomask & HEAP_XMAX_IS_MULTI);
	MultiXactMember *members;
	int			n = ps_xmax_members(x, &members);

	for (int i = 0; i < n; i++)
	{
		LockTupleMode held = mode_of_status[members[i].status];

		if (TransactionIdIsCurrentTransactionId(members[i].xid))
		{
			holders.own_mode = holders.own ? Max(holders.own_mode, held) : held;
			holders.own = true;
		}
		else if (!holders.conflict && ps_status_conflicts(members[i].status, mode))
			holders.conflict = single || member_counts(&members[i]);
	}
	ps_xmax_free_members(members);
	return holders;
}

static void
report_unavailable(Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("could not obtain lock on row in relation \"%s\"",
					RelationGetRelationName(rel))));
}

bool
ps_xid_wait(TransactionId xid, LockWaitPolicy policy, Relation rel, ItemPointer tid,
			XLTW_Oper oper)
{
	switch (policy)
	{
		case LockWaitBlock:
			XactLockTableWait(xid, rel, tid, oper);
			return true;
		case LockWaitSkip:
			return ConditionalXactLockTableWait(xid, false);
		case LockWaitError:
			if (!ConditionalXactLockTableWait(xid, log_lock_failures))
				report_unavailable(rel);
			return true;
	}
	pg_unreachable();
}

bool
ps_xmax_wait(PsXmax x, LockTupleMode mode, LockWaitPolicy policy, Relation rel,
			 ItemPointer tid, XLTW_Oper oper, bool *remain)
{
	bool		done = true;
	MultiXactMember *members;
	int			n = ps_xmax_members(x, &members);

	*remain = false;
	for (int i = 0; done && i < n; i++)
	{
		if (TransactionIdIsCurrentTransactionId(members[i].xid))
			*remain = true;
		else if (ps_status_conflicts(members[i].status, mode))
			done = ps_xid_wait(members[i].xid, policy, rel, tid, oper);
		else if (!*remain)
			*remain = TransactionIdIsInProgress(members[i].xid);
	}
	ps_xmax_free_members(members);
	return done;
}

bool
ps_tuplock_take(Relation rel, ItemPointer tid, LockTupleMode mode, LockWaitPolicy policy)
{
	switch (policy)
	{
		case LockWaitBlock:
			LockTuple(rel, tid, heavyweight[mode]);
			return true;
		case LockWaitSkip:
			return ConditionalLockTuple(rel, tid, heavyweight[mode], false);
		case LockWaitError:
			if (!ConditionalLockTuple(rel, tid, heavyweight[mode], log_lock_failures))
				report_unavailable(rel);
			return true;
	}
	pg_unreachable();
}

void
ps_tuplock_release(Relation rel, ItemPointer tid, LockTupleMode mode)
{
	UnlockTuple(rel, tid, heavyweight[mode]);
}
