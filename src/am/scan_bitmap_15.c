/*
 * scan_bitmap_15.c
 *		Bitmap scans of PostgreSQL 15 to 17: the executor iterates the bitmap, and
 *		asks for one page at a time.
 *
 * To read ahead of that the bitmap would have to be iterated twice, at a third
 * of a microsecond per page.  So a node that shares its scan with nobody gets
 * another function, which does what its own one does
 * (executor/nodeBitmapHeapscan.c), but has the bitmap feed a stream, as from
 * 18 on the access method does.
 *
 * Where processes share a scan it is not known ahead which of them will be
 * given a page, and the executor makes the iterators: there a second one, made
 * for core's prefetching, reads ahead in its place, where pages come through
 * the pool.
 *
 * The start of the executor tells of the nodes (readahead.c).  Those that may
 * share their scan are kept in a list until the query's memory goes; the scan,
 * whose descriptor may be made later, finds its node there at its first page.
 */
#include "postgres.h"

#include "access/xact.h"
#include "am/am.h"
#include "am/bitmap_queue.h"
#include "am/scan_bitmap.h"
#include "am/window.h"
#include "executor/executor.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "nodes/tidbitmap.h"
#include "server/compat.h"
#include "utils/memutils.h"

typedef struct PsBitmapScan
{
	BitmapHeapScanState *node;

	/* of a node that has the scan for itself: */
	PsBitmapQueue *queue;		/* named to the stream, not handed out */
	bool		recheck;		/* the condition, for rows of the page in hand */

	/* of one that shares it: */
	dlist_node	link;			/* in shared */
	int			core_maximum;	/* its prefetch_maximum, where core prefetches */
	bool		begun;
	bool		finished;		/* the second iterator has no more */
	BlockNumber block;			/* where the scan has come to */
	PsWindow	window;			/* keys: block numbers */
	MemoryContextCallback forget;
} PsBitmapScan;

/* ---- a node that has the scan for itself ---- */

static inline void
count_bitmap_page(BitmapHeapScanState *node, const PsBitmapPage *page)
{
	if (page->lossy)
		node->lossy_pages++;
	else
		node->exact_pages++;
}

/*
 * Blocks added since the scan began hold nothing for its snapshot; but a
 * serializable reader must meet the rows it does not see.
 */
static BlockNumber
next_named(void *arg)
{
	PsScanDesc *scan = arg;
	PsBitmapScan *bitmap = scan->bitmap;
	PsBitmapPage page;

	while (ps_bitmap_next(bitmap->node->tbmiterator, &page))
	{
		CHECK_FOR_INTERRUPTS();
		if (page.block >= scan->nblocks && !IsolationIsSerializable())
			count_bitmap_page(bitmap->node, &page);
		else
		{
			ps_bitmap_queue_push(bitmap->queue, &page);
			return page.block;
		}
	}
	return InvalidBlockNumber;
}

/* The scan starts over or ends, and its bitmap with it. */
static void
over_alone(PsScanDesc *scan)
{
	ps_bitmap_queue_clear(scan->bitmap->queue);
}

static void
begin_alone(BitmapHeapScanState *node)
{
	PsScanDesc *scan;

	node->tbm = (TIDBitmap *) MultiExecProcNode(outerPlanState(node));
	if (node->tbm == NULL || !IsA(node->tbm, TIDBitmap))
		elog(ERROR, "unrecognized result from subplan");
	node->tbmiterator = ps_bitmap_iterate(node->tbm);
	ps_begin_bitmap_scan(node);
	node->initialized = true;

	scan = (PsScanDesc *) node->ss.ss_currentScanDesc;
	scan->current = -1;
	scan->nvisible = 0;
	if (scan->stream)
		ps_stream_reset(scan->stream, scan->stream_flags);
	else
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(scan));

		scan->bitmap = palloc0(sizeof(PsBitmapScan));
		scan->bitmap->node = node;
		scan->bitmap->queue = ps_bitmap_queue_make();
		scan->bitmap_over = over_alone;
		scan->stream = ps_stream_begin(scan->base.rs_rd, next_named, scan,
									   scan->stream_flags);
		MemoryContextSwitchTo(old);
	}
}

