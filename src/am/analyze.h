/*
 * analyze.h
 *		ANALYZE: a sample of a table's pages, and their rows.
 */
#ifndef PAGESTORE_AM_ANALYZE_H
#define PAGESTORE_AM_ANALYZE_H

#include "access/tableam.h"

/* A callback (access/tableam.h) of a scan that ps_scan_begin() began; the other one: analyze_blocks.h. */
extern bool ps_analyze_next_tuple(TableScanDesc scan, double *liverows,
								  double *deadrows, TupleTableSlot *slot);

#endif							/* PAGESTORE_AM_ANALYZE_H */
