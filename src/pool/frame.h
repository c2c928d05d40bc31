/*
 * frame.h
 *		The life of a frame: each change of its state word.
 *
 * A frame is always in exactly one condition:
 *
 *	free		state 0; on the free list, or never used (or not since its memory
 *				was given back: RELEASED until it is taken)
 *	retired		beyond the pool's size, and empty: nobody takes it; RELEASED
 *				when its memory is given back
 *	in hands	pinned once, neither TAGGED nor GHOST: known to its taker alone
 *	tagged		in the page table under its tag, and READING, or VALID and
 *				perhaps DIRTY, WRITING
 *	ghost		its page has moved on, is forgotten, or failed to be read; it
 *				lives until its last pin goes and is never written
 *
 *		 take_free()			 enter()			end_read()
 *	free ----------> in hands ------------> READING ----------> VALID <--> DIRTY
 *	 ^  ^			  |  ^  |					|				 ^ |		|
 *	 |  |			  |	 |	|	enter(VALID),	|				 | |		|
 *	 |  | give_back() |	 |	+---- switch_to() --|----------------+ |		|
 *	 |	+-------------+	 +--------- evict() ----|------------------+		|
 *	 |											|				   |		|
 *	 |	the last unpin_raw()					v				   v		v
 *	 +--------------------- ghost <------- detach(), leave_to_read(), switch_to()
 *
 * from			to			by					what holds
 * free			in hands	take_free()			one pin, the taker's
 * in hands		free		give_back()
 * in hands		retired		give_back()			its number is beyond the pool's size
 * retired		free, in	ps_frames_set_		the pool is larger again
 *				hands		total(), take_free()
 * in hands		READING		enter(READING)		the read has a pin; others that
 *												find the page wait for it
 * in hands		VALID		enter(VALID), for	the bytes were there before the
 *							a block just added;	tag was
 *							switch_to(), for a
 *							page that moves
 * READING		VALID		end_read(good)		the bytes have passed checksum and
 *												page check
 * READING		ghost		end_read(!good), or	each waiter reads for itself
 *							leave_to_read() by
 *							one that has waited
 *							too long
 * VALID		DIRTY		set_dirty()			under the latch; first_dirty lies
 *												before the change's record
 * DIRTY		and WRITING	begin_write()		under the shared latch, in the
 *												same hold as the copy for disk
 * WRITING		VALID, or	end_write()			on disk, and its sync asked for;
 *				DIRTY		(written)			DIRTY if changed since the copy
 * VALID		in hands	evict()				clean, and no pin but the taker's
 * tagged		ghost		detach()			forgotten, dirty or not
 * VALID, DIRTY	ghost		switch_to()			its page has moved, dirty as it
 *												was; nobody writes the ghost
 * ghost		free		unpin_raw()			by whoever takes the last pin away
 *
 * Pins come and go independently.  One is added by a process that holds none
 * only by a compare-and-swap that finds TAGGED set, and TAGGED is set and
 * taken away only under the bucket lock, exclusively: so whoever takes it away
 * and sees no pin but its own has the frame to itself.
 *
 * All functions here are ps_frame_*.  Where it is not said otherwise they
 * throw nothing, take the bucket lock and the policy's lock, and may be called
 * under latches, but under no bucket lock.
 */
#ifndef PAGESTORE_POOL_FRAME_H
#define PAGESTORE_POOL_FRAME_H

#include "pool/pool.h"

static inline uint32
ps_frame_state(PsFrame frame)
{
	return pg_atomic_read_u32(&ps_frame(frame)->state);
}

/* Its page's relation.  The caller holds a pin. */
static inline PsRelKey
ps_frame_relkey(PsFrame frame)
{
	PsRelKey	key = {ps_frame(frame)->tag.rlocator, (ps_frame_state(frame) & PS_PERMANENT) != 0};

	return key;
}

/*
 * A look without a pin or a lock: false if no page is in the frame; else the
 * state and the tag of a moment ago.
 */
static inline bool
ps_frame_glance(PsFrame frame, uint32 *state, PsTag *tag)
{
	*state = ps_frame_state(frame);
	if ((*state & PS_TAGGED) == 0)
		return false;
	pg_read_barrier();
	*tag = ps_frame(frame)->tag;
	return true;
}

/* ---- shared pins, without a resource owner ---- */

/* Add a pin if the frame is TAGGED, and take away the flags in clear; *was: the state before.  No lock. */
static inline bool
ps_frame_pin_tagged(PsFrame frame, uint32 clear, uint32 *was)
{
	pg_atomic_uint32 *state = &ps_frame(frame)->state;

	*was = pg_atomic_read_u32(state);
	do
	{
		if (!(*was & PS_TAGGED))
			return false;
		Assert(PS_PINS(*was) < PS_PIN_MASK);
	} while (!pg_atomic_compare_exchange_u32(state, was, (*was + 1) & ~clear));
	return true;
}

/* The last pin of a ghost is gone: for ps_frame_unpin_raw(). */
extern void ps_frame_bury(PsFrame frame);

/*
 * Take a pin away; a ghost that it was the last one of is free then.  Takes at
 * most the spin lock of the free list.
 */
