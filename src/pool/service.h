/*
 * service.h
 *		What the files of src/pool ask of one another beside frames.
 */
#ifndef PAGESTORE_POOL_SERVICE_H
#define PAGESTORE_POOL_SERVICE_H

#include "pool/frame.h"

/*
 * Whoever switches a page to another frame holds this shared, from before the
 * new frame is in the page table until the new frame carries the dirty state;
 * taken conditionally: no switch if it can't be had. A scan over all frames
 * that may not miss a dirty page holds it exclusively.
 */
extern LWLock *ps_move_lock;

/* ---- pages.c: lists of pages made by a scan of the frames ---- */

typedef struct PsPageList
{
	PsTag	   *tags;			/* palloc'd; sorted by relation and block */
	uint32		n;
} PsPageList;

/* Is this frame's page wanted?  Called without locks: state and tag are a glance. */
typedef bool (*PsPageFilter) (PsFrameHeader *frame, uint32 state, void *arg);

/* The pages that pass the filter, none missed although pages may change frames during the scan. */
extern PsPageList ps_pages_collect(PsPageFilter filter, void *arg);
extern void ps_pages_free(PsPageList *list);
extern int	ps_tag_compare(const void *a, const void *b);	/* for qsort: by
															 * relation and block */

/* The page's frame with one raw pin, or PS_NO_FRAME: at some moment of the call it was not here. */
extern PsFrame ps_page_pin_raw(const PsTag *tag);

/* Write the page if it is here and the filter still wants it; see ps_write_frame().  (write.c) */
extern void ps_write_page(const PsTag *tag, PsPageFilter filter, void *arg,
						  PsWriteReason reason, bool wait);

/* ---- relation.c ---- */

/* Forget all frames of relations whose files are still there.  Reorders the array.  Does not throw. */
extern void ps_pool_discard_relations(RelFileNode *rnodes, int n);

/* ---- gate.c ---- */


/* The pool's entry stays, but nobody brings a page of it into the pool on its own from here on (stray.c). */
extern void ps_gate_begin_leaving(RelFileNode rnode);
extern void ps_gate_forget(const RelFileNode *rnodes, int n);
extern void ps_gate_forget_database(Oid dboid);

/*
 * A mark for all processes that a running transaction has the relation in
 * shared buffers: nothing of it is in the pool, whose entry ends.  False: there
 * is no room.  Release takes the mark away and nothing else; neither throws.
 */
extern bool ps_gate_hold(RelFileNode rnode);
extern bool ps_gate_is_held(RelFileNode rnode);
extern void ps_gate_release(RelFileNode rnode);

/* ---- hold.c ---- */

/* This transaction has made the relation in the pool, and there was no room for it in the registry. */
extern void ps_hold_note_birth(RelFileNode rnode);
extern bool ps_hold_born_here(RelFileNode rnode);

extern void ps_hold_at_xact_end(void);

/* ---- sentinel.c ---- */

extern void ps_sentinel_at_xact_end(void);
extern void ps_sentinel_main(Datum arg);

/* ---- writeback.c ---- */

extern void ps_writeback_main(Datum arg);

/* ---- workers.c: what both background workers have in common ---- */

extern bool ps_sentinel_registered; /* false: there was no worker slot, and
									 * none will come before a restart */
extern void ps_worker_begin(void);	/* signals, connection, resource owner,
									 * memory; then the pool may be used */
extern void ps_worker_recover(void);	/* in PG_CATCH(): report, release
										 * everything */
extern void ps_worker_rest(void);	/* a second, or until shutdown: a full or
									 * failing disk stays so for a while, and
									 * the log is not to be filled */
extern void ps_worker_sleep(long milliseconds); /* or until the latch is set;
												 * exits when the postmaster
												 * is gone */

/* ---- xact.c ---- */

extern void ps_xact_init(void);

#endif							/* PAGESTORE_POOL_SERVICE_H */
