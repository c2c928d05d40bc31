/*
 * check_xid.c
 *		Transactions named in rows: may they be there, and how did they end?
 *
 * What is older than relfrozenxid, or not yet given out, can't be in the
 * table, nor may it be looked up in the commit log, whose older and newer
 * parts are not there.
 */
#include "postgres.h"

#include "access/xact.h"
#include "admin/check_xid.h"
#include "server/compat.h"
#include "storage/lwlock.h"
#include "storage/procarray.h"

static void
note_xid_range(PsCheck *check)
{
	LWLockAcquire(XidGenLock, LW_SHARED);
	check->next_xid = TransamVariables->nextXid;
	check->oldest_xid = TransamVariables->oldestXid;
	LWLockRelease(XidGenLock);
}

void
ps_check_xid_begin(PsCheck *check)
{
	check->relfrozenxid = check->rel->rd_rel->relfrozenxid;
	check->relminmxid = check->rel->rd_rel->relminmxid;
	check->known_xid = InvalidTransactionId;
	note_xid_range(check);
	ReadMultiXactIdRange(&check->oldest_multi, &check->next_multi);
}

static inline bool
is_in_future(const PsCheck *check, TransactionId xid)
{
	return TransactionIdFollowsOrEquals(xid, XidFromFullTransactionId(check->next_xid));
}

bool
ps_check_xid(PsCheck *check, OffsetNumber offset, const char *what, TransactionId xid)
{
	if (!TransactionIdIsNormal(xid))
	{
		if (TransactionIdIsValid(xid))
			return true;
		ps_found(check, offset, PS_NO_ATTRIBUTE, "%s is invalid", what);
		return false;
	}

	/* others have been given out since the range was noted */
	if (is_in_future(check, xid))
		note_xid_range(check);
	if (is_in_future(check, xid))
		ps_found(check, offset, PS_NO_ATTRIBUTE, "%s %u has not been given out: the next one is %u:%u",
				 what, xid, EpochFromFullTransactionId(check->next_xid),
				 XidFromFullTransactionId(check->next_xid));
	else if (TransactionIdPrecedes(xid, check->oldest_xid))
		ps_found(check, offset, PS_NO_ATTRIBUTE, "%s %u is older than %u, the oldest of the cluster",
				 what, xid, check->oldest_xid);
	else if (TransactionIdPrecedes(xid, check->relfrozenxid))
		ps_found(check, offset, PS_NO_ATTRIBUTE, "%s %u is older than the table's relfrozenxid %u",
				 what, xid, check->relfrozenxid);
	else
		return true;
	return false;
}

bool
ps_check_multi(PsCheck *check, OffsetNumber offset, MultiXactId multi)
{
	if (MultiXactIdIsValid(multi) && MultiXactIdPrecedesOrEquals(check->next_multi, multi))
		ReadMultiXactIdRange(&check->oldest_multi, &check->next_multi);
	if (!MultiXactIdIsValid(multi))
		ps_found(check, offset, PS_NO_ATTRIBUTE, "multixact ID is invalid");
	else if (MultiXactIdPrecedesOrEquals(check->next_multi, multi))
		ps_found(check, offset, PS_NO_ATTRIBUTE, "multixact %u has not been given out: the next one is %u",
				 multi, check->next_multi);
	else if (MultiXactIdPrecedes(multi, check->oldest_multi))
		ps_found(check, offset, PS_NO_ATTRIBUTE, "multixact %u is older than %u, the oldest of the cluster",
				 multi, check->oldest_multi);
	else if (MultiXactIdPrecedes(multi, check->relminmxid))
		ps_found(check, offset, PS_NO_ATTRIBUTE, "multixact %u is older than the table's relminmxid %u",
				 multi, check->relminmxid);
	else
		return true;
	return false;
}

/*
 * The order matters: a transaction that is not running any more has left its
 * verdict in the commit log before.  The log's older part may go at any time,
 * where no table needs it: then what is asked for was frozen meanwhile, or the
 * page is a private image.
 */
static PsXidState
look_up(TransactionId xid)
{
	PsXidState	state;

	if (TransactionIdIsCurrentTransactionId(xid))
		return PS_XID_RUNNING;
	LWLockAcquire(XactTruncationLock, LW_SHARED);
	if (TransactionIdPrecedes(xid, TransamVariables->oldestClogXid))
		state = PS_XID_COMMITTED;
	else if (TransactionIdIsInProgress(xid))
		state = PS_XID_RUNNING;
	else
		state = TransactionIdDidCommit(xid) ? PS_XID_COMMITTED : PS_XID_ABORTED;
	LWLockRelease(XactTruncationLock);
	return state;
}

PsXidState
ps_xid_state(PsCheck *check, TransactionId xid)
{
	if (!TransactionIdIsNormal(xid))
		return TransactionIdIsValid(xid) ? PS_XID_COMMITTED : PS_XID_UNKNOWN;
	if (xid != check->known_xid)
	{
		check->known_state = look_up(xid);
		check->known_xid = xid;
	}
	return check->known_state;
}
