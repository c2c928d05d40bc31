/*
 * pool.h
 *		The shared pool of frames: what layers above may ask of it.
 *
 * A frame holds one page of one relation's main fork.  A pin keeps a frame's
 * bytes in place; the latch of the frame lets one look (shared) or change
 * (exclusive).  Pins belong to CurrentResourceOwner and end with it. Locking
 * order: page table bucket lock > nothing; frame latch may be held while
 * taking a bucket lock, never the other way round.  No latch is held while
 * waiting for a heavyweight lock or a transaction.
 */
#ifndef PAGESTORE_POOL_H
#define PAGESTORE_POOL_H

#include "postgres.h"
#include "access/xlogdefs.h"
#include "storage/block.h"
#include "storage/lwlock.h"
#include "storage/off.h"
#include "storage/relfilenode.h"
#include "utils/guc.h"
#include "utils/rel.h"

typedef uint32 PsFrame;			/* number of a frame */
#define PS_NO_FRAME PG_UINT32_MAX

/* GUCs, registered in pagestore.c */
extern int	ps_pool_size_blocks;	/* pagestore.pool_size, in BLCKSZ units */
extern int	ps_replacement;		/* pagestore.replacement */
#define PS_REPLACEMENT_DEFAULT 3	/* s3fifo, in ps_replacement_options */
extern bool ps_debug_protect_frames;	/* pagestore.debug_protect_frames */
extern const struct config_enum_entry ps_replacement_options[];

/* Which relation's pages, as the pool needs to know it. */
typedef struct PsRelKey
{
	RelFileNode rnode;
	bool		permanent;		/* WAL-logged: flush WAL before its pages */
} PsRelKey;

typedef enum PsFetch
{
	PS_FETCH_READ,				/* read it if it is not here */
	PS_FETCH_RESIDENT,			/* only if it is here and needs no wait: else
								 * PS_NO_FRAME */
	PS_FETCH_NEW				/* a block just added by extension: a zeroed
								 * frame, no read */
} PsFetch;

/* The bytes of a frame.  Only with a pin. */
extern char *ps_pool_bytes;		/* first frame; aligned to PS_IO_ALIGN (huge
								 * page where used) */
extern uint32 ps_pool_nframes;
static inline char *
ps_frame_bytes(PsFrame frame)
{
	return ps_pool_bytes + (Size) frame * BLCKSZ;
}

/*
 * Pin a page's frame.  *hit tells whether it was resident (may be NULL). Waits
 * for a read in flight.  ereport(ERROR): ERRCODE_DATA_CORRUPTED for a damaged
 * page (zero_damaged_pages is honoured), ERRCODE_INSUFFICIENT_RESOURCES when
 * every frame is pinned (hint: pagestore.pool_size), I/O errors, "could not
 * read block %u in file ...: read only %d of %d bytes" past the end. A page
 * past the end of the file is an error, as for heap.
 */
extern PsFrame ps_pool_pin(const PsRelKey *rel, BlockNumber block, PsFetch how, bool *hit);

extern void ps_pool_pin_again(PsFrame frame);	/* one more, caller holds one */
extern void ps_pool_unpin(PsFrame frame);	/* of CurrentResourceOwner */

/* The frame is still the one that holds its page (not a ghost).  Caller holds a pin. */
extern bool ps_pool_is_current(PsFrame frame);
extern bool ps_pool_frame_is(PsFrame frame, RelFileNode rnode, BlockNumber block);

/*
 * Latch the page.  If the frame has become a ghost the pin moves to the page's
 * current frame, which may have to be read, and *frame is updated: any pointer
 * taken before is stale unless another pin holds that ghost.  try: false for a
 * ghost too, so that it neither waits nor reads nor fails.
 */
