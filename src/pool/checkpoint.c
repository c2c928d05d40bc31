/*
 * checkpoint.c
 *		All pages that must be on disk: at once, or at the pace of a
 *		checkpoint.
 *
 * The pages owed to a checkpoint are listed once, when it begins.  None can
 * join them: a page that turns dirty later has its record behind the redo
 * pointer.  Each is written if it is still here and still owed when its turn
 * comes, which may be minutes later; what others, such as the writer, have
 * written meanwhile is not written again.
 */
#include "postgres.h"

#include <math.h>

#include "access/xlog.h"
#include "debug/stop.h"
#include "pgstat.h"
#include "pool/batch.h"
#include "pool/checkpoint.h"
#include "pool/frame.h"
#include "pool/iostat.h"
#include "pool/pace.h"
#include "pool/stats.h"
#include "server/compat.h"
#include "storage/buf_internals.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/*
 * Fewer are not worth a look, unless they are the last: adjacent ones are to
 * go in one write.
 */
#define LEAST_PAGES 32

typedef struct DirtyFilter
{
	XLogRecPtr	redo;
	bool		unlogged;
} DirtyFilter;

/* The checkpoint under way; redo is invalid if none is. */
typedef struct Checkpoint
{
	DirtyFilter filter;
	PsPageList	list;
	uint32		done;			/* of the list, from its beginning */
	bool		written;		/* all of it, and that is reported */
	TimestampTz began;
	uint64		written_before; /* counter of written pages, as it began */
	long		took;			/* milliseconds */
} Checkpoint;

static Checkpoint checkpoint;
static MemoryContext context = NULL;	/* of its list */
static uint64 reported = 0;		/* written pages that core's statistics have */

/*
 * What a checkpoint owes the page: a record behind redo is replayed, the
 * change of an unlogged table has none.
 */
static bool
must_write(PsFrameHeader *header, uint32 state, void *arg)
{
	const DirtyFilter *filter = arg;

	if ((state & PS_DIRTY) == 0)
		return false;
	if ((state & PS_PERMANENT) == 0)
		return filter->unlogged;
	return XLogRecPtrIsInvalid(filter->redo) ||
		pg_atomic_read_u64(&header->first_dirty) < filter->redo;
}

void
ps_checkpoint_write_all(void)
{
	DirtyFilter everything = {InvalidXLogRecPtr, true};
	PsPageList	list = ps_pagelist_collect(must_write, &everything);

	ps_flush_pages(list.tags, list.n, must_write, &everything, PS_FLUSH_CHECKPOINT, true);
	ps_pagelist_free(&list);
}

/* Dirty shared buffers: core's part, more or less. */
static uint32
count_shared_dirty(void)
{
	uint32		n = 0;

	for (int i = 0; i < NBuffers; i++)
		if (ps_buffer_state(GetBufferDescriptor(i)) & BM_DIRTY)
			n++;
	return n;
}

bool
ps_checkpoint_is_begun(XLogRecPtr redo)
{
	return checkpoint.filter.redo == redo;
}

void
ps_checkpoint_begin(XLogRecPtr redo, bool unlogged)
{
	DirtyFilter filter = {redo, unlogged};
	MemoryContext saved;
	double		others = count_shared_dirty();

	ps_checkpoint_end();
	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "pagestore checkpoint", ALLOCSET_SMALL_SIZES);
	saved = MemoryContextSwitchTo(context);
	checkpoint.list = ps_pagelist_collect(must_write, &filter);
	MemoryContextSwitchTo(saved);

	checkpoint.filter = filter;
	checkpoint.began = GetCurrentTimestamp();
	checkpoint.written_before = ps_counted(PS_COUNT_WRITES_CHECKPOINT);
	ps_pace_begin(redo, checkpoint.list.n / Max(checkpoint.list.n + others, 1));
}

void
ps_checkpoint_end(void)
{
	if (context != NULL)
		MemoryContextReset(context);
	checkpoint = (Checkpoint)
	{
		0
	};
}

/* Core's statistics have one writer, the checkpointer; but that waits for us. */
static void
report_written(void)
{
	uint64		now = ps_counted(PS_COUNT_WRITES_CHECKPOINT);

	PendingCheckpointerStats.buffers_written += now - reported;
	reported = now;
	pgstat_report_checkpointer();
	ps_iostat_report();
}

static void
report_time(void)
{
	checkpoint.took = TimestampDifferenceMilliseconds(checkpoint.began, GetCurrentTimestamp());
	PendingCheckpointerStats.write_time += checkpoint.took;
	report_written();
}

bool
ps_checkpoint_write_due(void)
{
	uint32		n = checkpoint.list.n;
	uint32		due;

	Assert(!XLogRecPtrIsInvalid(checkpoint.filter.redo) && checkpoint.done <= n);
	if (checkpoint.written)
		return true;			/* it is something else that holds up the
								 * checkpoint */

	due = (uint32) ceil(ps_pace_due() * n);
	if (due == n || due >= checkpoint.done + LEAST_PAGES)
	{
		ps_flush_pages(checkpoint.list.tags + checkpoint.done, due - checkpoint.done,
					   must_write, &checkpoint.filter, PS_FLUSH_CHECKPOINT, true);
		checkpoint.done = due;
		report_written();
	}
	if (checkpoint.done < n)
	{
		PS_STOP("checkpoint-on-schedule");
		return false;
	}
	report_time();
	checkpoint.written = true;
	return true;
}

void
ps_checkpoint_log(void)
{
	uint64		n = ps_counted(PS_COUNT_WRITES_CHECKPOINT) - checkpoint.written_before;

	Assert(checkpoint.written);
	if (log_checkpoints && checkpoint.list.n > 0)
		ereport(LOG,
				(errmsg("checkpoint: wrote " UINT64_FORMAT " pages of pagestore tables (%.1f%%); write=%ld.%03d s",
						n, (double) n * 100 / ps_frames_total(),
						checkpoint.took / 1000, (int) (checkpoint.took % 1000))));
}
