/*
 * vacuum_scan.c
 *		VACUUM's first pass: which pages to look at, and their map entries.
 */
#include "postgres.h"

#include "access/visibilitymap.h"
#include "am/vacuum_dead.h"
#include "am/vacuum_eager.h"
#include "am/vacuum_index.h"
#include "am/vacuum_page.h"
#include "am/vacuum_reap.h"
#include "am/vacuum_scan.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "page/stream.h"
#include "page/view.h"
#include "pgstat.h"
#include "row/vm.h"
#include "row/wal_image.h"
#include "server/compat.h"
#include "storage/freespace.h"

/* A run of skippable pages shorter than this is read: it costs little, and may let relfrozenxid advance. */
#define SHORTEST_SKIP	((BlockNumber) 32)

#define BLOCKS_PER_GB	((BlockNumber) (1024 * 1024 * 1024 / BLCKSZ))
#define FAILSAFE_EVERY	(4 * BLOCKS_PER_GB)
#define VACUUM_FSM_EVERY	(8 * BLOCKS_PER_GB) /* without indexes; else after
												 * each round */

/* Chooses the pages of the first pass by the visibility map, ahead of their use. */
typedef struct Chooser
{
	PsVacuum   *v;
	BlockNumber next;			/* to be returned, once it is decided */
	BlockNumber decided;		/* all before are */
	Buffer		vmbuf;
} Chooser;

/*
 * First page from start on that must be read.  The last page always is, to
 * know whether an attempt to truncate the table makes sense.
 */
static BlockNumber
first_needed(Chooser *c, BlockNumber start, bool *unfrozen)
{
	PsVacuum   *v = c->v;
	BlockNumber block;

	*unfrozen = false;
	for (block = start; block < v->pages - 1; block++)
	{
		uint8		bits;

		if (!v->skip_by_map)
			break;
		ps_eager_reach(v, block);
		bits = visibilitymap_get_status(v->rel, block, &c->vmbuf);
		if (!(bits & VISIBILITYMAP_ALL_VISIBLE))
			break;
		if (!(bits & VISIBILITYMAP_ALL_FROZEN))
		{
			if (v->aggressive || ps_eager_choose(v, block))
				break;
			*unfrozen = true;
		}
		vacuum_delay_point(false);
	}
	return block;
}

static BlockNumber
choose_next(void *arg)
{
	Chooser    *c = arg;

	if (c->next == c->v->pages)
		return InvalidBlockNumber;
	if (c->next == c->decided)
	{
		bool		unfrozen;
		BlockNumber needed = first_needed(c, c->next, &unfrozen);

		if (needed - c->next >= SHORTEST_SKIP)
		{
			c->next = needed;
			c->v->skipped_visible |= unfrozen;
		}
		c->decided = needed + 1;
	}
	return c->next++;
}

/*
 * A page that is formatted and has no items is visible and frozen. It may be
 * one whose formatting was never logged (an error or crash in the middle of an
 * extension): then redo of the map's record would find a page that it can't
 * change, so it is logged first (in 19, with the same record).
 */
static void
mark_empty_page(PsVacuum *v, PsWrite *guard, Buffer vmbuf) PS_REQUIRES(guard)
{
	const PsNowVisible visible = {
		.map = vmbuf,
		.bits = VISIBILITYMAP_ALL_VISIBLE | VISIBILITYMAP_ALL_FROZEN
	};

	if (ps_page_all_visible(guard->page))
		return;
	if (!PS_RECORDS_SET_MAP_BITS && RelationNeedsWAL(guard->rel) && XLogRecPtrIsInvalid(PageGetLSN(guard->page)))
	{
		START_CRIT_SECTION();
		ps_mark_dirty(guard);
		ps_wal_image(guard);
		END_CRIT_SECTION();
	}
	(void) ps_vacuum_count_map(v, ps_vm_set(guard, &visible, true), visible.bits);
}

/* Make room for another page's dead items; *pin comes back as it was. */
static void
vacuum_round_midway(PsVacuum *v, PsPin *pin, Buffer *vmbuf, BlockNumber *fsm_done)
{
	BlockNumber block = pin->block;

	ps_unpin(pin);
	ps_vm_release(vmbuf);

	v->may_bypass = false;
	ps_vacuum_round(v);
	FreeSpaceMapVacuumRange(v->rel, *fsm_done, block);
	*fsm_done = block;
	pgstat_progress_update_param(PROGRESS_VACUUM_PHASE, PROGRESS_VACUUM_PHASE_SCAN_HEAP);

	*pin = ps_pin(v->rel, block);
}

