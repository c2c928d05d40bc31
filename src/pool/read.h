/*
 * read.h
 *		Pin a page, reading it if it is not here.
 */
#ifndef PAGESTORE_POOL_READ_H
#define PAGESTORE_POOL_READ_H

#include "pool/tag.h"
#include "storage/off.h"

typedef enum PsFetch
{
	PS_FETCH_READ,				/* read it if it is not here */
	PS_FETCH_NEW				/* a block just added by extension: a zeroed
								 * frame, no read */
} PsFetch;

/*
 * Pin a page's frame, for CurrentResourceOwner; waits for a read in flight.
 * *hit (may be NULL): the page was here, and not for its first use after it
 * was read ahead.  Latches may be held, no other lock of the pool.
 *
 * ereport(ERROR), as for heap: ERRCODE_DATA_CORRUPTED for a damaged page
 * (zero_damaged_pages is honoured) and for one past the end of the file;
 * ERRCODE_INSUFFICIENT_RESOURCES when every frame is pinned (hint:
 * pagestore.pool_size); I/O errors.
 */
extern PsFrame ps_pool_pin(const PsRelKey *rel, BlockNumber block, PsFetch how, bool *hit);

/*
 * The same without waiting or reading, and nothing counted: PS_NO_FRAME unless
 * the page is here and has been used since it was read.  A guess.  Who then
 * uses the page counts that.
 */
extern PsFrame ps_pool_pin_resident(const PsRelKey *rel, BlockNumber block);
extern void ps_pool_count_hit(PsFrame frame);

/*
 * Two blocks that are likely to be pinned next, in this order: have memory
 * fetch what that will touch first.  For the later one that is its bucket; for
 * the next one, whose bucket was fetched before, its frame and the beginning
 * of its page.  A hint: takes no lock, and may be wrong.
 */
extern void ps_pool_expect(const PsRelKey *rel, BlockNumber next, BlockNumber later);

/* ps_pool_resident() will soon be asked about this block: have memory fetch what that looks at.  A hint. */
extern void ps_pool_expect_look(const PsRelKey *rel, BlockNumber block);

/*
 * Is the page in the pool (no pin taken; being read counts)?  True is a guess;
 * false is certain: at some moment of the call it was not in the page table.
 * Scans around the pool depend on it.
 */
extern bool ps_pool_resident(const PsRelKey *rel, BlockNumber block);

/* Is the page in the pool, and still being read?  A guess; no pin is taken. */
extern bool ps_pool_is_reading(const PsRelKey *rel, BlockNumber block);

/* Wait until a read in flight is over, whoever started it.  The caller holds a pin.  Serves interrupts. */
extern void ps_frame_wait_read(PsFrame frame);

/*
 * The judge of a page that enters the pool, set by the layer that knows pages
 * (page/view.h: ps_page_check); must not throw.
 */
extern bool (*ps_pool_page_check) (const char *page, const char **why, OffsetNumber *offset);

#endif							/* PAGESTORE_POOL_READ_H */
