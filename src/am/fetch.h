/*
 * fetch.h
 *		Rows by index entry and by TID.
 */
#ifndef PAGESTORE_AM_FETCH_H
#define PAGESTORE_AM_FETCH_H

#include "access/tableam.h"

/* Callbacks (access/tableam.h): the fetches of one index scan. */
extern struct IndexFetchTableData *ps_index_fetch_begin(Relation rel, uint32 flags);
extern void ps_index_fetch_reset(struct IndexFetchTableData *data);
extern void ps_index_fetch_end(struct IndexFetchTableData *data);
extern bool ps_index_fetch_tuple(struct IndexFetchTableData *data, ItemPointer tid, Snapshot snapshot,
								 TupleTableSlot *slot, bool *call_again, bool *all_dead);

/* Callbacks: by TID. */
extern bool ps_fetch_row_version(Relation rel, ItemPointer tid, Snapshot snapshot, TupleTableSlot *slot);
extern bool ps_tid_valid(TableScanDesc scan, ItemPointer tid);
extern void ps_get_latest_tid(TableScanDesc scan, ItemPointer tid);
extern bool ps_satisfies_snapshot(Relation rel, TupleTableSlot *slot, Snapshot snapshot);

#endif							/* PAGESTORE_AM_FETCH_H */
