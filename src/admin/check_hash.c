/*
 * check_hash.c
 *		Hash indexes, for pagestore_check().
 *
 * A hash index can't be scanned without a key.  So each row is looked for by
 * its own value, which is also what queries do: an entry in a bucket that is
 * not its own is as good as none.  A search gives the entries of all values
 * with the same hash code; to make it once for all rows that have it, rows are
 * taken in batches and sorted by that.
 *
 * Entries are obtained as VACUUM does, which asks of each whether it is to go;
 * here it never is.  (Core does the same when an index has been built
 * concurrently.)
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/hash.h"
#include "access/stratnum.h"
#include "access/xlog.h"
#include "admin/check_hash.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* ---- rows by their values ---- */

typedef struct Row
{
	uint32		code;
	ItemPointerData tid;
	Datum		value;
} Row;

typedef struct Batch
{
	PsCheck    *check;
	Relation	index;
	Snapshot	snapshot;
	FmgrInfo   *hash;
	ScanKeyData key;			/* but for the value */
	int16		length;			/* of the type's values */
	bool		by_value;
	MemoryContext context;		/* of the rows; reset after each batch */
	Row		   *rows;
	Size		nrows;
	Size		size;			/* there is room for */
	BlockNumber nlossy;
} Batch;

static int
compare_rows(const void *a, const void *b)
{
	const Row  *left = a;
	const Row  *right = b;

	if (left->code != right->code)
		return left->code < right->code ? -1 : 1;
	return ItemPointerCompare(unconstify(ItemPointerData *, &left->tid), unconstify(ItemPointerData *, &right->tid));
}

/* Rows of one hash code, in the order of the table. */
static void
look_for(Batch *batch, IndexScanDesc scan, const Row *rows, Size nrows)
{
	TIDBitmap  *bitmap;
	PsEntries	entries;

	batch->key.sk_argument = rows[0].value;
	index_rescan(scan, &batch->key, 1, NULL, 0);
	bitmap = ps_entries_found(scan);
	ps_entries_begin(&entries, bitmap);
	for (Size i = 0; i < nrows; i++)
		if (!ps_entries_have(&entries, &rows[i].tid))
			ps_put_finding(batch->check, ItemPointerGetBlockNumber(&rows[i].tid),
						   ItemPointerGetOffsetNumber(&rows[i].tid), PS_NO_ATTRIBUTE,
						   psprintf("index \"%s\" has no entry for the row", RelationGetRelationName(batch->index)));
	batch->nlossy += entries.nlossy;
	ps_entries_end(&entries);
	tbm_free(bitmap);
}

static void
look_for_batch(Batch *batch)
{
	IndexScanDesc scan = index_beginscan_bitmap(batch->index, batch->snapshot, NULL, 1);
	Size		n;

	qsort(batch->rows, batch->nrows, sizeof(Row), compare_rows);
	for (Size i = 0; i < batch->nrows; i += n)
	{
		CHECK_FOR_INTERRUPTS();
		for (n = 1; i + n < batch->nrows && batch->rows[i + n].code == batch->rows[i].code;)
			n++;
		look_for(batch, scan, &batch->rows[i], n);
	}
	index_endscan(scan);
}

static void
begin_batch(Batch *batch)
{
	MemoryContextReset(batch->context);
	batch->nrows = 0;
	batch->size = 1024;
	batch->rows = MemoryContextAlloc(batch->context, batch->size * sizeof(Row));
}

/* A hash index has no entry for a null. */
static void
take_row(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *state)
{
	Batch	   *batch = state;
	MemoryContext old;
	Row		   *row;

	CHECK_FOR_INTERRUPTS();
	if (isnull[0])
		return;
	if (batch->nrows == batch->size)
	{
		if (MemoryContextMemAllocated(batch->context, true) >= maintenance_work_mem * (Size) 1024)
		{
			look_for_batch(batch);
			begin_batch(batch);
		}
		else
		{
			batch->size *= 2;
			batch->rows = repalloc_huge(batch->rows, batch->size * sizeof(Row));
		}
	}
	row = &batch->rows[batch->nrows++];
	row->tid = *tid;
	row->code = DatumGetUInt32(FunctionCall1Coll(batch->hash, index->rd_indcollation[0], values[0]));
	old = MemoryContextSwitchTo(batch->context);
	row->value = datumCopy(values[0], batch->by_value, batch->length);
	MemoryContextSwitchTo(old);
}

BlockNumber
ps_check_hash_rows(PsCheck *check, Relation index, Snapshot snapshot)
{
	Oid			type = index->rd_opcintype[0];
	Oid			equal = get_opfamily_member(index->rd_opfamily[0], type, type, HTEqualStrategyNumber);
	Batch		batch = {.check = check,.index = index,.snapshot = snapshot};

	ScanKeyEntryInitialize(&batch.key, 0, 1, HTEqualStrategyNumber, InvalidOid, index->rd_indcollation[0],
						   get_opcode(equal), (Datum) 0);
	batch.hash = index_getprocinfo(index, 1, HASHSTANDARD_PROC);
	get_typlenbyval(type, &batch.length, &batch.by_value);
	batch.context = AllocSetContextCreate(CurrentMemoryContext, "pagestore_check rows", ALLOCSET_DEFAULT_SIZES);

	begin_batch(&batch);
	ps_entries_rows(check->rel, index, snapshot, take_row, &batch);
	look_for_batch(&batch);
	MemoryContextDelete(batch.context);
	return batch.nlossy;
}

/* ---- all entries ---- */

/* Never one that is to go. */
static bool
take_entry(ItemPointer tid, void *state)
{
	tbm_add_tuples(state, tid, 1, false);
	return false;
}

TIDBitmap *
ps_check_hash_entries(Relation rel, Relation index)
{
	TIDBitmap  *bitmap = ps_entries_bitmap();
	IndexVacuumInfo info = {.index = index,
		.estimated_count = true,
		.message_level = DEBUG2,
		.num_heap_tuples = rel->rd_rel->reltuples,
	.strategy = GetAccessStrategy(BAS_VACUUM)};

	Assert(CheckRelationLockedByMe(rel, ShareUpdateExclusiveLock, true));
	Assert(!RecoveryInProgress() && index->rd_refcnt == 1);
	ps_vacuum_info_set_table(&info, rel);
	(void) index_bulk_delete(&info, NULL, take_entry, bitmap);
	FreeAccessStrategy(info.strategy);
	return bitmap;
}
