/*
 * analyze.c
 *		ANALYZE reads a sample of a table's pages: count their rows, offer those
 *		worth sampling.
 *
 * A page is judged as a whole under one latch; its rows are then handed out
 * with the pin alone, since the sampler copies them while the pin holds their
 * bytes.
 */
#include "postgres.h"

#include "access/xact.h"
#include "am/analyze.h"
#include "am/analyze_blocks.h"
#include "am/desc.h"
#include "am/slot.h"
#include "row/visibility.h"

static inline TransactionId
update_xid(const PsRow *row)
{
	HeapTupleHeader header = unconstify(HeapTupleHeaderData *, row->header);

	return HeapTupleHeaderGetUpdateXid(header);
}

/*
 * Count as though transactions in progress, but for our own, had not happened:
 * they report their own counts when they commit, and if that is after us the
 * sum is right.  Our own has its counts adjusted by pgstat_report_analyze().
 */
static bool
worth_sampling(const PsRow *row, HTSV_Result state, double *live, double *dead)
{
	switch (state)
	{
		case HEAPTUPLE_LIVE:
			*live += 1;
			return true;
		case HEAPTUPLE_DEAD:
		case HEAPTUPLE_RECENTLY_DEAD:
			*dead += 1;
			return false;
		case HEAPTUPLE_INSERT_IN_PROGRESS:
			if (!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row->header)))
				return false;
			*live += 1;
			return true;
		case HEAPTUPLE_DELETE_IN_PROGRESS:
			if (TransactionIdIsCurrentTransactionId(update_xid(row)))
			{
				*dead += 1;
				return false;
			}
			*live += 1;
			return true;
	}
	pg_unreachable();
}

static void
judge_page(PsScanDesc *scan, double *live, double *dead)
{
	PsRead		guard;
	OffsetNumber last;

	ps_read_lock(scan->base.rs_rd, &scan->pin, &guard);
	last = ps_page_nitems(guard.page);
	scan->nvisible = 0;
	for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
	{
		PsRow		row;
		TransactionId dead_after;

		if (!ps_row_at(&guard, offset, &row))
		{
			/* A dead line pointer is work for vacuum. */
			if (ItemIdIsDead(ps_page_item(guard.page, offset)))
				*dead += 1;
		}
		else if (worth_sampling(&row, ps_row_vacuum_horizon(&guard, &row, &dead_after), live, dead))
			scan->visible[scan->nvisible++] = offset;
	}
	ps_read_unlock(&guard);
	scan->current = -1;
}

bool
ps_analyze_next_tuple(TableScanDesc base, double *liverows,
					  double *deadrows, TupleTableSlot *slot)
{
	PsScanDesc *scan = (PsScanDesc *) base;

	if (scan->current == PS_NOT_JUDGED)
		judge_page(scan, liverows, deadrows);

	if (++scan->current < scan->nvisible)
	{
		PsRow		row = ps_scan_row(scan, scan->visible[scan->current]);

		ps_slot_store(slot, &row, &scan->pin);
		return true;
	}

	/* Neither we nor the slot hold the page any longer. */
	ExecClearTuple(slot);
	ps_unpin(&scan->pin);
	return false;
}
