/*
 * flush.c
 *		Dirty frames to disk, one run of adjacent pages at a time.
 *
 * A page is copied under its shared latch into private memory and written from
 * there: no latch that it takes is held over I/O, and what the kernel reads
 * never changes.  WRITING, set in the same hold of the latch as the copy, makes
 * a change that follows mark the frame REDIRTIED; it therefore stays dirty when
 * the write completes.  DIRTY goes only after the checkpointer has been asked
 * for the fsync: whoever finds a frame clean may rely on that.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "common/relpath.h"
#include "debug/stop.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "pool/flush.h"
#include "pool/frame.h"
#include "pool/iostat.h"
#include "pool/pieces.h"
#include "pool/protect.h"
#include "pool/stats.h"
#include "server/checksum.h"
#include "server/compat.h"
#include "server/wait.h"
#include "storage/bufpage.h"
#include "utils/memutils.h"

/* A backend that needs one frame writes few neighbours: its statement waits. */
#define BACKEND_PAGES 16

/* Adjacent pages claimed for one write; page i lies at bounce + i * BLCKSZ. */
typedef struct WriteRun
{
	RelFileLocator rlocator;
	BlockNumber block;			/* of the first */
	int			n;
	XLogRecPtr	lsn;			/* highest of the WAL-logged ones */
	char	   *bytes;			/* the first one's copy */
	PsFrame		frames[PS_IO_MAX_PAGES];
	int			first;			/* the run is frames[first .. first + n) */
	int			done;			/* so many of them are completed */
} WriteRun;

static char *bounce = NULL;		/* room for one run that grows both ways, */
static int	bounce_pages = 0;	/* of so many pages */
static void *bounce_memory = NULL;	/* where it lies */

static char *
bounce_page(int i)
{
	return bounce + (Size) i * BLCKSZ;
}

/* By need: most sessions write no run at all, or a few neighbours. */
static void
prepare_bounce(int pages)
{
	void	   *memory;

	Assert(pages <= PS_IO_MAX_PAGES);
	if (pages <= bounce_pages)
		return;
	memory = MemoryContextAlloc(TopMemoryContext, (Size) pages * BLCKSZ + PS_IO_ALIGN);
	if (bounce_memory != NULL)
		pfree(bounce_memory);
	bounce_memory = memory;
	bounce = (char *) TYPEALIGN(PS_IO_ALIGN, memory);
	bounce_pages = pages;
}

bool
ps_flush_claim(PsFrame frame, char *copy, XLogRecPtr *lsn, bool wait)
{
	PsFrameHeader *header = ps_frame(frame);

	if (wait)
		ps_lock_shared(&header->latch);
	else if (!ps_trylock_shared(&header->latch))
		return false;
	if (!ps_frame_begin_write(frame))
	{
		ps_unlock(&header->latch);
		return false;
	}

	/*
	 * hint bits may be set meanwhile: the copy has them or not, both are
	 * right
	 */
	ps_protect_allow(frame);
	memcpy(copy, ps_frame_bytes(frame), BLCKSZ);
	ps_protect_forbid(frame);
	ps_unlock(&header->latch);

	if (ps_frame_state(frame) & PS_PERMANENT)
		*lsn = Max(*lsn, PageGetLSN(copy));
	return true;
}

/* To place i of the run. */
static bool
claim(WriteRun *run, PsFrame frame, int i, bool wait)
{
	run->frames[i] = frame;
	return ps_flush_claim(frame, bounce_page(i), &run->lsn, wait);
}

/* Claim the page's frame if it is here and dirty; pins it. */
static bool
claim_neighbour(WriteRun *run, BlockNumber block, int i)
{
	PsTag		tag = {run->rlocator, block};
	PsFrame		frame = ps_frame_pin_page(&tag);

	if (frame == PS_NO_FRAME)
		return false;
	if (claim(run, frame, i, false))
		return true;
	ps_frame_unpin_raw(frame);
	return false;
}

