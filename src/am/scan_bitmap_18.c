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
#include "am/bitmap_queue.h"
#include "am/scan_bitmap.h"
#include "miscadmin.h"
#include "nodes/tidbitmap.h"
#include "utils/memutils.h"

/* Other processes that share in the scan go without what one has asked for. */
#define MOST_AHEAD_IN_PARALLEL 64

struct PsBitmapScan
{
	PsBitmapQueue *queue;		/* named to the stream, not handed out */
};

void
ps_scan_bitmap_expect(BitmapHeapScanState *node)
{
	/* its bitmap comes with the scan: there is nothing to find out */
}

/* The scan starts over or ends, and its bitmap with it. */
static void
over(PsScanDesc *scan)
{
	ps_bitmap_queue_clear(scan->bitmap->queue);
}

/*
 * Blocks added since the scan began hold nothing for its snapshot; but a
 * serializable reader must meet the rows it does not see.
 */
static BlockNumber
next_named(void *arg)
{
	PsScanDesc *scan = arg;
	TBMIterateResult result;
	PsBitmapPage page;

	while (tbm_iterate(&scan->base.st.rs_tbmiterator, &result))
	{
		CHECK_FOR_INTERRUPTS();
		if (result.blockno >= scan->nblocks && !IsolationIsSerializable())
			continue;
		ps_bitmap_extract(&result, &page);
		ps_bitmap_queue_push(scan->bitmap->queue, &page);
		return page.block;
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
	scan->bitmap = palloc(sizeof(struct PsBitmapScan));
	scan->bitmap->queue = ps_bitmap_queue_make();
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
	PsBitmapPage page;

	CHECK_FOR_INTERRUPTS();
	if (!scan->started)
		begin_bitmap(scan);
	if (!ps_stream_next(scan->stream, &scan->pin))
	{
		ps_bitmap_queue_clear(scan->bitmap->queue);
		return false;
	}
	ps_bitmap_queue_pop(scan->bitmap->queue, scan->pin.block, &page);
	if (page.lossy)
		(*lossy_pages)++;
	else
		(*exact_pages)++;
	*recheck = page.recheck;
	ps_scan_bitmap_collect(scan, page.offsets, page.n, page.lossy);
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
