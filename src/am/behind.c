/*
 * behind.c
 *		Code that works on tables behind their access method: refused.
 *
 * Libraries that know only heap call heap_insert() and its like on whatever
 * table they have open, or read its pages by ReadBuffer().  Of a pagestore
 * table shared buffers hold an older page or none: such a change would be made
 * to, and logged for, a page that no longer exists, and redo could not even
 * follow it.  None of that calls the access method, and the server has no hook
 * on the way.  So the functions themselves are guarded, as they are imported
 * by libraries (imports.c): a call on a table whose pages the pool owns is an
 * error before anything is touched, whatever the library.
 *
 * Libraries known to work that way are refused earlier (outsiders.c).
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/hio.h"
#include "am/behind.h"
#include "am/behind_newer.h"
#include "am/imports.h"
#include "am/refuse.h"
#include "catalog/indexing.h"
#include "server/compat.h"
#include "storage/bufmgr.h"

/* *INDENT-OFF* */
PS_GUARD(void, heap_insert,
		 (Relation rel, HeapTuple tuple, CommandId cid, PS_INSERT_OPTIONS options, BulkInsertState bistate),
		 (rel, tuple, cid, options, bistate))
PS_GUARD(void, heap_multi_insert,
		 (Relation rel, TupleTableSlot **slots, int n, CommandId cid, PS_INSERT_OPTIONS options, BulkInsertState bistate),
		 (rel, slots, n, cid, options, bistate))
PS_GUARD(TM_Result, heap_delete,
		 (Relation rel, PsConstTid tid, CommandId cid PS_CHANGE_OPTIONS_PARAMETER, Snapshot crosscheck, bool wait, TM_FailureData *tmfd PS_CHANGING_PART_PARAMETER),
		 (rel, tid, cid PS_CHANGE_OPTIONS_ARGUMENT, crosscheck, wait, tmfd PS_CHANGING_PART_ARGUMENT))
PS_GUARD(TM_Result, heap_update,
		 (Relation rel, PsConstTid tid, HeapTuple tuple, CommandId cid PS_CHANGE_OPTIONS_PARAMETER, Snapshot crosscheck, bool wait, TM_FailureData *tmfd, LockTupleMode *mode PS_UPDATE_INDEXES_PARAMETER),
		 (rel, tid, tuple, cid PS_CHANGE_OPTIONS_ARGUMENT, crosscheck, wait, tmfd, mode PS_UPDATE_INDEXES_ARGUMENT))
PS_GUARD(TM_Result, heap_lock_tuple,
		 (Relation rel, HeapTuple tuple, CommandId cid, LockTupleMode mode, LockWaitPolicy policy, bool follow, Buffer *buffer, TM_FailureData *tmfd),
		 (rel, tuple, cid, mode, policy, follow, buffer, tmfd))
PS_GUARD_BY_NAME(PS_GUARDED_INPLACE_TYPE, PS_GUARDED_INPLACE, PS_GUARDED_INPLACE_PARAMETERS, PS_GUARDED_INPLACE_ARGUMENTS)
PS_GUARD(void, simple_heap_insert, (Relation rel, HeapTuple tuple), (rel, tuple))
PS_GUARD(void, simple_heap_delete, (Relation rel, PsConstTid tid), (rel, tid))
PS_GUARD(void, simple_heap_update,
		 (Relation rel, PsConstTid tid, HeapTuple tuple PS_UPDATE_INDEXES_PARAMETER),
		 (rel, tid, tuple PS_UPDATE_INDEXES_ARGUMENT))
PS_GUARD(void, CatalogTupleInsert, (Relation rel, HeapTuple tuple), (rel, tuple))
PS_GUARD(void, CatalogTupleInsertWithInfo, (Relation rel, HeapTuple tuple, CatalogIndexState state), (rel, tuple, state))
PS_GUARD(void, CatalogTuplesMultiInsertWithInfo,
		 (Relation rel, TupleTableSlot **slots, int n, CatalogIndexState state),
		 (rel, slots, n, state))
PS_GUARD(void, CatalogTupleUpdate, (Relation rel, PsConstTid tid, HeapTuple tuple), (rel, tid, tuple))
PS_GUARD(void, CatalogTupleUpdateWithInfo,
		 (Relation rel, PsConstTid tid, HeapTuple tuple, CatalogIndexState state),
		 (rel, tid, tuple, state))
PS_GUARD(void, CatalogTupleDelete, (Relation rel, PsConstTid tid), (rel, tid))
PS_GUARD(Buffer, RelationGetBufferForTuple,
		 (Relation rel, Size len, Buffer other, PS_INSERT_OPTIONS options, BulkInsertState bistate, Buffer *map, Buffer *other_map PS_NUM_PAGES_PARAMETER),
		 (rel, len, other, options, bistate, map, other_map PS_NUM_PAGES_ARGUMENT))
PS_GUARD(bool, heap_fetch,
		 (Relation rel, Snapshot snapshot, HeapTuple tuple, Buffer *buffer, bool keep),
		 (rel, snapshot, tuple, buffer, keep))
PS_GUARD(Buffer, ReadBuffer, (Relation rel, BlockNumber block), (rel, block))
PS_GUARD(Buffer, ReleaseAndReadBuffer, (Buffer buffer, Relation rel, BlockNumber block), (buffer, rel, block))
/* *INDENT-ON* */

/* The maps are shared buffers' own. */
static Buffer
guarded_ReadBufferExtended(Relation rel, ForkNumber fork, BlockNumber block, ReadBufferMode mode, BufferAccessStrategy strategy)
{
	if (fork == MAIN_FORKNUM && ps_is_autoprewarm_of(rel))
		return InvalidBuffer;
	if (fork == MAIN_FORKNUM)
		ps_refuse_call(rel, "ReadBufferExtended", __builtin_return_address(0));
	return ReadBufferExtended(rel, fork, block, mode, strategy);
}

static const PsImport guarded[] = {
	PS_IMPORT(heap_insert),
	PS_IMPORT(heap_multi_insert),
	PS_IMPORT(heap_delete),
	PS_IMPORT(heap_update),
	PS_IMPORT(heap_lock_tuple),
	PS_IMPORT_BY_NAME(PS_GUARDED_INPLACE),
	PS_IMPORT(simple_heap_insert),
	PS_IMPORT(simple_heap_delete),
	PS_IMPORT(simple_heap_update),
	PS_IMPORT(CatalogTupleInsert),
	PS_IMPORT(CatalogTupleInsertWithInfo),
	PS_IMPORT(CatalogTuplesMultiInsertWithInfo),
	PS_IMPORT(CatalogTupleUpdate),
	PS_IMPORT(CatalogTupleUpdateWithInfo),
	PS_IMPORT(CatalogTupleDelete),
	PS_IMPORT(RelationGetBufferForTuple),
	PS_IMPORT(heap_fetch),
	PS_IMPORT(ReadBuffer),
	PS_IMPORT(ReleaseAndReadBuffer),
	PS_IMPORT(ReadBufferExtended),
};

void
ps_behind_init(void)
{
	static PsImport all[lengthof(guarded) + PS_MOST_NEWER_IMPORTS];
	const PsImport *newer;
	int			n = ps_newer_imports(&newer);

	Assert(n <= PS_MOST_NEWER_IMPORTS);
	memcpy(all, guarded, sizeof(guarded));
	if (n > 0)
		memcpy(all + lengthof(guarded), newer, n * sizeof(PsImport));
	ps_imports_bind(all, lengthof(guarded) + n);
}
