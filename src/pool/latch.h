/*
 * latch.h
 *		The latch of a page, dirtying, and moving a page to a fresh frame.
 *
 * The latch belongs to the page.  No latch is held while a heavyweight lock or
 * a transaction is waited for; several are taken in the order of the layer
 * above (lower block first).  The caller holds a pin in all calls.
 */
#ifndef PAGESTORE_POOL_LATCH_H
#define PAGESTORE_POOL_LATCH_H

#include "pool/tag.h"
#include "storage/lwlock.h"

/*
 * Latch the page.  If the frame has become a ghost the pin moves to the page's
 * current frame, which may have to be read (throws as ps_pool_pin() does), and
 * *frame is updated: any pointer taken before is stale unless another pin
 * holds that ghost.
 */
extern void ps_pool_latch(PsFrame *frame, LWLockMode mode);

/* At once or not at all: false for a ghost too, so that it neither waits nor reads nor fails. */
extern bool ps_pool_try_latch(PsFrame frame, LWLockMode mode);
extern void ps_pool_unlatch(PsFrame frame);

/* For assertions: in this mode or a stronger one. */
extern bool ps_pool_holds_latch(PsFrame frame, LWLockMode mode);

/* Under the exclusive latch, before XLogInsert(): the page changes now. */
extern void ps_pool_mark_dirty(PsFrame frame);

/* Is it to be written?  Under the exclusive latch yes stays true until it is written. */
extern bool ps_pool_is_dirty(PsFrame frame);

/*
 * Under at least the shared latch, after setting hint bits.  Marks the page
 * dirty only where hint bits need no WAL (XLogHintBitIsNeeded() false);
 * otherwise they ride along with the next write.
 */
extern void ps_pool_mark_hinted(PsFrame frame);

/*
 * Under the exclusive latch: has the frame no pin but the caller's of a process
 * that may point into it?  A write in flight aside.
 */
extern bool ps_pool_is_sole_pin(PsFrame frame);

/*
 * Under the exclusive latch: make sure that nobody else, and no other pin of
 * this process, points into the frame, so that tuple bytes may be moved until
 * the latch is released.  If others hold pins, a write in flight aside, the page
 * moves to a fresh frame (pin and latch move along, *frame is updated, the old
 * one becomes a ghost).  False when no frame can be had at once, or a write is
 * in flight then and the caller does not want to wait for it: nothing has
 * changed.
 */
extern bool ps_pool_make_movable(PsFrame *frame, bool wait);

#endif							/* PAGESTORE_POOL_LATCH_H */
