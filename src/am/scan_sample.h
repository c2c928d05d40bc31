/*
 * scan_sample.h
 *		TABLESAMPLE: blocks and rows chosen by a sampling method.
 */
#ifndef PAGESTORE_AM_SCAN_SAMPLE_H
#define PAGESTORE_AM_SCAN_SAMPLE_H

#include "access/tableam.h"

/* Callbacks (access/tableam.h) of a scan that ps_scan_begin() began. */
extern bool ps_scan_sample_next_block(TableScanDesc scan, struct SampleScanState *scanstate);
extern bool ps_scan_sample_next_tuple(TableScanDesc scan, struct SampleScanState *scanstate, TupleTableSlot *slot);

#endif							/* PAGESTORE_AM_SCAN_SAMPLE_H */
