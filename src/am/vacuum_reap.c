/*
 * vacuum_reap.c
 *		VACUUM's second pass: line pointers that no index names any more become reusable.
 */
#include "postgres.h"

#include "access/visibilitymap.h"
#include "am/vacuum_page.h"
#include "am/vacuum_reap.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "page/stream.h"
#include "page/view.h"
#include "pgstat.h"
#include "row/vm.h"
#include "row/wal_prune.h"
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
		ps_vm_set(guard, vmbuf, newest_xmin, set & ~have);
	END_CRIT_SECTION();
}

int
ps_vacuum_reap_page(PsVacuum *v, PsWrite *guard, int index, Buffer vmbuf) PS_REQUIRES(guard)
{
	BlockNumber block = guard->pin->block;
	OffsetNumber offsets[MaxHeapTuplesPerPage];
	int			n = 0;
	PsVacuumPlace before;

	pgstat_progress_update_param(PROGRESS_VACUUM_HEAP_BLKS_VACUUMED, block);
	before = ps_vacuum_at(v, PS_VACUUM_REAP, block);

	for (; index < v->dead->num_items; index++)
	{
		ItemPointer tid = &v->dead->items[index];

		if (ItemPointerGetBlockNumber(tid) != block)
			break;
		offsets[n++] = ItemPointerGetOffsetNumber(tid);
	}

	Assert(n > 0);
	make_unused(guard, offsets, n);
	mark_visible(v, guard, vmbuf);

	v->at = before;
	return index;
}

/* The pages that v->dead names, each once, in order. */
typedef struct DeadPages
{
	const VacDeadItems *dead;
	int			index;
} DeadPages;

static BlockNumber
next_dead_page(void *arg)
{
	DeadPages  *pages = arg;
	BlockNumber block;

	if (pages->index == pages->dead->num_items)
		return InvalidBlockNumber;
	block = ItemPointerGetBlockNumber(&pages->dead->items[pages->index]);
	while (pages->index < pages->dead->num_items &&
		   ItemPointerGetBlockNumber(&pages->dead->items[pages->index]) == block)
		pages->index++;
	return block;
}

void
ps_vacuum_reap(PsVacuum *v)
{
	DeadPages	pages = {.dead = v->dead};
	PsVacuumPlace before = ps_vacuum_at(v, PS_VACUUM_REAP, InvalidBlockNumber);
	PsStream   *stream;
	PsPin		pin = PS_NO_PIN;
	Buffer		vmbuf = InvalidBuffer;
	BlockNumber npages = 0;
	int			index = 0;

	pgstat_progress_update_param(PROGRESS_VACUUM_PHASE, PROGRESS_VACUUM_PHASE_VACUUM_HEAP);

	stream = ps_stream_begin(v->rel, next_dead_page, &pages, 0);
	while (ps_stream_next(stream, &pin))
	{
		PsWrite		guard;
		Size		space;

		vacuum_delay_point();
		v->at.block = pin.block;
		visibilitymap_pin(v->rel, pin.block, &vmbuf);

		ps_write_lock(v->rel, &pin, &guard);
		index = ps_vacuum_reap_page(v, &guard, index, vmbuf);
		space = PageGetHeapFreeSpace(guard.page);
		ps_write_unlock(&guard);

		RecordPageWithFreeSpace(v->rel, pin.block, space);
		npages++;
	}
	ps_stream_end(stream);
	if (BufferIsValid(vmbuf))
		ReleaseBuffer(vmbuf);

	Assert(index == v->dead->num_items);
	ereport(DEBUG2,
			(errmsg("table \"%s\": removed %lld dead item identifiers in %u pages",
					v->name, (long long) index, npages)));
	v->at = before;
}
