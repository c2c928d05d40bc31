/*
 * behind.c
 *		Code that works on tables behind their access method: refused.
 *
 * Libraries that know only heap call heap_insert() and its like on whatever
 * table they have open, or read its pages by ReadBuffer().  Of a pagestore
 * table shared buffers hold an older page or none: such a change would be made
 * to, and logged for, a page that is no longer, and redo could not even follow it.
 * None of that calls the access method, and the server has no hook on the way.
 * So the functions themselves are guarded, as they are imported by libraries
 * (imports.c): one that is called on a table whose pages the pool owns is an
 * error before anything is touched, whatever the library.
 *
 * Libraries known to work that way are refused earlier (outsiders.c).
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/hio.h"
#include "am/am.h"
#include "am/behind.h"
#include "am/imports.h"
#include "am/outsiders.h"
#include "catalog/indexing.h"
#include "page/guard.h"
#include "server/compat.h"
#include "storage/bufmgr.h"

#include <dlfcn.h>

/* Base name of the library that holds an address, without its suffix. */
static char *
library_of(const void *address)
{
	Dl_info		info;
	const char *name = "a library";
	int			length;
	int			suffix = strlen(DLSUFFIX);

	if (dladdr(address, &info) != 0 && info.dli_fname != NULL)
	{
		const char *slash = strrchr(info.dli_fname, '/');

		name = slash ? slash + 1 : info.dli_fname;
	}
	length = strlen(name);
	if (length > suffix && strcmp(name + length - suffix, DLSUFFIX) == 0)
		length -= suffix;
	return pnstrdup(name, length);
}

static void
refuse(Relation rel, const char *function, const void *caller)
{
	char	   *library;
	const PsOutsider *outsider;

	if (!ps_is_pagestore(rel) || ps_origin(rel) != PS_POOL)
		return;
	library = library_of(caller);

	/* pg_prewarm(), begun in recovery (contrib.c), looks at none of it */
	if (strcmp(library, "pg_prewarm") == 0)
		return;
	outsider = ps_outsider(library);
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s cannot work on pagestore table \"%s\"", library, RelationGetRelationName(rel)),
			 errdetail("It called %s(), which goes past the table's access method.", function),
			 errhint("%s", outsider ? outsider->instead :
					 "Make it a heap table: SELECT pagestore_convert(table, 'heap').")));
}

