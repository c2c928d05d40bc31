/*
 * cluster.c
 *		VACUUM FULL, CLUSTER, REPACK: copy what is still needed of a table to a new one.
 *
 * The old table is read page by page, or in an index's order; the new one is
 * written by core's rewrite module, which keeps update chains together and
 * writes whole pages straight to the new file.  Nobody else has access to
 * either (AccessExclusiveLock), so the old pages hold still.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/rewriteheap.h"
#include "access/xact.h"
#include "am/cluster.h"
#include "am/slot.h"
#include "commands/progress.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "page/storage.h"
#include "page/stream.h"
#include "pgstat.h"
#include "row/visibility.h"
#include "server/compat.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

typedef struct Copy
{
	Relation	from;
	Relation	to;
	TransactionId oldest_xmin;
	RewriteState rewrite;
	Tuplesortstate *sort;		/* NULL: rows are written as they are read */
	Datum	   *values;
	bool	   *isnull;
	double		rows;
	double		vacuumed;
	double		recently_dead;
} Copy;

/*
 * Write a row in the new table's row type.  It is formed anew, so that values
 * of dropped columns are left behind: the new table may have no TOAST table to
 * hold them.
 */
static void
write_row(Copy *c, HeapTuple tuple)
{
	TupleDesc	desc = RelationGetDescr(c->to);
	HeapTuple	fresh;

	heap_deform_tuple(tuple, RelationGetDescr(c->from), c->values, c->isnull);
	for (int i = 0; i < desc->natts; i++)
		if (TupleDescAttr(desc, i)->attisdropped)
			c->isnull[i] = true;
	fresh = heap_form_tuple(desc, c->values, c->isnull);
	rewrite_heap_tuple(c->rewrite, tuple, fresh);
	heap_freetuple(fresh);
}

/* A change in progress can only be our own transaction's, under the lock that we hold. */
static void
expect_own(const Copy *c, TransactionId xid, const char *change)
{
	if (!TransactionIdIsCurrentTransactionId(xid))
		elog(WARNING, "concurrent %s in progress within table \"%s\"",
			 change, RelationGetRelationName(c->from));
}

/* Take note of the row, and tell whether it must be copied. */
static bool
still_needed(Copy *c, HeapTuple tuple, HTSV_Result state)
{
	switch (state)
	{
		case HEAPTUPLE_DEAD:

			/*
			 * The rewrite module keeps versions that wait for the other end
			 * of their update chain: this may show that one of them is dead
			 * too, though it was called recently dead.
			 */
			c->vacuumed += 1;
			if (rewrite_heap_dead_tuple(c->rewrite, tuple))
			{
				c->vacuumed += 1;
				c->recently_dead -= 1;
			}
			return false;
		case HEAPTUPLE_RECENTLY_DEAD:
			c->recently_dead += 1;
			break;
		case HEAPTUPLE_LIVE:
			break;
		case HEAPTUPLE_INSERT_IN_PROGRESS:
			expect_own(c, HeapTupleHeaderGetXmin(tuple->t_data), "insert");
			break;
		case HEAPTUPLE_DELETE_IN_PROGRESS:
			expect_own(c, HeapTupleHeaderGetUpdateXid(tuple->t_data), "delete");
			c->recently_dead += 1;
			break;
	}
	return true;
}

/* A row as it lies in a page that is pinned, not latched. */
static void
copy_row(Copy *c, const PsRow *row, HTSV_Result state)
{
	HeapTupleData tuple = ps_row_tuple(row);

	CHECK_FOR_INTERRUPTS();
	if (!still_needed(c, &tuple, state))
		return;

	c->rows += 1;
	if (c->sort)
	{
		tuplesort_putheaptuple(c->sort, &tuple);
		pgstat_progress_update_param(PROGRESS_REPACK_HEAP_TUPLES_SCANNED, c->rows);
	}
	else
	{
		const int	params[] = {
			PROGRESS_REPACK_HEAP_TUPLES_SCANNED,
			PROGRESS_REPACK_HEAP_TUPLES_INSERTED
		};
		const int64 values[] = {c->rows, c->rows};

		write_row(c, &tuple);
		pgstat_progress_update_multi_param(lengthof(params), params, values);
	}
}

/* ---- reading in physical order ---- */

typedef struct AllBlocks
{
	BlockNumber next;
	BlockNumber end;
} AllBlocks;

static BlockNumber
next_of_all(void *arg)
{
	AllBlocks  *blocks = arg;

	return blocks->next < blocks->end ? blocks->next++ : InvalidBlockNumber;
}

/* Judge all rows of the page under one latch, then copy them with the pin alone. */
static void
copy_page(Copy *c, PsPin *pin)
{
	PsRow		rows[MaxHeapTuplesPerPage];
	int8		states[MaxHeapTuplesPerPage];
	int			n = 0;
	PsRead		guard;
	OffsetNumber last;

	ps_read_lock(c->from, pin, &guard);
	last = ps_page_nitems(guard.page);
	for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
		if (ps_row_at(&guard, offset, &rows[n]))
		{
			states[n] = ps_row_vacuum_state(&guard, &rows[n], c->oldest_xmin);
			n++;
		}
	ps_read_unlock(&guard);

	for (int i = 0; i < n; i++)
	{
		pgstat_count_heap_getnext(c->from);
		copy_row(c, &rows[i], states[i]);
	}
}

