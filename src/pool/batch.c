/*
 * batch.c
 *		Many dirty pages to disk, many writes at a time.
 *
 * Pages come sorted by relation and block.  They are claimed into a batch,
 * adjacent ones side by side, to go in one write; WAL is flushed once for all
 * of them, their writes are started together, and while the disk has these the
 * next batch is claimed.  When a batch is over its syncs are requested, one
 * per segment, and its frames turn clean.
 *
 *		claim A | start A | claim B | start B | end of A | claim A | start A | ...
 *		        |- in flight ---------------------------|
 *		                            |- in flight ----------------------------- ...
 *
 * Whoever holds a latch may wait for a page that is claimed here.  So nothing
 * is waited for meanwhile but WAL and the disk, above all no latch: a page that
 * can't be claimed at once is left for the end, when nothing is claimed any
 * more.  So is one whose write has not gone well.  What is left is written
 * page by page (flush.c), with patience, and with an error that tells the cause.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "debug/stop.h"
#include "io/aio.h"
#include "io/file.h"
#include "miscadmin.h"
#include "pool/batch.h"
#include "pool/frame.h"
#include "pool/iostat.h"
#include "pool/pieces.h"
#include "pool/stats.h"
#include "server/checksum.h"
#include "utils/memutils.h"

#define BATCH_WRITES (PS_IO_MAX_WRITES / 2)
#define BATCH_PAGES 256

/* What is claimed at a time does not exceed this share of the pool, twice. */
#define POOL_SHARE 16

StaticAssertDecl(BATCH_PAGES >= PS_IO_MAX_PAGES, "a batch has room for the largest write");

typedef struct Batch
{
	char	   *copies;			/* of the pages, BATCH_PAGES at most */
	PsFrame		frames[BATCH_PAGES];	/* where each comes from: pinned raw,
										 * WRITING */
	int			npages;
	PsIoWrite	writes[BATCH_WRITES];	/* each of adjacent copies */
	int			nwrites;
	XLogRecPtr	lsn;			/* highest of the WAL-logged ones */
	bool		started;
} Batch;

static Batch *batches = NULL;	/* two */

/* One call of ps_flush_pages(). */
typedef struct Round
{
	Batch	   *claimed;		/* being filled */
	Batch	   *started;		/* perhaps in flight, or empty */
	PsTag	   *left;			/* the caller's array, as far as it is used up */
	uint32		nleft;
	PsFlushReason reason;
} Round;

/* Only touched pages cost memory. */
static void
prepare_batches(void)
{
	char	   *copies;

	if (batches != NULL)
		return;
	copies = MemoryContextAlloc(TopMemoryContext, (Size) 2 * BATCH_PAGES * BLCKSZ + PS_IO_ALIGN);
	batches = MemoryContextAllocZero(TopMemoryContext, 2 * sizeof(Batch));
	for (int i = 0; i < 2; i++)
		batches[i].copies = (char *) TYPEALIGN(PS_IO_ALIGN, copies) + (Size) i * BATCH_PAGES * BLCKSZ;
}

/* ---- claiming ---- */

static bool
is_full(const Batch *batch)
{
	return batch->nwrites == BATCH_WRITES ||
		batch->npages == Min(BATCH_PAGES, ps_frames_total() / POOL_SHARE);
}

/* Does the page follow the write's in the same segment, and has that room? */
static bool
continues(const PsIoWrite *write, const PsTag *tag)
{
	return tag->block == write->block + write->npages && tag->block % RELSEG_SIZE != 0 &&
		RelFileLocatorEquals(tag->rlocator, write->rlocator) && write->npages < PS_IO_MAX_PAGES;
}

/* Its copy is the batch's last. */
static void
add_to_writes(Batch *batch, const PsTag *tag, char *copy)
{
	PsIoWrite  *write = &batch->writes[batch->nwrites];

	if (batch->nwrites > 0 && continues(write - 1, tag))
	{
		write[-1].npages++;
		return;
	}
	write->rlocator = tag->rlocator;
	write->block = tag->block;
	write->npages = 1;
	write->bytes = copy;
	batch->nwrites++;
}

/* Claim the page if it is still here and wanted; false if it is to be tried again later. */
static bool
claim_page(Batch *batch, const PsTag *tag, PsPageFilter filter, void *arg)
{
	PsFrame		frame = ps_frame_pin_page(tag);
	char	   *copy = batch->copies + (Size) batch->npages * BLCKSZ;
	uint32		state;
	bool		wanted;

	if (frame == PS_NO_FRAME)
		return true;
	PS_STOP("write-before-claim");

	/* the filter sees the state without our pin */
	state = ps_frame_state(frame);
	wanted = filter(ps_frame(frame), state - 1, arg);
	if (!wanted || !ps_flush_claim(frame, copy, &batch->lsn, false))
	{
		ps_frame_unpin_raw(frame);

		/*
		 * of a ghost the state tells nothing: its page may have moved on,
		 * dirty
		 */
		return !wanted && !(state & PS_GHOST);
	}
	batch->frames[batch->npages++] = frame;
	add_to_writes(batch, tag, copy);
	return true;
}

/* ---- writing ---- */

