/*
 * scan_bitmap_18.c
 *		Bitmap scans of PostgreSQL 18 and later: the access method iterates the
 *		bitmap.
 *
 * The bitmap's blocks are those of a stream, which asks for them ahead of
 * their use: what else the bitmap says of a page waits in a queue meanwhile.
 */
#include "postgres.h"

#include "access/xact.h"
#include "am/scan_bitmap.h"
#include "miscadmin.h"
#include "nodes/tidbitmap.h"
#include "utils/memutils.h"

/* Other processes that share in the scan go without what one has asked for. */
#define MOST_AHEAD_IN_PARALLEL 64

typedef struct PsBitmapScan
{
	TBMIterateResult *queue;	/* ring: named to the stream, not handed out */
	uint32		room;			/* a power of two */
	uint32		first;
	uint32		last;
} PsBitmapScan;

void
ps_scan_bitmap_expect(BitmapHeapScanState *node)
{
	/* its bitmap comes with the scan: there is nothing to find out */
}

/* The scan starts over or ends, and its bitmap with it. */
static void
over(PsScanDesc *scan)
{
	scan->bitmap->first = scan->bitmap->last = 0;
}

static void
push(PsBitmapScan *bitmap, const TBMIterateResult *page)
{
	if (bitmap->last - bitmap->first == bitmap->room)
	{
		TBMIterateResult *larger = MemoryContextAlloc(GetMemoryChunkContext(bitmap),
													  2 * bitmap->room * sizeof(TBMIterateResult));

		for (uint32 i = bitmap->first; i != bitmap->last; i++)
			larger[i & (2 * bitmap->room - 1)] = bitmap->queue[i & (bitmap->room - 1)];
		pfree(bitmap->queue);
		bitmap->queue = larger;
		bitmap->room *= 2;
	}
	bitmap->queue[bitmap->last++ & (bitmap->room - 1)] = *page;
}

/*
 * Blocks added since the scan began hold nothing for its snapshot; but a
 * serializable reader must meet the rows it does not see.
 */
static BlockNumber
next_named(void *arg)
{
	PsScanDesc *scan = arg;
	TBMIterateResult page;

	while (tbm_iterate(&scan->base.st.rs_tbmiterator, &page))
	{
		CHECK_FOR_INTERRUPTS();
		if (page.blockno >= scan->nblocks && !IsolationIsSerializable())
			continue;
		push(scan->bitmap, &page);
		return page.blockno;
	}
	return InvalidBlockNumber;
}

/* Before the first page, also of a scan that starts over. */
static void
begin_bitmap(PsScanDesc *scan)
{
	MemoryContext old;

	scan->started = true;
	if (scan->stream)
	{
		ps_stream_reset(scan->stream, scan->stream_flags);
		return;
	}

	/* we may be called in a context that lives for one row */
	old = MemoryContextSwitchTo(GetMemoryChunkContext(scan));
	scan->bitmap = palloc0(sizeof(PsBitmapScan));
	scan->bitmap->room = 8;
	scan->bitmap->queue = palloc(scan->bitmap->room * sizeof(TBMIterateResult));
	scan->bitmap_over = over;
	scan->stream = ps_stream_begin(scan->base.rs_rd, next_named, scan, scan->stream_flags);
	ps_stream_tell_io(scan->stream, ps_scan_io(&scan->base));
	MemoryContextSwitchTo(old);
	if (scan->base.st.rs_tbmiterator.shared)
		ps_stream_limit(scan->stream, MOST_AHEAD_IN_PARALLEL);
}

static bool
next_bitmap_page(PsScanDesc *scan, bool *recheck, uint64 *lossy_pages, uint64 *exact_pages)
{
	OffsetNumber offsets[TBM_MAX_TUPLES_PER_PAGE];
	TBMIterateResult *page;
	int			n = 0;

	CHECK_FOR_INTERRUPTS();
	if (!scan->started)
		begin_bitmap(scan);
	if (!ps_stream_next(scan->stream, &scan->pin))
		return false;

	Assert(scan->bitmap->first != scan->bitmap->last);
	page = &scan->bitmap->queue[scan->bitmap->first++ & (scan->bitmap->room - 1)];
	Assert(page->blockno == scan->pin.block);
	if (page->lossy)
		(*lossy_pages)++;
	else
	{
		(*exact_pages)++;
		n = tbm_extract_page_tuple(page, offsets, lengthof(offsets));
	}
	*recheck = page->recheck;
	ps_scan_bitmap_collect(scan, offsets, n, page->lossy);
	return true;
}

static bool
next_tuple(TableScanDesc base, TupleTableSlot *slot, bool *recheck,
		   uint64 *lossy_pages, uint64 *exact_pages)
{
	PsScanDesc *scan = (PsScanDesc *) base;

	while (!ps_scan_bitmap_next(scan, slot))
		if (!next_bitmap_page(scan, recheck, lossy_pages, exact_pages))
			return false;
	return true;
}

void
ps_scan_bitmap_callbacks(TableAmRoutine *routine)
{
	routine->scan_bitmap_next_tuple = next_tuple;
}
