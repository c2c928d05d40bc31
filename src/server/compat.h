/*
 * compat.h
 *		What differs between PostgreSQL versions, in one place.
 *
 * The code uses the newest server's names.  A function, type or field that an
 * older server knows by another name or in another shape gets it here, never
 * by an #if at the place of use.  Where more differs than that, a file has a
 * variant for each server, which the Makefile chooses.
 *
 * In order of versions: when one is no longer of interest, its part goes.
 */
#ifndef PAGESTORE_COMPAT_H
#define PAGESTORE_COMPAT_H

#include "postgres.h"

#if !(PG_VERSION_NUM >= 150000 && PG_VERSION_NUM < 160000) && \
	!(PG_VERSION_NUM >= 170000 && PG_VERSION_NUM < 200000)
#error "pagestore builds against PostgreSQL 15, 17, 18 and 19"
#endif

#include "access/heapam.h"
#include "access/heapam_xlog.h"
#include "access/tableam.h"
#include "access/toast_internals.h"
#include "access/transam.h"
#include "access/valid.h"
#include "access/visibilitymap.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "commands/progress.h"
#include "commands/vacuum.h"
#include "common/relpath.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/tidbitmap.h"
#include "pgstat.h"
#include "postmaster/autovacuum.h"
#include "postmaster/bgworker_internals.h"
#include "storage/buf_internals.h"
#include "storage/bufpage.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

/* ---- 16 ---- */

#if PG_VERSION_NUM < 160000

#include "storage/relfilenode.h"
#include "utils/relfilenodemap.h"

/* a relation's files */
#define RelFileLocator RelFileNode
#define RelFileLocatorEquals(a, b) RelFileNodeEquals(a, b)
#define spcOid spcNode
#define dbOid dbNode
#define relNumber relNode
#define rlocator rnode
#define rd_locator rd_node
#define target_locator target_node
#define relation_set_new_filelocator relation_set_new_filenode
#define RelidByRelfilenumber RelidByRelfilenode
#define RelationMapOidToFilenumber RelationMapOidToFilenode
#define DropRelationBuffers DropRelFileNodeBuffers

/* tags of shared buffers */
#define InitBufferTag(tag, locator, fork, block) INIT_BUFFERTAG(*(tag), *(locator), fork, block)
#define BufTagGetRelFileLocator(tag) ((tag)->rnode)
#define BufTagGetForkNum(tag) ((tag)->forkNum)

/* of one catalog each */
#define object_ownercheck(class, id, role) \
	(AssertMacro((class) == RelationRelationId), pg_class_ownercheck(id, role))
#define object_aclcheck(class, id, role, mode) \
	(AssertMacro((class) == ProcedureRelationId), pg_proc_aclcheck(id, role, mode))

#define HeapTupleHeaderAdvanceConflictHorizon HeapTupleHeaderAdvanceLatestRemovedXid
#define tuplesort_getdatum(sort, forward, copy, value, null, abbreviated) \
	tuplesort_getdatum(sort, forward, value, null, abbreviated)
#define pgstat_count_heap_update(rel, hot, newpage) pgstat_count_heap_update(rel, hot)
#define WAIT_EVENT_BUFFER_CLEANUP PG_WAIT_BUFFER_PIN
#define ps_abort_buffer_io() AbortBufferIO()
#define ps_vacuum_info_set_table(info, rel) ((void) 0)

/* what this process has counted for a table and not reported yet */
#define ps_table_counts(rel) ((rel)->pgstat_info->t_counts)
#define tuples_returned t_tuples_returned

static inline bool
ps_heap_key_test(HeapTuple tuple, TupleDesc desc, int nkeys, ScanKey keys)
{
	bool		result;

	HeapKeyTest(tuple, desc, nkeys, keys, result);
	return result;
}
#undef HeapKeyTest
#define HeapKeyTest(tuple, desc, nkeys, keys) ps_heap_key_test(tuple, desc, nkeys, keys)

/* An update needs new index entries, or none: no index only summarizes. */
#define TU_UpdateIndexes bool
#define TU_None false
#define TU_Summarizing true
#define TU_All true
#define INDEX_ATTR_BITMAP_HOT_BLOCKING INDEX_ATTR_BITMAP_ALL
#define ps_summarized_columns(rel) ((Bitmapset *) NULL)
#define PS_UPDATE_INDEXES_PARAMETER
#define PS_UPDATE_INDEXES_ARGUMENT
#define _bt_getroot(index, table, access) _bt_getroot(index, access)
#define PS_NUM_PAGES_PARAMETER
#define PS_NUM_PAGES_ARGUMENT

/* The failsafe is known to nobody but the vacuum, and index vacuuming keeps its ring of buffers. */
#define ps_failsafe_announce(on) ((void) 0)
#define PS_FAILSAFE_ENDS_STRATEGY false

/* VACUUM's buffers are as many as they are, not what somebody asked for. */
#define GetAccessStrategyBufferCount(strategy) 0
#define PS_VACUUM_BUFFERS_BY_DEFAULT 0

