/*
 * build.h
 *		The scans of CREATE INDEX.
 */
#ifndef PAGESTORE_AM_BUILD_H
#define PAGESTORE_AM_BUILD_H

#include "access/tableam.h"

/* Callbacks (access/tableam.h): of the build proper, and of the validation of a concurrent one. */
extern double ps_index_build_range_scan(Relation rel, Relation index, struct IndexInfo *index_info, bool allow_sync,
										bool anyvisible, bool progress, BlockNumber start_blockno, BlockNumber numblocks,
										IndexBuildCallback callback, void *callback_state, TableScanDesc scan);
extern void ps_index_validate_scan(Relation rel, Relation index, struct IndexInfo *index_info, Snapshot snapshot,
								   struct ValidateIndexState *state);

#endif							/* PAGESTORE_AM_BUILD_H */
