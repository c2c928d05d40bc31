/*
 * iostat.c
 *		What reads and writes add to core's statistics.
 *
 * A hit must cost next to nothing: it adds to this process's own counter alone,
 * and core is told of all of them when the context changes or the transaction
 * ends, which is before core reports.
 */
#include "postgres.h"

#include "executor/instrument.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "pool/iostat.h"
#include "pool/stats.h"
#include "server/compat.h"
#include "storage/bufmgr.h"

static IOContext current = IOCONTEXT_NORMAL;
static uint64 hits_told = 0;	/* of this process's counter */

/* Some kinds of process have not all contexts: autovacuum's writes in bulk are like any. */
static inline IOContext
tracked(IOContext context, IOOp op)
{
	return ps_core_tracks_io(context, op) ? context : IOCONTEXT_NORMAL;
}

/* ---- numbers ---- */

static void
count(IOContext context, IOOp op, int requests, int pages)
{
	ps_core_count_io(tracked(context, op), op, requests, pages);
}

static void
tell_hits(void)
{
	uint64		hits;

	if (ps_my_counters == NULL)
		return;
	hits = ps_my_counters->n[PS_COUNT_HITS];

	/* what the slot's process before us has counted is not ours */
	hits_told = Max(hits_told, ps_my_counters->before[PS_COUNT_HITS]);
	while (hits_told < hits)
	{
		int			n = Min(hits - hits_told, INT_MAX);

		count(current, IOOP_HIT, n, n);
		hits_told += n;
	}
}

IOContext
ps_iostat_enter(IOContext context)
{
	IOContext	before = current;

	if (context != before)
	{
		tell_hits();
		current = context;
	}
	return before;
}

void
ps_iostat_read(int requests, int pages)
{
	count(current, IOOP_READ, requests, pages);
}

void
ps_iostat_around(int pages)
{
	count(IOCONTEXT_BULKREAD, IOOP_READ, 1, pages);
}

void
ps_iostat_around_shared(int pages)
{
	count(IOCONTEXT_BULKREAD, IOOP_HIT, pages, pages);
}

void
ps_iostat_written(int requests, int pages)
{
	count(current, IOOP_WRITE, requests, pages);
}

void
ps_iostat_evicted(void)
{
	count(current, IOOP_EVICT, 1, 1);
}

void
ps_iostat_reused(void)
{
	count(current, IOOP_REUSE, 1, 1);
}

void
ps_iostat_at_xact_end(void)
{
	(void) ps_iostat_enter(IOCONTEXT_NORMAL);
	tell_hits();
}

void
ps_iostat_at_subxact_abort(void)
{
	(void) ps_iostat_enter(IOCONTEXT_NORMAL);
}

void
ps_iostat_report(void)
{
	ps_iostat_at_xact_end();
	ps_core_report_io();
}

/* ---- time ---- */

instr_time
ps_iostat_clock(void)
{
	instr_time	now;

	INSTR_TIME_SET_ZERO(now);
	if (track_io_timing)
		INSTR_TIME_SET_CURRENT(now);
	return now;
}

/* Tell core of the time since then, and return it; 0 if nobody asks for it, or did not when it began. */
static uint64
tell_time(IOContext context, IOOp op, instr_time start)
{
	instr_time	spent;

	if (!track_io_timing || INSTR_TIME_IS_ZERO(start))
		return 0;
	INSTR_TIME_SET_CURRENT(spent);
	INSTR_TIME_SUBTRACT(spent, start);
	ps_core_count_io_time(tracked(context, op), op, start, spent);
	return INSTR_TIME_GET_MICROSEC(spent);
}

void
ps_iostat_time_read(instr_time start)
{
	ps_count(PS_COUNT_READ_TIME, tell_time(current, IOOP_READ, start));
}

void
ps_iostat_time_around(instr_time start)
{
	ps_count(PS_COUNT_READ_TIME, tell_time(IOCONTEXT_BULKREAD, IOOP_READ, start));
}

void
ps_iostat_time_written(instr_time start)
{
	ps_count(PS_COUNT_WRITE_TIME, tell_time(current, IOOP_WRITE, start));
}

void
ps_iostat_extended(instr_time start)
{
	count(current, IOOP_EXTEND, 1, 1);
	pgBufferUsage.shared_blks_written++;
	if (PS_EXTENSION_IS_TIMED)
		tell_time(current, IOOP_EXTEND, start);
}
