/*
 * ring.h
 *		Memory of a scan that reads around the pool: internal to src/page, but for
 *		its size.
 *
 * A ring holds a few pieces, each up to PS_PIECE_PAGES adjacent blocks in
 * contiguous memory, read by one request, or copied from what another scan has
 * read (pool/share.h).  A piece is in use from ps_ring_read() to
 * ps_ring_release(), and after that for as long as pins point into it.
 */
#ifndef PAGESTORE_PAGE_RING_H
#define PAGESTORE_PAGE_RING_H

#include "io/aio.h"
#include "pool/pieces.h"
#include "pool/tag.h"

#define PS_RING_PIECES 8
#define PS_RING_BYTES ((Size) PS_RING_PIECES * PS_PIECE_PAGES * BLCKSZ) /* memory of one ring */

typedef struct PsRing PsRing;

typedef struct PsRingPiece
{
	PsRing	   *ring;
	char	   *bytes;
	bool		pinned;			/* by this process, which notes how often */
	bool		wanted;			/* between ps_ring_read() and
								 * ps_ring_release() */
	bool		reading;		/* request is to be waited for */
	bool		awaited;		/* another scan reads it, or the like: not
								 * asked for yet */
	bool		claimed;		/* to be passed on to other scans */
	bool		offered;		/* has been claimed when others came */
	bool		copied;			/* it was read by another scan */
	BlockNumber first;
	int			npages;			/* asked for; after the wait: whole pages that
								 * came */
	BlockNumber fresh;			/* handed out and not looked at yet */
	uint32		sequence;		/* of the blocks' piece in the pool, noted
								 * before the read */
	PsAioRef	request;
} PsRingPiece;

/*
 * A new ring for a table of nblocks, on which the caller has a lock as long as
 * CurrentResourceOwner lasts; its memory goes when ps_ring_end() has been
 * called, or CurrentMemoryContext been reset, and the last pin is gone.  NULL
 * if there is no memory for it.
 */
extern PsRing *ps_ring_begin(RelFileLocator rlocator, BlockNumber nblocks);
extern void ps_ring_end(PsRing *ring);

/*
 * Start reading n blocks, which one aligned piece holds, unless another scan
 * has read them, or does.  backward: those asked for next lie before.  NULL if
 * every piece is in use.  ereport(ERROR) if the file can't be opened.
 */
extern PsRingPiece *ps_ring_read(PsRing *ring, BlockNumber first, int n, bool backward);

/* Would it return a piece? */
extern bool ps_ring_has_room(const PsRing *ring);

/* Would ps_ring_page() have to wait? */
extern bool ps_ring_is_reading(const PsRingPiece *piece);

/* The scan has no more use for the piece, read or not. */
extern void ps_ring_release(PsRingPiece *piece);

/*
 * The bytes of a block of the piece, waiting for them if need be, though not
 * long for another scan.  NULL if they are not a sound image of the page, or
 * older than this call: take it from the pool.  Good for one look
 * (ps_read_lock()), at once.  ereport(ERROR) as ps_ring_read().
 */
extern const char *ps_ring_page(PsRingPiece *piece, const PsRelKey *rel, BlockNumber block);

/* A pin on the piece, for CurrentResourceOwner. */
extern void ps_ring_pin_again(PsRingPiece *piece);
extern void ps_ring_unpin(PsRingPiece *piece);

/* May what the page says be judged by the image?  Once, after ps_ring_page(). */
static inline bool
ps_ring_first_look(PsRingPiece *piece, BlockNumber block)
{
	bool		first = piece->fresh == block;

	piece->fresh = InvalidBlockNumber;
	return first;
}

/* The piece is of no more use: one of its blocks has been written since it was read. */
extern bool ps_ring_outdated(const PsRingPiece *piece, RelFileLocator rlocator);

#endif							/* PAGESTORE_PAGE_RING_H */
