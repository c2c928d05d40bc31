/*
 * origin.h
 *		Who has the pages of a relation: the pool, shared buffers, local ones.
 *
 * src/am and src/row ask here and nowhere else (doc/architecture.md, One
 * owner).
 */
#ifndef PAGESTORE_PAGE_ORIGIN_H
#define PAGESTORE_PAGE_ORIGIN_H

#include "postgres.h"
#include "storage/block.h"
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

/*
 * Where the relation's pages are to be accessed now.  Good for one pin: asked
 * again a moment later, at the end of recovery, the answer may be another, so
 * it is handed down (ps_pin_at()), never asked twice for one page.  May take
 * locks on relations and throw, where the catalog has changed in this
 * transaction (ps_settle).
 */
extern PsOrigin ps_origin(Relation rel);

/*
 * The same before an access: if the pool has the relation it has passed the
 * gate, so that its files are current.  No latch held; may write, and throw.
 */
extern PsOrigin ps_enter(Relation rel);

/*
 * May a shared buffer of this relation be changed?  Not in recovery, and apart
 * from that only while shared buffers own the relation for a reason that lies
 * with this process: it is alone, or its own transaction has made the file or
 * switched the table, which nobody else can reach before that transaction has
 * ended.  Nobody ends a transaction with a page locked, so the answer, asked
 * with the buffer locked, holds until it is unlocked.  After recovery the
 * answer is no, for good: no buffer of a table of the pool gets dirty again,
 * whatever it was pinned for.
 */
extern bool ps_buffers_may_change(Relation rel);

/* Size of the cache that pages go through there, in blocks. */
extern uint32 ps_cache_size(PsOrigin origin);

/* Is a relation of so many blocks large for that cache: more than a quarter of it, heap's threshold? */
static inline bool
ps_is_large(PsOrigin origin, BlockNumber nblocks)
{
	return nblocks > ps_cache_size(origin) / 4;
}

#endif							/* PAGESTORE_PAGE_ORIGIN_H */
