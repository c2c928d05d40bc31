/*
 * pending.c
 *		Weak stand-ins for callbacks under construction; removed one by one.
 */
#include "postgres.h"
#include "am/am.h"
#include "row/chain.h"
#include "row/prune.h"
#include "row/vm.h"
#include "page/stream.h"

#define WEAK __attribute__((weak))
#define PENDING ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("pagestore: %s is not there yet", __func__))

WEAK TableScanDesc ps_scan_begin(Relation r, Snapshot s, int n, struct ScanKeyData *k, ParallelTableScanDesc p, uint32 f) { PENDING; return NULL; }
WEAK void ps_scan_end(TableScanDesc s) { PENDING; }
WEAK void ps_scan_rescan(TableScanDesc s, struct ScanKeyData *k, bool a, bool b, bool c, bool d) { PENDING; }
WEAK bool ps_scan_getnextslot(TableScanDesc s, ScanDirection d, TupleTableSlot *t) { PENDING; return false; }
WEAK void ps_scan_set_tidrange(TableScanDesc s, ItemPointer a, ItemPointer b) { PENDING; }
WEAK bool ps_scan_getnextslot_tidrange(TableScanDesc s, ScanDirection d, TupleTableSlot *t) { PENDING; return false; }
WEAK bool ps_scan_bitmap_next_block(TableScanDesc s, struct TBMIterateResult *t) { PENDING; return false; }
WEAK bool ps_scan_bitmap_next_tuple(TableScanDesc s, struct TBMIterateResult *t, TupleTableSlot *u) { PENDING; return false; }
WEAK bool ps_scan_sample_next_block(TableScanDesc s, struct SampleScanState *t) { PENDING; return false; }
WEAK bool ps_scan_sample_next_tuple(TableScanDesc s, struct SampleScanState *t, TupleTableSlot *u) { PENDING; return false; }
WEAK struct IndexFetchTableData *ps_index_fetch_begin(Relation r) { PENDING; return NULL; }
WEAK void ps_index_fetch_reset(struct IndexFetchTableData *d) { PENDING; }
WEAK void ps_index_fetch_end(struct IndexFetchTableData *d) { PENDING; }
WEAK bool ps_index_fetch_tuple(struct IndexFetchTableData *d, ItemPointer t, Snapshot s, TupleTableSlot *u, bool *c, bool *a) { PENDING; return false; }
WEAK bool ps_fetch_row_version(Relation r, ItemPointer t, Snapshot s, TupleTableSlot *u) { PENDING; return false; }
WEAK bool ps_tid_valid(TableScanDesc s, ItemPointer t) { PENDING; return false; }
WEAK void ps_get_latest_tid(TableScanDesc s, ItemPointer t) { PENDING; }
WEAK bool ps_satisfies_snapshot(Relation r, TupleTableSlot *t, Snapshot s) { PENDING; return false; }
WEAK TransactionId ps_index_delete_tuples(Relation r, TM_IndexDeleteOp *d) { PENDING; return 0; }
WEAK void ps_readahead_init(void) { }
WEAK void ps_readahead_index(Relation r, struct IndexFetchTableData *f, ItemPointer t) { }
WEAK void ps_readahead_bitmap(TableScanDesc s) { }
WEAK void ps_tuple_insert(Relation r, TupleTableSlot *s, CommandId c, int o, struct BulkInsertStateData *b) { PENDING; }
WEAK void ps_tuple_insert_speculative(Relation r, TupleTableSlot *s, CommandId c, int o, struct BulkInsertStateData *b, uint32 t) { PENDING; }
WEAK void ps_tuple_complete_speculative(Relation r, TupleTableSlot *s, uint32 t, bool u) { PENDING; }
WEAK void ps_multi_insert(Relation r, TupleTableSlot **s, int n, CommandId c, int o, struct BulkInsertStateData *b) { PENDING; }
WEAK void ps_finish_bulk_insert(Relation r, int o) { }
WEAK TM_Result ps_tuple_delete(Relation r, ItemPointer t, CommandId c, Snapshot s, Snapshot x, bool w, TM_FailureData *d, bool p) { PENDING; return TM_Ok; }
WEAK TM_Result ps_tuple_update(Relation r, ItemPointer t, TupleTableSlot *u, CommandId c, Snapshot s, Snapshot x, bool w, TM_FailureData *d, LockTupleMode *m, bool *i) { PENDING; return TM_Ok; }
WEAK TM_Result ps_tuple_lock(Relation r, ItemPointer t, Snapshot s, TupleTableSlot *u, CommandId c, LockTupleMode m, LockWaitPolicy w, uint8 f, TM_FailureData *d) { PENDING; return TM_Ok; }
WEAK bool ps_analyze_next_block(TableScanDesc s, BlockNumber b, BufferAccessStrategy t) { PENDING; return false; }
WEAK bool ps_analyze_next_tuple(TableScanDesc s, TransactionId x, double *l, double *d, TupleTableSlot *t) { PENDING; return false; }
WEAK double ps_index_build_range_scan(Relation r, Relation i, struct IndexInfo *ii, bool a, bool v, bool p, BlockNumber b, BlockNumber n, IndexBuildCallback c, void *s, TableScanDesc d) { PENDING; return 0; }
WEAK void ps_index_validate_scan(Relation r, Relation i, struct IndexInfo *ii, Snapshot s, struct ValidateIndexState *v) { PENDING; }
WEAK bool ps_row_visible(const PsRead *g, const PsRow *r, Snapshot s) { PENDING; return false; }
WEAK TM_Result ps_row_updatable(const PsRead *g, const PsRow *r, CommandId c) { PENDING; return TM_Ok; }
WEAK HTSV_Result ps_row_vacuum_state(const PsRead *g, const PsRow *r, TransactionId x) { PENDING; return HEAPTUPLE_LIVE; }
WEAK HTSV_Result ps_row_vacuum_horizon(const PsRead *g, const PsRow *r, TransactionId *d) { PENDING; return HEAPTUPLE_LIVE; }
WEAK bool ps_row_surely_dead(const PsRow *r, struct GlobalVisState *v) { PENDING; return false; }
WEAK void ps_row_settle_xmax(const PsRead *g, const PsRow *r, TransactionId x) { PENDING; }
WEAK void ps_row_conflict_out(const PsRead *g, bool v, const PsRow *r, Snapshot s) { PENDING; }
WEAK bool ps_chain_search(const PsRead *g, ItemPointer t, Snapshot s, PsRow *r, bool *a, bool f) { PENDING; return false; }
WEAK void ps_prune_opportunistic(Relation r, PsPin *p) { }
WEAK int ps_prune_page(PsWrite *g, TransactionId m, struct GlobalVisState *v, TransactionId x, TimestampTz t, int *n, OffsetNumber *o) { PENDING; return 0; }
WEAK void ps_set_new_filenode(Relation r, const RelFileNode *n, char p, TransactionId *f, MultiXactId *m) { PENDING; }
WEAK void ps_nontransactional_truncate(Relation r) { PENDING; }
WEAK void ps_copy_data(Relation r, const RelFileNode *n) { PENDING; }
WEAK void ps_copy_for_cluster(Relation a, Relation b, Relation c, bool s, TransactionId x, TransactionId *y, MultiXactId *m, double *n, double *o, double *p) { PENDING; }
