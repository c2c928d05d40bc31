/*
 * build.c
 *		The table scans of CREATE INDEX: the build proper, and the validation of a
 *		concurrent one.
 *
 * A page is worked on in two steps.  Under one latch every row is judged and
 * its root line pointer determined, so that both belong to the same state of
 * the page; then, with the pin alone, the rows are handed to the index.  The
 * page may be pruned in between, which changes nothing that was noted: a root
 * stays the chain's root as long as the chain lives, and an entry that leads
 * to a row since gone is what any index has until vacuum, which cannot run at
 * the same time.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "am/build.h"
#include "am/scan.h"
#include "am/slot.h"
#include "catalog/index.h"
#include "commands/progress.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "row/chain.h"
#include "row/prune.h"
#include "server/compat.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

typedef struct BuildRow
{
	OffsetNumber offset;
	OffsetNumber root;			/* the line pointer that the index shall know
								 * it by */
	bool		alive;			/* counts for uniqueness */
} BuildRow;

/* What a scan that feeds an index needs, of either kind. */
typedef struct Build
{
	Relation	rel;
	Relation	index;
	IndexInfo  *info;
	Snapshot	snapshot;
	PsScanDesc *scan;
	OffsetNumber roots[MaxHeapTuplesPerPage];	/* of the page in hand */
	int			nrows;			/* of the page in hand, to be indexed */
	BuildRow	rows[MaxHeapTuplesPerPage];

	/* to compute an entry */
	EState	   *estate;
	ExprContext *econtext;
	ExprState  *predicate;
	TupleTableSlot *slot;
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];

	/* the build proper */
	bool		anyvisible;
	bool		unique;			/* or exclusion: rows of running transactions
								 * must be waited for */
	TransactionId oldest_xmin;
	double		tuples;			/* live ones, as ANALYZE counts them */
	const char *surprise;		/* somebody else is changing the table: what
								 * is being done */
} Build;

static void
build_init(Build *build, Relation rel, Relation index, IndexInfo *info)
{
	memset(build, 0, sizeof(*build));
	build->rel = rel;
	build->index = index;
	build->info = info;
	build->estate = CreateExecutorState();
	build->econtext = GetPerTupleExprContext(build->estate);
	build->slot = table_slot_create(rel, NULL);
	build->econtext->ecxt_scantuple = build->slot;
	build->predicate = ExecPrepareQual(info->ii_Predicate, build->estate);
}

static void
build_end(Build *build)
{
	ExecDropSingleTupleTableSlot(build->slot);
	table_endscan(&build->scan->base);
	FreeExecutorState(build->estate);

	/* these lived in the executor state */
	build->info->ii_ExpressionsState = NIL;
	build->info->ii_PredicateState = NULL;
}

/* Compute the entry of a row of the page in hand; false if the index has none for it. */
static bool
build_entry(Build *build, OffsetNumber offset)
{
	PsRow		row = ps_scan_row(build->scan, offset);

	MemoryContextReset(build->econtext->ecxt_per_tuple_memory);
	ps_slot_store(build->slot, &row, &build->scan->pin);
	if (build->predicate && !ExecQual(build->predicate, build->econtext))
		return false;
	FormIndexDatum(build->info, build->slot, build->estate, build->values, build->isnull);
	return true;
}

static void
note_row(Build *build, const PsRow *row, bool alive)
{
	BuildRow   *note = &build->rows[build->nrows++];
	OffsetNumber offset = ItemPointerGetOffsetNumber(unconstify(ItemPointerData *, &row->tid));

	note->offset = note->root = offset;
	note->alive = alive;
	if (HeapTupleHeaderIsHeapOnly(row->header))
		note->root = build->roots[offset - 1];
	if (!OffsetNumberIsValid(note->root))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg_internal("failed to find parent tuple for heap-only tuple at (%u,%u) in table \"%s\"",
								 build->scan->pin.block, offset, RelationGetRelationName(build->rel))));
}

static void
open_page(Build *build, PsRead *guard) PS_ACQUIRE_SHARED(guard)
{
	ps_read_lock(build->rel, &build->scan->pin, guard);
	ps_chain_roots(guard->page, build->roots);
	build->nrows = 0;
}