static void
start_batch(Batch *batch)
{
	instr_time	start;

	Assert(!batch->started);
	if (batch->nwrites == 0)
		return;
	for (int i = 0; i < batch->nwrites; i++)
		ps_piece_write_begin(batch->writes[i].rlocator, batch->writes[i].block, batch->writes[i].npages);
	batch->started = true;
	ps_count(PS_COUNT_WRITING, batch->nwrites);

	if (!XLogRecPtrIsInvalid(batch->lsn))
		XLogFlush(batch->lsn);
	for (int i = 0; i < batch->npages; i++)
		ps_page_set_checksum(batch->copies + (Size) i * BLCKSZ, ps_frame(batch->frames[i])->tag.block);

	PS_STOP("write-before-file");
	start = ps_iostat_clock();
	ps_aio_write(batch->writes, batch->nwrites);
	ps_iostat_time_written(start);
}

/* Of each segment that has been written into. */
static void
request_syncs(const Batch *batch)
{
	const PsIoWrite *last = NULL;

	for (const PsIoWrite *write = batch->writes; write < batch->writes + batch->nwrites; write++)
	{
		if (!ps_io_write_is_whole(write))
			continue;
		if (last == NULL || !RelFileLocatorEquals(last->rlocator, write->rlocator) ||
			last->block / RELSEG_SIZE != write->block / RELSEG_SIZE)
			ps_file_request_sync(write->rlocator, write->block);
		last = write;
	}
}

/* Nothing of it is in flight: let go of its frames, clean if they are written and their sync is requested. */
static void
end_batch(Round *round, Batch *batch, bool synced)
{
	int			page = 0;
	int			nwritten = 0;
	int			nwhole = 0;

	if (batch->started)
		ps_count(PS_COUNT_WRITING, -batch->nwrites);
	for (PsIoWrite *write = batch->writes; write < batch->writes + batch->nwrites; write++)
	{
		bool		good = synced && ps_io_write_is_whole(write);

		nwhole += good;
		if (batch->started)
			ps_piece_write_end(write->rlocator, write->block, write->npages);
		for (int i = 0; i < write->npages; i++, page++)
		{
			ps_frame_end_write(batch->frames[page], good);
			ps_frame_unpin_raw(batch->frames[page]);
			if (good)
				nwritten++;
			else
				round->left[round->nleft++] = (PsTag)
			{
				write->rlocator, write->block + i
			};
		}
	}
	Assert(page == batch->npages);
	batch->npages = batch->nwrites = 0;
	batch->lsn = InvalidXLogRecPtr;
	batch->started = false;
	ps_flush_count(round->reason, nwhole, nwritten);
}

static void
finish_batch(Round *round, Batch *batch)
{
	instr_time	start = ps_iostat_clock();

	if (batch->nwrites == 0)
		return;
	ps_aio_write_wait(batch->writes, batch->nwrites);
	ps_iostat_time_written(start);
	PS_STOP("write-before-sync");
	request_syncs(batch);
	PS_STOP("write-before-clean");
	end_batch(round, batch, true);
}

/* Start what is claimed, end what was started before. */
static void
turn(Round *round)
{
	Batch	   *claimed = round->claimed;

	start_batch(claimed);
	finish_batch(round, round->started);
	round->claimed = round->started;
	round->started = claimed;
}

static void
finish_both(Round *round)
{
	turn(round);
	turn(round);
	Assert(round->claimed->npages == 0 && round->started->npages == 0);
}

/* After an error: the frames are as they were. */
static void
abandon_batch(Round *round, Batch *batch)
{
	if (batch->started)
		ps_aio_write_wait(batch->writes, batch->nwrites);
	end_batch(round, batch, false);
}

/* Only if that can be of use: the caller may hold interrupts off, too. */
static bool
interrupts_wait(void)
{
	return unlikely(INTERRUPTS_PENDING_CONDITION()) && InterruptHoldoffCount == 1 && CritSectionCount == 0;
}

/* Returns how many of the tags are left, at the front: a page that could not be claimed at once, or written. */
static uint32
write_batches(PsTag *tags, uint32 n, PsPageFilter filter, void *arg, PsFlushReason reason)
{
	Round		round = {.left = tags,.reason = reason};

	prepare_batches();
	round.claimed = &batches[0];
	round.started = &batches[1];

	/* a FATAL exit would leave frames WRITING for ever */
	HOLD_INTERRUPTS();
	PG_TRY();
	{
		for (uint32 i = 0; i < n; i++)
		{
			PsTag		tag = tags[i];

			if (interrupts_wait())
			{
				finish_both(&round);
				RESUME_INTERRUPTS();
				CHECK_FOR_INTERRUPTS();
				HOLD_INTERRUPTS();
			}
			if (is_full(round.claimed))
				turn(&round);
			if (!claim_page(round.claimed, &tag, filter, arg))
				tags[round.nleft++] = tag;
			Assert(round.nleft <= i + 1);
		}
		finish_both(&round);
	}
	PG_CATCH();
	{
		/* of what has changed since PG_TRY() no local variable is certain */
		Round		lost = {.left = tags,.reason = reason};

		abandon_batch(&lost, &batches[0]);
		abandon_batch(&lost, &batches[1]);
		PG_RE_THROW();
	}
	PG_END_TRY();
	RESUME_INTERRUPTS();
	return round.nleft;
}

void
ps_flush_pages(PsTag *tags, uint32 n, PsPageFilter filter, void *arg, PsFlushReason reason, bool wait)
{
	uint32		nleft = write_batches(tags, n, filter, arg, reason);

	for (uint32 i = 0; i < nleft; i++)
	{
		CHECK_FOR_INTERRUPTS();
		ps_flush_page(&tags[i], filter, arg, reason, wait);
	}
}
