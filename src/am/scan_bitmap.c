/*
 * scan_bitmap.c
 *		Bitmap scans: the rows of a page that a bitmap names.
 */
#include "postgres.h"

#include "am/scan.h"
#include "am/scan_bitmap.h"
#include "am/slot.h"
#include "pgstat.h"
#include "row/chain.h"
#include "row/prune.h"

/* Each offset starts a HOT chain. */
static void
collect_chains(PsScanDesc *scan, const OffsetNumber *offsets, int n)
{
	Relation	rel = scan->base.rs_rd;
	PsRead		guard;

	ps_prune_opportunistic(rel, &scan->pin, ps_scan_map(scan));
	ps_read_lock(rel, &scan->pin, &guard);
	for (int i = 0; i < n; i++)
	{
		ItemPointerData tid;
		PsRow		row;

		ItemPointerSet(&tid, scan->pin.block, offsets[i]);
		if (ps_chain_search(&guard, &tid, scan->base.rs_snapshot, &row, NULL, true))
			scan->visible[scan->nvisible++] = ItemPointerGetOffsetNumber(&tid);
	}
	ps_read_unlock(&guard);
	Assert(scan->nvisible <= MaxHeapTuplesPerPage);
}

void
ps_scan_bitmap_collect(PsScanDesc *scan, const OffsetNumber *offsets, int n, bool all)
{
	scan->current = -1;
	scan->nvisible = 0;
	if (all)
		ps_scan_collect(scan);
	else
		collect_chains(scan, offsets, n);
}

bool
ps_scan_bitmap_next(PsScanDesc *scan, TupleTableSlot *slot)
{
	PsRow		row;

	if (scan->current + 1 >= scan->nvisible)
		return false;
	row = ps_scan_row(scan, scan->visible[++scan->current]);
	pgstat_count_heap_fetch(scan->base.rs_rd);
	ps_slot_store(slot, &row, &scan->pin);
	return true;
}