/* Freezing: whatever can be frozen by the limits must be, and nothing else is. */
typedef xl_heap_freeze_tuple HeapTupleFreeze;

struct VacuumCutoffs
{
	TransactionId relfrozenxid;
	MultiXactId relminmxid;
	TransactionId OldestXmin;
	MultiXactId OldestMxact;
	TransactionId FreezeLimit;
	MultiXactId MultiXactCutoff;
};

typedef struct HeapPageFreeze
{
	bool		freeze_required;
	TransactionId FreezePageRelfrozenXid;
	MultiXactId FreezePageRelminMxid;
	TransactionId NoFreezePageRelfrozenXid;
	MultiXactId NoFreezePageRelminMxid;
} HeapPageFreeze;

static inline bool
vacuum_get_cutoffs(Relation rel, const VacuumParams *params, struct VacuumCutoffs *cutoffs)
{
	cutoffs->relfrozenxid = rel->rd_rel->relfrozenxid;
	cutoffs->relminmxid = rel->rd_rel->relminmxid;
	return vacuum_set_xid_limits(rel, params->freeze_min_age, params->freeze_table_age,
								 params->multixact_freeze_min_age,
								 params->multixact_freeze_table_age,
								 &cutoffs->OldestXmin, &cutoffs->OldestMxact,
								 &cutoffs->FreezeLimit, &cutoffs->MultiXactCutoff);
}

static inline bool
ps_prepare_freeze(HeapTupleHeader header, const struct VacuumCutoffs *cutoffs,
				  HeapPageFreeze *page, HeapTupleFreeze *plan, bool *totally_frozen)
{
	bool		planned = heap_prepare_freeze_tuple(header, cutoffs->relfrozenxid, cutoffs->relminmxid,
													cutoffs->FreezeLimit, cutoffs->MultiXactCutoff,
													plan, totally_frozen,
													&page->FreezePageRelfrozenXid,
													&page->FreezePageRelminMxid);

	page->freeze_required |= planned;
	page->NoFreezePageRelfrozenXid = page->FreezePageRelfrozenXid;
	page->NoFreezePageRelminMxid = page->FreezePageRelminMxid;
	return planned;
}
#define heap_prepare_freeze_tuple ps_prepare_freeze

#define heap_tuple_should_freeze(header, cutoffs, xid, multi) \
	heap_tuple_would_freeze(header, (cutoffs)->FreezeLimit, (cutoffs)->MultiXactCutoff, xid, multi)
#define vacuum_xid_failsafe_check(cutoffs) \
	vacuum_xid_failsafe_check((cutoffs)->relfrozenxid, (cutoffs)->relminmxid)

/* the record of a page that is visible to all */
#define snapshotConflictHorizon cutoff_xid
#define VISIBILITYMAP_XLOG_CATALOG_REL 0

/* What a plan takes for granted has been looked up when it was made. */
#define ps_freeze_plan_holds(header, plan) ((void) (header), true)

/* Records of changed rows say that the map's bits go, not where they are. */
#define PS_RECORDS_NAME_MAP_PAGE false
#define ps_begin_bitmap_scan(node) Assert((node)->ss.ss_currentScanDesc != NULL)
#define PS_FREEZES_BEYOND_LIMIT false
#define PS_REPORTS_FROZEN false

/* A page added to a table counts as a read of it; the time that takes is not counted. */
#define PS_EXTENSION_IS_READ true
#define PS_EXTENSION_IS_TIMED false

/* no pg_stat_io */
typedef enum IOContext
{
	IOCONTEXT_BULKREAD,
	IOCONTEXT_BULKWRITE,
	IOCONTEXT_NORMAL,
	IOCONTEXT_VACUUM
} IOContext;

typedef enum IOOp
{
	IOOP_EVICT,
	IOOP_EXTEND,
	IOOP_HIT,
	IOOP_READ,
	IOOP_REUSE,
	IOOP_WRITE
} IOOp;

#define ps_core_tracks_io(context, op) true
#define ps_core_count_io(context, op, requests, pages) ((void) 0)
#define ps_core_report_io() ((void) 0)

static inline void
ps_core_count_io_time(IOContext context, IOOp op, instr_time start, instr_time spent)
{
	if (op == IOOP_READ)
	{
		pgstat_count_buffer_read_time(INSTR_TIME_GET_MICROSEC(spent));
		INSTR_TIME_ADD(pgBufferUsage.blk_read_time, spent);
	}
	else
	{
		pgstat_count_buffer_write_time(INSTR_TIME_GET_MICROSEC(spent));
		INSTR_TIME_ADD(pgBufferUsage.blk_write_time, spent);
	}
}

#else							/* 16 and later */

#include "catalog/pg_class_d.h"
#include "storage/relfilelocator.h"
#include "utils/pgstat_internal.h"
#include "utils/relfilenumbermap.h"
#include "varatt.h"