/* One page, from its latch to its entry in the free space map. */
static void
scan_page(PsVacuum *v, PsPin *pin, Buffer *vmbuf, BlockNumber *fsm_done)
{
	BlockNumber block = pin->block;
	PsWrite		guard;
	PsVacuumPage left;
	bool		record_space = true;
	bool		reaped = false;
	bool		eager = ps_eager_chosen(v, block);
	Size		space;

	ps_write_lock(v->rel, pin, &guard);
	if (PageIsNew(guard.page))
	{
		/*
		 * A page added and never used: offer its space, but keep it out of
		 * the map.
		 */
		ps_write_unlock(&guard);
		if (GetRecordedFreeSpace(v->rel, block) == 0)
			RecordPageWithFreeSpace(v->rel, block, BLCKSZ - SizeOfPageHeaderData);
		return;
	}

	if (PageIsEmpty(guard.page))
		mark_empty_page(v, &guard, *vmbuf);
	else
	{
		ps_vacuum_page(v, &guard, *vmbuf, &left);
		if (left.has_rows)
			v->nonempty = block + 1;

		if (left.ndead > 0 && v->nindexes == 0)
		{
			/* Nothing points at them: reusable at once. */
			ps_vacuum_reap_page(v, &guard, left.dead, left.ndead, *vmbuf);
			reaped = true;
		}
		else
		{
			reaped = v->reap_at_once && left.removed > 0;
			if (eager && !left.unpruned)
				ps_eager_done(v, left.now_frozen);

			/* The second pass will know better how much space there is. */
			record_space = !(left.ndead > 0 && v->index_vacuuming);
		}
	}

	space = PageGetHeapFreeSpace(guard.page);
	ps_write_unlock(&guard);
	if (reaped && block - *fsm_done >= VACUUM_FSM_EVERY)
	{
		FreeSpaceMapVacuumRange(v->rel, *fsm_done, block);
		*fsm_done = block;
	}
	if (record_space)
		RecordPageWithFreeSpace(v->rel, block, space);
}

static void
scan_pages(PsVacuum *v, BlockNumber *fsm_done)
{
	Chooser		chooser = {.v = v,.vmbuf = InvalidBuffer};
	PsStream   *stream = ps_stream_begin(v->rel, choose_next, &chooser, 0);
	PsPin		pin = PS_NO_PIN;
	Buffer		vmbuf = InvalidBuffer;
	BlockNumber failsafe_checked = 0;

	ps_vacuum_limit_pages(v, stream);
	while (ps_stream_next(stream, &pin))
	{
		BlockNumber block = pin.block;

		v->scanned++;
		pgstat_progress_update_param(PROGRESS_VACUUM_HEAP_BLKS_SCANNED, block);
		(void) ps_vacuum_at(v, PS_VACUUM_SCAN, block);
		vacuum_delay_point(false);

		if (block - failsafe_checked >= FAILSAFE_EVERY)
		{
			(void) ps_vacuum_failsafe(v);
			failsafe_checked = block;
		}
		if (!ps_dead_has_room(v->dead))
			vacuum_round_midway(v, &pin, &vmbuf, fsm_done);

		/* Before the latch is taken: it may need I/O. */
		visibilitymap_pin(v->rel, block, &vmbuf);
		scan_page(v, &pin, &vmbuf, fsm_done);
	}
	ps_stream_end(stream);

	v->at.block = InvalidBlockNumber;
	ps_vm_release(&vmbuf);
	ps_vm_release(&chooser.vmbuf);
}

void
ps_vacuum_scan(PsVacuum *v)
{
	const int	params[] = {
		PROGRESS_VACUUM_PHASE,
		PROGRESS_VACUUM_TOTAL_HEAP_BLKS,
		PS_PROGRESS_DEAD_CAPACITY
	};
	const int64 values[] = {
		PROGRESS_VACUUM_PHASE_SCAN_HEAP,
		v->pages,
		ps_dead_capacity(v->dead)
	};
	BlockNumber fsm_done = 0;

	pgstat_progress_update_multi_param(lengthof(params), params, values);
	scan_pages(v, &fsm_done);
	pgstat_progress_update_param(PROGRESS_VACUUM_HEAP_BLKS_SCANNED, v->pages);

	v->total_live = vac_estimate_reltuples(v->rel, v->pages, v->scanned, v->live);
	v->total_rows = Max(v->total_live, 0) + v->recently_dead + v->missed;

	if (ps_dead_count(v->dead) > 0)
		ps_vacuum_round(v);
	if (v->pages > fsm_done)
		FreeSpaceMapVacuumRange(v->rel, fsm_done, v->pages);
	pgstat_progress_update_param(PROGRESS_VACUUM_HEAP_BLKS_VACUUMED, v->pages);

	if (v->nindexes > 0 && v->index_cleanup)
		ps_vacuum_cleanup_indexes(v);
}
