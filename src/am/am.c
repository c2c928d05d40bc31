/*
 * am.c
 *		What a relation or an access method is to us.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "am/am.h"
#include "am/slot.h"
#include "catalog/pg_am.h"
#include "storage/lmgr.h"
#include "utils/syscache.h"

/* A routine is told by the slots that it makes: nobody else's makes ours. */
static inline bool
has_our_slots(const TableAmRoutine *routine)
{
	return routine != NULL && routine->slot_callbacks == ps_slot_callbacks;
}

bool
ps_is_pagestore_am(Oid amoid)
{
	HeapTuple	tuple;
	Oid			handler;

	if (amoid == HEAP_TABLE_AM_OID)
		return false;
	tuple = SearchSysCache1(AMOID, ObjectIdGetDatum(amoid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for access method %u", amoid);
	handler = ((Form_pg_am) GETSTRUCT(tuple))->amhandler;
	ReleaseSysCache(tuple);
	return has_our_slots(GetTableAmRoutine(handler));
}

void
ps_am_lock(Oid amoid)
{
	LockDatabaseObject(AccessMethodRelationId, amoid, 0, AccessShareLock);
	if (!SearchSysCacheExists1(AMOID, ObjectIdGetDatum(amoid)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the access method has been dropped in the meantime")));
}

bool
ps_is_pagestore(Relation rel)
{
	return has_our_slots(rel->rd_tableam);
}
