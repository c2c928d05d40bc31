/*
 * check_xid.h
 *		Transactions named in rows, for pagestore_check().
 */
#ifndef PAGESTORE_ADMIN_CHECK_XID_H
#define PAGESTORE_ADMIN_CHECK_XID_H

#include "access/multixact.h"
#include "admin/check_found.h"

typedef enum PsXidState
{
	PS_XID_UNKNOWN,				/* out of range, or there is none */
	PS_XID_COMMITTED,
	PS_XID_RUNNING,				/* our own transaction, too */
	PS_XID_ABORTED
} PsXidState;

extern void ps_check_xid_begin(PsCheck *check);

/* May it be in this table?  If not that is a finding, with what it is. */
extern bool ps_check_xid(PsCheck *check, OffsetNumber offset, const char *what, TransactionId xid);
extern bool ps_check_multi(PsCheck *check, OffsetNumber offset, MultiXactId multi);

/* Of one that may. */
extern PsXidState ps_xid_state(PsCheck *check, TransactionId xid);

#endif							/* PAGESTORE_ADMIN_CHECK_XID_H */