/* A guard has its function's type.  The library that called is told by the return address. */
#define GUARD(type, function, parameters, arguments) \
	static type \
	guarded_##function parameters \
	{ \
		refuse(rel, #function, __builtin_return_address(0)); \
		return function arguments; \
	}
#define GUARD_BY_NAME(type, name, parameters, arguments) GUARD(type, name, parameters, arguments)

/* *INDENT-OFF* */
GUARD(void, heap_insert,
	  (Relation rel, HeapTuple tuple, CommandId cid, int options, BulkInsertState bistate),
	  (rel, tuple, cid, options, bistate))
GUARD(void, heap_multi_insert,
	  (Relation rel, TupleTableSlot **slots, int n, CommandId cid, int options, BulkInsertState bistate),
	  (rel, slots, n, cid, options, bistate))
GUARD(TM_Result, heap_delete,
	  (Relation rel, ItemPointer tid, CommandId cid, Snapshot crosscheck, bool wait, TM_FailureData *tmfd, bool changing_part),
	  (rel, tid, cid, crosscheck, wait, tmfd, changing_part))
GUARD(TM_Result, heap_update,
	  (Relation rel, ItemPointer tid, HeapTuple tuple, CommandId cid, Snapshot crosscheck, bool wait, TM_FailureData *tmfd, LockTupleMode *mode PS_UPDATE_INDEXES_PARAMETER),
	  (rel, tid, tuple, cid, crosscheck, wait, tmfd, mode PS_UPDATE_INDEXES_ARGUMENT))
GUARD(TM_Result, heap_lock_tuple,
	  (Relation rel, HeapTuple tuple, CommandId cid, LockTupleMode mode, LockWaitPolicy policy, bool follow, Buffer *buffer, TM_FailureData *tmfd),
	  (rel, tuple, cid, mode, policy, follow, buffer, tmfd))
GUARD_BY_NAME(PS_GUARDED_INPLACE_TYPE, PS_GUARDED_INPLACE, PS_GUARDED_INPLACE_PARAMETERS, PS_GUARDED_INPLACE_ARGUMENTS)
GUARD(void, simple_heap_insert, (Relation rel, HeapTuple tuple), (rel, tuple))
GUARD(void, simple_heap_delete, (Relation rel, ItemPointer tid), (rel, tid))
GUARD(void, simple_heap_update,
	  (Relation rel, ItemPointer tid, HeapTuple tuple PS_UPDATE_INDEXES_PARAMETER),
	  (rel, tid, tuple PS_UPDATE_INDEXES_ARGUMENT))
GUARD(void, CatalogTupleInsert, (Relation rel, HeapTuple tuple), (rel, tuple))
GUARD(void, CatalogTupleInsertWithInfo, (Relation rel, HeapTuple tuple, CatalogIndexState state), (rel, tuple, state))
GUARD(void, CatalogTuplesMultiInsertWithInfo,
	  (Relation rel, TupleTableSlot **slots, int n, CatalogIndexState state),
	  (rel, slots, n, state))
GUARD(void, CatalogTupleUpdate, (Relation rel, ItemPointer tid, HeapTuple tuple), (rel, tid, tuple))
GUARD(void, CatalogTupleUpdateWithInfo,
	  (Relation rel, ItemPointer tid, HeapTuple tuple, CatalogIndexState state),
	  (rel, tid, tuple, state))
GUARD(void, CatalogTupleDelete, (Relation rel, ItemPointer tid), (rel, tid))
GUARD(Buffer, RelationGetBufferForTuple,
	  (Relation rel, Size len, Buffer other, int options, BulkInsertState bistate, Buffer *map, Buffer *other_map PS_NUM_PAGES_PARAMETER),
	  (rel, len, other, options, bistate, map, other_map PS_NUM_PAGES_ARGUMENT))
GUARD(bool, heap_fetch,
	  (Relation rel, Snapshot snapshot, HeapTuple tuple, Buffer *buffer, bool keep),
	  (rel, snapshot, tuple, buffer, keep))
GUARD(Buffer, ReadBuffer, (Relation rel, BlockNumber block), (rel, block))
GUARD(Buffer, ReleaseAndReadBuffer, (Buffer buffer, Relation rel, BlockNumber block), (buffer, rel, block))
/* *INDENT-ON* */

/*
 * autoprewarm's list may have pages that shared buffers owned once.  Read from
 * the file while the pool writes them there they may be torn, an error that
 * would keep the worker from all that comes after; it takes none for an answer.
 */
static bool
is_autoprewarm(void)
{
	return MyBgworkerEntry != NULL && strcmp(MyBgworkerEntry->bgw_library_name, "pg_prewarm") == 0;
}

/* The maps are shared buffers' own. */
static Buffer
guarded_ReadBufferExtended(Relation rel, ForkNumber fork, BlockNumber block, ReadBufferMode mode, BufferAccessStrategy strategy)
{
	if (fork == MAIN_FORKNUM && is_autoprewarm() && ps_is_pagestore(rel) && ps_origin(rel) == PS_POOL)
		return InvalidBuffer;
	if (fork == MAIN_FORKNUM)
		refuse(rel, "ReadBufferExtended", __builtin_return_address(0));
	return ReadBufferExtended(rel, fork, block, mode, strategy);
}

#define IMPORT(function) {#function, (PsFunction) guarded_##function}
#define IMPORT_BY_NAME(name) IMPORT(name)

static const PsImport guarded[] = {
	IMPORT(heap_insert),
	IMPORT(heap_multi_insert),
	IMPORT(heap_delete),
	IMPORT(heap_update),
	IMPORT(heap_lock_tuple),
	IMPORT_BY_NAME(PS_GUARDED_INPLACE),
	IMPORT(simple_heap_insert),
	IMPORT(simple_heap_delete),
	IMPORT(simple_heap_update),
	IMPORT(CatalogTupleInsert),
	IMPORT(CatalogTupleInsertWithInfo),
	IMPORT(CatalogTuplesMultiInsertWithInfo),
	IMPORT(CatalogTupleUpdate),
	IMPORT(CatalogTupleUpdateWithInfo),
	IMPORT(CatalogTupleDelete),
	IMPORT(RelationGetBufferForTuple),
	IMPORT(heap_fetch),
	IMPORT(ReadBuffer),
	IMPORT(ReleaseAndReadBuffer),
	IMPORT(ReadBufferExtended),
};

void
ps_behind_init(void)
{
	ps_imports_bind(guarded, lengthof(guarded));
}