/* List the rows of the next page; false: there is none. */
static bool
next_page_alone(PsScanDesc *scan)
{
	PsBitmapScan *bitmap = scan->bitmap;
	PsBitmapPage page;

	if (!ps_stream_next(scan->stream, &scan->pin))
	{
		ps_bitmap_queue_clear(bitmap->queue);
		return false;
	}
	ps_bitmap_queue_pop(bitmap->queue, scan->pin.block, &page);
	count_bitmap_page(bitmap->node, &page);
	bitmap->recheck = page.recheck;
	ps_scan_bitmap_collect(scan, page.offsets, page.n, page.lossy);
	return true;
}

/* The conditions that the bitmap stands for, which a lossy page does not keep. */
static bool
fulfils_conditions(ScanState *state, TupleTableSlot *slot)
{
	ExprContext *context = state->ps.ps_ExprContext;

	context->ecxt_scantuple = slot;
	return ExecQualAndReset(((BitmapHeapScanState *) state)->bitmapqualorig, context);
}

static TupleTableSlot *
next_row_alone(ScanState *state)
{
	PsScanDesc *scan = (PsScanDesc *) state->ss_currentScanDesc;
	PsBitmapScan *bitmap = scan->bitmap;
	TupleTableSlot *slot = state->ss_ScanTupleSlot;

	for (;;)
	{
		if (ps_scan_bitmap_next(scan, slot))
		{
			if (!bitmap->recheck || fulfils_conditions(state, slot))
				return slot;
			InstrCountFiltered2(state, 1);
		}
		else if (!next_page_alone(scan))
			return ExecClearTuple(slot);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- one that shares it ---- */

static dlist_head shared = DLIST_STATIC_INIT(shared);

static PsBitmapScan *
seek(const PsScanDesc *scan)
{
	dlist_iter	iter;

	dlist_foreach(iter, &shared)
	{
		PsBitmapScan *bitmap = dlist_container(PsBitmapScan, link, iter.cur);

		if (bitmap->node->ss.ss_currentScanDesc == &scan->base)
			return bitmap;
	}
	return NULL;
}

static void
forget(void *arg)
{
	dlist_delete(&((PsBitmapScan *) arg)->link);
}

/*
 * Before the first page.  Where pages come through the pool our read-ahead
 * stands in for core's prefetching; but core makes a shared second iterator
 * only if it means to prefetch.  All that share in a scan agree whether there
 * is one, wherever each of them finds the pages.
 */
static void
await_first(PsBitmapScan *ahead)
{
	BitmapHeapScanState *node = ahead->node;

	node->prefetch_maximum = ps_origin(node->ss.ss_currentRelation) == PS_POOL ? 1 :
		Max(ahead->core_maximum, 1);
}

/* The next block behind the page in hand that core may ask for. */
static BlockNumber
next_block_ahead(PsScanDesc *scan)
{
	PsBitmapScan *ahead = scan->bitmap;
	TBMSharedIterator *iterator = ahead->node->shared_prefetch_iterator;
	TBMIterateResult *result;

	while (iterator != NULL && (result = tbm_shared_iterate(iterator)) != NULL)
		if (result->blockno > ahead->block && result->blockno < scan->nblocks)
			return result->blockno;
	ahead->finished = true;
	return InvalidBlockNumber;
}

/*
 * The iterator for read-ahead was made by core before the first page: from here
 * on it is ours.  What core has prefetched up to now it goes on to use.
 */
static void
begin_ahead(PsBitmapScan *ahead)
{
	ahead->begun = true;
	ahead->node->prefetch_maximum = 0;
	ahead->node->prefetch_target = Min(ahead->node->prefetch_target, 0);
}

/* The scan starts over or ends, and its bitmap with it. */
static void
over_shared(PsScanDesc *scan)
{
	PsBitmapScan *ahead = scan->bitmap;

	ahead->begun = ahead->finished = false;
	ahead->window.count = 0;
	await_first(ahead);
}

static void
read_ahead(PsScanDesc *scan)
{
	PsBitmapScan *ahead = scan->bitmap;

	if (ahead->finished || ps_window_rests(&ahead->window, scan->missed))
		return;
	ps_window_pass(&ahead->window, ahead->block);
	if (!ps_window_wants(&ahead->window))
		return;
	while (ahead->window.count < ahead->window.depth)
	{
		BlockNumber block = next_block_ahead(scan);

		if (!BlockNumberIsValid(block))
			break;
		ps_window_push(&ahead->window, block, block);
	}
	ps_window_done(&ahead->window, scan->base.rs_rd);
}

/*
 * The scan goes to a page of its bitmap.  Bitmaps are iterated in the order of
 * blocks, also when several processes share in it.
 */
static void
go_to_page(PsScanDesc *scan, BlockNumber block)
{
	Relation	rel = scan->base.rs_rd;
	PsBitmapScan *ahead;

	if (!scan->started)
	{
		scan->started = true;
		scan->bitmap = seek(scan);
		scan->bitmap_over = scan->bitmap ? over_shared : NULL;
	}
	ahead = scan->bitmap;
	if (ahead != NULL && ps_origin(rel) == PS_POOL)
	{
		ahead->block = block;
		if (!ahead->begun)
			begin_ahead(ahead); /* perhaps one page is all that is wanted */
		else
			read_ahead(scan);
	}
	scan->missed = !ps_pin_move(rel, &scan->pin, block);
}

/* ---- the start of the executor ---- */

/* The function that the executor gives such nodes. */
static ExecProcNodeMtd exec_in_core = NULL;

static TupleTableSlot *
exec_bitmap_scan(PlanState *state)
{
	BitmapHeapScanState *node = castNode(BitmapHeapScanState, state);

	if (node->pstate != NULL)
		return exec_in_core(state);
	if (!node->initialized)
		begin_alone(node);
	return ExecScan(&node->ss, next_row_alone, fulfils_conditions);
}

/* In the context of the query. */
static void
expect_shared(BitmapHeapScanState *node)
{
	PsBitmapScan *bitmap = palloc0(sizeof(PsBitmapScan));

	bitmap->node = node;
	bitmap->core_maximum = node->prefetch_maximum;
	await_first(bitmap);
	bitmap->forget.func = forget;
	bitmap->forget.arg = bitmap;
	dlist_push_head(&shared, &bitmap->link);
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &bitmap->forget);
}

/*
 * A node that has another function keeps it: ours, where a subplan is met in
 * each expression that has it, or that of another library.
 */
void
ps_scan_bitmap_expect(BitmapHeapScanState *node)
{
	if (exec_in_core == NULL)
		exec_in_core = node->ss.ps.ExecProcNodeReal;
	if (node->ss.ps.ExecProcNodeReal != exec_in_core)
		return;
	ExecSetExecProcNode(&node->ss.ps, exec_bitmap_scan);
	if (node->ss.ps.plan->parallel_aware)
		expect_shared(node);
}

/* ---- callbacks ---- */

static bool
next_bitmap_block(TableScanDesc base, struct TBMIterateResult *page)
{
	PsScanDesc *scan = (PsScanDesc *) base;

	scan->current = -1;
	scan->nvisible = 0;

	/*
	 * Blocks added since the scan began hold nothing for its snapshot; but a
	 * serializable reader must meet the rows it does not see.
	 */
	if (page->blockno >= scan->nblocks && !IsolationIsSerializable())
		return false;

	go_to_page(scan, page->blockno);
	ps_scan_bitmap_collect(scan, page->offsets, page->ntuples, page->ntuples < 0);
	return scan->nvisible > 0;
}

static bool
next_tuple(TableScanDesc base, struct TBMIterateResult *page, TupleTableSlot *slot)
{
	return ps_scan_bitmap_next((PsScanDesc *) base, slot);
}

void
ps_scan_bitmap_callbacks(TableAmRoutine *routine)
{
	routine->scan_bitmap_next_block = next_bitmap_block;
	routine->scan_bitmap_next_tuple = next_tuple;
}
