/*
 * resize.c
 *		The pool gets the size that is set, while it is used.
 *
 * A larger pool has more frames at once.  A smaller one takes no frame beyond
 * its size any more; those that are free are retired, and so is each of the
 * others when its page has left it and its last pin is gone.  Pages leave
 *
 *		because a process needs a frame, and the policy proposes this one
 *		(evict.c); or
 *		because the writer, which passes over the frames beyond the size again
 *		and again until all are retired, moves them to frames within it, which
 *		it takes as every process does: free ones, or those of pages that the
 *		policy gives up.
 *
 * So what remains is what the policy would keep, wherever it lay.  A page that
 * moves stays dirty as it was, and those who have it pinned keep the frame that
 * it has left, as a ghost: nobody is waited for, nor has to wait.  What can't
 * be moved at once (read, written or latched just now, or about to be dropped)
 * is left for the next pass.  Memory goes back as frames are retired, so that
 * one that is pinned for long holds back no other.
 *
 *		 0				  size						 used			 max
 *		 | may be taken ...|... pages leave, RETIRED,	|... no memory ...|
 *		 |				  |	   then RELEASED		 |				  |
 */
#include "postgres.h"

#include "debug/stop.h"
#include "pool/evict.h"
#include "pool/frame.h"
#include "pool/pin.h"
#include "pool/protect.h"
#include "pool/release.h"
#include "pool/resize.h"
#include "utils/timestamp.h"

#define STEP_FRAMES 1024		/* looked at in a step, or added, where memory
								 * has to be obtained first */
#define REST 200				/* milliseconds after a pass in vain */
#define REST_SHORT 20			/* ... for want of clean frames, which the
								 * writer makes meanwhile */

typedef enum Move
{
	MOVED,
	STAYS,						/* for now */
	NO_ROOM						/* there is no frame within the size at once */
} Move;

/* The pass under way: from the last frame down. */
static PsFrame position = 0;	/* frames from here on have been looked at */
static bool progress = false;	/* some have moved or been released */
static TimestampTz rest_until = 0;

/*
 * With its latch and that of the new frame.  The flags that forbid it can't
 * come under the exclusive latch, except NOWRITE: a walk over the relation's
 * frames sets it, and there is none.
 */
static bool
move_latched(PsFrame old, PsFrame new)
{
	const uint32 wanted = PS_TAGGED | PS_VALID;
	const uint32 unwanted = PS_READING | PS_WRITING | PS_NOWRITE;
	bool		moves;

	if (!ps_trylock_shared(&ps_pool->move_lock))
		return false;
	moves = pg_atomic_read_u32(&ps_pool->nwalks) == 0 &&
		(ps_frame_state(old) & (wanted | unwanted)) == wanted;
	if (moves)
	{
		ps_lock_exclusive(&ps_frame(new)->latch);
		ps_protect_allow(old);
		ps_protect_allow(new);
		memcpy(ps_frame_bytes(new), ps_frame_bytes(old), BLCKSZ);
		ps_protect_forbid(new);
		ps_protect_forbid(old);
		PS_STOP("resize-copied");
		ps_frame_switch_to(old, new);
		ps_unlock(&ps_frame(new)->latch);
	}
	ps_unlock(&ps_pool->move_lock);
	return moves;
}

/* The page of a frame that is pinned raw to one in hands. */
static bool
move_page(PsFrame old, PsFrame new)
{
	bool		moved = false;

	if (!ps_ghost_reserve())
		return false;
	if (ps_trylock_exclusive(&ps_frame(old)->latch))
	{
		moved = move_latched(old, new);
		ps_unlock(&ps_frame(old)->latch);
	}
	if (!moved)
		ps_ghost_unreserve();
	return moved;
}

/* Raw pins have no owner: nothing in here throws or serves interrupts. */
static Move
empty_frame(PsFrame frame)
{
	uint32		state = ps_frame_state(frame);
	PsFrame		new;
	bool		moved;

	if (state & PS_READING)
		(void) ps_aio_done(ps_frame_aio(frame));	/* nobody may have looked */
	if ((state & (PS_TAGGED | PS_VALID)) != (PS_TAGGED | PS_VALID))
		return STAYS;
	new = ps_frame_take(false, true);
	if (new == PS_NO_FRAME)
		return NO_ROOM;
	if (!ps_frame_pin_if(frame, NULL))
	{
		ps_frame_give_back(new);
		return STAYS;
	}
	PS_STOP("resize-pinned");
	moved = move_page(frame, new);
	if (moved)
		ps_frame_unpin_raw(new);
	else
		ps_frame_give_back(new);
	ps_frame_unpin_raw(frame);
	PS_STOP("resize-moved");
	return moved ? MOVED : STAYS;
}

