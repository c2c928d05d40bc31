/*
 * recycle.c
 *		Pages that one process brings into the pool, and few of which are to stay.
 *
 * A frame is marked IDLE when its page is done with, which the next pin of any
 * process takes away: so it is known at its turn whether anybody wants it.
 */
#include "postgres.h"

#include "pool/evict.h"
#include "pool/frame.h"
#include "pool/recycle.h"

typedef struct Done
{
	PsTag		tag;
	PsFrame		frame;			/* PS_NO_FRAME: none yet */
} Done;

struct PsRecycler
{
	int			room;
	int			oldest;			/* to leave with the next one */
	Done		pages[FLEXIBLE_ARRAY_MEMBER];
};

PsRecycler *
ps_recycler_make(int pages)
{
	PsRecycler *recycler = palloc(offsetof(PsRecycler, pages) + pages * sizeof(Done));

	Assert(pages > 0);
	recycler->room = pages;
	recycler->oldest = 0;
	for (int i = 0; i < pages; i++)
		recycler->pages[i].frame = PS_NO_FRAME;
	return recycler;
}

void
ps_recycle(PsRecycler *recycler, PsFrame frame)
{
	Done	   *done = &recycler->pages[recycler->oldest];

	Assert(PS_PINS(ps_frame_state(frame)) > 0);
	if (done->frame != PS_NO_FRAME)
		(void) ps_frame_give_up(done->frame, &done->tag);
	done->tag = ps_frame(frame)->tag;
	done->frame = frame;
	recycler->oldest = (recycler->oldest + 1) % recycler->room;
	ps_frame_mark_idle(frame);
}
