/*
 * pin.h
 *		This process's own pins on frames.
 *
 * The shared count of a frame (frame.h) counts processes; a process that has
 * pinned a frame pins it again without touching shared memory.  Its own pins
 * are noted by resource owner (notes.h): they belong to CurrentResourceOwner
 * and end with it.
 */
#ifndef PAGESTORE_POOL_PIN_H
#define PAGESTORE_POOL_PIN_H

#include "pool/frame.h"
#include "pool/notes.h"
#include "pool/protect.h"
#include "pool/stats.h"

extern PsNotes ps_frame_pins;	/* of this process, by number of the frame */

/* The first pin of this process is near: what it counts with.  ereport(ERROR). */
extern void ps_frame_pin_attach(void);

/* Room for one more pin, so that ps_frame_pin_note() cannot fail.  ereport(ERROR) for want of memory. */
static inline void
ps_frame_pin_reserve(void)
{
	if (unlikely(ps_frame_pins.free == 0))
		ps_frame_pin_attach();
}

/* This process's pins of the frame. */
static inline uint32
ps_frame_pins_own(PsFrame frame)
{
	return ps_notes_count(&ps_frame_pins, frame);
}

/*
 * Note one more pin, for CurrentResourceOwner, after ps_frame_pin_reserve().
 * The first one of this process takes over a shared pin that the caller has.
 */
static inline void
ps_frame_pin_note(PsFrame frame)
{
	Assert(frame < ps_frames_max);
	Assert(PS_PINS(ps_frame_state(frame)) > 0);
	if (ps_notes_add(&ps_frame_pins, frame))
	{
		ps_my_counters->n[PS_COUNT_PINNED]++;
		ps_protect_allow(frame);
	}
}

/* The same where the frame's bucket has been found empty, so that it is the first pin. */
static inline void
ps_frame_pin_note_first(PsFrame frame, PsNote *bucket)
{
	Assert(frame < ps_frames_max);
	Assert(PS_PINS(ps_frame_state(frame)) > 0);
	ps_notes_add_first(&ps_frame_pins, bucket, frame);
	ps_my_counters->n[PS_COUNT_PINNED]++;
	ps_protect_allow(frame);
}

/* The owner of the pin that ps_pool_unpin() would take.  The caller holds one. */
extern ResourceOwner ps_frame_pin_owner(PsFrame frame);

/* One more pin, for CurrentResourceOwner; the caller holds one.  ereport(ERROR) for want of memory. */
extern void ps_pool_pin_again(PsFrame frame);

/* One pin less: of CurrentResourceOwner, else of any.  No latch of the frame is held where it may be the last. */
extern void ps_pool_unpin(PsFrame frame);

/* The frame is still the one that holds its page (not a ghost).  The caller holds a pin. */
extern bool ps_pool_is_current(PsFrame frame);

/* Does the frame hold, or did it when it became a ghost, this page?  The caller holds a pin. */
extern bool ps_pool_frame_is(PsFrame frame, RelFileLocator rlocator, BlockNumber block);

/* In _PG_init. */
extern void ps_frame_pin_init(void);

#endif							/* PAGESTORE_POOL_PIN_H */
