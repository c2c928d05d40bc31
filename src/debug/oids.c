/*
 * oids.c
 *		The next number of an object or a file, as after four thousand million
 *		others.
 */
#include "postgres.h"

#ifdef PAGESTORE_DEBUG

#include "access/transam.h"
#include "fmgr.h"
#include "server/compat.h"
#include "storage/lwlock.h"

PG_FUNCTION_INFO_V1(pagestore_next_oid);

/* pagestore_next_oid(oid) returns void: numbers are given out from here on, but for those in use */
Datum
pagestore_next_oid(PG_FUNCTION_ARGS)
{
	LWLockAcquire(OidGenLock, LW_EXCLUSIVE);
	TransamVariables->nextOid = PG_GETARG_OID(0);
	TransamVariables->oidCount = 0;
	LWLockRelease(OidGenLock);
	PG_RETURN_VOID();
}

#endif							/* PAGESTORE_DEBUG */
