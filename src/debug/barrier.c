/*
 * barrier.c
 *		A barrier that all processes have to pass, for tests.
 */
#include "postgres.h"

#ifdef PAGESTORE_DEBUG

#include "fmgr.h"
#include "storage/procsignal.h"

PG_FUNCTION_INFO_V1(pagestore_barrier);

/* pagestore_barrier(): returns when every process, the checkpointer too, has let go of its files. */
Datum
pagestore_barrier(PG_FUNCTION_ARGS)
{
	WaitForProcSignalBarrier(EmitProcSignalBarrier(PROCSIGNAL_BARRIER_SMGRRELEASE));
	PG_RETURN_VOID();
}

#endif
