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

WEAK void ps_set_new_filenode(Relation r, const RelFileNode *n, char p, TransactionId *f, MultiXactId *m) { PENDING; }
WEAK void ps_nontransactional_truncate(Relation r) { PENDING; }
WEAK void ps_copy_data(Relation r, const RelFileNode *n) { PENDING; }