extern void ps_pool_latch(PsFrame * frame, LWLockMode mode);
extern bool ps_pool_try_latch(PsFrame frame, LWLockMode mode);
extern void ps_pool_unlatch(PsFrame frame);
extern bool ps_pool_holds_latch(PsFrame frame, LWLockMode mode);	/* for assertions */

/* Under the exclusive latch, before XLogInsert(): the page changes now. */
extern void ps_pool_mark_dirty(PsFrame frame);

/*
 * Under at least the shared latch, after setting hint bits.  Marks the page
 * dirty only where hint bits need no WAL (XLogHintBitIsNeeded() false);
 * otherwise hints ride along with the next real write.
 */
extern void ps_pool_mark_hinted(PsFrame frame);

/*
 * Under the exclusive latch: make sure that nobody else, and no other pin of
 * this backend, points into the frame, so that tuple bytes may be moved until
 * the latch is released.  If others hold pins the page moves to a fresh frame
 * (pin and latch move along, *frame is updated, the old one becomes a ghost).
 * False when no frame can be had at once, or a write is in flight and the
 * caller does not want to wait for it: nothing has changed.
 */
extern bool ps_pool_make_movable(PsFrame * frame, bool wait);

/* Start reading those of n adjacent blocks that are not resident; never waits for a read, never fails
 * for want of frames (does less).  Returns the number of pages whose read was started. */
extern int	ps_pool_prefetch(const PsRelKey *rel, BlockNumber block, int n);

/*
 * Is the page in the pool (no pin taken; being read counts)?  True is a guess;
 * false is certain: at some moment of the call it was not in the page table.
 * Scans around the pool depend on it (an unlocked walk that finds nothing in a
 * bucket that is not empty has to look again under the lock).
 */
extern bool ps_pool_resident(const PsRelKey *rel, BlockNumber block);

/* Frames that hold no page, more or less. */
extern uint32 ps_frames_free(void);

/* Only frames below this number have ever held one. */
extern uint32 ps_frames_used(void);

/*
 * Sequence counter of the piece (PS_PIECE_PAGES adjacent blocks) that holds a
 * block: odd while one of its pages is being written.  For reads around the
 * pool: note it, read; at use, look the page up first, then compare.
 */
#define PS_PIECE_PAGES 64
extern uint32 ps_piece_sequence(RelFileNode rnode, BlockNumber block);

/*
 * Whole relations, databases and tablespaces (pool/relation.c).
 *
 * flush: write all dirty frames and request their fsync; no frame is dropped.
 * discard: forget frames from first_block on, dirty or not, waiting out writes
 * in flight; a frame that somebody pins becomes a ghost.  A database's
 * registrations with the gate go as well, and descriptors are closed.
 */
extern void ps_pool_flush_relation(RelFileNode rnode);
extern void ps_pool_discard_relation(RelFileNode rnode, BlockNumber first_block);
extern void ps_pool_discard_database(Oid dboid);
extern void ps_pool_discard_tablespace(Oid tablespace);

/*
 * Truncate the main fork (and core's maps) of a relation that the pool owns to
 * nblocks under AccessExclusiveLock: no frame past the end is written from the
 * start, RelationTruncate(), then the frames go.
 */
extern void ps_pool_truncate(Relation rel, BlockNumber nblocks);

/*
 * Gate (pool/gate.c): who owns a relfilenode, pool or shared buffers.
 *
 * ps_gate_pass: the relation's pages are about to be used through the pool: on
 * first use since start, write out its dirty shared buffers and drop the page
 * cache's copies, then register it. Cheap when passed before (backend-local
 * cache).  No latch may be held. ps_gate_new: a relfilenode begins a life, and
 * its file has been made: forget frames and registration of an earlier one.
 */
extern void ps_gate_pass(Relation rel);
extern void ps_gate_new(RelFileNode rnode);

/*
 * Who owns it, as far as the registry knows: true is certain of the one, false
 * of the other.  What ps_gate_new() has made in this transaction, and was not
 * held since, is the pool's for certain.
 */
