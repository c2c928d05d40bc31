/*
 * scan.h
 *		Sequential scans, and what other walks over a table share with them.
 */
#ifndef PAGESTORE_AM_SCAN_H
#define PAGESTORE_AM_SCAN_H

#include "am/desc.h"

/* Callbacks (access/tableam.h): sequential, parallel and synchronized scans; TID ranges. */
extern TableScanDesc ps_scan_begin(Relation rel, Snapshot snapshot, int nkeys, struct ScanKeyData *key,
								   ParallelTableScanDesc pscan, uint32 flags);
extern void ps_scan_end(TableScanDesc scan);
extern void ps_scan_rescan(TableScanDesc scan, struct ScanKeyData *key, bool set_params,
						   bool allow_strat, bool allow_sync, bool allow_pagemode);
extern bool ps_scan_getnextslot(TableScanDesc scan, ScanDirection direction, TupleTableSlot *slot);
extern void ps_scan_set_tidrange(TableScanDesc scan, ItemPointer mintid, ItemPointer maxtid);
extern bool ps_scan_getnextslot_tidrange(TableScanDesc scan, ScanDirection direction, TupleTableSlot *slot);

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

/*
 * Page at a time, forward, behind the row handed out last: the rows left of the
 * page in hand, or of the next one that has any, which the scan pins.  They
 * count as handed out.  Returns how many there are, 0 at the end.
 */
extern int	ps_scan_rest_of_page(PsScanDesc *scan, const OffsetNumber **rows);

#endif							/* PAGESTORE_AM_SCAN_H */