#define ps_table_counts(rel) ((rel)->pgstat_info->counts)
#define ps_vacuum_info_set_table(info, rel) ((info)->heaprel = (rel))

#define ps_summarized_columns(rel) RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_SUMMARIZED)
#define PS_UPDATE_INDEXES_PARAMETER , TU_UpdateIndexes *update_indexes
#define PS_UPDATE_INDEXES_ARGUMENT , update_indexes
#define PS_NUM_PAGES_PARAMETER , int num_pages
#define PS_NUM_PAGES_ARGUMENT , num_pages

#define ps_failsafe_announce(on) (VacuumFailsafeActive = (on))
#define PS_FAILSAFE_ENDS_STRATEGY true

/* vacuum_buffer_usage_limit is 2 MB, but never more than an eighth of shared_buffers. */
#define PS_VACUUM_BUFFERS_BY_DEFAULT Min(2 * 1024 * 1024 / BLCKSZ, NBuffers / 8)

/* Plans are made in hope where a look at the commit log is dear: it is due before they are carried out. */
static inline bool
ps_freeze_plan_holds(HeapTupleHeader header, const HeapTupleFreeze *plan)
{
	if ((plan->checkflags & HEAP_FREEZE_CHECK_XMIN_COMMITTED) &&
		!TransactionIdDidCommit(HeapTupleHeaderGetRawXmin(header)))
		return false;
	return !(plan->checkflags & HEAP_FREEZE_CHECK_XMAX_ABORTED) ||
		!TransactionIdDidCommit(HeapTupleHeaderGetRawXmax(header));
}

/*
 * Summaries for incremental backups take the changed blocks from the records'
 * block references: a record that clears map bits has the map's page.  (Redo
 * of minor versions that do not ask for it passes over it.)
 */
#define PS_RECORDS_NAME_MAP_PAGE true

/* The node's scan begins with its first page. */
#define ps_begin_bitmap_scan(node) \
	((node)->ss.ss_currentScanDesc != NULL ? (node)->ss.ss_currentScanDesc : \
	 ((node)->ss.ss_currentScanDesc = \
	  table_beginscan_bm((node)->ss.ss_currentRelation, (node)->ss.ps.state->es_snapshot, 0, NULL, \
						 (node)->ss.ps.plan->qual != NIL || (node)->ss.ps.plan->targetlist != NIL)))

/* Where a page is frozen, all of it is that is older than OldestXmin. */
#define PS_FREEZES_BEYOND_LIMIT true
#define PS_REPORTS_FROZEN true

/* A page added to a table does not count as a read: pg_stat_io has numbers and times of its own for it. */
#define PS_EXTENSION_IS_READ false
#define PS_EXTENSION_IS_TIMED true

static inline bool
ps_core_tracks_io(IOContext context, IOOp op)
{
	return pgstat_tracks_io_op(MyBackendType, IOOBJECT_RELATION, context, op);
}

static inline void
ps_core_count_io(IOContext context, IOOp op, int requests, int pages)
{
#if PG_VERSION_NUM >= 180000
	pgstat_count_io_op(IOOBJECT_RELATION, context, op, requests,
					   pgstat_is_ioop_tracked_in_bytes(op) ? (uint64) pages * BLCKSZ : 0);
#else
	pgstat_count_io_op_n(IOOBJECT_RELATION, context, op, pages);
#endif
}

/* Adds to the times of buffers and of this database, too. */
static inline void
ps_core_count_io_time(IOContext context, IOOp op, instr_time start, instr_time spent)
{
#if PG_VERSION_NUM >= 180000
	pgstat_count_io_op_time(IOOBJECT_RELATION, context, op, start, 0, 0);
#else
	pgstat_count_io_op_time(IOOBJECT_RELATION, context, op, start, 0);
#endif
}

#define ps_core_report_io() ((void) pgstat_flush_io(false))

#endif							/* 16 */

/* ---- 17 ---- */

#if PG_VERSION_NUM < 170000

#define AmAutoVacuumWorkerProcess() IsAutoVacuumWorkerProcess()
#define TransamVariables ShmemVariableCache
#define LockHeldByMe(tag, mode, orstronger) LockHeldByMe(tag, mode)

/* what pgstattuple_approx and pgrowlocks say */
#define ps_scanned_percent(scanned, all) ((double) (UINT64CONST(100) * (scanned) / (all)))
#define PS_MEMBER_LOCKS_FOR ""

#define RestrictSearchPath() ((void) 0) /* the owner's functions are run with
										 * the caller's */
#define brinRevmapInitialize(index, pages) brinRevmapInitialize(index, pages, NULL)
#define brinGetTupleForHeapBlock(revmap, block, buffer, offset, size, mode) \
	brinGetTupleForHeapBlock(revmap, block, buffer, offset, size, mode, NULL)
#define ps_lxid(proc) ((proc)->lxid)

/* the checkpointer's statistics */
#define buffers_written buf_written_checkpoints
#define write_time checkpoint_write_time

