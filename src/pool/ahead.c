/*
 * ahead.c
 *		Pages read ahead of their use.
 *
 * Each page gets a frame, which is in the table, READING, before its read has
 * a name; then all reads of one segment are handed to the kernel together.  No
 * code but ours runs in between, so that those who meet the frames wait no
 * longer than for a synchronous read.
 */
#include "postgres.h"

#include "debug/stop.h"
#include "io/aio.h"
#include "pool/ahead.h"
#include "pool/evict.h"
#include "pool/frame.h"
#include "pool/iostat.h"
#include "pool/pin.h"
#include "pool/protect.h"
#include "pool/read.h"
#include "pool/relcount.h"
#include "pool/stats.h"
#include "pool/table.h"
#include "server/checksum.h"

/* Frames that reads ahead may hold: a quarter of the pool. */
#define AHEAD_SHARE 4

/* Frames under read, of blocks of one segment, and their reads: not started yet. */
typedef struct Batch
{
	int			n;
	int			nreads;
	uint32		frames[PS_AHEAD_MAX];
	struct iovec iov[PS_AHEAD_MAX];
	PsIoRead	reads[PS_IO_MAX_READS];
} Batch;

StaticAssertDecl(PS_AHEAD_MAX <= PS_IO_MAX_PAGES, "all may be one read");

/*
 * A page read ahead has arrived.  Errors are not reported here, where nobody
 * may need the page: a page that does not verify is not kept.
 */
void
ps_pool_read_done(const uint32 *cookies, int ncookies, ssize_t result)
{
	for (int i = 0; i < ncookies; i++)
	{
		PsFrame		frame = cookies[i];
		bool		good = result >= (ssize_t) (i + 1) * BLCKSZ;

		if (good)
		{
			char	   *page = ps_frame_bytes(frame);
			const char *why;
			OffsetNumber offset;

			ps_protect_allow(frame);
			good = ps_page_is_verified(page, ps_frame(frame)->tag.block, false, InvalidOid) &&
				ps_pool_page_check(page, &why, &offset);
			ps_protect_forbid(frame);
		}
		ps_frame_end_read(frame, good);
		ps_frame_unpin_raw(frame);
	}
	pg_atomic_fetch_sub_u32(&ps_pool->nahead, ncookies);
}

/* The request has its name: whoever waits for one of its frames can drive it now. */
static void
name_request(PsAioRef ref, const uint32 *cookies, int ncookies)
{
	for (int i = 0; i < ncookies; i++)
		ps_frame_set_aio(cookies[i], ref);
}

/* A frame in the table for a block to be read ahead; none if it is resident or frames are short. */
static PsFrame
enter_ahead(const PsRelKey *rel, BlockNumber block, bool again)
{
	PsTag		tag = {rel->rlocator, block};
	uint32		hash = ps_tag_hash(&tag);
	PsFrame		frame;

	if (ps_table_find(&tag, hash) != PS_NO_FRAME)
		return PS_NO_FRAME;
	if (pg_atomic_fetch_add_u32(&ps_pool->nahead, 1) < ps_frames_total() / AHEAD_SHARE)
	{
		frame = ps_frame_take(false, true);
		if (frame != PS_NO_FRAME &&
			ps_frame_enter(frame, rel, &tag, hash, PS_READING | PS_AHEAD, again))
			return frame;
	}
	pg_atomic_fetch_sub_u32(&ps_pool->nahead, 1);
	return PS_NO_FRAME;
}

/* ---- a batch ---- */

static inline PsIoRead *
last_read(Batch *batch)
{
	return batch->nreads == 0 ? NULL : &batch->reads[batch->nreads - 1];
}

static bool
has_room(Batch *batch, BlockNumber block)
{
	return batch->nreads == 0 ||
		(batch->n < PS_AHEAD_MAX && batch->nreads < PS_IO_MAX_READS &&
		 block / RELSEG_SIZE == batch->reads[0].block / RELSEG_SIZE);
}

static void
add_frame(Batch *batch, BlockNumber block, PsFrame frame)
{
	PsIoRead   *read = last_read(batch);
	int			i = batch->n++;
	struct iovec *vector;

	batch->frames[i] = frame;
	ps_protect_allow(frame);
	if (read == NULL || block != read->block + read->npages)
	{
		batch->reads[batch->nreads++] = (PsIoRead)
		{
			.block = block,.npages = 1,.iov = &batch->iov[i],.niov = 1,.cookies = &batch->frames[i]
		};
		batch->iov[i] = (struct iovec)
		{
			ps_frame_bytes(frame), BLCKSZ
		};
		return;
	}

	/* its vectors begin where its frames do */
	vector = &batch->iov[i - read->npages + read->niov];
	if (frame == batch->frames[i - 1] + 1)
		vector[-1].iov_len += BLCKSZ;
	else
	{
		*vector = (struct iovec)
		{
			ps_frame_bytes(frame), BLCKSZ
		};
		read->niov++;
	}
	read->npages++;
}

static void
forbid_frames(const Batch *batch)
{
	for (int i = 0; i < batch->n; i++)
		ps_protect_forbid(batch->frames[i]);
}

/* Hand all to the kernel; the batch is empty then.  Returns how many pages, and adds how many reads. */
static int
hand_over(const PsRelKey *rel, Batch *batch, int *requests)
{
	int			n = batch->n;
	bool		found = false;

	if (n == 0)
		return 0;
	PG_TRY();
	{
		PS_STOP("ahead-entered");
		found = ps_aio_read_frames(rel->rlocator, batch->reads, batch->nreads, name_request);
	}
	PG_CATCH();
	{
		/* nothing was started: as if the reads had failed */
		forbid_frames(batch);
		ps_pool_read_done(batch->frames, n, -EIO);
		PG_RE_THROW();
	}
	PG_END_TRY();

	/* where this matters reads are synchronous: they are over */
	forbid_frames(batch);
	if (found)
	{
		ps_count(PS_COUNT_PREFETCHED, n);
		ps_iostat_read(batch->nreads, n);
		ps_relcount(&rel->rlocator, PS_REL_READ_AHEAD, n);
	}
	else
		ps_pool_read_done(batch->frames, n, -ENOENT);	/* who needs a page will
														 * say so */
	*requests += batch->nreads;
	batch->n = batch->nreads = 0;
	return n;
}

static int
compare_blocks(const void *a, const void *b)
{
	BlockNumber left = *(const BlockNumber *) a;
	BlockNumber right = *(const BlockNumber *) b;

	return (left > right) - (left < right);
}

int
ps_pool_prefetch(const PsRelKey *rel, BlockNumber *blocks, int n, bool again, int *requests)
{
	Batch		batch;
	int			started = 0;

	/* what may fail for this process, before a frame waits for its read */
	ps_frame_pin_reserve();

	qsort(blocks, n, sizeof(BlockNumber), compare_blocks);
	batch.n = batch.nreads = 0;
	for (int i = 0; i < n; i++)
	{
		PsFrame		frame;

		if (!has_room(&batch, blocks[i]))
			started += hand_over(rel, &batch, requests);
		frame = enter_ahead(rel, blocks[i], again);
		if (frame != PS_NO_FRAME)
			add_frame(&batch, blocks[i], frame);
	}
	return started + hand_over(rel, &batch, requests);
}
