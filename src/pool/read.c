/*
 * read.c
 *		Pin a page, reading it if it is not here.
 *
 * A frame under read is in the table, READING, pinned by the read.  A reader
 * that waits for it drives the request itself (any process can complete any
 * request), or sleeps on io_cv while its reader works synchronously.  When a
 * read fails the frame leaves the table and whoever waited tries for itself,
 * so that each who needs the page reports its own error.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/catalog.h"
#include "debug/stop.h"
#include "miscadmin.h"
#include "pool/curve.h"
#include "pool/evict.h"
#include "pool/frame.h"
#include "pool/iostat.h"
#include "pool/pin.h"
#include "pool/protect.h"
#include "pool/read.h"
#include "pool/replacement.h"
#include "pool/stats.h"
#include "pool/table.h"
#include "server/checksum.h"
#include "server/compat.h"
#include "server/wait.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "utils/guc.h"

bool		(*ps_pool_page_check) (const char *page, const char **why, OffsetNumber *offset);

/* Of a page expected: its header and the line pointers of many rows. */
#define EXPECTED_BYTES	256

/* ---- a page found ---- */

/*
 * Pin the frame for this process if it holds the page: its state before, which
 * is not 0; 0 if it does not.
 */
static uint32
pin_frame(PsFrame frame, const PsTag *tag)
{
	uint32		was;

	if (ps_frame_pins_own(frame) > 0)
	{
		/* Our own pin keeps the tag; only a ghost is of no use. */
		was = ps_frame_state(frame);
		if (!(was & PS_TAGGED) || !ps_tag_equal(&ps_frame(frame)->tag, tag))
			return 0;
	}
	else
	{
		if (!ps_frame_pin_tagged(frame, PS_AHEAD | PS_IDLE, &was))
			return 0;
		if (unlikely(!ps_tag_equal(&ps_frame(frame)->tag, tag)))
		{
			ps_frame_unpin_raw(frame);
			return 0;
		}
	}
	ps_frame_pin_note(frame);
	return was;
}

/* The sure way, when the guess has failed. */
static PsFrame
pin_under_lock(const PsTag *tag, uint32 hash, uint32 *was)
{
	PsFrame		frame;

	ps_lock_shared(ps_table_lock(hash));
	frame = ps_table_find(tag, hash);
	if (frame != PS_NO_FRAME && (*was = pin_frame(frame, tag)) == 0)
		elog(PANIC, "pagestore: frame %u is in the page table but not tagged", frame);
	ps_unlock(ps_table_lock(hash));
	return frame;
}

/*
 * The process that asked for the read may be stopped, and the kernel completes
 * nothing for one that is.  So patience has an end: the page leaves the frame,
 * which belongs to the read alone from then on, and is read again by whoever
 * needs it.  Only once the request is named: before, and for synchronous
 * reads, the frame is in its reader's hands.
 */
void
ps_frame_wait_read(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);

	while (ps_frame_state(frame) & PS_READING)
	{
		PsAioRef	ref = ps_frame_aio(frame);

		if (ref.id != 0 && !ps_aio_wait_slice(ref))
		{
			if (!ps_aio_is_late(ref))
				continue;
			PS_STOP("read-late");
			ps_frame_leave_to_read(frame);
			return;
		}

		/*
		 * A synchronous reader, a request not made yet, or another process in
		 * its completion.
		 */
		ConditionVariablePrepareToSleep(&header->io_cv);
		if ((ps_frame_state(frame) & PS_READING) && ps_aio_pack(ps_frame_aio(frame)) == ps_aio_pack(ref))
			(void) ConditionVariableTimedSleep(&header->io_cv, 100, ps_wait_event(PS_WAIT_READ));
		ConditionVariableCancelSleep();
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- a page to read ---- */

/* Errors as core's for the same page in shared_buffers. */
static void
short_read(const PsTag *tag)
{
	RelPathStr	base = relpathperm(tag->rlocator, MAIN_FORKNUM);
	BlockNumber segment = tag->block / RELSEG_SIZE;
	char	   *path = segment > 0 ? psprintf("%s.%u", base.str, segment) : base.str;

	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("could not read block %u in file \"%s\": read only %d of %d bytes",
					tag->block, path, 0, BLCKSZ)));
}

