/*
 * readahead.h
 *		Knowing the pages to come of index scans.
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

#endif							/* PAGESTORE_AM_READAHEAD_H */
