/*
 * vacuum_reap.c
 *		VACUUM's second pass: line pointers that no index names any more become reusable.
 */
#include "postgres.h"

#include "access/visibilitymap.h"
#include "am/vacuum_dead.h"
#include "am/vacuum_page.h"
#include "am/vacuum_reap.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "page/stream.h"
#include "page/view.h"
#include "pgstat.h"
#include "row/cleanup.h"
#include "row/vm.h"
#include "server/compat.h"
#include "storage/freespace.h"

/*
 * The dead items may be all that keeps the page out of the visibility map. Asked
 * before they go, so that one record may tell of both.
 */
static bool
will_be_visible(PsVacuum *v, const PsWrite *guard, const OffsetNumber *offsets, int n, PsNowVisible *visible)
			PS_REQUIRES(guard)
{
	PsRead		lent;
	bool		all_frozen;

	ps_write_lend(guard, &lent);
	if (!ps_vacuum_page_visible(v, &lent, offsets, n, &visible->newest_xmin, &all_frozen))
		return false;
	visible->bits = VISIBILITYMAP_ALL_VISIBLE | (all_frozen ? VISIBILITYMAP_ALL_FROZEN : 0);
	return true;
}

void
ps_vacuum_reap_page(PsVacuum *v, PsWrite *guard, OffsetNumber *offsets, int n, Buffer vmbuf) PS_REQUIRES(guard)
{
	BlockNumber block = guard->pin->block;
	PsVacuumPlace before;
	PsNowVisible visible = {.map = vmbuf};

	Assert(n > 0);
	pgstat_progress_update_param(PROGRESS_VACUUM_HEAP_BLKS_VACUUMED, block);
	before = ps_vacuum_at(v, PS_VACUUM_REAP, block);
	if (will_be_visible(v, guard, offsets, n, &visible))
		(void) ps_vacuum_count_map(v, ps_reap(guard, offsets, n, &visible), visible.bits);
	else
		(void) ps_reap(guard, offsets, n, NULL);
	v->at = before;
}

static BlockNumber
next_dead_page(void *arg)
{
	return ps_dead_next(arg, NULL, NULL);
}

void
ps_vacuum_reap(PsVacuum *v)
{
	PsVacuumPlace before = ps_vacuum_at(v, PS_VACUUM_REAP, InvalidBlockNumber);
	PsDeadIterator *ahead;		/* asked by the stream */
	PsDeadIterator *in_step;
	PsStream   *stream;
	PsPin		pin = PS_NO_PIN;
	Buffer		vmbuf = InvalidBuffer;
	BlockNumber npages = 0;
	int64		nitems = 0;

	pgstat_progress_update_param(PROGRESS_VACUUM_PHASE, PROGRESS_VACUUM_PHASE_VACUUM_HEAP);

	ahead = ps_dead_iterate(v->dead);
	in_step = ps_dead_iterate(v->dead);
	stream = ps_stream_begin(v->rel, next_dead_page, ahead, 0);
	ps_vacuum_limit_pages(v, stream);
	while (ps_stream_next(stream, &pin))
	{
		OffsetNumber offsets[MaxHeapTuplesPerPage];
		int			n;
		PsWrite		guard;
		Size		space;
		BlockNumber block PG_USED_FOR_ASSERTS_ONLY;

		vacuum_delay_point(false);
		v->at.block = pin.block;
		visibilitymap_pin(v->rel, pin.block, &vmbuf);
		block = ps_dead_next(in_step, offsets, &n);
		Assert(block == pin.block);

		ps_write_lock(v->rel, &pin, &guard);
		ps_vacuum_reap_page(v, &guard, offsets, n, vmbuf);
		space = PageGetHeapFreeSpace(guard.page);
		ps_write_unlock(&guard);

		RecordPageWithFreeSpace(v->rel, pin.block, space);
		npages++;
		nitems += n;
	}
	ps_stream_end(stream);
	ps_dead_iterate_end(ahead);
	ps_dead_iterate_end(in_step);
	ps_vm_release(&vmbuf);

	Assert(nitems == ps_dead_count(v->dead));
	ereport(DEBUG2,
			(errmsg("table \"%s\": removed %lld dead item identifiers in %u pages",
					v->name, (long long) nitems, npages)));
	v->at = before;
}