extern bool ps_gate_pool_owns(RelFileNode rnode);
extern bool ps_gate_may_have_frames(RelFileNode rnode);

/*
 * Hold (pool/hold.c): a relfilenode changes its owner in this transaction.
 *
 * ps_hold: from here to the end of the transaction shared buffers own it,
 * whichever access method its relation has after all, and whatever is rolled
 * back; then it is heap's, or passes the gate.  What the pool has of it is
 * written out and forgotten, and what shared buffers have is made current.
 * Under AccessExclusiveLock, kept to the end of the transaction, on every
 * relation that has or had the file in it.  for_workers: its relation is
 * pagestore's now, so that parallel workers must know; ereport(ERROR) if there
 * is no room for that.  The way to heap is open even then.
 */
extern void ps_hold(RelFileNode rnode, bool for_workers);
extern bool ps_holds(RelFileNode rnode, bool for_workers);	/* does this transaction? */
extern bool ps_holds_any(void);
extern RelFileNode *ps_held(int *n);	/* all of them, palloc'd */

/* Do shared buffers own it now?  In recovery, single-user mode, while WAL is skipped, and when held. */
extern bool ps_gate_uses_shared(Relation rel);

/*
 * The catalog has changed in this transaction, perhaps which relation has
 * which file or access method: before the next access ps_settle() puts
 * ownership right.  Set by the layer that can read the catalog
 * (admin/ownership.c).
 */
extern bool ps_unsettled;
extern void (*ps_settle) (void);

/*
 * Waits until writes are allowed (the sentinel is there) and counts this
 * process among the writers; called before any change, with no latch held.
 * ereport(ERROR) during shutdown, or if there is no sentinel, at once when
 * none can come, else after half a minute.
 */
extern bool ps_writer_attached;
extern void ps_sentinel_attach_writer(void);
extern bool ps_sentinel_try_attach_writer(void);
static inline void
ps_sentinel_wait_ready(void)
{
	if (unlikely(!ps_writer_attached))
		ps_sentinel_attach_writer();
}

/* The same for a change that can be left undone: false where the other would wait or fail. */
static inline bool
ps_sentinel_is_ready(void)
{
	return likely(ps_writer_attached) || ps_sentinel_try_attach_writer();
}

/*
 * While any process wants it, checkpoints write the pages of unlogged tables
 * too: around commands that copy or remove a database's files.  The process's
 * exit ends its wish.
 */
extern void ps_sentinel_want_unlogged(bool want);

/*
 * Set-up, called from pagestore.c.  ps_pool_page_check is the layer above's
 * judge of a page that enters the pool (page/view.h: ps_page_check); must not
 * throw.
 */
extern bool (*ps_pool_page_check) (const char *page, const char **why, OffsetNumber *offset);
extern Size ps_pool_shmem_size(void);
extern void ps_pool_shmem_init(bool found);
extern void ps_pool_register_workers(void); /* sentinel and write-back, in
											 * _PG_init */
extern void ps_pool_init_hooks(void);	/* resource owner, xact callbacks, in
										 * _PG_init */

/* Totals for the statistics views; any process. */
typedef struct PsPoolStats
{
	uint64		hits,
				reads,			/* pages read in by a waiting backend */
				prefetched,		/* pages read ahead */
				ring_pages,		/* pages read around the pool */
				writes_worker,	/* pages written by the write-back worker */
				writes_checkpoint,	/* ... by the sentinel for a checkpoint */
				writes_backend, /* ... by a backend that needed a frame */
				evictions,
				ghosts_made;
	uint32		frames,
				free,
				dirty,			/* exact when nobody is at work */
				pinned,			/* by processes, once for each */
				ghosts;			/* with those about to be made */
} PsPoolStats;

extern void ps_pool_stats(PsPoolStats *out);
extern void ps_pool_count_ring_pages(uint64 n);

#endif							/* PAGESTORE_POOL_H */
