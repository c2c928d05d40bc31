/*
 * check_brin.c
 *		brin indexes, for pagestore_check().
 *
 * The index has a summary for each range of pages, or none.  A summary covers a
 * row if adding the row would leave it as it is: that is asked of the operator
 * class, which knows, whatever its summaries are.  The summary is a copy.
 *
 * Summaries become wider, and are taken from all rows when they are made anew:
 * one that is read after the snapshot was taken covers what the snapshot sees.
 */
#include "postgres.h"

#include "access/brin_internal.h"
#include "access/brin_revmap.h"
#include "access/brin_tuple.h"
#include "admin/check_brin.h"
#include "admin/check_entries.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct Ranges
{
	PsCheck    *check;
	BrinDesc   *desc;
	BrinRevmap *revmap;
	BlockNumber pages;			/* of a range */
	Buffer		buffer;

	/* the range at hand; begins at InvalidBlockNumber: there is none */
	BlockNumber begin;
	BrinTuple  *summary;		/* NULL: it has none */
	BrinMemTuple *columns;		/* of the summary */
	MemoryContext range_context;
	MemoryContext row_context;
} Ranges;

static void
unpack_summary(Ranges *ranges)
{
	MemoryContext old = MemoryContextSwitchTo(ranges->range_context);

	ranges->columns = brin_deform_tuple(ranges->desc, ranges->summary, NULL);
	MemoryContextSwitchTo(old);
}

static void
read_summary(Ranges *ranges, BlockNumber block)
{
	OffsetNumber offset;
	Size		size;
	Size		copied = 0;
	BrinTuple  *found;

	MemoryContextReset(ranges->range_context);
	ranges->begin = block - block % ranges->pages;
	ranges->summary = NULL;
	found = brinGetTupleForHeapBlock(ranges->revmap, ranges->begin, &ranges->buffer, &offset, &size, BUFFER_LOCK_SHARE);
	if (found != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(ranges->range_context);

		ranges->summary = brin_copy_tuple(found, size, NULL, &copied);
		MemoryContextSwitchTo(old);
		LockBuffer(ranges->buffer, BUFFER_LOCK_UNLOCK);
		unpack_summary(ranges);
	}
}

/* One column of it.  false: the copy may have been changed. */
static bool
covers_value(const Ranges *ranges, Relation index, int column, Datum value, bool isnull)
{
	BrinValues *summary = &ranges->columns->bt_columns[column];

	if (ranges->desc->bd_info[column]->oi_regular_nulls)
	{
		if (isnull)
			return summary->bv_hasnulls || summary->bv_allnulls;
		if (summary->bv_allnulls)
			return false;
	}
	return !DatumGetBool(FunctionCall4Coll(index_getprocinfo(index, column + 1, BRIN_PROCNUM_ADDVALUE),
										   index->rd_indcollation[column], PointerGetDatum(ranges->desc),
										   PointerGetDatum(summary), value, BoolGetDatum(isnull)));
}

static bool
covers(const Ranges *ranges, Relation index, const Datum *values, const bool *isnull)
{
	if (ranges->columns->bt_empty_range)
		return false;
	for (int i = 0; i < ranges->desc->bd_tupdesc->natts; i++)
		if (!covers_value(ranges, index, i, values[i], isnull[i]))
			return false;
	return true;
}

/* A range that is just being summarized is scanned as one without a summary: all of it. */
static void
row_is_covered(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *state)
{
	Ranges	   *ranges = state;
	BlockNumber block = ItemPointerGetBlockNumber(tid);
	MemoryContext old;
	bool		covered;

	CHECK_FOR_INTERRUPTS();
	if (ranges->begin == InvalidBlockNumber || block < ranges->begin || block - ranges->begin >= ranges->pages)
		read_summary(ranges, block);
	if (ranges->summary == NULL || ranges->columns->bt_placeholder)
		return;

	old = MemoryContextSwitchTo(ranges->row_context);
	covered = covers(ranges, index, values, isnull);
	MemoryContextSwitchTo(old);
	MemoryContextReset(ranges->row_context);
	if (!covered)
	{
		ps_put_finding(ranges->check, block, ItemPointerGetOffsetNumber(tid), PS_NO_ATTRIBUTE,
					   psprintf("index \"%s\" does not cover the row in the summary of its %u blocks from %u on",
								RelationGetRelationName(index), ranges->pages, ranges->begin));
		unpack_summary(ranges);
	}
}

void
ps_check_brin(PsCheck *check, Relation index, Snapshot snapshot)
{
	Ranges		ranges = {.check = check,.buffer = InvalidBuffer,.begin = InvalidBlockNumber};

	ranges.desc = brin_build_desc(index);
	ranges.revmap = brinRevmapInitialize(index, &ranges.pages);
	ranges.range_context = AllocSetContextCreate(CurrentMemoryContext, "pagestore_check range", ALLOCSET_DEFAULT_SIZES);
	ranges.row_context = AllocSetContextCreate(CurrentMemoryContext, "pagestore_check row", ALLOCSET_DEFAULT_SIZES);
	ps_entries_rows(check->rel, index, snapshot, row_is_covered, &ranges);
	if (BufferIsValid(ranges.buffer))
		ReleaseBuffer(ranges.buffer);
	brinRevmapTerminate(ranges.revmap);
	brin_free_desc(ranges.desc);
	MemoryContextDelete(ranges.row_context);
	MemoryContextDelete(ranges.range_context);
}
