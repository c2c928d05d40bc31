/*
 * callbacks_15.c
 *		Callbacks whose arguments changed in PostgreSQL 19, as they were before.
 */
#include "postgres.h"

#include "am/analyze.h"
#include "am/callbacks.h"
#include "am/cluster.h"
#include "am/delete.h"
#include "am/fetch.h"
#include "am/insert.h"
#include "am/multi_insert.h"
#include "am/speculative.h"
#include "am/update.h"
#include "am/vacuum.h"
#include "server/compat.h"

static struct IndexFetchTableData *
older_index_fetch_begin(Relation rel)
{
	return ps_index_fetch_begin(rel, SO_NONE);
}

static void
older_insert(Relation rel, TupleTableSlot *slot, CommandId cid, int options, struct BulkInsertStateData *bistate)
{
	ps_tuple_insert(rel, slot, cid, options, bistate);
}

static void
older_insert_speculative(Relation rel, TupleTableSlot *slot, CommandId cid, int options,
						 struct BulkInsertStateData *bistate, uint32 spec_token)
{
	ps_tuple_insert_speculative(rel, slot, cid, options, bistate, spec_token);
}

static void
older_multi_insert(Relation rel, TupleTableSlot **slots, int nslots, CommandId cid, int options,
				   struct BulkInsertStateData *bistate)
{
	ps_multi_insert(rel, slots, nslots, cid, options, bistate);
}

static TM_Result
older_delete(Relation rel, ItemPointer tid, CommandId cid, Snapshot snapshot, Snapshot crosscheck, bool wait,
			 TM_FailureData *tmfd, bool changing_part)
{
	return ps_tuple_delete(rel, tid, cid, changing_part ? TABLE_DELETE_CHANGING_PARTITION : 0,
						   snapshot, crosscheck, wait, tmfd);
}

static TM_Result
older_update(Relation rel, ItemPointer otid, TupleTableSlot *slot, CommandId cid, Snapshot snapshot,
			 Snapshot crosscheck, bool wait, TM_FailureData *tmfd, LockTupleMode *lockmode,
			 TU_UpdateIndexes *update_indexes)
{
	return ps_tuple_update(rel, otid, slot, cid, 0, snapshot, crosscheck, wait, tmfd, lockmode, update_indexes);
}

static void
older_finish_bulk_insert(Relation rel, int options)
{
	ps_finish_bulk_insert(rel, options);
}

static void
older_copy_for_cluster(Relation old_table, Relation new_table, Relation old_index, bool use_sort,
					   TransactionId OldestXmin, TransactionId *xid_cutoff, MultiXactId *multi_cutoff,
					   double *num_tuples, double *tups_vacuumed, double *tups_recently_dead)
{
	ps_copy_for_cluster(old_table, new_table, old_index, use_sort, OldestXmin, NULL, xid_cutoff, multi_cutoff,
						num_tuples, tups_vacuumed, tups_recently_dead);
}

static void
older_vacuum(Relation rel, struct VacuumParams *params, BufferAccessStrategy strategy)
{
	ps_vacuum(rel, params, strategy);
}

static bool
older_analyze_next_tuple(TableScanDesc scan, TransactionId OldestXmin, double *liverows, double *deadrows,
						 TupleTableSlot *slot)
{
	return ps_analyze_next_tuple(scan, liverows, deadrows, slot);
}

void
ps_changed_callbacks(TableAmRoutine *routine)
{
	routine->index_fetch_begin = older_index_fetch_begin;
	routine->tuple_insert = older_insert;
	routine->tuple_insert_speculative = older_insert_speculative;
	routine->multi_insert = older_multi_insert;
	routine->tuple_delete = older_delete;
	routine->tuple_update = older_update;
	routine->finish_bulk_insert = older_finish_bulk_insert;
	routine->relation_copy_for_cluster = older_copy_for_cluster;
	routine->relation_vacuum = older_vacuum;
	routine->scan_analyze_next_tuple = older_analyze_next_tuple;
}
