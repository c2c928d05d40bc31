/*
 * behind.c
 *		What code that knows no access methods does to a table, for tests:
 *		shared buffers read and changed by block number.
 */
#include "postgres.h"

#ifdef PAGESTORE_DEBUG

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "fmgr.h"
#include "server/compat.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(pagestore_behind);

/* A copy of the last tuple of the page in shared buffers; NULL if it has none. */
static HeapTuple
last_tuple(Relation rel, BlockNumber block)
{
	Buffer		buffer = ReadBuffer(rel, block);
	HeapTuple	copy = NULL;
	Page		page = BufferGetPage(buffer);

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	for (OffsetNumber offset = PageGetMaxOffsetNumber(page); copy == NULL && offset > 0; offset--)
	{
		ItemId		item = PageGetItemId(page, offset);
		HeapTupleData tuple;

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		ItemPointerSet(&tuple.t_self, block, offset);
		tuple.t_tableOid = RelationGetRelid(rel);
		copy = heap_copytuple(&tuple);
	}
	UnlockReleaseBuffer(buffer);
	return copy;
}

/*
 * SQL: pagestore_behind(regclass, what text, block bigint) returns tid
 *
 * read: bring the page into shared buffers.  hint: mark it dirty as for a hint
 * bit.  dirty: mark it dirty, without WAL.  delete: simple_heap_delete() of its
 * last tuple.  insert: simple_heap_insert() of a copy of it, returning its
 * place.
 */
Datum
pagestore_behind(PG_FUNCTION_ARGS)
{
	Relation	rel = relation_open(PG_GETARG_OID(0), RowExclusiveLock);
	char	   *what = text_to_cstring(PG_GETARG_TEXT_PP(1));
	BlockNumber block = PG_GETARG_INT64(2);
	ItemPointerData *tid = palloc0(sizeof(ItemPointerData));
	Buffer		buffer;

	if (strcmp(what, "delete") == 0 || strcmp(what, "insert") == 0)
	{
		HeapTuple	tuple = last_tuple(rel, block);

		if (tuple == NULL)
			elog(ERROR, "no tuple in block %u", block);
		if (what[0] == 'd')
			simple_heap_delete(rel, &tuple->t_self);
		else
			simple_heap_insert(rel, tuple);
		*tid = tuple->t_self;
		relation_close(rel, NoLock);
		PG_RETURN_POINTER(tid);
	}

	buffer = ReadBuffer(rel, block);
	if (strcmp(what, "hint") == 0)
	{
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		if (BufferBeginSetHintBits(buffer))
			BufferFinishSetHintBits(buffer, true, true);
	}
	else
	{
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		if (strcmp(what, "dirty") == 0)
			MarkBufferDirty(buffer);
		else if (strcmp(what, "read") != 0)
			elog(ERROR, "unknown: %s", what);
	}
	UnlockReleaseBuffer(buffer);
	ItemPointerSet(tid, block, 0);
	relation_close(rel, RowExclusiveLock);
	PG_RETURN_POINTER(tid);
}

#endif
