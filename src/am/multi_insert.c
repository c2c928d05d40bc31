/*
 * multi_insert.c
 *		Insert many rows, a page at a time.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/xact.h"
#include "am/insert.h"
#include "am/multi_insert.h"
#include "am/place.h"
#include "miscadmin.h"
#include "page/usage.h"
#include "pgstat.h"
#include "row/vm.h"
#include "row/wal_change.h"
#include "server/compat.h"
#include "storage/predicate.h"

/* Put the first of n tuples on the page, for which there is room, and as many more as fit. */
static int
fill_page(PsWrite *guard, HeapTuple *tuples, int n, Size reserve) PS_REQUIRES(guard)
{
	int			done = 0;

	do
	{
		ps_place_put(guard, tuples[done], false);
		done++;
	} while (done < n &&
			 PageGetHeapFreeSpace(guard->page) >= MAXALIGN(tuples[done]->t_len) + reserve);
	return done;
}

/* Find a page, fill it, log it; returns the number of tuples stored. */
static int
insert_on_one_page(Relation rel, HeapTuple *tuples, int n, uint32 options, PsPlace *place)
{
	Size		reserve = RelationGetTargetPageFreeSpace(rel, HEAP_DEFAULT_FILLFACTOR);
	PsMultiInsert what = {.tuples = tuples};
	PsNowVisible visible = {.bits = VISIBILITYMAP_ALL_VISIBLE | VISIBILITYMAP_ALL_FROZEN};

	ps_place_find(rel, tuples[0]->t_len, options, place);
	what.page_was_empty = ps_page_nitems(place->guard.page) == 0;

	/* Frozen rows alone on a page: visible to all, and in no need of vacuum. */
	what.all_frozen_set = what.page_was_empty && (options & HEAP_INSERT_FROZEN);

	START_CRIT_SECTION();
	ps_mark_dirty(&place->guard);
	what.count = fill_page(&place->guard, tuples, n, reserve);
	what.last = what.count == n;
	if (what.all_frozen_set)
	{
		visible.map = place->vmbuf;
		if (PS_RECORDS_SET_MAP_BITS)
		{
			what.frozen_map = visible.map;
			(void) ps_vm_set_begin(&place->guard, &visible);
		}
		else
			PageSetAllVisible(place->guard.page);
	}
	else if (!(options & HEAP_INSERT_FROZEN))
		what.all_visible = ps_vm_clear(&place->guard, place->vmbuf);
	if (RelationNeedsWAL(rel))
		ps_wal_multi_insert(&place->guard, &what);
	END_CRIT_SECTION();
	ps_vm_cleared_end(&what.all_visible);

	if (BufferIsValid(what.frozen_map))
		ps_vm_set_end(what.frozen_map);
	else if (what.all_frozen_set)
		(void) ps_vm_set(&place->guard, &visible, false);

	ps_place_leave(place);
	return what.count;
}

void
ps_multi_insert(Relation rel, TupleTableSlot **slots, int nslots, CommandId cid, uint32 options,
				struct BulkInsertStateData *bistate)
{
	HeapTuple  *tuples = palloc(nslots * sizeof(HeapTuple));
	PsPlace		place;
	IOContext	before = ps_usage_enter(bistate ? IOCONTEXT_BULKWRITE : IOCONTEXT_NORMAL);

	Assert(!(options & HEAP_INSERT_NO_LOGICAL));

	for (int i = 0; i < nslots; i++)
	{
		HeapTuple	tuple = ExecFetchSlotHeapTuple(slots[i], true, NULL);

		slots[i]->tts_tableOid = RelationGetRelid(rel);
		tuples[i] = ps_prepare_insert(rel, tuple, cid, options);
	}

	/*
	 * Only to fail before the work is done: the check that counts comes after
	 * it.
	 */
	CheckForSerializableConflictIn(rel, NULL, InvalidBlockNumber);

	ps_place_init(&place);
	for (int done = 0; done < nslots;)
	{
		CHECK_FOR_INTERRUPTS();
		done += insert_on_one_page(rel, tuples + done, nslots - done, options, &place);
	}
	ps_vm_release(&place.vmbuf);

	CheckForSerializableConflictIn(rel, NULL, InvalidBlockNumber);

	for (int i = 0; i < nslots; i++)
		slots[i]->tts_tid = tuples[i]->t_self;
	pgstat_count_heap_insert(rel, nslots);
	(void) ps_usage_enter(before);
}
