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

WEAK TransactionId ps_index_delete_tuples(Relation r, TM_IndexDeleteOp *d) { PENDING; return 0; }
WEAK void ps_readahead_init(void) { }
WEAK void ps_readahead_index(Relation r, struct IndexFetchTableData *f, ItemPointer t) { }
WEAK void ps_readahead_bitmap(TableScanDesc s) { }
WEAK TM_Result ps_tuple_delete(Relation r, ItemPointer t, CommandId c, Snapshot s, Snapshot x, bool w, TM_FailureData *d, bool p) { PENDING; return TM_Ok; }
WEAK TM_Result ps_tuple_update(Relation r, ItemPointer t, TupleTableSlot *u, CommandId c, Snapshot s, Snapshot x, bool w, TM_FailureData *d, LockTupleMode *m, bool *i) { PENDING; return TM_Ok; }
WEAK TM_Result ps_tuple_lock(Relation r, ItemPointer t, Snapshot s, TupleTableSlot *u, CommandId c, LockTupleMode m, LockWaitPolicy w, uint8 f, TM_FailureData *d) { PENDING; return TM_Ok; }
WEAK double ps_index_build_range_scan(Relation r, Relation i, struct IndexInfo *ii, bool a, bool v, bool p, BlockNumber b, BlockNumber n, IndexBuildCallback c, void *s, TableScanDesc d) { PENDING; return 0; }
WEAK void ps_index_validate_scan(Relation r, Relation i, struct IndexInfo *ii, Snapshot s, struct ValidateIndexState *v) { PENDING; }
WEAK void ps_set_new_filenode(Relation r, const RelFileNode *n, char p, TransactionId *f, MultiXactId *m) { PENDING; }
WEAK void ps_nontransactional_truncate(Relation r) { PENDING; }
WEAK void ps_copy_data(Relation r, const RelFileNode *n) { PENDING; }
WEAK void ps_copy_for_cluster(Relation a, Relation b, Relation c, bool s, TransactionId x, TransactionId *y, MultiXactId *m, double *n, double *o, double *p) { PENDING; }