/* Note the rows of the page in hand that the snapshot sees. */
static void
note_visible(Build *build)
{
	PsRead		guard;
	PsRow		row;

	ps_prune_opportunistic(build->rel, &build->scan->pin, ps_scan_map(build->scan));
	open_page(build, &guard);
	TestForOldSnapshot(build->snapshot, build->rel, unconstify(char *, guard.page));
	for (OffsetNumber at = FirstOffsetNumber; at <= ps_page_nitems(guard.page); at++)
	{
		bool		visible;

		if (!ps_row_at(&guard, at, &row))
			continue;
		visible = ps_row_visible(&guard, &row, build->snapshot);
		ps_row_conflict_out(&guard, visible, &row, build->snapshot);
		if (!visible)
			continue;
		pgstat_count_heap_getnext(build->rel);
		note_row(build, &row, true);
	}
	ps_read_unlock(&guard);
}

/* ---- the build proper ---- */

typedef enum Verdict
{
	ROW_SKIP,
	ROW_INDEX,
	ROW_INDEX_DEAD,				/* index it for older snapshots; no part in
								 * uniqueness */
	ROW_WAIT					/* for *xwait, then ask again */
} Verdict;

/*
 * A version that is dead to new snapshots and HOT-updated: the index gets the
 * newest version under the same root instead, so older snapshots must not use
 * it.
 */
static Verdict
superseded(Build *build, const PsRow *row)
{
	if (!HeapTupleHeaderIsHotUpdated(row->header))
		return ROW_INDEX_DEAD;
	build->info->ii_BrokenHotChain = true;
	return ROW_SKIP;
}

/*
 * We hold a lock that keeps writers out, so a row at work is our own, unless
 * the lock is a weaker one (anyvisible) or somebody released one too early.
 */
static Verdict
judge_inserting(Build *build, const PsRow *row, TransactionId *xwait)
{
	if (build->anyvisible)
	{
		build->tuples++;
		return ROW_INDEX;
	}
	*xwait = HeapTupleHeaderGetXmin(row->header);
	if (TransactionIdIsCurrentTransactionId(*xwait))
	{
		build->tuples++;
		return ROW_INDEX;
	}
	build->surprise = "insert";
	/* if it aborts, the row violates nothing */
	return build->unique ? ROW_WAIT : ROW_INDEX;
}

static Verdict
judge_deleting(Build *build, const PsRow *row, TransactionId *xwait)
{
	if (build->anyvisible)
	{
		build->tuples++;
		return ROW_INDEX_DEAD;
	}
	*xwait = HeapTupleHeaderGetUpdateXid(unconstify(HeapTupleHeaderData *, row->header));
	if (TransactionIdIsCurrentTransactionId(*xwait))
		return superseded(build, row);

	build->surprise = "delete";
	/* if it aborts, the row counts, and not its successor in the chain */
	if (build->unique || HeapTupleHeaderIsHotUpdated(row->header))
		return ROW_WAIT;
	build->tuples++;
	return ROW_INDEX_DEAD;
}

/* What counts as live must agree with ANALYZE (analyze.c). */
static Verdict
judge_row(Build *build, const PsRead *guard, const PsRow *row, TransactionId *xwait)
			PS_REQUIRES_SHARED(guard)
{
	switch (ps_row_vacuum_state(guard, row, build->oldest_xmin))
	{
		case HEAPTUPLE_DEAD:
			break;
		case HEAPTUPLE_LIVE:
			build->tuples++;
			return ROW_INDEX;
		case HEAPTUPLE_RECENTLY_DEAD:
			return superseded(build, row);
		case HEAPTUPLE_INSERT_IN_PROGRESS:
			return judge_inserting(build, row, xwait);
		case HEAPTUPLE_DELETE_IN_PROGRESS:
			return judge_deleting(build, row, xwait);
	}
	return ROW_SKIP;
}

/*
 * Note the rows of the page in hand from *offset on that are to be indexed.
 * Stops at one that a running transaction must decide about: that xid is
 * returned, and *offset is where to go on once it has ended.
 */
