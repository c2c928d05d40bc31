/*
 * pending.c
 *		Weak stand-ins for the pool under construction; removed one by one.
 */
#include "postgres.h"
#include "pool/pool.h"
#include "io/aio.h"
#include "page/stream.h"
#include "page/view.h"
#include "catalog/storage.h"

#define WEAK __attribute__((weak))
#define PENDING ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("pagestore: %s is not there yet", __func__))

char *ps_pool_bytes WEAK = NULL;
uint32 ps_pool_nframes WEAK = 0;
WEAK PsFrame ps_pool_pin(const PsRelKey *r, BlockNumber b, PsFetch f, bool *h) { PENDING; return 0; }
WEAK void ps_pool_pin_again(PsFrame f) { PENDING; }
WEAK void ps_pool_unpin(PsFrame f) { PENDING; }
WEAK bool ps_pool_is_current(PsFrame f) { PENDING; return true; }
WEAK bool ps_pool_frame_is(PsFrame f, RelFileNode r, BlockNumber b) { PENDING; return true; }
WEAK void ps_pool_latch(PsFrame *f, LWLockMode m) { PENDING; }
WEAK bool ps_pool_try_latch(PsFrame *f, LWLockMode m) { PENDING; return false; }
WEAK void ps_pool_unlatch(PsFrame f) { PENDING; }
WEAK bool ps_pool_holds_latch(PsFrame f, LWLockMode m) { return true; }
WEAK void ps_pool_mark_dirty(PsFrame f) { PENDING; }
WEAK void ps_pool_mark_hinted(PsFrame f) { PENDING; }
WEAK bool ps_pool_make_movable(PsFrame *f) { PENDING; return false; }
WEAK int ps_pool_prefetch(const PsRelKey *r, BlockNumber b, int n) { return 0; }
WEAK void ps_pool_discard_relation(RelFileNode r, BlockNumber b) { }
WEAK void ps_pool_flush_relation(RelFileNode r) { }
WEAK void ps_pool_truncate(Relation r, BlockNumber n) { RelationTruncate(r, n); }
WEAK void ps_gate_pass(Relation r) { }
WEAK void ps_gate_new(RelFileNode r) { }
WEAK void ps_gate_leave(Relation r) { }
WEAK void ps_gate_arrive(Relation r) { }
WEAK bool ps_gate_uses_shared(Relation r) { return true; }
WEAK void ps_sentinel_wait_ready(void) { }
WEAK void ps_ring_pin_again(struct PsRingPiece *p) { PENDING; }
WEAK void ps_ring_unpin(struct PsRingPiece *p) { PENDING; }
WEAK Size ps_pool_shmem_size(void) { return 0; }
WEAK void ps_pool_shmem_init(bool f) { }
WEAK bool (*ps_pool_page_check) (const char *, const char **, OffsetNumber *);
WEAK void ps_pool_register_workers(void) { }
WEAK void ps_pool_init_hooks(void) { }
WEAK int ps_pool_size_blocks = 16384;
WEAK int ps_replacement = 0;
WEAK bool ps_debug_protect_frames = false;

/* Simple stream over ReadBuffer until page/stream.c is there. */
struct PsStream { Relation rel; PsStreamNext next; void *arg; };
WEAK PsStream *ps_stream_begin(Relation rel, PsStreamNext next, void *arg, int flags)
{ PsStream *s = palloc(sizeof(PsStream)); s->rel = rel; s->next = next; s->arg = arg; return s; }
WEAK bool ps_stream_next(PsStream *s, PsPin *pin)
{ BlockNumber b = s->next(s->arg); if (b == InvalidBlockNumber) { ps_unpin(pin); return false; } ps_pin_move(s->rel, pin, b); return true; }
WEAK void ps_stream_reset(PsStream *s, int flags) { }
WEAK void ps_stream_limit(PsStream *s, BlockNumber n) { }
WEAK void ps_stream_end(PsStream *s) { pfree(s); }
#include "utils/guc.h"
WEAK const struct config_enum_entry ps_replacement_options[] = {{"clock", 0, false}, {"sieve", 1, false}, {"lru", 2, false}, {NULL, 0, false}};
#include "pool/frame.h"
WEAK const char *ps_aio_fallback_reason(void) { return NULL; }
WEAK PsIoMethod ps_aio_method(void) { return PS_IO_SYNC; }
WEAK PsFramePadded *ps_frames = NULL;
WEAK void ps_pool_stats(PsPoolStats *out) { memset(out, 0, sizeof(*out)); }