static inline void
ps_frame_unpin_raw(PsFrame frame)
{
	uint32		was = pg_atomic_fetch_sub_u32(&ps_frame(frame)->state, 1);

	Assert(PS_PINS(was) > 0);

	/* Nobody can pin a ghost anew, so the last one to go is alone with it. */
	if (unlikely((was & PS_GHOST) && PS_PINS(was) == 1))
		ps_frame_bury(frame);
}

/* Pin the frame if it is TAGGED, and holds this page (tag not NULL).  No lock but ps_frame_unpin_raw()'s. */
extern bool ps_frame_pin_if(PsFrame frame, const PsTag *tag);

/* The page's frame, pinned, or PS_NO_FRAME: at some moment of the call the page was not here. */
extern PsFrame ps_frame_pin_page(const PsTag *tag);

/*
 * From here on its state has IDLE until a process pins it, or the page leaves
 * the frame.  Not if no page is in it.  No lock.
 */
extern void ps_frame_mark_idle(PsFrame frame);

/* ---- free and in hands ---- */

/* A frame from the free list with one pin, in hands; PS_NO_FRAME if it is empty.  Takes its spin lock alone. */
extern PsFrame ps_frame_take_free(void);

/* A frame in hands that is not needed after all.  Takes the spin lock of the free list alone. */
extern void ps_frame_give_back(PsFrame frame);

/* ---- the pool's size: for the writer alone ---- */

/*
 * Only frames below total are taken from here on, from 1 to ps_frames_max.  Of
 * those beyond, free ones are retired at once, others as their pages leave.
 * Takes the spin lock of the free list, once for each free or retired frame.
 */
extern void ps_frames_set_total(uint32 total);

/* The memory of a retired frame has been given back.  No lock. */
extern void ps_frame_set_released(PsFrame frame);

/* The last frames in use, as far as they are released, are no longer in use.  Takes that spin lock. */
extern void ps_frames_trim(void);

/* ---- into the page table, and out of it by eviction ---- */

/*
 * Put a frame in hands into the page table: READING or VALID, perhaps with
 * AHEAD.  again: the page is known to be used again and again (pass.h).  The
 * pin stays, for the read or the caller.  False if another process was first:
 * the frame has been given back.
 */
extern bool ps_frame_enter(PsFrame frame, const PsRelKey *rel, const PsTag *tag, uint32 hash, uint32 flags,
						   bool again);

/*
 * Take its page from a frame that the caller has pinned, if it is clean, not
 * being read or written, and no one else pins it: in hands then.
 */
extern bool ps_frame_evict(PsFrame frame);

/* ---- reads ---- */

/*
 * The read in flight has its request: whoever waits can drive it from now on.
 * Before that, and for synchronous reads, the frame is in its reader's hands.
 */
extern void ps_frame_set_aio(PsFrame frame, PsAioRef ref);

/* An id of 0: not named yet. */
extern PsAioRef ps_frame_aio(PsFrame frame);

/*
 * The read is over: the bytes are the page, checked, or the frame is of no use
 * and leaves the page table.  Wakes waiters; the read's pin is the caller's to
 * take away.
 */
extern void ps_frame_end_read(PsFrame frame, bool good);

/* ---- changes and writes ---- */

/*
 * The page of the latched frame is about to change: DIRTY, or REDIRTIED while
 * a write is in flight, with the insert position noted first.  True if it was
 * clean.  No lock.
 */
extern bool ps_frame_set_dirty(PsFrame frame);

/*
 * Under the shared latch: WRITING, if the page is dirty, may be written, and
 * nobody writes it; the caller copies the bytes in the same hold.  No lock.
 */
extern bool ps_frame_begin_write(PsFrame frame);

/*
 * The write is over; written: the page as of the copy is on disk and its sync
 * requested.  Wakes waiters.  No lock.
 */
extern void ps_frame_end_write(PsFrame frame, bool written);

/* Keep new writes away (one in flight goes on), and let them in again.  The caller holds a pin.  No lock. */
extern void ps_frame_forbid_write(PsFrame frame);
extern void ps_frame_permit_write(PsFrame frame);

/* ---- leaving the page table ---- */

/*
 * A page that moves leaves a ghost: may there be one more?  An eighth of the
 * pool at most, so that pins of readers cannot use it up.  If so it counts from
 * here on; unreserve: there is none after all.
 */
#define PS_GHOST_SHARE 8

static inline void
ps_ghost_unreserve(void)
{
	pg_atomic_fetch_sub_u32(&ps_pool->nghosts, 1);
}

static inline bool
ps_ghost_reserve(void)
{
	if (pg_atomic_fetch_add_u32(&ps_pool->nghosts, 1) < ps_frames_total() / PS_GHOST_SHARE)
		return true;
	ps_ghost_unreserve();
	return false;
}

/*
 * The page is forgotten, dirty or not: a ghost, free after the last unpin.
 * The caller holds a pin and has waited out a write in flight.  Harmless when
 * it has left already.
 */
extern void ps_frame_detach(PsFrame frame);

/*
 * The same for a read that takes too long: unless it is over meanwhile, when
 * the page may have been used, and changed.
 */
extern void ps_frame_leave_to_read(PsFrame frame);

/*
 * The page of old goes to new, which is in hands and has its bytes already;
 * both latches are held exclusively, and ps_pool->move_lock; no write is in
 * flight.  old is a ghost then, which the caller has reserved.
 */
extern void ps_frame_switch_to(PsFrame old, PsFrame new);

#endif							/* PAGESTORE_POOL_FRAME_H */