static void
copy_sequentially(Copy *c)
{
	AllBlocks	blocks = {.next = 0,.end = ps_nblocks(c->from)};
	PsStream   *stream;
	PsPin		pin = PS_NO_PIN;

	pgstat_progress_update_param(PROGRESS_REPACK_PHASE,
								 PROGRESS_REPACK_PHASE_SEQ_SCAN_HEAP);
	pgstat_progress_update_param(PROGRESS_REPACK_TOTAL_HEAP_BLKS, blocks.end);
	pgstat_count_heap_scan(c->from);

	/* No one changes these pages: images read around the pool are as good. */
	stream = ps_stream_begin(c->from, next_of_all, &blocks, PS_STREAM_AROUND_POOL);
	while (ps_stream_next(stream, &pin))
	{
		pgstat_progress_update_param(PROGRESS_REPACK_HEAP_BLKS_SCANNED, pin.block + 1);
		copy_page(c, &pin);
	}
	ps_stream_end(stream);
}

/* ---- reading in an index's order ---- */

/* The index has led to a row; the slot's pin holds it, but the judgement needs the page as it is now. */
static void
copy_slot(Copy *c, TupleTableSlot *slot)
{
	PsPin		pin = ps_pin_copy(&((PsSlot *) slot)->pin);
	PsRead		guard;
	PsRow		row;
	HTSV_Result state = HEAPTUPLE_DEAD;
	bool		found;

	ps_read_lock(c->from, &pin, &guard);
	found = ps_row_at(&guard, ItemPointerGetOffsetNumber(&slot->tts_tid), &row);
	if (found)
		state = ps_row_vacuum_state(&guard, &row, c->oldest_xmin);
	ps_read_unlock(&guard);
	if (!found)
		elog(ERROR, "row (%u,%u) of table \"%s\" has gone under an exclusive lock",
			 ItemPointerGetBlockNumber(&slot->tts_tid),
			 ItemPointerGetOffsetNumber(&slot->tts_tid), RelationGetRelationName(c->from));
	copy_row(c, &row, state);
	ps_unpin(&pin);
}

static void
copy_by_index(Copy *c, Relation index)
{
	const int	params[] = {PROGRESS_REPACK_PHASE, PROGRESS_REPACK_INDEX_RELID};
	const int64 values[] = {PROGRESS_REPACK_PHASE_INDEX_SCAN_HEAP, RelationGetRelid(index)};
	TupleTableSlot *slot = table_slot_create(c->from, NULL);
	IndexScanDesc scan;

	pgstat_progress_update_multi_param(lengthof(params), params, values);

	scan = index_beginscan(c->from, index, SnapshotAny, NULL, 0, 0, SO_NONE);
	index_rescan(scan, NULL, 0, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		/* No scan keys: nothing to recheck. */
		if (scan->xs_recheck)
			elog(ERROR, "CLUSTER does not support lossy index conditions");
		copy_slot(c, slot);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

/* ---- */

static void
write_sorted(Copy *c)
{
	HeapTuple	tuple;
	int64		written = 0;

	pgstat_progress_update_param(PROGRESS_REPACK_PHASE, PROGRESS_REPACK_PHASE_SORT_TUPLES);
	tuplesort_performsort(c->sort);

	pgstat_progress_update_param(PROGRESS_REPACK_PHASE, PROGRESS_REPACK_PHASE_WRITE_NEW_HEAP);
	while ((tuple = tuplesort_getheaptuple(c->sort, true)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		write_row(c, tuple);
		pgstat_progress_update_param(PROGRESS_REPACK_HEAP_TUPLES_INSERTED, ++written);
	}
	tuplesort_end(c->sort);
}

void
ps_copy_for_cluster(Relation old_table, Relation new_table, Relation old_index, bool use_sort,
					TransactionId OldestXmin, Snapshot snapshot,
					TransactionId *xid_cutoff, MultiXactId *multi_cutoff,
					double *num_tuples, double *tups_vacuumed, double *tups_recently_dead)
{
	int			natts = Max(RelationGetDescr(old_table)->natts, RelationGetDescr(new_table)->natts);
	Copy		c = {.from = old_table,.to = new_table,.oldest_xmin = OldestXmin};

	/* core has REPACK CONCURRENTLY for heap alone */
	if (snapshot != NULL)
		elog(ERROR, "table \"%s\" cannot be copied while others change it", RelationGetRelationName(old_table));

	c.values = palloc(natts * sizeof(Datum));
	c.isnull = palloc(natts * sizeof(bool));
	c.rewrite = begin_heap_rewrite(old_table, new_table, OldestXmin, *xid_cutoff, *multi_cutoff);
	if (use_sort)
		c.sort = tuplesort_begin_cluster(RelationGetDescr(old_table), old_index,
										 maintenance_work_mem, NULL, TUPLESORT_NONE);

	if (old_index && !use_sort)
		copy_by_index(&c, old_index);
	else
		copy_sequentially(&c);
	if (c.sort)
		write_sorted(&c);
	end_heap_rewrite(c.rewrite);

	pfree(c.values);
	pfree(c.isnull);
	*num_tuples += c.rows;
	*tups_vacuumed += c.vacuumed;
	*tups_recently_dead += c.recently_dead;
}
