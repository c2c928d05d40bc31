/*
 * pending.c
 *		Weak stand-ins for the pool under construction; removed one by one.
 */
#include "postgres.h"
#include "pool/frame.h"
#include "io/aio.h"
#include "page/stream.h"
#include "page/view.h"
#include "catalog/storage.h"

#define WEAK __attribute__((weak))
#define PENDING ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("pagestore: %s is not there yet", __func__))

WEAK void ps_pool_discard_relation(RelFileNode r, BlockNumber b) { }
WEAK void ps_pool_flush_relation(RelFileNode r) { }
WEAK void ps_pool_truncate(Relation r, BlockNumber n) { RelationTruncate(r, n); }
WEAK void ps_gate_pass(Relation r) { }
WEAK void ps_gate_new(RelFileNode r) { }
WEAK void ps_gate_leave(Relation r) { }
WEAK void ps_gate_arrive(Relation r) { }
WEAK bool ps_gate_uses_shared(Relation r) { return true; }
WEAK void ps_sentinel_wait_ready(void) { }
WEAK void ps_pool_register_workers(void) { }

#include "utils/guc.h"
#include "pool/frame.h"
WEAK Size ps_gate_shmem_size(void) { return 0; }
WEAK void ps_gate_shmem_init(bool f) { }
WEAK Size ps_sentinel_shmem_size(void) { return 0; }
WEAK void ps_sentinel_shmem_init(bool f) { }
WEAK Size ps_writeback_shmem_size(void) { return 0; }
WEAK void ps_writeback_shmem_init(bool f) { }
WEAK void ps_writeback_wake(void) { }
WEAK int ps_write_frame(PsFrame f, PsWriteReason r, bool w, bool s) { return 0; }
WEAK void ps_wait_write(PsFrame f) { }
