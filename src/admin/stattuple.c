/*
 * stattuple.c
 *		pagestore_stattuple(), pagestore_stattuple_approx(): how much of a table
 *		is live rows, dead rows and free space, as pgstattuple tells for heap.
 *
 * The exact one looks at every row; the other takes the free space map's word
 * for pages that the visibility map calls all-visible.
 */
#include "postgres.h"

#include <math.h>

#include "access/heapam.h"
#include "access/relation.h"
#include "access/visibilitymap.h"
#include "admin/row.h"
#include "admin/tool.h"
#include "commands/vacuum.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "page/guard.h"
#include "page/storage.h"
#include "page/stream.h"
#include "row/visibility.h"
#include "row/vm.h"
#include "server/compat.h"
#include "storage/freespace.h"
#include "storage/procarray.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(pagestore_stattuple);
PG_FUNCTION_INFO_V1(pagestore_stattuple_approx);

#define HINT "pgstattuple() of extension pgstattuple is for other relations."

typedef struct Space
{
	Relation	rel;
	BlockNumber nblocks;
	BlockNumber scanned;		/* pages looked at */
	double		live;
	uint64		live_bytes;
	uint64		dead;
	uint64		dead_bytes;
	uint64		free_bytes;

	/* for the approximation */
	TransactionId oldest_xmin;
	Buffer		vmbuf;
	BlockNumber next;
} Space;

typedef bool (*IsLive) (const Space *space, const PsRead *guard, const PsRow *row);

/* A transaction that runs has neither inserted nor deleted yet, but for our own. */
static bool
live_now(const Space *space, const PsRead *guard, const PsRow *row) PS_REQUIRES_SHARED(guard)
{
	SnapshotData dirty;

	InitDirtySnapshot(dirty);
	return ps_row_visible(guard, row, &dirty);
}

/* As VACUUM counts. */
static bool
live_for_vacuum(const Space *space, const PsRead *guard, const PsRow *row) PS_REQUIRES_SHARED(guard)
{
	HTSV_Result state = ps_row_vacuum_state(guard, row, space->oldest_xmin);

	return state == HEAPTUPLE_LIVE || state == HEAPTUPLE_DELETE_IN_PROGRESS;
}

static void
count_rows(Space *space, const PsRead *guard, IsLive is_live) PS_REQUIRES_SHARED(guard)
{
	OffsetNumber nitems = ps_page_nitems(guard->page);

	for (OffsetNumber offset = FirstOffsetNumber; offset <= nitems; offset++)
	{
		PsRow		row;

		if (!ps_row_at(guard, offset, &row))
			continue;
		if (is_live(space, guard, &row))
		{
			space->live++;
			space->live_bytes += row.len;
		}
		else
		{
			space->dead++;
			space->dead_bytes += row.len;
		}
	}
}

/* Count what is on the pages that the callback names. */
static void
count_pages(Space *space, PsStreamNext next, void *arg, IsLive is_live, Size free_of_new)
{
	PsStream   *stream = ps_stream_begin(space->rel, next, arg, 0);
	PsPin		pin = PS_NO_PIN;

	while (ps_stream_next(stream, &pin))
	{
		PsRead		guard;
		Page		page;

		ps_read_lock(space->rel, &pin, &guard);
		page = unconstify(char *, guard.page);
		space->scanned++;
		space->free_bytes += PageIsNew(page) ? free_of_new : ps_page_free_space(page);
		if (!PageIsNew(page))
			count_rows(space, &guard, is_live);
		ps_read_unlock(&guard);
	}
	ps_stream_end(stream);
}

/* The next page that has to be looked at; what is known of those before it is counted. */
static BlockNumber
next_unknown(void *arg)
{
	Space	   *space = arg;

	while (space->next < space->nblocks)
	{
		BlockNumber block = space->next++;
		Size		free;

		CHECK_FOR_INTERRUPTS();
		if (!VM_ALL_VISIBLE(space->rel, block, &space->vmbuf))
			return block;
		free = GetRecordedFreeSpace(space->rel, block);
		space->free_bytes += free;
		space->live_bytes += BLCKSZ - free;
	}
	return InvalidBlockNumber;
}