/* processes are numbered from 1 where they are backends, from 0 otherwise */
typedef BackendId ProcNumber;
#define INVALID_PROC_NUMBER InvalidBackendId
#define PS_FIRST_PROC_NUMBER 1
#define ProcNumberGetProc(number) BackendIdGetProc(number)
#define GetNumberFromPGProc(proc) ((proc)->pgprocno)

/* the process that has the place, or 0; pid stays when it has gone */
#define ps_pid_of(proc) ((proc)->procLatch.owner_pid)

#define PS_CURRENT_XACT_CALLBACK(function)
#define PS_COUNT_VACUUM_PAGE(what) ((void) VacuumPage##what++)
#define PS_PROGRESS_DEAD_CAPACITY PROGRESS_VACUUM_MAX_DEAD_TUPLES
#define ps_progress_indexes(total, done) ((void) 0)

/* Pruning and freezing have a record each, and what prunes leaves dead line pointers, index or none. */
#define PS_PRUNE_FREEZES false
#define PS_PRUNE_REAPS false

#else							/* 17 and later */

/* One record prunes, freezes, and reaps where no index knows the rows. */
#define PS_PRUNE_FREEZES true
#define PS_PRUNE_REAPS true

#define ps_lxid(proc) ((proc)->vxid.lxid)
#define ps_scanned_percent(scanned, all) (100.0 * (scanned) / (all))
#define PS_MEMBER_LOCKS_FOR "For "
#define ps_pid_of(proc) ((proc)->pid)
#define PS_FIRST_PROC_NUMBER 0
#define PS_CURRENT_XACT_CALLBACK(function) .is_current_xact_tuple = function,

/* no old_snapshot_threshold any more */
#define old_snapshot_threshold (-1)
#define OldSnapshotThresholdActive() false
#define TestForOldSnapshot(snapshot, rel, page) ((void) (snapshot))
#define TransactionIdLimitedForOldSnapshots(horizon, rel, xmin, ts) false
#define SetOldSnapshotThresholdTimestamp(ts, xmin) ((void) 0)
#define SnapshotTooOldMagicForTest() ((void) 0)

/* no counters of the vacuum's own: its VERBOSE takes those of all */
#define PS_COUNT_VACUUM_PAGE(what) ((void) 0)

#define PS_PROGRESS_DEAD_CAPACITY PROGRESS_VACUUM_MAX_DEAD_TUPLE_BYTES

/* Indexes to be vacuumed or cleaned up now, and how many are done; 0: none. */
static inline void
ps_progress_indexes(int total, int done)
{
	const int	params[] = {PROGRESS_VACUUM_INDEXES_TOTAL, PROGRESS_VACUUM_INDEXES_PROCESSED};
	const int64 values[] = {total, done};

	pgstat_progress_update_multi_param(lengthof(params), params, values);
}

#endif							/* 17 */

/* ---- 18 ---- */

/* The pages that a bitmap names, one by one. */
typedef struct PsBitmapPage
{
	BlockNumber block;
	bool		lossy;			/* which rows is not known */
	bool		recheck;		/* whether the rows fulfil the conditions, too */
	int			n;
	OffsetNumber offsets[MaxHeapTuplesPerPage];
} PsBitmapPage;

#if PG_VERSION_NUM < 180000

#define ConditionalLockTuple(rel, tid, mode, log) ConditionalLockTuple(rel, tid, mode)
#define ConditionalXactLockTableWait(xid, log) ConditionalXactLockTableWait(xid)
#define log_lock_failures false
#include "executor/executor.h"
#define ExecGetRangeTableRelation(estate, rti, is_result) ExecGetRangeTableRelation(estate, rti)
#define index_beginscan(table, index, snapshot, instrument, nkeys, norderbys, flags) \
	index_beginscan(table, index, snapshot, nkeys, norderbys)
#define index_beginscan_bitmap(index, snapshot, instrument, nkeys) \
	index_beginscan_bitmap(index, snapshot, nkeys)
#define vacuum_delay_point(is_analyze) vacuum_delay_point()
#define vac_update_relstats(rel, pages, rows, visible, frozen, index, xid, multi, xid_updated, multi_updated, outer) \
	vac_update_relstats(rel, pages, rows, visible, index, xid, multi, xid_updated, multi_updated, outer)
#define pgstat_report_vacuum(rel, live, dead, start) \
	pgstat_report_vacuum(RelationGetRelid(rel), (rel)->rd_rel->relisshared, live, dead)

static inline void
ExecEvalExprNoReturnSwitchContext(ExprState *state, ExprContext *context)
{
	bool		isnull;

	(void) ExecEvalExprSwitchContext(state, context, &isnull);
}

#define ps_tidrange(scan) (scan)
#define PS_EXECUTE_ONCE(once) , once

/* what pgstattuple says */
#define ps_page_free_space(page) PageGetHeapFreeSpace(page)

/* what VACUUM does and says */
#define ps_eager_failure_rate(params) 0.0
#define PS_REPORTS_MAP false	/* and eager scanning, and full WAL buffers;
								 * reads, not misses */