static void
verify_page(char *page, const PsTag *tag)
{
	const char *why = NULL;
	OffsetNumber offset = InvalidOffsetNumber;
	bool		good;

	good = ps_page_is_verified(page, tag->block, true, tag->rlocator.dbOid);
	if (good && ps_pool_page_check(page, &why, &offset))
		return;

	ereport(zero_damaged_pages ? WARNING : ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 zero_damaged_pages ?
			 errmsg("invalid page in block %u of relation %s; zeroing out page",
					tag->block, relpathperm(tag->rlocator, MAIN_FORKNUM).str) :
			 errmsg("invalid page in block %u of relation %s",
					tag->block, relpathperm(tag->rlocator, MAIN_FORKNUM).str),
			 why ? errdetail("%s (offset number %u)", why, offset) : 0));
	memset(page, 0, BLCKSZ);
}

static void
read_page(PsFrame frame, const PsTag *tag)
{
	char	   *page = ps_frame_bytes(frame);
	struct iovec iov = {page, BLCKSZ};
	instr_time	start = ps_iostat_clock();

	if (ps_file_read(tag->rlocator, tag->block, 1, &iov, 1) != 1)
	{
		if (!zero_damaged_pages)
			short_read(tag);
		memset(page, 0, BLCKSZ);
	}
	ps_iostat_time_read(start);
	verify_page(page, tag);
}

static PsFrame
enter_new(const PsRelKey *rel, const PsTag *tag, uint32 hash)
{
	PsFrame		frame = ps_frame_take(true, false);

	ps_protect_allow(frame);
	memset(ps_frame_bytes(frame), 0, BLCKSZ);
	ps_protect_forbid(frame);
	if (!ps_frame_enter(frame, rel, tag, hash, PS_VALID, false))
		return PS_NO_FRAME;
	ps_frame_pin_note(frame);
	return frame;
}

static PsFrame
enter_and_read(const PsRelKey *rel, const PsTag *tag, uint32 hash)
{
	PsFrame		frame = ps_frame_take(true, false);

	if (!ps_frame_enter(frame, rel, tag, hash, PS_READING, false))
		return PS_NO_FRAME;
	ps_frame_pin_note(frame);
	ps_count(PS_COUNT_READS, 1);
	ps_iostat_read(1, 1);
	PG_TRY();
	{
		read_page(frame, tag);
	}
	PG_CATCH();
	{
		ps_frame_end_read(frame, false);
		ps_pool_unpin(frame);
		PG_RE_THROW();
	}
	PG_END_TRY();
	ps_frame_end_read(frame, true);
	return frame;
}

/* The block has just been added to the file: its frame, if there is one, must be empty. */
static void
check_new(PsFrame frame, const PsTag *tag)
{
	if (!PageIsNew(ps_frame_bytes(frame)))
	{
		ps_pool_unpin(frame);
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unexpected data beyond EOF in block %u of relation %s",
						tag->block, relpathperm(tag->rlocator, MAIN_FORKNUM).str)));
	}
}

/* Wait for the read of a pinned frame; false, and unpinned, when its page is not here then. */
static bool
await_read(PsFrame frame)
{
	instr_time	start = ps_iostat_clock();

	ps_frame_wait_read(frame);
	ps_iostat_time_read(start);
	if (ps_frame_state(frame) & PS_VALID)
		return true;
	ps_pool_unpin(frame);
	return false;
}

/* The page was here, and not for its first use after read-ahead. */
static inline PsFrame
count_hit(PsFrame frame, bool *hit)
{
	ps_policy->hit(frame);
	ps_my_counters->n[PS_COUNT_HITS]++;
	if (hit != NULL)
		*hit = true;
	return frame;
}

/*
 * All that is not a plain hit.  guess: a frame that the page may be in, not
 * pinned, or PS_NO_FRAME; or, with was not 0, the page's, pinned, with the
 * state that it had before.  Apart, so that the tag of the plain case stays in
 * registers.
 */
static pg_noinline PsFrame
pin_slowly(const PsRelKey *rel, BlockNumber block, uint32 hash, PsFetch how,
		   PsFrame guess, uint32 was, bool *hit)
{
	PsTag		tag = {rel->rlocator, block};
	PsFrame		frame = PS_NO_FRAME;

	if (hit != NULL)
		*hit = false;
	if (ps_curve_samples(hash))
		ps_curve_use(hash);
	if (was != 0 || (guess != PS_NO_FRAME && (was = pin_frame(guess, &tag)) != 0))
		frame = guess;
	do
	{
		if (frame == PS_NO_FRAME)
			frame = pin_under_lock(&tag, hash, &was);

		if (frame != PS_NO_FRAME)
		{
			if (!(was & PS_VALID) && !await_read(frame))
				frame = PS_NO_FRAME;
			else if (how == PS_FETCH_NEW)
				check_new(frame, &tag);
			if (frame != PS_NO_FRAME && !(was & PS_AHEAD))
				return count_hit(frame, hit);
		}
		else if (how == PS_FETCH_READ)
			frame = enter_and_read(rel, &tag, hash);
		else
			frame = enter_new(rel, &tag, hash);
	} while (frame == PS_NO_FRAME);
	return frame;
}

