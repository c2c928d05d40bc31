/*
 * scan.h
 *		The table scan descriptor, for the files that walk whole tables.
 *
 * A scan visits "size" blocks: start, start + 1, ... going round the end of
 * the table.  Sequential, TID range, bitmap, sample and analyze scans share
 * the descriptor; each uses the part of it that it needs.
 */
#ifndef PAGESTORE_AM_SCAN_H
#define PAGESTORE_AM_SCAN_H

#include "access/relscan.h"
#include "access/tableam.h"
#include "page/guard.h"
#include "page/stream.h"
#include "page/view.h"
#include "utils/sampling.h"

typedef struct PsScanDesc
{
	TableScanDescData base;

	BlockNumber nblocks;		/* of the table when the scan (re)started;
								 * later blocks are not seen */
	BlockNumber start;			/* first block visited */
	BlockNumber size;			/* number of blocks visited */
	ParallelBlockTableScanWorkerData worker;	/* what this process has
												 * claimed of a parallel scan */

	PsStream   *stream;			/* NULL until the first page is wanted */
	int			stream_flags;	/* for ps_stream_begin() and ps_stream_reset() */
	int64		asked;			/* forward: index of the block the stream asks
								 * for next; backward: one above it */

	bool		started;		/* between the first page and the end in
								 * either direction */
	bool		backward;		/* direction of the stream */
	int64		position;		/* index of the page in hand, 0 .. size - 1
								 * (not of a parallel scan) */
	PsPin		pin;			/* the page in hand */

	OffsetNumber offset;		/* tuple at a time: offset of the row returned
								 * last */
	int			current;		/* page at a time: index in visible[] of the
								 * row returned last */
	int			nvisible;
	OffsetNumber visible[MaxHeapTuplesPerPage]; /* the rows of the page in
												 * hand that the snapshot sees */

	struct SampleScanState *sample; /* if not NULL, its method chooses the
									 * blocks, ahead of use */
	BlockSampler sampled;		/* ANALYZE: its choice of blocks, ahead of
								 * use; NULL if not known */
	struct PsBitmapAhead *bitmap_ahead; /* read-ahead of a bitmap scan
										 * (readahead.c) */
} PsScanDesc;

/*
 * Visit only n blocks from start on (InvalidBlockNumber: all).  Before the
 * first page; not for a synchronized scan.
 */
extern void ps_scan_set_limits(TableScanDesc scan, BlockNumber start, BlockNumber n);

/*
 * Move to the next page of a sequential scan in the given direction, pinned in
 * scan->pin; false, with the pin empty, at the end.  No latch held before or
 * after.
 */
extern bool ps_scan_advance(PsScanDesc *scan, bool backward);

/*
 * Page at a time: prune the page in hand if worthwhile and list in visible[]
 * the rows that the scan's MVCC snapshot sees.  They can be read without a
 * latch as long as the pin stays: it holds these bytes, and the snapshot's
 * xmin these rows.
 */
extern void ps_scan_collect(PsScanDesc *scan);

/* The row at an offset that is known to be normal, in the bytes that the pin holds. */
static inline PsRow
ps_scan_row(const PsScanDesc *scan, OffsetNumber offset)
{
	const ItemIdData *item = ps_page_item(scan->pin.page, offset);
	PsRow		row;

	Assert(ItemIdIsNormal(item));
	row.header = (const HeapTupleHeaderData *) (scan->pin.page + ItemIdGetOffset(item));
	row.len = ItemIdGetLength(item);
	ItemPointerSet(&row.tid, scan->pin.block, offset);
	row.table = RelationGetRelid(scan->base.rs_rd);
	return row;
}

#endif							/* PAGESTORE_AM_SCAN_H */
