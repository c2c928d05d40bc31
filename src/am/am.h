/*
 * am.h
 *		The table access method's callbacks (access/tableam.h says what each
 *		must do; heapam_handler.c is the reference), one block a file.
 */
#ifndef PAGESTORE_AM_AM_H
#define PAGESTORE_AM_AM_H

#include "access/genam.h"
#include "access/heapam.h"
#include "access/tableam.h"
#include "am/slot.h"
#include "nodes/execnodes.h"

/* handler.c */
extern bool ps_is_pagestore(Relation rel);	/* does this relation use our
											 * access method? */
extern bool ps_is_pagestore_am(Oid amoid);	/* is this table access method
											 * ours, by whatever name? */

/* slot.c */
extern const TupleTableSlotOps *ps_slot_callbacks(Relation rel);

/* scan.c: sequential, parallel, synchronized, TID range */
extern TableScanDesc ps_scan_begin(Relation rel, Snapshot snapshot, int nkeys, struct ScanKeyData *key,
								   ParallelTableScanDesc pscan, uint32 flags);
extern void ps_scan_end(TableScanDesc scan);
extern void ps_scan_rescan(TableScanDesc scan, struct ScanKeyData *key, bool set_params,
						   bool allow_strat, bool allow_sync, bool allow_pagemode);
extern bool ps_scan_getnextslot(TableScanDesc scan, ScanDirection direction, TupleTableSlot *slot);
extern void ps_scan_set_tidrange(TableScanDesc scan, ItemPointer mintid, ItemPointer maxtid);
extern bool ps_scan_getnextslot_tidrange(TableScanDesc scan, ScanDirection direction, TupleTableSlot *slot);

/* scan_bitmap.c, scan_sample.c */
extern bool ps_scan_bitmap_next_block(TableScanDesc scan, struct TBMIterateResult *tbmres);
extern bool ps_scan_bitmap_next_tuple(TableScanDesc scan, struct TBMIterateResult *tbmres, TupleTableSlot *slot);
extern bool ps_scan_sample_next_block(TableScanDesc scan, struct SampleScanState *scanstate);
extern bool ps_scan_sample_next_tuple(TableScanDesc scan, struct SampleScanState *scanstate, TupleTableSlot *slot);

/* fetch.c: by index and by TID */
extern struct IndexFetchTableData *ps_index_fetch_begin(Relation rel);
extern void ps_index_fetch_reset(struct IndexFetchTableData *data);
extern void ps_index_fetch_end(struct IndexFetchTableData *data);
extern bool ps_index_fetch_tuple(struct IndexFetchTableData *data, ItemPointer tid, Snapshot snapshot,
								 TupleTableSlot *slot, bool *call_again, bool *all_dead);
extern bool ps_fetch_row_version(Relation rel, ItemPointer tid, Snapshot snapshot, TupleTableSlot *slot);
extern bool ps_tid_valid(TableScanDesc scan, ItemPointer tid);
extern void ps_get_latest_tid(TableScanDesc scan, ItemPointer tid);
extern bool ps_satisfies_snapshot(Relation rel, TupleTableSlot *slot, Snapshot snapshot);

/* index_delete.c */
extern TransactionId ps_index_delete_tuples(Relation rel, TM_IndexDeleteOp *delstate);

/* readahead.c: knowing the pages to come of bitmap and index scans; hooks the executor */
extern void ps_readahead_init(void);	/* in _PG_init */
extern void ps_readahead_index(Relation rel, struct IndexFetchTableData *fetch, ItemPointer tid);
extern void ps_readahead_bitmap(TableScanDesc scan, BlockNumber block);
extern void ps_readahead_bitmap_reset(TableScanDesc scan);

/* insert.c, multi_insert.c, speculative inserts */
extern void ps_tuple_insert(Relation rel, TupleTableSlot *slot, CommandId cid, int options, struct BulkInsertStateData *bistate);
extern void ps_tuple_insert_speculative(Relation rel, TupleTableSlot *slot, CommandId cid, int options,
										struct BulkInsertStateData *bistate, uint32 spec_token);
extern void ps_tuple_complete_speculative(Relation rel, TupleTableSlot *slot, uint32 spec_token, bool succeeded);
extern void ps_multi_insert(Relation rel, TupleTableSlot **slots, int nslots, CommandId cid, int options,
							struct BulkInsertStateData *bistate);
extern void ps_finish_bulk_insert(Relation rel, int options);

/* delete.c, update.c, lock.c */
extern TM_Result ps_tuple_delete(Relation rel, ItemPointer tid, CommandId cid, Snapshot snapshot,
								 Snapshot crosscheck, bool wait, TM_FailureData *tmfd, bool changing_part);
extern TM_Result ps_tuple_update(Relation rel, ItemPointer otid, TupleTableSlot *slot, CommandId cid,
								 Snapshot snapshot, Snapshot crosscheck, bool wait, TM_FailureData *tmfd,
								 LockTupleMode *lockmode, bool *update_indexes);
extern TM_Result ps_tuple_lock(Relation rel, ItemPointer tid, Snapshot snapshot, TupleTableSlot *slot,
							   CommandId cid, LockTupleMode mode, LockWaitPolicy wait_policy, uint8 flags,
							   TM_FailureData *tmfd);

/* vacuum*.c, analyze.c */
extern void ps_vacuum(Relation rel, struct VacuumParams *params, BufferAccessStrategy bstrategy);
extern bool ps_analyze_next_block(TableScanDesc scan, BlockNumber blockno, BufferAccessStrategy bstrategy);
extern bool ps_analyze_next_tuple(TableScanDesc scan, TransactionId OldestXmin, double *liverows,
								  double *deadrows, TupleTableSlot *slot);

/* build.c: CREATE INDEX scans */
extern double ps_index_build_range_scan(Relation rel, Relation index, struct IndexInfo *index_info, bool allow_sync,
										bool anyvisible, bool progress, BlockNumber start_blockno, BlockNumber numblocks,
										IndexBuildCallback callback, void *callback_state, TableScanDesc scan);
extern void ps_index_validate_scan(Relation rel, Relation index, struct IndexInfo *index_info, Snapshot snapshot,
								   struct ValidateIndexState *state);

/* ddl.c, cluster.c */
extern void ps_set_new_filenode(Relation rel, const RelFileNode *newrnode, char persistence,
								TransactionId *freezeXid, MultiXactId *minmulti);
extern void ps_nontransactional_truncate(Relation rel);
extern void ps_copy_data(Relation rel, const RelFileNode *newrnode);
extern void ps_copy_for_cluster(Relation old_table, Relation new_table, Relation old_index, bool use_sort,
								TransactionId OldestXmin, TransactionId *xid_cutoff, MultiXactId *multi_cutoff,
								double *num_tuples, double *tups_vacuumed, double *tups_recently_dead);
extern uint64 ps_relation_size(Relation rel, ForkNumber forkNumber);
extern bool ps_needs_toast_table(Relation rel);
extern Oid	ps_toast_am(Relation rel);
extern void ps_estimate_size(Relation rel, int32 *attr_widths, BlockNumber *pages, double *tuples, double *allvisfrac);

#endif							/* PAGESTORE_AM_AM_H */
