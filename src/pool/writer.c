/*
 * writer.c
 *		The background worker that keeps clean frames ready.
 *
 * A backend that needs a frame should find a clean one; it pokes the writer
 * now and then when it uses them up, and when the policy proposes dirty ones to
 * it.  The writer then writes the cold dirty pages that the policy will come to
 * next, sorted so that adjacent ones go in one write.  When much of the pool is
 * dirty it does so unasked, a little at a time, so that a checkpoint has less to
 * do.  Nothing depends on it for correctness.  It also gives the pool the size
 * that is set (resize.c).
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pool/batch.h"
#include "pool/frame.h"
#include "pool/iostat.h"
#include "pool/replacement.h"
#include "pool/resize.h"
#include "pool/stats.h"
#include "pool/workers.h"
#include "pool/writer.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"

#define NAP 200					/* milliseconds between looks when nobody
								 * pokes */
#define ROUND_PAGES 1024		/* most pages looked for in a round */
#define DIRTY_SHARE 2			/* trickle when more than one frame in so many
								 * is dirty */
#define TRICKLE_SHARE 256		/* ... and so many of all frames a nap */

/* Worth writing early: dirty, and nobody in it. */
static bool
idle_and_dirty(PsFrameHeader *header, uint32 state, void *arg)
{
	return (state & (PS_DIRTY | PS_WRITING | PS_NOWRITE)) == PS_DIRTY && PS_PINS(state) == 0;
}

static bool
much_is_dirty(void)
{
	return ps_frames_dirty() > ps_frames_total() / DIRTY_SHARE;
}

/* The cold dirty pages among those that the policy proposes next. */
static uint32
choose(PsTag *tags, uint32 limit)
{
	PsFrame		frames[ROUND_PAGES];
	uint32		nframes = ps_policy->coming(frames, Min(ROUND_PAGES, ps_frames_total()));
	uint32		n = 0;

	for (uint32 i = 0; i < nframes && n < limit; i++)
	{
		uint32		state;
		PsTag		tag;

		if (ps_frame_glance(frames[i], &state, &tag) && idle_and_dirty(ps_frame(frames[i]), state, NULL))
			tags[n++] = tag;
	}
	qsort(tags, n, sizeof(PsTag), ps_tag_compare);
	return n;
}

static void
write_round(uint32 limit)
{
	PsTag		tags[ROUND_PAGES];
	uint32		n = choose(tags, Min(limit, ROUND_PAGES));

	ps_flush_pages(tags, n, idle_and_dirty, NULL, PS_FLUSH_WRITER, false);
	ps_iostat_report();
}

static void
serve(void)
{
	while (!ShutdownRequestPending)
	{
		bool		resizing = ps_resize_step();

		if (pg_atomic_exchange_u32(&ps_pool->writer_poked, 0) != 0)
			write_round(ROUND_PAGES);
		else if (much_is_dirty())
			write_round(ps_frames_total() / TRICKLE_SHARE);
		(void) ps_worker_sleep(resizing ? 0 : NAP);
	}
}

void
ps_writer_main(Datum arg)
{
	ps_worker_begin();
	ps_pool->writer_latch = MyLatch;

	while (!ShutdownRequestPending)
	{
		PG_TRY();
		{
			serve();
		}
		PG_CATCH();
		{
			ps_worker_recover();
		}
		PG_END_TRY();
		ps_worker_rest();
	}

	/* status 1: started again, should this not be the end of the server */
	proc_exit(1);
}
