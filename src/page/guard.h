/*
 * guard.h
 *		Pins and guards: the only way to the bytes of a page.
 *
 * A pin keeps a page's bytes in place.  A read guard (shared latch) lends
 * const bytes; a write guard (exclusive latch) lends mutable bytes and is the
 * only thing that can mark the page dirty.  The code above need not know which
 * of the four origins a page has (doc/architecture.md, Guards; One owner).
 *
 *	PsPin pin = ps_pin(rel, block);
 *	PsRead g = ps_read_lock(rel, &pin);
 *	... views and rows borrowed from g ...
 *	ps_read_unlock(&g);
 *	... bytes of tuples seen may still be read: the pin holds them ...
 *	ps_unpin(&pin);
 *
 * Locking a pin brings it up to date: if the bytes that it holds are the page
 * no more, the pin moves to where the page is now.  They may be a frame that
 * the page has left (pruned while we held it), a shared buffer of the time
 * before recovery ended, or a private image that has been looked at before.
 * Pointers taken under an earlier guard stay good only as long as some other
 * pin (a slot's) holds the old bytes.
 */
#ifndef PAGESTORE_PAGE_GUARD_H
#define PAGESTORE_PAGE_GUARD_H

#include "postgres.h"
#include "access/xloginsert.h"
#include "pool/pool.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

typedef enum PsOrigin
{
	PS_NOWHERE,					/* an empty pin */
	PS_POOL,					/* frame of the pool */
	PS_SHARED,					/* shared_buffers: recovery, single user, WAL
								 * skipped, owner just changed */
	PS_LOCAL,					/* local buffer of a temporary table */
	PS_RING						/* private memory of a large scan: read-only;
								 * for MVCC snapshots, or rows that nobody
								 * changes */
} PsOrigin;

struct PsRingPiece;

typedef struct PsPin
{
	PsOrigin	origin;
	BlockNumber block;
	const char *page;			/* the bytes held in place */
	union
	{
		PsFrame		frame;		/* PS_POOL */
		Buffer		buffer;		/* PS_SHARED, PS_LOCAL */
		struct PsRingPiece *piece;	/* PS_RING */
	}			u;
} PsPin;

#define PS_NO_PIN ((PsPin) {PS_NOWHERE, InvalidBlockNumber, NULL, {0}})

static inline bool
ps_pinned(const PsPin *pin)
{
	return pin->origin != PS_NOWHERE;
}

/*
 * Where the relation's pages are to be accessed now.  Good for one pin: asked
 * again a moment later, at the end of recovery, the answer may be another, so
 * it is handed down (ps_pin_at()), never asked twice for one page.
 */
extern PsOrigin ps_origin(Relation rel);

/* Pin a page, reading it if need be.  Counts hits and reads for statistics and EXPLAIN. */
extern PsPin ps_pin(Relation rel, BlockNumber block);

/* The same, for hot paths: *pin, which is empty, is filled in place. */
extern void ps_pin_into(Relation rel, BlockNumber block, PsPin *pin);

/* The same where ps_origin() has told; shared buffers are used by the strategy (may be NULL). */
extern void ps_pin_at(Relation rel, PsOrigin origin, BlockNumber block,
					  BufferAccessStrategy strategy, PsPin *pin);

/*
 * Count an access to a page of the pool or a ring, for statistics, EXPLAIN and
 * vacuum's cost delay, as core does for shared buffers.  hit: it was resident
 * when asked for, not read for us.
 */
extern void ps_count_access(Relation rel, bool hit);

/* Another pin on the same bytes, for CurrentResourceOwner. */
extern PsPin ps_pin_copy(const PsPin *pin);
extern void ps_unpin(PsPin *pin);	/* an empty pin is fine; leaves it empty */

/* Both hold the very same bytes. */
static inline bool
ps_pin_same(const PsPin *a, const PsPin *b)
{
	return a->origin == b->origin && a->page == b->page && a->block == b->block;
}

/* Make *pin hold this block, keeping it when it already does and its bytes are current. */
extern void ps_pin_move(Relation rel, PsPin *pin, BlockNumber block);

