/*
 * fold.h
 *		Common aggregates of columns, for many rows of a page at once.
 */
#ifndef PAGESTORE_AM_FOLD_H
#define PAGESTORE_AM_FOLD_H

#include "executor/nodeAgg.h"
#include "storage/off.h"

typedef struct PsFold PsFold;

/*
 * For the aggregates of a node that gets rows from the scan; in the query's
 * memory.  NULL if one of them can't be folded.
 */
extern PsFold *ps_fold_begin(const AggState *agg, const SeqScanState *scan);

/*
 * What the transition functions would do to the states with these rows of the
 * page, which is pinned, in this order.  May raise the errors that they would.
 * Uses the current memory context, a few kilobytes a column.
 */
extern void ps_fold_rows(const PsFold *fold, AggStatePerGroup states, const char *page,
						 const OffsetNumber *rows, int n);

#endif							/* PAGESTORE_AM_FOLD_H */