#define ps_wal_buffers_full(usage) INT64CONST(0)
#define ps_tracks_delay() false
#define ps_delay_ms() 0.0

#define PS_EXTRA_PARAMETER
#define PS_EXTRA_ARGUMENT
#define PS_GUARDED_INPLACE heap_inplace_update
#define PS_GUARDED_INPLACE_PARAMETERS (Relation rel, HeapTuple tuple)
#define PS_GUARDED_INPLACE_ARGUMENTS (rel, tuple)
#define PS_GUARDED_INPLACE_TYPE void

/* paths by value */
typedef struct RelPathStr
{
	char		str[MAXPGPATH];
} RelPathStr;

static inline RelPathStr
ps_relpathperm(RelFileLocator file, ForkNumber fork)
{
	char	   *path = relpathperm(file, fork);
	RelPathStr	result;

	strlcpy(result.str, path, sizeof(result.str));
	pfree(path);
	return result;
}
#undef relpathperm
#define relpathperm(file, fork) ps_relpathperm(file, fork)

/* A page's header and checksum; report: log a wrong checksum, and count it for the database. */
static inline bool
ps_core_page_is_verified(char *page, BlockNumber block, bool report, Oid database)
{
	return PageIsVerifiedExtended(page, block, report ? PIV_LOG_WARNING | PIV_REPORT_STAT : 0);
}

typedef slist_iter ps_bgworker_iter;
#define ps_foreach_bgworker(iter) slist_foreach(iter, &BackgroundWorkerList)
#define ps_bgworker(iter) slist_container(RegisteredBgWorker, rw_lnode, (iter).cur)

typedef TBMIterator *PsBitmapIterator;

static inline PsBitmapIterator
ps_bitmap_iterate(TIDBitmap *bitmap)
{
	return tbm_begin_iterate(bitmap);
}

static inline bool
ps_bitmap_next(PsBitmapIterator iterator, PsBitmapPage *page)
{
	TBMIterateResult *result = tbm_iterate(iterator);

	if (result == NULL)
		return false;
	page->block = result->blockno;
	page->lossy = result->ntuples < 0;
	page->recheck = result->recheck;
	page->n = Max(result->ntuples, 0);
	memcpy(page->offsets, result->offsets, page->n * sizeof(OffsetNumber));
	return true;
}

#define ps_bitmap_end(iterator) tbm_end_iterate(iterator)

#else							/* 18 and later */

#include "commands/explain_format.h"
#include "storage/aio_subsys.h"
#include "utils/backend_status.h"

#define ps_tidrange(scan) (&(scan)->st.tidrange)
#define PS_EXECUTE_ONCE(once)

#define ps_page_free_space(page) PageGetExactFreeSpace(page)

#define ps_eager_failure_rate(params) ((params)->max_eager_freeze_failure_rate)
#define PS_REPORTS_MAP true
#define ps_wal_buffers_full(usage) ((usage)->wal_buffers_full)
#define ps_tracks_delay() track_cost_delay_timing

/* What this process has slept for vacuum's cost; progress reports have it. */
#define ps_delay_ms() (MyBEEntry->st_progress_param[PROGRESS_VACUUM_DELAY_TIME] / 1000000.0)

#define PS_EXTRA_PARAMETER , Size extra
#define PS_EXTRA_ARGUMENT , extra
#define PS_GUARDED_INPLACE heap_inplace_lock
#define PS_GUARDED_INPLACE_PARAMETERS \
	(Relation rel, HeapTuple tuple, Buffer buffer, void (*release) (void *), void *arg)
#define PS_GUARDED_INPLACE_ARGUMENTS (rel, tuple, buffer, release, arg)
#define PS_GUARDED_INPLACE_TYPE bool

static inline bool
ps_core_page_is_verified(char *page, BlockNumber block, bool report, Oid database)
{
	bool		wrong_checksum;
	int			flags = ignore_checksum_failure ? PIV_IGNORE_CHECKSUM_FAILURE : 0;
	bool		good = PageIsVerified((PageData *) page, block,
									  report ? flags | PIV_LOG_WARNING : flags, &wrong_checksum);

	if (wrong_checksum && report)
	{
		pgstat_prepare_report_checksum_failure(database);
		pgstat_report_checksum_failures_in_db(database, 1);
	}
	return good;
}

typedef dlist_iter ps_bgworker_iter;
#define ps_foreach_bgworker(iter) dlist_foreach(iter, &BackgroundWorkerList)
#define ps_bgworker(iter) dlist_container(RegisteredBgWorker, rw_lnode, (iter).cur)

typedef TBMPrivateIterator * PsBitmapIterator;

static inline PsBitmapIterator
ps_bitmap_iterate(TIDBitmap *bitmap)
{
	return tbm_begin_private_iterate(bitmap);
}

static inline void
ps_bitmap_extract(TBMIterateResult *result, PsBitmapPage *page)
{
	page->block = result->blockno;
	page->lossy = result->lossy;
	page->recheck = result->recheck;
	page->n = result->lossy ? 0 : tbm_extract_page_tuple(result, page->offsets, lengthof(page->offsets));
}