/* Add dirty neighbours within the segment, behind and ahead. */
static void
add_neighbours(WriteRun *run, int behind, int ahead)
{
	BlockNumber segment_start = run->block - run->block % RELSEG_SIZE;
	int			room = ps_file_run(run->block, ahead + 1) - 1;

	while (behind-- > 0 && run->block > segment_start &&
		   claim_neighbour(run, run->block - 1, run->first - 1))
	{
		run->block--;
		run->first--;
		run->n++;
	}
	while (room-- > 0 &&
		   claim_neighbour(run, run->block + run->n, run->first + run->n))
		run->n++;
}

/*
 * The file is gone: so is the page.  Whoever removes files forgets their
 * frames first, so somebody has removed, or cut, this one by hand.
 */
static void
drop_claimed(const WriteRun *run, PsFrame frame)
{
	ereport(LOG,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("page of block %u is lost: its place in file \"%s\" does not exist any more",
					ps_frame(frame)->tag.block, relpathperm(run->rlocator, MAIN_FORKNUM).str)));
	ps_frame_detach(frame);
	ps_frame_end_write(frame, false);
}

static bool
write_pages(const WriteRun *run, int from, int n)
{
	BlockNumber block = run->block + from;
	struct iovec iov = {bounce_page(run->first + from), (Size) n * BLCKSZ};
	instr_time	start = ps_iostat_clock();

	if (!ps_file_write(run->rlocator, block, n, &iov, 1, ERROR))
		return false;
	ps_iostat_time_written(start);
	PS_STOP("write-one-before-sync");
	ps_file_request_sync(run->rlocator, block);
	return true;
}

/* Write the claimed pages, completing each; after an error the rest is still claimed. */
static int
write_run(WriteRun *run)
{
	int			written = 0;

	if (!XLogRecPtrIsInvalid(run->lsn))
		XLogFlush(run->lsn);
	for (int i = 0; i < run->n; i++)
		ps_page_set_checksum(bounce_page(run->first + i), run->block + i);

	PS_STOP("write-one-before-file");
	if (write_pages(run, 0, run->n))
	{
		PS_STOP("write-one-before-clean");
		while (run->done < run->n)
			ps_frame_end_write(run->frames[run->first + run->done++], true);
		return run->n;
	}

	/* all or some of them lie in no file: find out one by one */
	while (run->done < run->n)
	{
		PsFrame		frame = run->frames[run->first + run->done];
		bool		good = run->n > 1 && write_pages(run, run->done, 1);

		if (good)
		{
			ps_frame_end_write(frame, true);
			written++;
		}
		else
			drop_claimed(run, frame);
		run->done++;
	}
	return written;
}

/* Writes what is claimed and releases the neighbours, come what may. */
static int
finish_run(WriteRun *run, PsFrame own)
{
	volatile int written = 0;

	ps_piece_write_begin(run->rlocator, run->block, run->n);
	PG_TRY();
	{
		written = write_run(run);
	}
	PG_FINALLY();
	{
		ps_piece_write_end(run->rlocator, run->block, run->n);
		for (int i = 0; i < run->n; i++)
		{
			PsFrame		frame = run->frames[run->first + i];

			if (i >= run->done)
				ps_frame_end_write(frame, false);
			if (frame != own)
				ps_frame_unpin_raw(frame);
		}
	}
	PG_END_TRY();
	return written;
}

void
ps_flush_count(PsFlushReason reason, int requests, int n)
{
	if (n == 0)
		return;
	ps_iostat_written(requests, n);
	switch (reason)
	{
		case PS_FLUSH_WRITER:
			ps_count(PS_COUNT_WRITES_WRITER, n);
			break;
		case PS_FLUSH_CHECKPOINT:
			ps_count(PS_COUNT_WRITES_CHECKPOINT, n);
			break;
		case PS_FLUSH_BACKEND:
		case PS_FLUSH_COMMAND:
			ps_count(PS_COUNT_WRITES_BACKEND, n);
			pgBufferUsage.shared_blks_written += n;
			break;
	}
}

