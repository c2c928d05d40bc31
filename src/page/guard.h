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
 *	PsRead g;
 *	ps_read_lock(rel, &pin, &g);
 *	... views and rows borrowed from g ...
 *	ps_read_unlock(&g);
 *	... bytes of tuples seen may still be read: the pin holds them ...
 *	ps_unpin(&pin);
 *
 * Locking a pin brings it up to date: if the bytes that it holds are no longer
 * the page, the pin moves to where the page is now.  They may be a frame that
 * the page has left (pruned while we held it), a shared buffer of the time
 * before recovery ended, or a private image that has been looked at before.
 * Pointers taken under an earlier guard stay good only as long as some other
 * pin (a slot's) holds the old bytes.
 */
#ifndef PAGESTORE_PAGE_GUARD_H
#define PAGESTORE_PAGE_GUARD_H

#include "postgres.h"
#include "access/xloginsert.h"
#include "debug/capability.h"
#include "page/pin.h"
#include "page/view.h"
#include "pool/latch.h"
#include "utils/rel.h"

/* ---- read guard ---- */

typedef struct PS_CAPABILITY("read guard") PsRead
{
	Relation	rel;
	PsPin	   *pin;
	const char *page;
} PsRead;

/* May read, and ereport() as ps_pin() does, where the pin has to move. */
extern void ps_read_lock(Relation rel, PsPin *pin, PsRead *guard) PS_ACQUIRE_SHARED(guard);
extern void ps_read_unlock(PsRead *guard) PS_RELEASE_SHARED(guard);

/*
 * The one change allowed under a read guard: hint bits in a tuple header that
 * lies in this page.  No-op on a ring page but for the private copy.  See
 * row/visibility.c for the rule on the commit LSN.
 */
extern void ps_set_hint(const PsRead *guard, const struct HeapTupleHeaderData *header,
						uint16 infomask_bits) PS_REQUIRES_SHARED(guard);

/* Another change worth no write and no WAL of its own was made (pd_prune_xid).  The write guard's latch is held. */
extern void ps_mark_hinted(const PsRead *guard) PS_REQUIRES_SHARED(guard);

/* Permanent: the commit record is flushed, or the page's LSN beyond it. */
extern bool ps_may_set_hint(const PsRead *guard, XLogRecPtr commit_lsn) PS_REQUIRES_SHARED(guard);

/* The row at offset; false if there is none. */
static inline bool
ps_row_at(const PsRead *guard, OffsetNumber offset, PsRow *row) PS_REQUIRES_SHARED(guard)
{
	return ps_page_row(guard->page, RelationGetRelid(guard->rel), guard->pin->block, offset, row);
}

/* ---- write guard ---- */

typedef struct PS_CAPABILITY("write guard") PsWrite
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
extern void ps_write_lock(Relation rel, PsPin *pin, PsWrite *guard) PS_ACQUIRE(guard);
extern bool ps_write_trylock(Relation rel, PsPin *pin, PsWrite *guard) PS_TRY_ACQUIRE(true, guard);
extern void ps_write_unlock(PsWrite *guard) PS_RELEASE(guard);

/* For code whose hold clang's analysis can't follow: asserted at run time instead. */
static inline void
ps_write_held(const PsWrite *guard) PS_ASSERT_HELD(guard)
{
	Assert(guard->page != NULL && guard->page == guard->pin->page);
	Assert(guard->pin->origin != PS_POOL || ps_pool_holds_latch(guard->pin->u.frame, LW_EXCLUSIVE));
}

/* A write guard lends a read guard (same latch): do not unlock it, nor use it after the write guard. */
static inline void
ps_write_lend(const PsWrite *guard, PsRead *lent) PS_REQUIRES(guard) PS_ASSERT_SHARED(lent)
{
	lent->rel = guard->rel;
	lent->pin = guard->pin;
	lent->page = guard->page;
}

/* The row at offset, to be changed; false if there is none. */
static inline bool
ps_row_at_mut(const PsWrite *guard, OffsetNumber offset, PsRowMut *row) PS_REQUIRES(guard)
{
	PsRow		r;

	if (!ps_page_row(guard->page, RelationGetRelid(guard->rel), guard->pin->block, offset, &r))
		return false;
	row->header = unconstify(HeapTupleHeaderData *, r.header);
	row->len = r.len;
	row->tid = r.tid;
	row->table = r.table;
	return true;
}

/* In the critical section, before changing the page and before XLogInsert(). */
extern void ps_mark_dirty(PsWrite *guard) PS_REQUIRES(guard);

/* Has the page been changed since it was read or written? */
extern bool ps_write_is_dirty(const PsWrite *guard) PS_REQUIRES(guard);

/* Register the page with the WAL record under construction (REGBUF_* flags). */
extern void ps_xlog_register(uint8 block_id, const PsWrite *guard, uint8 flags) PS_REQUIRES(guard);

/* Would a record of the page made now take an image of it?  A guess: a checkpoint may begin. */
extern bool ps_xlog_wants_image(const PsWrite *guard) PS_REQUIRES(guard);

/* After XLogInsert(). */
static inline void
ps_set_lsn(PsWrite *guard, XLogRecPtr lsn) PS_REQUIRES(guard)
{
	PageSetLSN(guard->page, lsn);
}

/* Does nobody else, and no other pin of this process, have the page? */
extern bool ps_write_is_sole_pin(const PsWrite *guard) PS_REQUIRES(guard);

/*
 * Tuple bytes of the page may be moved until unlock: nobody else points into
 * it (pool: the page may have moved to a fresh frame; shared and local
 * buffers: ours is the only pin).  guard->page may change: derive every
 * pointer anew.  False: not now; nothing changed.  wait: for a write of the
 * page to disk, if that is in the way.
 */
extern bool ps_write_movable(PsWrite *guard, bool wait) PS_REQUIRES(guard);

#endif							/* PAGESTORE_PAGE_GUARD_H */