static inline bool
ps_bitmap_next(PsBitmapIterator iterator, PsBitmapPage *page)
{
	TBMIterateResult result;

	if (!tbm_private_iterate(iterator, &result))
		return false;
	ps_bitmap_extract(&result, page);
	return true;
}

#define ps_bitmap_end(iterator) tbm_end_private_iterate(iterator)

#endif							/* 18 */

/* ---- 19 ---- */

#if PG_VERSION_NUM < 190000

/* no EXPLAIN (IO) */
typedef struct IOStats
{
	uint64		prefetch_count;
	uint64		distance_sum;
	int16		distance_max;
	int16		distance_capacity;
	uint64		wait_count;
	uint64		io_count;
	uint64		io_nblocks;
	uint64		io_in_progress;
} IOStats;
#define ps_scan_io(scan) NULL

#define PG_SIG_IGN SIG_IGN
#define SO_NONE 0
#define log_vacuum_min_duration log_min_duration
#define GlobalVisTestIsRemovableXid(state, xid, allow_update) GlobalVisTestIsRemovableXid(state, xid)
#define parallel_vacuum_bulkdel_all_indexes(state, rows, scans, stats) \
	parallel_vacuum_bulkdel_all_indexes(state, rows, scans)
#define parallel_vacuum_cleanup_all_indexes(state, rows, scans, estimated, stats) \
	parallel_vacuum_cleanup_all_indexes(state, rows, scans, estimated)
#define table_block_parallelscan_startblock_init(rel, worker, scan, start, n) \
	((void) (start), (void) (n), table_block_parallelscan_startblock_init(rel, worker, scan))

/* REPACK is VACUUM FULL and CLUSTER */
#define PROGRESS_REPACK_PHASE PROGRESS_CLUSTER_PHASE
#define PROGRESS_REPACK_INDEX_RELID PROGRESS_CLUSTER_INDEX_RELID
#define PROGRESS_REPACK_HEAP_TUPLES_SCANNED PROGRESS_CLUSTER_HEAP_TUPLES_SCANNED
#define PROGRESS_REPACK_HEAP_TUPLES_INSERTED PROGRESS_CLUSTER_HEAP_TUPLES_WRITTEN
#define PROGRESS_REPACK_TOTAL_HEAP_BLKS PROGRESS_CLUSTER_TOTAL_HEAP_BLKS
#define PROGRESS_REPACK_HEAP_BLKS_SCANNED PROGRESS_CLUSTER_HEAP_BLKS_SCANNED
#define PROGRESS_REPACK_PHASE_SEQ_SCAN_HEAP PROGRESS_CLUSTER_PHASE_SEQ_SCAN_HEAP
#define PROGRESS_REPACK_PHASE_INDEX_SCAN_HEAP PROGRESS_CLUSTER_PHASE_INDEX_SCAN_HEAP
#define PROGRESS_REPACK_PHASE_SORT_TUPLES PROGRESS_CLUSTER_PHASE_SORT_TUPLES
#define PROGRESS_REPACK_PHASE_WRITE_NEW_HEAP PROGRESS_CLUSTER_PHASE_WRITE_NEW_HEAP

/* options of changes, which these servers do not ask for */
#define TABLE_DELETE_CHANGING_PARTITION (1 << 0)
#define TABLE_DELETE_NO_LOGICAL (1 << 1)
#define TABLE_UPDATE_NO_LOGICAL (1 << 0)
#define XLH_DELETE_NO_LOGICAL 0

/* functions that take a TID and do not change it */
typedef ItemPointer PsConstTid;

#define PS_INSERT_OPTIONS int
#define PS_CHANGE_OPTIONS_PARAMETER
#define PS_CHANGE_OPTIONS_ARGUMENT
#define PS_CHANGING_PART_PARAMETER , bool changing_part
#define PS_CHANGING_PART_ARGUMENT , changing_part
#define PS_PLANNER_PARAMETER
#define PS_PLANNER_ARGUMENT

/* tranches have their names in each process */
static inline int
ps_new_tranche(const char *name)
{
	int			id = LWLockNewTrancheId();

	LWLockRegisterTranche(id, name);
	return id;
}
#undef LWLockNewTrancheId
#define LWLockNewTrancheId(name) ps_new_tranche(name)

/* shared buffers */
#define ps_buffer_state(header) pg_atomic_read_u32(&(header)->state)

static inline void
UnlockBufHdrExt(BufferDesc *header, uint64 state, uint64 set, uint64 unset, int pins)
{
	Assert(pins == 0);
	if (unset & BM_DIRTY)
		unset |= BM_JUST_DIRTIED;
	UnlockBufHdr(header, (uint32) ((state & ~unset) | set));
}

