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
#include "row/vm.h"
#include "row/wal_prune.h"
#include "server/compat.h"
#include "storage/freespace.h"

/*
 * No tuple's bytes move, since dead items have none: the latch is enough.
 */
static void
make_unused(PsWrite *guard, OffsetNumber *offsets, int n) PS_REQUIRES(guard)
{
	START_CRIT_SECTION();
	ps_mark_dirty(guard);
	for (int i = 0; i < n; i++)
	{
		ItemId		item = PageGetItemId(guard->page, offsets[i]);

		Assert(ItemIdIsDead(item) && !ItemIdHasStorage(item));
		ItemIdSetUnused(item);
	}
	PageTruncateLinePointerArray(guard->page);
	if (RelationNeedsWAL(guard->rel))
		ps_wal_reap(guard, offsets, n);
	END_CRIT_SECTION();
}

/* The dead items may have been all that kept the page out of the visibility map. */
static void
mark_visible(PsVacuum *v, PsWrite *guard, Buffer vmbuf) PS_REQUIRES(guard)
{
	PsRead		lent;
	TransactionId newest_xmin;
	bool		all_frozen;
	uint8		have,
				set = VISIBILITYMAP_ALL_VISIBLE;

	ps_write_lend(guard, &lent);
	if (!ps_vacuum_page_visible(v, &lent, &newest_xmin, &all_frozen))
		return;
	have = visibilitymap_get_status(v->rel, guard->pin->block, &vmbuf);
	if (all_frozen)
		set |= VISIBILITYMAP_ALL_FROZEN;
	if ((set & ~have) == 0 && ps_page_all_visible(guard->page))
		return;

	START_CRIT_SECTION();
	ps_mark_dirty(guard);
	PageSetAllVisible(guard->page);
	if (set & ~have)
		(void) ps_vacuum_count_map(v, ps_vm_set(guard, vmbuf, newest_xmin, set), set);
	END_CRIT_SECTION();
}

void
ps_vacuum_reap_page(PsVacuum *v, PsWrite *guard, OffsetNumber *offsets, int n, Buffer vmbuf) PS_REQUIRES(guard)
{
	BlockNumber block = guard->pin->block;
	PsVacuumPlace before;

	Assert(n > 0);
	pgstat_progress_update_param(PROGRESS_VACUUM_HEAP_BLKS_VACUUMED, block);
	before = ps_vacuum_at(v, PS_VACUUM_REAP, block);
	make_unused(guard, offsets, n);
	mark_visible(v, guard, vmbuf);
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
	if (BufferIsValid(vmbuf))
		ReleaseBuffer(vmbuf);

	Assert(nitems == ps_dead_count(v->dead));
	ereport(DEBUG2,
			(errmsg("table \"%s\": removed %lld dead item identifiers in %u pages",
					v->name, (long long) nitems, npages)));
	v->at = before;
}
