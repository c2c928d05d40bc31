/*
 * readahead.h
 *		Knowing the pages to come of index and bitmap scans.
 */
#ifndef PAGESTORE_AM_READAHEAD_H
#define PAGESTORE_AM_READAHEAD_H

#include "access/tableam.h"

/* Hooks the start of the executor.  In _PG_init(). */
extern void ps_readahead_init(void);

/*
 * The fetch is about to go to another page, for the index entry with this TID:
 * start reads for those that follow, if it is known which.  Never waits.
 */
extern void ps_readahead_index(Relation rel, struct IndexFetchTableData *fetch, ItemPointer tid);

/* The same for a bitmap scan that has come to a block of its bitmap. */
extern void ps_readahead_bitmap(TableScanDesc scan, BlockNumber block);

/* A scan starts over or ends, and its bitmap, if it has one, with it. */
extern void ps_readahead_bitmap_reset(TableScanDesc scan);

#endif							/* PAGESTORE_AM_READAHEAD_H */