#define BufferIsLockedByMeInMode(buffer, mode) \
	(AssertMacro((mode) == BUFFER_LOCK_EXCLUSIVE), \
	 LWLockHeldByMeInMode(BufferDescriptorGetContentLock(GetBufferDescriptor((buffer) - 1)), LW_EXCLUSIVE))

/* Hint bits may be set under a shared lock. */
#define BufferBeginSetHintBits(buffer) ((void) (buffer), true)

static inline void
BufferFinishSetHintBits(Buffer buffer, bool mark_dirty, bool standard)
{
	if (mark_dirty)
		MarkBufferDirtyHint(buffer, standard);
}

/* Clear a page's bits in its map, which is pinned, not locked. */
#define ps_map_clear(rel, block, map, bits) ((void) visibilitymap_clear(rel, block, map, bits))

/* The caller sees to columns that a row is too short for. */
#define ps_slot_fill(slot, natts) ((void) 0)

#define ps_scan_uninstrumented(scan) ((void) 0)
#define ps_index_fetch_flags(fetch, given) ((void) 0)

/* Bits of the visibility map are set by records of their own. */
#define PS_RECORDS_SET_MAP_BITS false
#define XLHP_VM_ALL_VISIBLE 0
#define XLHP_VM_ALL_FROZEN 0
#define ps_page_mark_visible(page) PageSetAllVisible(page)

/* VACUUM alone sets them, and nothing is to be looked at again for rows put on a page. */
#define ps_may_set_map(flags) false
#define ps_fetch_may_set_map(fetch) false
#define PS_INSERTS_PRUNABLE false

/* Do all snapshots, now and later, see what this xid has committed? */
#define ps_seen_by_all(vistest, oldest_xmin, xid) ((void) (vistest), TransactionIdPrecedes(xid, oldest_xmin))

/* What freezing hides from a standby is not told with the plans. */
#define PS_FREEZE_TELLS_CONFLICT false
#define ps_freeze_conflict(ids) ((void) (ids), InvalidTransactionId)

/* VACUUM finds a page and its map bits at odds */
#define ps_warn_map_without_page(table, block) \
	elog(WARNING, "page is not marked all-visible but visibility map bit is set in relation \"%s\" page %u", \
		 table, block)
#define ps_warn_dead_on_visible(table, block) \
	elog(WARNING, "page containing LP_DEAD items is marked as all-visible in relation \"%s\" page %u", \
		 table, block)

/* what VACUUM says */
#define PS_REPORTS_MEMORY false /* and bytes of images, and workers */
#define ps_wal_image_bytes(usage) UINT64CONST(0)

typedef struct PVWorkerStats
{
	int			nplanned;
	int			nlaunched;
} PVWorkerStats;

typedef struct PVWorkerUsage
{
	PVWorkerStats vacuum;
	PVWorkerStats cleanup;
} PVWorkerUsage;

/* what VACUUM is and who began it, in progress reports */
#define ps_progress_vacuum_started(params) ((void) 0)
#define ps_progress_vacuum_mode(aggressive) ((void) 0)
#define ps_progress_vacuum_failsafe() ((void) 0)

#if PG_VERSION_NUM >= 160000
#define WAIT_EVENT_BUFFER_CLEANUP WAIT_EVENT_BUFFER_PIN
#endif
#if PG_VERSION_NUM >= 180000
#define index_beginscan(table, index, snapshot, instrument, nkeys, norderbys, flags) \
	index_beginscan(table, index, snapshot, instrument, nkeys, norderbys)
#define pgstat_report_vacuum(rel, live, dead, start) \
	pgstat_report_vacuum(RelationGetRelid(rel), (rel)->rd_rel->relisshared, live, dead, start)
#endif

#else							/* 19 and later */

#include "executor/instrument_node.h"

/* What the scan counts for EXPLAIN (IO), of its lifetime; NULL: nobody asks. */
static inline IOStats *
ps_scan_io(TableScanDesc scan)
{
	if (!(scan->rs_flags & SO_SCAN_INSTRUMENT))
		return NULL;
	if (scan->rs_instrument == NULL)
		scan->rs_instrument = palloc0_object(TableScanInstrumentation);
	return &scan->rs_instrument->io;
}

typedef const ItemPointerData *PsConstTid;

#define PS_INSERT_OPTIONS uint32
#define PS_CHANGE_OPTIONS_PARAMETER , uint32 options
#define PS_CHANGE_OPTIONS_ARGUMENT , options
#define PS_CHANGING_PART_PARAMETER
#define PS_CHANGING_PART_ARGUMENT
#define PS_PLANNER_PARAMETER , struct ExplainState *explain
#define PS_PLANNER_ARGUMENT , explain

#define ps_buffer_state(header) pg_atomic_read_u64(&(header)->state)

static inline void
ps_map_clear(Relation rel, BlockNumber block, Buffer map, uint8 bits)
{
	LockBuffer(map, BUFFER_LOCK_EXCLUSIVE);
	(void) visibilitymap_clear(rel, block, map, bits);
	LockBuffer(map, BUFFER_LOCK_UNLOCK);
}