static double
share(const Space *space, uint64 bytes)
{
	return space->nblocks == 0 ? 0 : 100.0 * bytes / ((uint64) space->nblocks * BLCKSZ);
}

/* To two digits after the point. */
static double
rounded(double x)
{
	return rint(x * 100) / 100;
}

static Datum
row_of(FunctionCallInfo fcinfo, Datum *values, int n)
{
	bool		nulls[16] = {0};

	return HeapTupleGetDatum(heap_form_tuple(ps_result_row(fcinfo, n), values, nulls));
}

/* SQL: pagestore_stattuple(relation regclass) returns record, pgstattuple's columns */
Datum
pagestore_stattuple(PG_FUNCTION_ARGS)
{
	Space		space = {0};
	PsBlockRange range = {0};
	Datum		values[9];
	int			n = 0;

	space.rel = ps_tool_open(PG_GETARG_OID(0), 0, InvalidOid, HINT);
	space.nblocks = range.end = ps_nblocks(space.rel);
	count_pages(&space, ps_next_block, &range, live_now, 0);
	relation_close(space.rel, AccessShareLock);

	values[n++] = Int64GetDatum((int64) space.nblocks * BLCKSZ);
	values[n++] = Int64GetDatum((int64) space.live);
	values[n++] = Int64GetDatum(space.live_bytes);
	values[n++] = Float8GetDatum(rounded(share(&space, space.live_bytes)));
	values[n++] = Int64GetDatum(space.dead);
	values[n++] = Int64GetDatum(space.dead_bytes);
	values[n++] = Float8GetDatum(rounded(share(&space, space.dead_bytes)));
	values[n++] = Int64GetDatum(space.free_bytes);
	values[n++] = Float8GetDatum(rounded(share(&space, space.free_bytes)));
	Assert(n == lengthof(values));
	return row_of(fcinfo, values, n);
}

/* SQL: pagestore_stattuple_approx(relation regclass) returns record, pgstattuple_approx's columns */
Datum
pagestore_stattuple_approx(PG_FUNCTION_ARGS)
{
	Space		space = {0};
	Datum		values[10];
	int			n = 0;
	double		scanned_percent;

	space.rel = ps_tool_open(PG_GETARG_OID(0), 0, InvalidOid, HINT);
	space.nblocks = ps_nblocks(space.rel);
	space.oldest_xmin = GetOldestNonRemovableTransactionId(space.rel);
	space.vmbuf = InvalidBuffer;
	count_pages(&space, next_unknown, &space, live_for_vacuum, BLCKSZ - SizeOfPageHeaderData);
	ps_vm_release(&space.vmbuf);

	/* what is on the other pages is estimated as VACUUM does */
	space.live = Max(vac_estimate_reltuples(space.rel, space.nblocks, space.scanned, space.live), 0);
	relation_close(space.rel, AccessShareLock);
	scanned_percent = space.nblocks == 0 ? 0 : ps_scanned_percent(space.scanned, space.nblocks);

	values[n++] = Int64GetDatum((int64) space.nblocks * BLCKSZ);
	values[n++] = Float8GetDatum(scanned_percent);
	values[n++] = Int64GetDatum((int64) space.live);
	values[n++] = Int64GetDatum(space.live_bytes);
	values[n++] = Float8GetDatum(share(&space, space.live_bytes));
	values[n++] = Int64GetDatum(space.dead);
	values[n++] = Int64GetDatum(space.dead_bytes);
	values[n++] = Float8GetDatum(share(&space, space.dead_bytes));
	values[n++] = Int64GetDatum(space.free_bytes);
	values[n++] = Float8GetDatum(share(&space, space.free_bytes));
	Assert(n == lengthof(values));
	return row_of(fcinfo, values, n);
}
