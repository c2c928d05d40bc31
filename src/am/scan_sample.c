/*
 * scan_sample.c
 *		TABLESAMPLE: blocks and rows chosen by a sampling method.
 */
#include "postgres.h"

#include "access/tsmapi.h"
#include "am/scan.h"
#include "am/scan_sample.h"
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
		(void) ps_pin_move(base->rs_rd, &scan->pin, block);
	}

	if (judges_pages(scan))
		ps_scan_collect(scan);
	return true;
}

/* Is it among the rows listed, in ascending order, by ps_scan_collect()? */
static bool
among_visible(const PsScanDesc *scan, OffsetNumber offset)
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

/* The sampler's next choice that is a row of the page in hand; false: it is done with the page. */
static bool
next_choice(PsScanDesc *scan, struct SampleScanState *state, OffsetNumber nitems,
			OffsetNumber *offset, PsRow *row)
{
	do
	{
		CHECK_FOR_INTERRUPTS();
		*offset = state->tsmroutine->NextSampleTuple(state, scan->pin.block, nitems);
		if (!OffsetNumberIsValid(*offset))
			return false;
	} while (!ps_page_row(scan->pin.page, RelationGetRelid(scan->base.rs_rd), scan->pin.block,
						  *offset, row));
	return true;
}

/* The page has been judged as a whole: the next choice among the rows listed. */
static bool
choose_listed(PsScanDesc *scan, struct SampleScanState *state, TupleTableSlot *slot)
{
	OffsetNumber nitems = ps_page_nitems(scan->pin.page);
	OffsetNumber offset;
	PsRow		row;

	while (next_choice(scan, state, nitems, &offset, &row))
		if (among_visible(scan, offset))
		{
			ps_slot_store(slot, &row, &scan->pin);
			return true;
		}
	return false;
}

/* Each choice is judged by itself, under a guard. */
static bool
choose_visible(PsScanDesc *scan, struct SampleScanState *state, TupleTableSlot *slot)
{
	Snapshot	snapshot = scan->base.rs_snapshot;
	PsRead		guard;
	OffsetNumber nitems;
	OffsetNumber offset;
	PsRow		row;
	bool		found = false;

	ps_read_lock(scan->base.rs_rd, &scan->pin, &guard);
	nitems = ps_page_nitems(guard.page);
	while (!found && next_choice(scan, state, nitems, &offset, &row))
	{
		found = ps_row_visible(&guard, &row, snapshot);
		ps_row_conflict_out(&guard, found, &row, snapshot);
	}
	if (found)
		ps_slot_store(slot, &row, &scan->pin);
	ps_read_unlock(&guard);
	return found;
}

bool
ps_scan_sample_next_tuple(TableScanDesc base, struct SampleScanState *state, TupleTableSlot *slot)
{
	PsScanDesc *scan = (PsScanDesc *) base;
	bool		found;

	found = judges_pages(scan) ? choose_listed(scan, state, slot) : choose_visible(scan, state, slot);
	if (!found)
	{
		ExecClearTuple(slot);
		return false;
	}
	pgstat_count_heap_getnext(base->rs_rd);
	return true;
}
