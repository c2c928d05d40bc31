/*
 * evict.c
 *		Frames to fill: the free list, and victims of the replacement policy.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "pool/evict.h"
#include "pool/flush.h"
#include "pool/frame.h"
#include "pool/iostat.h"
#include "pool/pin.h"
#include "pool/replacement.h"
#include "server/wait.h"
#include "utils/wait_event.h"

/*
 * Proposals before a backend writes a dirty page, or takes one that was read
 * ahead and that nobody has come to yet.  Reading ahead itself never does.
 */
#define CLEAN_TRIES 64

/* Proposals and empty answers of the policy after which a caller that may fail gives up. */
#define HASTY_TRIES 256

/* Sweeps, a millisecond apart, before "every frame is pinned" is believed. */
#define PATIENT_SWEEPS 2000

/* Evictions of a process between looks of the writer at the frames to come: fewer than a round of it cleans. */
#define EVICTIONS_A_POKE 256

/* Write a dirty victim; the caller's raw pin goes if that fails. */
static void
write_victim(PsFrame frame)
{
	PG_TRY();
	{
		(void) ps_flush_frame(frame, PS_FLUSH_BACKEND, false);
	}
	PG_CATCH();
	{
		ps_frame_unpin_raw(frame);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* Try to make the proposed frame ours, with one raw pin.  may_waste: it may be read ahead, and nobody has come yet. */
static bool
take_victim(PsFrame frame, bool may_write, bool may_waste)
{
	uint32		state = ps_frame_state(frame);

	if (state & PS_READING)
	{
		/* Nobody may have looked whether that read has ended. */
		(void) ps_aio_done(ps_frame_aio(frame));
		state = ps_frame_state(frame);
	}
	if (!(state & PS_TAGGED) || PS_PINS(state) != 0 ||
		((state & PS_DIRTY) && !may_write) || ((state & PS_AHEAD) && !may_waste))
		return false;
	if (!ps_frame_pin_if(frame, NULL))
		return false;
	if (ps_frame_state(frame) & PS_DIRTY)
	{
		if (may_write)
			write_victim(frame);
		if (ps_frame_state(frame) & PS_DIRTY)
		{
			ps_frame_unpin_raw(frame);
			return false;
		}
	}
	if (ps_frame_evict(frame))
		return true;
	ps_frame_unpin_raw(frame);
	return false;
}

/* Clean frames are used up: before a process meets a dirty one, the writer should have been there. */
static void
count_eviction(void)
{
	static uint32 evictions = 0;

	ps_iostat_evicted();
	if (++evictions % EVICTIONS_A_POKE == 0 && ps_frames_dirty() > 0)
		ps_pool_poke_writer();
}

/* One sweep over what the policy proposes. */
static PsFrame
sweep(bool may_write, bool hasty)
{
	uint64		tries = hasty ? HASTY_TRIES : (uint64) ps_frames_used() * 2 + HASTY_TRIES;
	uint64		empty = ps_frames_used() / HASTY_TRIES * 4 + 8;
	bool		woken = false;

	for (uint64 i = 0; i < tries;)
	{
		PsFrame		frame = ps_policy->victim();

		if (frame == PS_NO_FRAME)
		{
			if (empty-- == 0)
				break;
			continue;
		}
		i++;
		if (!woken && (ps_frame_state(frame) & PS_DIRTY))
		{
			ps_pool_poke_writer();
			woken = true;
		}
		if (take_victim(frame, may_write && i > CLEAN_TRIES, !hasty && i > CLEAN_TRIES))
		{
			count_eviction();
			if (likely(frame < ps_frames_total()))
				return frame;

			/* the pool is to be smaller: this one goes, another is wanted */
			ps_frame_give_back(frame);
		}
	}
	return PS_NO_FRAME;
}

PsFrame
ps_frame_take(bool may_write, bool may_fail)
{
	/* without the right to wait or fail there is none to write */
	Assert(!(may_write && may_fail));

	for (int patience = 0;; patience++)
	{
		PsFrame		frame = ps_frame_take_free();

		if (frame == PS_NO_FRAME)
			frame = sweep(may_write, may_fail);
		if (frame != PS_NO_FRAME)
		{
			Assert(ps_frame_pins_own(frame) == 0);
			return frame;
		}
		if (may_fail)
			return PS_NO_FRAME;

		/* Pins of reads, writes and passing workers end by themselves. */
		if (patience >= PATIENT_SWEEPS)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
					 errmsg("no page of pagestore's pool can be replaced: all are in use"),
					 errhint("Increase pagestore.pool_size.")));
		CHECK_FOR_INTERRUPTS();
		pgstat_report_wait_start(ps_wait_event(PS_WAIT_FRAME));
		pg_usleep(1000);
		pgstat_report_wait_end();
	}
}

/* Should the frame get another page before it is taken, that one leaves instead: unpinned, it might have anyway. */
bool
ps_frame_give_up(PsFrame frame, const PsTag *tag)
{
	uint32		state;
	PsTag		now;

	if (!ps_frame_glance(frame, &state, &now) || !(state & PS_IDLE) || !ps_tag_equal(&now, tag) ||
		!take_victim(frame, true, true))
		return false;
	ps_iostat_reused();
	ps_frame_give_back(frame);
	return true;
}
