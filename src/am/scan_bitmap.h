/*
 * scan_bitmap.h
 *		Bitmap scans: the rows of the pages that a bitmap names.
 *
 * To 17 the executor iterates the bitmap and asks for a page at a time, from
 * 18 on the access method does: scan_bitmap_15.c, scan_bitmap_18.c.
 */
#ifndef PAGESTORE_AM_SCAN_BITMAP_H
#define PAGESTORE_AM_SCAN_BITMAP_H

#include "access/tableam.h"
#include "am/desc.h"
#include "nodes/execnodes.h"

/* Fills in the callbacks of bitmap scans, of scans that ps_scan_begin() began. */
extern void ps_scan_bitmap_callbacks(TableAmRoutine *routine);

/* A query that starts has this node, whose table's pages may come through the pool. */
extern void ps_scan_bitmap_expect(BitmapHeapScanState *node);

/* ---- for the variants ---- */

/*
 * List the rows of the page in hand that the snapshot sees: of the HOT chains
 * that start at these offsets, or, where it is not known which, of all.
 */
extern void ps_scan_bitmap_collect(PsScanDesc *scan, const OffsetNumber *offsets, int n, bool all);

/* The next of them into the slot; false: no more. */
extern bool ps_scan_bitmap_next(PsScanDesc *scan, TupleTableSlot *slot);

#endif							/* PAGESTORE_AM_SCAN_BITMAP_H */