void
ps_flush_wait(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);

	if ((ps_frame_state(frame) & PS_WRITING) == 0)
		return;
	ConditionVariablePrepareToSleep(&header->io_cv);
	while (ps_frame_state(frame) & PS_WRITING)
		ConditionVariableSleep(&header->io_cv, ps_wait_event(PS_WAIT_WRITE));
	ConditionVariableCancelSleep();
}

int
ps_flush_frame(PsFrame frame, PsFlushReason reason, bool wait)
{
	const int	pages = reason == PS_FLUSH_BACKEND ? BACKEND_PAGES : PS_IO_MAX_PAGES;
	const int	behind = reason == PS_FLUSH_BACKEND ? BACKEND_PAGES / 2 : 0;
	WriteRun	run;
	int			written;

	prepare_bounce(pages);
	run.rlocator = ps_frame(frame)->tag.rlocator;
	run.block = ps_frame(frame)->tag.block;
	run.lsn = InvalidXLogRecPtr;
	run.first = behind;
	run.n = 1;
	run.done = 0;

	/*
	 * from the claim to its end a FATAL exit would leave frames WRITING for
	 * ever
	 */
	HOLD_INTERRUPTS();
	if (!claim(&run, frame, behind, wait))
	{
		RESUME_INTERRUPTS();
		return 0;
	}
	add_neighbours(&run, behind, pages - behind - 1);
	written = finish_run(&run, frame);
	RESUME_INTERRUPTS();

	ps_flush_count(reason, 1, written);
	return written;
}

/*
 * Returns false if there is still something to do: the page has moved to
 * another frame meanwhile, dirty as it was, or it is being written, or may not
 * be written just now.
 */
static bool
write_page_in(PsFrame frame, PsPageFilter filter, void *arg, PsFlushReason reason, bool wait)
{
	volatile bool refused = false;
	uint32		state;

	/* a raw pin has no owner to release it: no interrupt until it is gone */
	HOLD_INTERRUPTS();
	PG_TRY();
	{
		/*
		 * the pin is ours: a filter that asks for none sees the state without
		 * it
		 */
		if (filter(ps_frame(frame), ps_frame_state(frame) - 1, arg))
			refused = ps_flush_frame(frame, reason, wait) == 0;
	}
	PG_CATCH();
	{
		ps_frame_unpin_raw(frame);
		PG_RE_THROW();
	}
	PG_END_TRY();
	state = ps_frame_state(frame);
	ps_frame_unpin_raw(frame);
	RESUME_INTERRUPTS();
	return (state & PS_GHOST) == 0 &&
		!(refused && (state & PS_DIRTY) && (state & (PS_WRITING | PS_NOWRITE)));
}

/*
 * Let another process's write, or a truncation, which drops the page or fails,
 * come to its end.  Nothing is held, as that process may be stopped: not even
 * a pin, so that this may be another page's frame by now.
 */
static void
pause_at(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);

	CHECK_FOR_INTERRUPTS();
	ConditionVariablePrepareToSleep(&header->io_cv);
	if (ps_frame_state(frame) & (PS_WRITING | PS_NOWRITE))
		(void) ConditionVariableTimedSleep(&header->io_cv, 10, ps_wait_event(PS_WAIT_WRITE));
	ConditionVariableCancelSleep();
}

/* A page that is not here has been written and evicted, or its relation is gone. */
void
ps_flush_page(const PsTag *tag, PsPageFilter filter, void *arg,
			  PsFlushReason reason, bool wait)
{
	PsFrame		frame;

	while ((frame = ps_frame_pin_page(tag)) != PS_NO_FRAME &&
		   !write_page_in(frame, filter, arg, reason, wait) && wait)
		pause_at(frame);
}
