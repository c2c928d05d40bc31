/*
 * pin.h
 *		A page held in place, wherever it lies.
 *
 * A pin says only that its bytes stay where they are: not that the rows in
 * them are visible, nor that they still are the page.  Pins belong to
 * CurrentResourceOwner.
 */
#ifndef PAGESTORE_PAGE_PIN_H
#define PAGESTORE_PAGE_PIN_H

#include "page/origin.h"
#include "pool/tag.h"
#include "server/compat.h"
#include "storage/bufmgr.h"

struct PsRingPiece;				/* ring.h */

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

/* Pin a page, reading it if need be.  Counts hits and reads for statistics and EXPLAIN. */
extern PsPin ps_pin(Relation rel, BlockNumber block);

/* The same, for hot paths: *pin, which is empty, is filled in place. */
extern void ps_pin_into(Relation rel, BlockNumber block, PsPin *pin);

/*
 * The same where ps_enter() has told the origin; shared buffers use the
 * strategy (may be NULL).  True: the page was resident, and not read for us.
 */
extern bool ps_pin_at(Relation rel, PsOrigin origin, BlockNumber block,
					  BufferAccessStrategy strategy, PsPin *pin);

/*
 * Pin another page of a relation while a page of it, beside, is pinned and
 * latched: false where that would have to wait or to read, and where the pool
 * does not have the relation.  Nothing is counted until ps_pin_count(), by who
 * then uses the page.
 */
extern bool ps_pin_resident(Relation rel, const PsPin *beside, BlockNumber block, PsPin *pin);
extern void ps_pin_count(Relation rel, const PsPin *pin);

/*
 * The pin holds a page that is the pool's by now, in a buffer or a private
 * image: hold it in the pool.  No lock held.
 */
extern void ps_pin_in_pool(Relation rel, PsPin *pin);

/* Pin a block that the relation is about to get: a zeroed page of the pool, not read. */
extern void ps_pin_added(Relation rel, BlockNumber block, PsPin *pin);

/* A pin on a buffer that the caller has pinned; the buffer itself tells which of two origins that is. */
static inline PsPin
ps_pin_of_buffer(Buffer buffer, BlockNumber block)
{
	PsOrigin	origin = BufferIsLocal(buffer) ? PS_LOCAL : PS_SHARED;
	PsPin		pin = {origin, block, BufferGetPage(buffer), {.buffer = buffer}};

	return pin;
}

/* The relation, as the pool knows it. */
static inline PsRelKey
ps_rel_key(Relation rel)
{
	PsRelKey	key = {rel->rd_locator, RelationIsPermanent(rel)};

	return key;
}

/* Another pin on the same bytes, for CurrentResourceOwner. */
extern PsPin ps_pin_copy(const PsPin *pin);
extern void ps_unpin(PsPin *pin);	/* an empty pin is fine; leaves it empty */

/* Both hold the very same bytes. */
static inline bool
ps_pin_same(const PsPin *a, const PsPin *b)
{
	return a->origin == b->origin && a->page == b->page && a->block == b->block;
}

/*
 * Make *pin hold this block, keeping it when it already does and its bytes are
 * current.  True: the page was held or resident, and not read for us.
 */
extern bool ps_pin_move(Relation rel, PsPin *pin, BlockNumber block);

/*
 * The bytes are the page, as far as can be told without the lock: not a ghost,
 * not a private image, not a shared buffer (whose time may be over).
 */
extern bool ps_pin_is_current(const PsPin *pin);

/* Do these bytes lie in the pool's memory?  For tests and assertions. */
extern bool ps_in_pool(const void *ptr);

/*
 * Start reading those of n blocks that are not in the pool: never waits.
 * Blocks asked for together are read together, and are sorted here.  run: of
 * adjacent ones.  Returns the number of pages whose read was started.
 */
extern int	ps_prefetch(Relation rel, BlockNumber *blocks, int n);
extern int	ps_prefetch_run(Relation rel, BlockNumber block, int n);

#endif							/* PAGESTORE_PAGE_PIN_H */