static TransactionId
note_unless_dead(Build *build, OffsetNumber *offset)
{
	PsRead		guard;
	TransactionId xwait = InvalidTransactionId;
	Verdict		verdict = ROW_SKIP;
	OffsetNumber at;

	open_page(build, &guard);
	for (at = *offset; at <= ps_page_nitems(guard.page); at++)
	{
		PsRow		row;

		if (!ps_row_at(&guard, at, &row))
			continue;
		verdict = judge_row(build, &guard, &row, &xwait);
		if (verdict == ROW_WAIT)
			break;
		pgstat_count_heap_getnext(build->rel);
		if (verdict != ROW_SKIP)
			note_row(build, &row, verdict == ROW_INDEX);
	}
	ps_read_unlock(&guard);
	*offset = at;
	return verdict == ROW_WAIT ? xwait : InvalidTransactionId;
}

static void
feed_index(Build *build, IndexBuildCallback callback, void *callback_state)
{
	for (int i = 0; i < build->nrows; i++)
	{
		const BuildRow *row = &build->rows[i];
		ItemPointerData tid;

		CHECK_FOR_INTERRUPTS();
		if (!build_entry(build, row->offset))
			continue;
		ItemPointerSet(&tid, build->scan->pin.block, row->root);
		callback(build->index, &tid, build->values, build->isnull, row->alive, callback_state);
	}
}

static void
build_page(Build *build, IndexBuildCallback callback, void *callback_state)
{
	OffsetNumber offset = FirstOffsetNumber;
	TransactionId xwait;

	if (build->snapshot != SnapshotAny)
	{
		note_visible(build);
		build->tuples += build->nrows;
		feed_index(build, callback, callback_state);
		return;
	}

	do
	{
		build->surprise = NULL;
		xwait = note_unless_dead(build, &offset);
		if (build->surprise)
			elog(WARNING, "concurrent %s in progress within table \"%s\"",
				 build->surprise, RelationGetRelationName(build->rel));

		/*
		 * before waiting: afterwards the pin may be on another frame of the
		 * page
		 */
		feed_index(build, callback, callback_state);
		if (TransactionIdIsValid(xwait))
		{
			ItemPointerData tid;

			ItemPointerSet(&tid, build->scan->pin.block, offset);
			XactLockTableWait(xwait, build->rel, &tid, XLTW_InsertIndexUnique);
			CHECK_FOR_INTERRUPTS();
		}
	} while (TransactionIdIsValid(xwait));
}

/* Blocks between the scan's start (a parallel scan's is shared) and the page in hand. */
static BlockNumber
blocks_done(const PsScanDesc *scan)
{
	ParallelBlockTableScanDesc shared = (ParallelBlockTableScanDesc) scan->base.rs_parallel;
	BlockNumber start = shared ? shared->phs_startblock : scan->start;
	BlockNumber at = scan->pin.block;

	return at >= start ? at - start : scan->nblocks - start + at;
}

double
ps_index_build_range_scan(Relation rel, Relation index, struct IndexInfo *index_info, bool allow_sync,
						  bool anyvisible, bool progress, BlockNumber start_blockno, BlockNumber numblocks,
						  IndexBuildCallback callback, void *callback_state, TableScanDesc scan)
{
	Build		build;
	Snapshot	registered = NULL;

	build_init(&build, rel, index, index_info);
	build.anyvisible = anyvisible;
	build.unique = index_info->ii_Unique || index_info->ii_ExclusionOps != NULL;
	Assert(!(anyvisible && build.unique));

	/*
	 * A plain build indexes every row that anybody may still see, and judges
	 * them itself; a concurrent one what its snapshot sees.  A parallel scan
	 * brings the snapshot that its leader chose by the same rule.
	 */
	if (!IsBootstrapProcessingMode() && !index_info->ii_Concurrent)
		build.oldest_xmin = GetOldestNonRemovableTransactionId(rel);
	if (scan == NULL)
	{
		if (TransactionIdIsValid(build.oldest_xmin))
			build.snapshot = SnapshotAny;
		else
			build.snapshot = registered = RegisterSnapshot(GetTransactionSnapshot());
		scan = table_beginscan_strat(rel, build.snapshot, 0, NULL, true, allow_sync);
	}
	else
		build.snapshot = scan->rs_snapshot;
	build.scan = (PsScanDesc *) scan;

	/* Nobody changes the rows: private images of the pages will do. */
	if (build.snapshot == SnapshotAny && !anyvisible)
		build.scan->stream_flags |= PS_STREAM_AROUND_POOL;
	Assert(TransactionIdIsValid(build.oldest_xmin) == (build.snapshot == SnapshotAny));
	Assert(build.snapshot == SnapshotAny || (IsMVCCSnapshot(build.snapshot) && !anyvisible));

	if (progress)
		pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_TOTAL, build.scan->nblocks);
	if (!allow_sync)
		ps_scan_set_limits(scan, start_blockno, numblocks);
	else
		Assert(start_blockno == 0 && numblocks == InvalidBlockNumber);

	while (ps_scan_advance(build.scan, false))
	{
		if (progress)
			pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_DONE, blocks_done(build.scan));
		build_page(&build, callback, callback_state);
	}

	if (progress)
		pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_DONE, build.scan->nblocks);
	build_end(&build);
	if (registered)
		UnregisterSnapshot(registered);
	return build.tuples;
}

