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

WEAK void ps_ring_pin_again(struct PsRingPiece *p) { PENDING; }
WEAK void ps_ring_unpin(struct PsRingPiece *p) { PENDING; }

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
#include "pool/frame.h"