/*
 * The bytes are the page, as far as can be told without the lock: not a ghost,
 * not a private image, not a shared buffer (whose time may be over).
 */
extern bool ps_pin_is_current(const PsPin *pin);

/* Do these bytes lie in the pool's memory?  For tests and assertions. */
extern bool ps_in_pool(const void *ptr);

/* ---- read guard ---- */

typedef struct PsRead
{
	Relation	rel;
	PsPin	   *pin;
	const char *page;
} PsRead;

/* May read, and ereport() as ps_pin() does, where the pin has to move. */
extern PsRead ps_read_lock(Relation rel, PsPin *pin);
extern void ps_read_unlock(PsRead *guard);

/*
 * The one change allowed under a read guard: hint bits in a tuple header that
 * lies in this page.  No-op on a ring page but for the private copy.  See
 * row/visibility.c for the rule on the commit LSN.
 */
extern void ps_set_hint(const PsRead *guard, const struct HeapTupleHeaderData *header,
						uint16 infomask_bits);

/* Another change worth no write and no WAL of its own was made to the page (pd_prune_xid). Write guard's latch held. */
extern void ps_mark_hinted(const PsRead *guard);
extern bool ps_may_set_hint(const PsRead *guard, XLogRecPtr commit_lsn);	/* permanent: commit
																			 * record flushed, or
																			 * page LSN beyond it */

/* ---- write guard ---- */

typedef struct PsWrite
{
	Relation	rel;
	PsPin	   *pin;
	char	   *page;
} PsWrite;

/*
 * ps_write_lock: moves the pin as ps_read_lock() does, and waits until writes
 * are allowed at all.  ereport(ERROR): during recovery; as
 * ps_sentinel_wait_ready().  ps_write_trylock: for changes that can be left
 * undone; false, with the pin as it was, where it would have to wait, to read
 * or to fail.
 */
extern PsWrite ps_write_lock(Relation rel, PsPin *pin);
extern bool ps_write_trylock(Relation rel, PsPin *pin, PsWrite *guard);
extern void ps_write_unlock(PsWrite *guard);

/* A write guard lends a read guard (same latch): do not unlock it. */
static inline PsRead
ps_write_lend(const PsWrite *guard)
{
	PsRead		r = {guard->rel, guard->pin, guard->page};

	return r;
}

/* In the critical section, before changing the page and before XLogInsert(). */
extern void ps_mark_dirty(PsWrite *guard);

/* Register the page with the WAL record under construction (REGBUF_* flags). */
extern void ps_xlog_register(uint8 block_id, const PsWrite *guard, uint8 flags);

/* After XLogInsert(). */
static inline void
ps_set_lsn(PsWrite *guard, XLogRecPtr lsn)
{
	PageSetLSN(guard->page, lsn);
}

/*
 * Tuple bytes of the page may be moved until unlock: nobody else points into
 * it (pool: the page may have moved to a fresh frame; shared and local
 * buffers: we are the only pin). guard->page may change: derive every pointer
 * anew.  False: not now; nothing changed.  wait: for a write of the page to
 * disk, if that is in the way.
 */
extern bool ps_write_movable(PsWrite *guard, bool wait);

/*
 * Add a block to the relation: pins it in *pin, returns it latched exclusively
 * and zeroed (PageInit is the caller's).  Takes and releases the extension
 * lock itself when needed.
 */
extern PsWrite ps_extend(Relation rel, PsPin *pin);

/* Number of blocks of the main fork (as RelationGetNumberOfBlocks). */
extern BlockNumber ps_nblocks(Relation rel);

/* Cut the main fork, and core's maps, to nblocks.  AccessExclusiveLock held. */
extern void ps_truncate(Relation rel, BlockNumber nblocks);

/* Prefetch a block hint for random access (index and bitmap read-ahead); never waits. */
extern void ps_prefetch(Relation rel, BlockNumber block);
extern int	ps_prefetch_run(Relation rel, BlockNumber block, int n);	/* n adjacent blocks;
																		 * how many reads it
																		 * started */

#endif							/* PAGESTORE_PAGE_GUARD_H */
