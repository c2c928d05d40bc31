/*
 * scan_bitmap.c
 *		Bitmap scans: the rows of a page that a bitmap names.
 */
#include "postgres.h"

#include "access/xact.h"
#include "am/readahead.h"
#include "am/scan.h"
#include "am/scan_bitmap.h"
#include "am/slot.h"
#include "nodes/tidbitmap.h"
#include "pgstat.h"
#include "row/chain.h"
#include "row/prune.h"

/* Each offset of an exact page starts a HOT chain. */
static void
collect_chains(PsScanDesc *scan, const TBMIterateResult *tbmres)
{
	Relation	rel = scan->base.rs_rd;
	PsRead		guard;

	ps_prune_opportunistic(rel, &scan->pin);
	ps_read_lock(rel, &scan->pin, &guard);
	for (int i = 0; i < tbmres->ntuples; i++)
	{
		ItemPointerData tid;
		PsRow		row;

		ItemPointerSet(&tid, tbmres->blockno, tbmres->offsets[i]);
		if (ps_chain_search(&guard, &tid, scan->base.rs_snapshot, &row, NULL, true))
			scan->visible[scan->nvisible++] = ItemPointerGetOffsetNumber(&tid);
	}
	ps_read_unlock(&guard);
	Assert(scan->nvisible <= MaxHeapTuplesPerPage);
}

bool
ps_scan_bitmap_next_block(TableScanDesc base, struct TBMIterateResult *tbmres)
{
	PsScanDesc *scan = (PsScanDesc *) base;

	scan->current = -1;
	scan->nvisible = 0;

	/*
	 * Blocks added since the scan began hold nothing for its snapshot; but a
	 * serializable reader must meet the rows it does not see.
	 */
	if (tbmres->blockno >= scan->nblocks && !IsolationIsSerializable())
		return false;

	ps_readahead_bitmap(base, tbmres->blockno);
	scan->missed = !ps_pin_move(base->rs_rd, &scan->pin, tbmres->blockno);

	if (tbmres->ntuples >= 0)
		collect_chains(scan, tbmres);
	else
		ps_scan_collect(scan);
	return scan->nvisible > 0;
}

bool
ps_scan_bitmap_next_tuple(TableScanDesc base, struct TBMIterateResult *tbmres, TupleTableSlot *slot)
{
	PsScanDesc *scan = (PsScanDesc *) base;
	PsRow		row;

	if (scan->current + 1 >= scan->nvisible)
		return false;
	row = ps_scan_row(scan, scan->visible[++scan->current]);
	pgstat_count_heap_fetch(base->rs_rd);
	ps_slot_store(slot, &row, &scan->pin);
	return true;
}
