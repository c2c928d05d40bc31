/*
 * scan_sample.c
 *		TABLESAMPLE: blocks and rows chosen by a sampling method.
 */
#include "postgres.h"

#include "access/tsmapi.h"
#include "am/am.h"
#include "am/scan.h"
#include "am/slot.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "row/visibility.h"
#include "storage/predicate.h"
#include "utils/fmgroids.h"

/*
 * May the method be asked for blocks ahead of their use?  SYSTEM chooses by
 * the block number alone; others may look at the rows sampled so far.
 */
static bool
blocks_known_ahead(SampleScanState *state)
{
	SampleScan *plan = castNode(SampleScan, state->ss.ps.plan);

	return plan->tablesample->tsmhandler == F_SYSTEM;
}

/*
 * Are all rows of the page judged together?  A method that wants few of them
 * would have us judge those alone, but a private image is the page only when
 * it is handed out, and a cursor may rest for hours between two rows.
 */
static inline bool
judges_pages(const PsScanDesc *scan)
{
	return (scan->base.rs_flags & SO_ALLOW_PAGEMODE) != 0 || scan->pin.origin == PS_RING;
}

bool
ps_scan_sample_next_block(TableScanDesc base, struct SampleScanState *state)
{
	PsScanDesc *scan = (PsScanDesc *) base;
	TsmRoutine *tsm = state->tsmroutine;

	if (scan->nblocks == 0)
		return false;

	scan->sample = (tsm->NextSampleBlock && blocks_known_ahead(state)) ? state : NULL;
	if (tsm->NextSampleBlock == NULL || scan->sample)
	{
		if (!ps_scan_advance(scan, false))
			return false;
	}
	else
	{
		BlockNumber block = tsm->NextSampleBlock(state, scan->nblocks);

		CHECK_FOR_INTERRUPTS();
		if (!BlockNumberIsValid(block))
		{
			ps_unpin(&scan->pin);
			return false;
		}
		ps_pin_move(base->rs_rd, &scan->pin, block);
	}

	if (judges_pages(scan))
		ps_scan_collect(scan);
	return true;
}

/* Is it among the rows listed, in ascending order, by ps_scan_collect()? */
static bool
is_listed(const PsScanDesc *scan, OffsetNumber offset)
{
	int			low = 0,
				high = scan->nvisible;

	while (low < high)
	{
		int			mid = (low + high) / 2;

		if (scan->visible[mid] < offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low < scan->nvisible && scan->visible[low] == offset;
}

bool
ps_scan_sample_next_tuple(TableScanDesc base, struct SampleScanState *state, TupleTableSlot *slot)
{
	PsScanDesc *scan = (PsScanDesc *) base;
	bool		pagemode = judges_pages(scan);
	OffsetNumber nitems;
	OffsetNumber offset;
	PsRead		guard = {0};
	PsRow		row;
	bool		found = false;

	if (!pagemode)
		guard = ps_read_lock(base->rs_rd, &scan->pin);
	nitems = ps_page_nitems(scan->pin.page);

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();

		offset = state->tsmroutine->NextSampleTuple(state, scan->pin.block, nitems);
		if (!OffsetNumberIsValid(offset))
			break;
		if (!ps_page_row(scan->pin.page, RelationGetRelid(base->rs_rd), scan->pin.block, offset, &row))
			continue;
		if (pagemode)
			found = is_listed(scan, offset);
		else
		{
			found = ps_row_visible(&guard, &row, base->rs_snapshot);
			ps_row_conflict_out(&guard, found, &row, base->rs_snapshot);
		}
		if (found)
			break;
	}

	if (found)
		ps_slot_store(slot, &row, &scan->pin);
	if (!pagemode)
		ps_read_unlock(&guard);

	if (!found)
	{
		ExecClearTuple(slot);
		return false;
	}
	pgstat_count_heap_getnext(base->rs_rd);
	return true;
}