/* Returns false if it has to end for want of frames. */
static bool
empty_frames(PsFrame first, PsFrame end)
{
	for (PsFrame frame = end; frame-- > first;)
	{
		switch (empty_frame(frame))
		{
			case MOVED:
				progress = true;
				break;
			case STAYS:
				break;
			case NO_ROOM:
				return false;
		}
	}
	return true;
}

static void
pause_resizing(long milliseconds)
{
	rest_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
}

/* The next frames of the pass, as many as a step is, in whole pages of memory. */
static PsFrame
step_begin(void)
{
	uint32		step = Max(STEP_FRAMES, ps_frames_a_page());

	return Max((position - 1) / step * step, ps_frames_total());
}

static bool
empty_and_release(void)
{
	uint32		released = pg_atomic_read_u32(&ps_pool->nreleased);
	PsFrame		first;
	bool		room;

	if (position <= ps_frames_total() || position > ps_frames_used())
		position = ps_frames_used();
	first = step_begin();
	room = empty_frames(first, position);
	PS_STOP("resize-before-release");
	ps_frames_release(first, position);
	if (pg_atomic_read_u32(&ps_pool->nreleased) != released)
		progress = true;
	ps_frames_trim();
	PS_STOP("resize-released");
	if (!room)
	{
		position = first;		/* elsewhere there may be some that can be
								 * evicted */
		pause_resizing(REST_SHORT);
		return false;
	}
	position = first;
	if (position > ps_frames_total())
		return true;

	/* a pass is over */
	if (!progress && ps_frames_used() > ps_frames_total())
		pause_resizing(REST);
	progress = false;
	return ps_frames_used() > ps_frames_total();
}

static bool
raise_size(uint32 target)
{
	static uint32 refused = 0;	/* a size that there was no memory for */
	uint32		total = ps_frames_total();
	uint32		next = ps_frames_a_page() > 1 ? Min(target, total + STEP_FRAMES) : target;

	if (ps_frames_populate(total, next))
	{
		ps_frames_set_total(next);
		PS_STOP("resize-raised");
		return next < target;
	}
	if (refused != target)
		ereport(LOG,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("pagestore's pool can't grow beyond " UINT64_FORMAT " kB: there are no free huge pages",
						(uint64) total * BLCKSZ / 1024)));
	refused = target;
	pause_resizing(REST);
	return false;
}

#ifdef PAGESTORE_DEBUG
int			ps_debug_resize_random;

/* Any size at all, another one now and then. */
static uint32
random_target(void)
{
	static TimestampTz until = 0;
	static uint32 target;
	TimestampTz now = GetCurrentTimestamp();

	if (now >= until)
	{
		target = PS_LEAST_FRAMES + random() % (ps_frames_max - PS_LEAST_FRAMES + 1);
		until = TimestampTzPlusMilliseconds(now, random() % (2 * ps_debug_resize_random));
	}
	return target;
}
#endif

static uint32
wanted_total(void)
{
#ifdef PAGESTORE_DEBUG
	if (ps_debug_resize_random > 0)
		return random_target();
#endif
	return ps_pool_size_blocks;
}

bool
ps_resize_step(void)
{
	static uint32 last_target = 0;
	uint32		target = wanted_total();

	/* what may fail, before anything is held */
	ps_frame_pin_reserve();

	if (target != last_target)
	{
		last_target = target;
		position = 0;
		rest_until = 0;
	}
	if (target == ps_frames_total() && ps_frames_used() <= target)
		return false;
	if (rest_until != 0 && GetCurrentTimestamp() < rest_until)
		return false;
	if (target < ps_frames_total())
	{
		ps_frames_set_total(target);
		PS_STOP("resize-lowered");
	}
	else if (target > ps_frames_total())
		return raise_size(target);
	return ps_frames_used() > target && empty_and_release();
}
