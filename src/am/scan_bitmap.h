/*
 * scan_bitmap.h
 *		Bitmap scans: the rows of a page that a bitmap names.
 */
#ifndef PAGESTORE_AM_SCAN_BITMAP_H
#define PAGESTORE_AM_SCAN_BITMAP_H

#include "access/tableam.h"

/* Callbacks (access/tableam.h) of a scan that ps_scan_begin() began. */
extern bool ps_scan_bitmap_next_block(TableScanDesc scan, struct TBMIterateResult *tbmres);
extern bool ps_scan_bitmap_next_tuple(TableScanDesc scan, struct TBMIterateResult *tbmres, TupleTableSlot *slot);

#endif							/* PAGESTORE_AM_SCAN_BITMAP_H */