/* A slot has all columns that it is asked for: the missing ones from the catalog, or an error. */
static inline void
ps_slot_fill(TupleTableSlot *slot, int natts)
{
	if (unlikely(slot->tts_nvalid < natts))
	{
		slot_getmissingattrs(slot, slot->tts_nvalid, natts);
		slot->tts_nvalid = natts;
	}
}

#define ps_scan_uninstrumented(scan) ((void) ((scan)->rs_instrument = NULL))
#define ps_index_fetch_flags(fetch, given) ((void) ((fetch)->flags = (given)))

/* Whatever changes a page and makes it visible to all says so in one record. */
#define PS_RECORDS_SET_MAP_BITS true

/* Nothing is to be done to it soon. */
static inline void
ps_page_mark_visible(char *page)
{
	PageSetAllVisible(page);
	PageClearPrunable(page);
}

static inline bool
ps_seen_by_all(struct GlobalVisState *vistest, TransactionId oldest_xmin, TransactionId xid)
{
	return !GlobalVisTestXidConsideredRunning(vistest, xid, true);
}

/* Scans that do not change their table set bits of its map, on pages that rows were put on or removed from. */
#define ps_may_set_map(flags) (((flags) & SO_HINT_REL_READ_ONLY) != 0)
#define ps_fetch_may_set_map(fetch) ps_may_set_map((fetch)->flags)
#define PS_INSERTS_PRUNABLE true

#define PS_FREEZE_TELLS_CONFLICT true
#define ps_freeze_conflict(ids) ((ids)->FreezePageConflictXid)

static inline void
ps_warn_map_without_page(const char *table, BlockNumber block)
{
	ereport(WARNING,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("page is not marked all-visible but visibility map bit is set"),
			 errcontext("relation \"%s\", page %u", table, block)));
}

static inline void
ps_warn_dead_on_visible(const char *table, BlockNumber block)
{
	ereport(WARNING,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("dead line pointer found on page marked all-visible"),
			 errcontext("relation \"%s\", page %u", table, block)));
}

#define PS_REPORTS_MEMORY true
#define ps_wal_image_bytes(usage) ((usage)->wal_fpi_bytes)

#define ps_progress_vacuum_started(params) \
	pgstat_progress_update_param(PROGRESS_VACUUM_STARTED_BY, \
								 !AmAutoVacuumWorkerProcess() ? PROGRESS_VACUUM_STARTED_BY_MANUAL : \
								 (params)->is_wraparound ? PROGRESS_VACUUM_STARTED_BY_AUTOVACUUM_WRAPAROUND : \
								 PROGRESS_VACUUM_STARTED_BY_AUTOVACUUM)
#define ps_progress_vacuum_mode(aggressive) \
	pgstat_progress_update_param(PROGRESS_VACUUM_MODE, (aggressive) ? PROGRESS_VACUUM_MODE_AGGRESSIVE : \
								 PROGRESS_VACUUM_MODE_NORMAL)
#define ps_progress_vacuum_failsafe() \
	pgstat_progress_update_param(PROGRESS_VACUUM_MODE, PROGRESS_VACUUM_MODE_FAILSAFE)

#endif							/* 19 */

/* ---- in two of them ---- */

#if PG_VERSION_NUM >= 160000 && PG_VERSION_NUM < 180000
#define ps_abort_buffer_io() ((void) 0) /* the resource owner's part */
#elif PG_VERSION_NUM >= 180000
#define ps_abort_buffer_io() pgaio_error_cleanup()
#endif

/* A snapshot for a TOAST table's chunks, which are seen if their row is. */
#if PG_VERSION_NUM < 180000
static inline Snapshot
get_toast_snapshot(void)
{
	static SnapshotData snapshot;

	init_toast_snapshot(&snapshot);
	return &snapshot;
}
#endif

#if PG_VERSION_NUM >= 170000 && PG_VERSION_NUM < 180000
#include "access/tidstore.h"

static inline int
TidStoreGetBlockOffsets(const TidStoreIterResult *result, OffsetNumber *offsets, int max)
{
	memcpy(offsets, result->offsets, Min(result->num_offsets, max) * sizeof(OffsetNumber));
	return result->num_offsets;
}
#endif

/* 17 keeps it to heapam.c, 15 has a function, 18 an inline one. */
#if PG_VERSION_NUM >= 170000 && PG_VERSION_NUM < 180000
static inline void
heap_execute_freeze_tuple(HeapTupleHeader header, const HeapTupleFreeze *plan)
{
	HeapTupleHeaderSetXmax(header, plan->xmax);
	if (plan->frzflags & (XLH_FREEZE_XVAC | XLH_INVALID_XVAC))
		HeapTupleHeaderSetXvac(header, plan->frzflags & XLH_FREEZE_XVAC ?
							   FrozenTransactionId : InvalidTransactionId);
	header->t_infomask = plan->t_infomask;
	header->t_infomask2 = plan->t_infomask2;
}
#endif

#endif							/* PAGESTORE_COMPAT_H */
