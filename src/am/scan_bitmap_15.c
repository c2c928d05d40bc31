/*
 * scan_bitmap_15.c
 *		Bitmap scans of PostgreSQL 15 to 17: the executor iterates the bitmap, and
 *		asks for one page at a time.
 *
 * But a bitmap can be iterated twice: where pages come through the pool, a
 * second iterator reads ahead of their use, in place of core's prefetching.
 * Elsewhere that is left as it is, until, at the end of recovery, pages do
 * come through the pool.  If the table is large this iterator feeds a stream,
 * which goes around the pool where the bitmap is dense.  Processes that share
 * a scan can't do this: it is not known ahead which of them will be given a
 * page.
 *
 * The start of the executor tells of the nodes (readahead.c).  Each is kept in
 * a list until the query's memory goes; its scan, whose descriptor may be made
 * later, finds it there at its first page.
 */
#include "postgres.h"

#include "access/visibilitymap.h"
#include "access/xact.h"
#include "am/am.h"
#include "am/scan_bitmap.h"
#include "am/window.h"
#include "lib/ilist.h"
#include "nodes/tidbitmap.h"
#include "server/compat.h"
#include "utils/memutils.h"

typedef struct PsBitmapScan
{
	dlist_node	link;
	BitmapHeapScanState *node;
	int			core_maximum;	/* its prefetch_maximum, where core prefetches */
	TBMIterator *iterator;		/* second iterator over the node's bitmap;
								 * NULL before the first page from the pool */
	bool		begun;
	bool		finished;		/* it has no more */
	bool		streams;		/* it feeds the scan's stream, else the window */
	BlockNumber block;			/* where the scan has come to */
	PsWindow	window;			/* keys: block numbers */
	MemoryContextCallback forget;
} PsBitmapScan;

static dlist_head expected = DLIST_STATIC_INIT(expected);

/* ---- which node ---- */

static void
forget(void *arg)
{
	dlist_delete(&((PsBitmapScan *) arg)->link);
}

/*
 * Before the first page.  Where pages come through the pool our read-ahead
 * stands in for core's prefetching; but for a parallel scan core makes a
 * shared second iterator only if it means to prefetch.
 */
static void
await_first(PsBitmapScan *ahead)
{
	BitmapHeapScanState *node = ahead->node;
	bool		parallel = node->ss.ps.plan->parallel_aware;

	if (ps_origin(node->ss.ss_currentRelation) == PS_POOL)
		node->prefetch_maximum = parallel ? 1 : 0;
	else
		node->prefetch_maximum = parallel ? Max(ahead->core_maximum, 1) : ahead->core_maximum;
}

/* In the context of the query. */
void
ps_scan_bitmap_expect(BitmapHeapScanState *node)
{
	PsBitmapScan *ahead = palloc0(sizeof(PsBitmapScan));

	/*
	 * All that share in a scan agree whether there is a second iterator,
	 * wherever each of them finds the pages.
	 */
	ahead->node = node;
	ahead->core_maximum = node->prefetch_maximum;
	await_first(ahead);
	ahead->forget.func = forget;
	ahead->forget.arg = ahead;
	dlist_push_head(&expected, &ahead->link);
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &ahead->forget);
}

static PsBitmapScan *
seek_node(const PsScanDesc *scan)
{
	dlist_iter	iter;

	dlist_foreach(iter, &expected)
	{
		PsBitmapScan *ahead = dlist_container(PsBitmapScan, link, iter.cur);

		if (ahead->node->ss.ss_currentScanDesc == &scan->base)
			return ahead;
	}
	return NULL;
}

/* ---- read-ahead ---- */

static TBMIterateResult *
next_ahead(PsBitmapScan *ahead)
{
	BitmapHeapScanState *node = ahead->node;

	if (ahead->iterator)
		return tbm_iterate(ahead->iterator);
	if (node->shared_prefetch_iterator)
		return tbm_shared_iterate(node->shared_prefetch_iterator);
	return NULL;
}

/* The next block behind the page in hand that core will ask for; none for those that the visibility map answers for. */
static BlockNumber
next_block_ahead(void *arg)
{
	PsScanDesc *scan = arg;
	PsBitmapScan *ahead = scan->bitmap;
	TBMIterateResult *result;

	while ((result = next_ahead(ahead)) != NULL)
	{
		if (result->blockno <= ahead->block || result->blockno >= scan->nblocks)
			continue;
		if (ps_bitmap_skips_fetch(ahead->node) && !result->recheck &&
			VM_ALL_VISIBLE(scan->base.rs_rd, result->blockno, &ahead->node->pvmbuffer))
			continue;
		return result->blockno;
	}
	ahead->finished = true;
	return InvalidBlockNumber;
}

static void
begin_stream(PsScanDesc *scan)
{
	MemoryContext old;

	if (scan->stream)
	{
		ps_stream_reset(scan->stream, scan->stream_flags);
		return;
	}

	/* we may be called in a context that lives for one row */
	old = MemoryContextSwitchTo(GetMemoryChunkContext(scan));
	scan->stream = ps_stream_begin(scan->base.rs_rd, next_block_ahead, scan, scan->stream_flags);
	MemoryContextSwitchTo(old);
}

static void
begin_ahead(PsScanDesc *scan)
{
	PsBitmapScan *ahead = scan->bitmap;
	BitmapHeapScanState *node = ahead->node;

	ahead->begun = true;
	if (node->pstate == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(ahead));

		ahead->iterator = tbm_begin_iterate(node->tbm);
		MemoryContextSwitchTo(old);
		ahead->streams = (scan->stream_flags & PS_STREAM_AROUND_POOL) && ps_is_large(PS_POOL, scan->nblocks);
		if (ahead->streams)
			begin_stream(scan);
	}

	/*
	 * A shared iterator for read-ahead is made by core before the first page,
	 * if it means to prefetch: from here on it is ours.  What core has
	 * prefetched up to now it goes on to use.
	 */
	node->prefetch_maximum = 0;
	node->prefetch_target = Min(node->prefetch_target, 0);
}

/* The scan starts over or ends, and its bitmap with it. */
static void
over(PsScanDesc *scan)
{
	PsBitmapScan *ahead = scan->bitmap;

	if (ahead->iterator)
		tbm_end_iterate(ahead->iterator);
	ahead->iterator = NULL;
	ahead->begun = ahead->finished = ahead->streams = false;
	ahead->window.count = 0;
	await_first(ahead);
}

static void
read_single_ahead(PsScanDesc *scan)
{
	Relation	rel = scan->base.rs_rd;
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
	ps_window_done(&ahead->window, rel);
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
		scan->bitmap = seek_node(scan);
		scan->bitmap_over = scan->bitmap ? over : NULL;
	}
	ahead = scan->bitmap;
	if (ahead != NULL && ps_origin(rel) == PS_POOL)
	{
		ahead->block = block;
		if (!ahead->begun)
			begin_ahead(scan);	/* perhaps one page is all that is wanted */
		else if (!ahead->streams)
			read_single_ahead(scan);
		else if (ps_stream_next_at(scan->stream, block, &scan->pin))
			return;
	}
	scan->missed = !ps_pin_move(rel, &scan->pin, block);
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