/*
 * The plain case: the page is here, this process has not pinned it (its bucket
 * is empty), and its uses are not sampled.
 */
PsFrame
ps_pool_pin(const PsRelKey *rel, BlockNumber block, PsFetch how, bool *hit)
{
	PsTag		tag = {rel->rlocator, block};
	uint32		hash = ps_tag_hash(&tag);
	PsFrame		frame;
	PsNote	   *bucket;
	uint32		was;

	ps_frame_pin_reserve();
	frame = ps_table_find(&tag, hash);
	bucket = ps_notes_bucket(&ps_frame_pins, frame);
	if (unlikely(frame == PS_NO_FRAME || bucket->count != 0 ||
				 !ps_frame_pin_tagged(frame, PS_AHEAD | PS_IDLE, &was)))
		return pin_slowly(rel, block, hash, how, frame, 0, hit);
	if (unlikely(!ps_tag_equal(&ps_frame(frame)->tag, &tag)))
	{
		ps_frame_unpin_raw(frame);
		return pin_slowly(rel, block, hash, how, PS_NO_FRAME, 0, hit);
	}
	ps_frame_pin_note_first(frame, bucket);
	if (unlikely((was & (PS_VALID | PS_AHEAD)) != PS_VALID || how == PS_FETCH_NEW ||
				 ps_curve_samples(hash)))
		return pin_slowly(rel, block, hash, how, frame, was, hit);
	return count_hit(frame, hit);
}

/*
 * A page that nobody has used since it was read ahead is left alone: its first
 * pin takes that mark away, and then its first use would count as a hit.
 */
PsFrame
ps_pool_pin_resident(const PsRelKey *rel, BlockNumber block)
{
	PsTag		tag = {rel->rlocator, block};
	PsFrame		frame;
	uint32		was;

	ps_frame_pin_reserve();
	frame = ps_table_find(&tag, ps_tag_hash(&tag));
	if (frame == PS_NO_FRAME || (ps_frame_state(frame) & (PS_VALID | PS_AHEAD)) != PS_VALID ||
		(was = pin_frame(frame, &tag)) == 0)
		return PS_NO_FRAME;
	if (likely(was & PS_VALID))
		return frame;
	ps_pool_unpin(frame);
	return PS_NO_FRAME;
}

void
ps_pool_count_hit(PsFrame frame)
{
	uint32		hash = ps_tag_hash(&ps_frame(frame)->tag);

	Assert(ps_frame_pins_own(frame) > 0);
	if (unlikely(ps_curve_samples(hash)))
		ps_curve_use(hash);
	(void) count_hit(frame, NULL);
}

void
ps_pool_expect(const PsRelKey *rel, BlockNumber next, BlockNumber later)
{
	PsTag		tag = {rel->rlocator, later};
	PsFrame		frame;

	__builtin_prefetch((const PsRef *) ps_table_bucket(ps_tag_hash(&tag)));
	tag.block = next;
	frame = ps_deref(*ps_table_bucket(ps_tag_hash(&tag)));
	if (frame != PS_NO_FRAME)
	{
		const char *page = ps_frame_bytes(frame);

		__builtin_prefetch(ps_frame(frame));
		for (int i = 0; i < EXPECTED_BYTES; i += 64)
			__builtin_prefetch(page + i);
	}
}

void
ps_pool_expect_look(const PsRelKey *rel, BlockNumber block)
{
	PsTag		tag = {rel->rlocator, block};

	__builtin_prefetch((const PsRef *) ps_table_bucket(ps_tag_hash(&tag)));
}

bool
ps_pool_resident(const PsRelKey *rel, BlockNumber block)
{
	PsTag		tag = {rel->rlocator, block};

	return ps_table_has(&tag, ps_tag_hash(&tag));
}

bool
ps_pool_is_reading(const PsRelKey *rel, BlockNumber block)
{
	PsTag		tag = {rel->rlocator, block};
	PsFrame		frame = ps_table_find(&tag, ps_tag_hash(&tag));

	return frame != PS_NO_FRAME && (ps_frame_state(frame) & PS_READING) != 0 &&
		!ps_aio_done(ps_frame_aio(frame));
}