/* ---- validation of a concurrent build ---- */

/*
 * The index's entries come sorted by TID out of a sort; the rows of a page
 * come by offset, but are looked for by root, which may lie behind the entries
 * already read.  So the entries of the current page are ticked off in seen[].
 */
typedef struct EntryCursor
{
	Tuplesortstate *sort;
	bool		started;
	bool		empty;
	ItemPointerData tid;		/* the last one read; good while started and
								 * not empty */
	BlockNumber block;			/* the page in hand */
	bool		seen[MaxHeapTuplesPerPage]; /* by root - 1: passed by, for the
											 * page in hand */
} EntryCursor;

static void
next_entry(EntryCursor *cursor)
{
	Datum		encoded;
	bool		isnull;

	if (cursor->started && ItemPointerGetBlockNumber(&cursor->tid) == cursor->block &&
		ItemPointerGetOffsetNumber(&cursor->tid) <= MaxHeapTuplesPerPage)
		cursor->seen[ItemPointerGetOffsetNumber(&cursor->tid) - 1] = true;
	cursor->started = true;
	if (!tuplesort_getdatum(cursor->sort, true, false, &encoded, &isnull, NULL))
	{
		cursor->empty = true;
		return;
	}
	itemptr_decode(&cursor->tid, DatumGetInt64(encoded));
#ifndef USE_FLOAT8_BYVAL
	pfree(DatumGetPointer(encoded));
#endif
}

static bool
is_indexed(EntryCursor *cursor, ItemPointer root)
{
	if (cursor->seen[ItemPointerGetOffsetNumber(root) - 1])
		return true;
	while (!cursor->empty &&
		   (!cursor->started || ItemPointerCompare(&cursor->tid, root) < 0))
		next_entry(cursor);
	return (!cursor->empty && ItemPointerEquals(&cursor->tid, root)) ||
		cursor->seen[ItemPointerGetOffsetNumber(root) - 1];
}

static void
validate_page(Build *build, EntryCursor *cursor, ValidateIndexState *state)
{
	cursor->block = build->scan->pin.block;
	memset(cursor->seen, false, sizeof(cursor->seen));
	note_visible(build);

	for (int i = 0; i < build->nrows; i++)
	{
		const BuildRow *row = &build->rows[i];
		ItemPointerData root;

		CHECK_FOR_INTERRUPTS();
		state->htups++;
		ItemPointerSet(&root, cursor->block, row->root);
		if (is_indexed(cursor, &root) || !build_entry(build, row->offset))
			continue;

		/*
		 * A row that is dead by now is checked for uniqueness too: the entry
		 * stands for its whole chain, whose newest version is checked through
		 * it.
		 */
		index_insert(build->index, build->values, build->isnull, &root, build->rel,
					 build->info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
					 false, build->info);
		state->tups_inserted++;
	}
}

void
ps_index_validate_scan(Relation rel, Relation index, struct IndexInfo *index_info, Snapshot snapshot,
					   struct ValidateIndexState *state)
{
	Build		build;
	EntryCursor cursor = {.sort = state->tuplesort};

	build_init(&build, rel, index, index_info);
	build.snapshot = snapshot;

	/* not synchronized: in the order of the entries, from block 0 on */
	build.scan = (PsScanDesc *) table_beginscan_strat(rel, snapshot, 0, NULL, true, false);
	pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_TOTAL, build.scan->nblocks);

	while (ps_scan_advance(build.scan, false))
	{
		pgstat_progress_update_param(PROGRESS_SCAN_BLOCKS_DONE, build.scan->pin.block);
		validate_page(&build, &cursor, state);
	}
	build_end(&build);
}
