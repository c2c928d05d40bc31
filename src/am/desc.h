/*
 * desc.h
 *		The descriptors of table scans and of the fetches of index scans.
 *
 * A scan visits "size" blocks: start, start + 1, ... going round the end of
 * the table.  Sequential, TID range, bitmap, sample and analyze scans share
 * the descriptor; each uses the part of it that it needs.
 */
#ifndef PAGESTORE_AM_DESC_H
#define PAGESTORE_AM_DESC_H

#include "access/relscan.h"
#include "access/tableam.h"
#include "page/stream.h"
#include "page/view.h"
#include "server/compat.h"
#include "storage/buf.h"

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
	Buffer		map;			/* of a scan that may set its bits: a map page */

	OffsetNumber offset;		/* tuple at a time: offset of the row returned
								 * last */
	int			current;		/* page at a time: index in visible[] of the
								 * row returned last */
	int			nvisible;
	OffsetNumber visible[MaxHeapTuplesPerPage]; /* the rows of the page in
												 * hand that the snapshot sees */

	struct SampleScanState *sample; /* if not NULL, its method chooses the
									 * blocks, ahead of use */
	void	   *sampled;		/* ANALYZE: where its choice of blocks is
								 * known from, ahead of use
								 * (analyze_blocks.h); NULL: not known */
	struct PsBitmapScan *bitmap;	/* of a bitmap scan (scan_bitmap_*.c), */
	void		(*bitmap_over) (struct PsScanDesc *scan);	/* which is told when
															 * the scan starts over
															 * or ends, if set */
	bool		missed;			/* of a bitmap scan: the page in hand had to
								 * be read */
} PsScanDesc;

typedef struct PsIndexFetch
{
	IndexFetchTableData base;
	PsPin		pin;			/* page of the row fetched last, kept for the
								 * next */
	Buffer		map;			/* of a scan that may set its bits: a map page */
	TransactionId xmin;			/* raw xmin of the row fetched last, to know
								 * it again by */
	struct PsIndexAhead *ahead; /* read-ahead (readahead.c), NULL: none, or
								 * not looked for yet */
	bool		ahead_sought;
	bool		arrived;		/* at a page: the next is not the first */
	bool		missed;			/* the page in hand was not resident when the
								 * fetch came to it */
} PsIndexFetch;

/* Where map pages are pinned by a scan whose flags (SO_*) let it set their bits; else NULL. */
static inline Buffer *
ps_scan_map(PsScanDesc *scan)
{
	return ps_may_set_map(scan->base.rs_flags) ? &scan->map : NULL;
}

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

#endif							/* PAGESTORE_AM_DESC_H */
