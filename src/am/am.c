/*
 * am.c
 *		What a relation or an access method is to us.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "am/am.h"
#include "am/slot.h"
#include "catalog/pg_am.h"
#include "catalog/pg_proc.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

/* A routine is told by the slots that it makes: nobody else's makes ours. */
static inline bool
has_our_slots(const TableAmRoutine *routine)
{
	return routine != NULL && routine->slot_callbacks == ps_slot_callbacks;
}

/* The C function, by its name in its library. */
static bool
has_our_symbol(Oid handler)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(handler));
	Datum		symbol;
	bool		null;
	bool		same;

	if (!HeapTupleIsValid(tuple))
		return false;
	symbol = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &null);
	same = !null && strcmp(TextDatumGetCString(symbol), "pagestore_tableam_handler") == 0;
	ReleaseSysCache(tuple);
	return same;
}

/*
 * Only a handler that may be ours is called: another one's library need not be
 * there any more, which is no reason to fail where its tables are not touched.
 */
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
	return has_our_symbol(handler) && has_our_slots(GetTableAmRoutine(handler));
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
