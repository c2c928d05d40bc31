/*
 * stream.c
 *		Pages in a known order, read ahead.
 *
 * Blocks that the callback names are gathered into runs of adjacent ones.  A
 * run is read by one request: into frames of the pool, or, by a large scan,
 * into a piece of its ring.
 *
 *	 runs[]		 head			   unstarted			 tail
 *	  ...gone  | 40-43 | 44-75 | 76-107 | 108-139 | 140.. |	  free...
 *				 used:2	  |		  |		   |		  |
 *	   handed out:	41	  |		  |		   |		  the last run may grow still
 *						  |		  |		   gathered: named by the callback, no read yet
 *						  reads under way, or done
 *
 *				 ahead = blocks from 42 to the last one named
 *				 distance: how many there should be
 *
 * Three kinds of scan differ in where a run goes:
 *
 *	(a) Pages are resident: distance falls to 1, each run is one block, nothing
 *		is started, and a page costs its pin.
 *	(b) Pages have to be read: distance doubles with each, up to max_pool, and a
 *		run grows with it to MAX_RUN_POOL blocks; ps_pool_prefetch() starts it.
 *	(c) The table is large, and images will do: from RING_DISTANCE on a run is
 *		up to a piece of PS_PIECE_PAGES blocks and ends where a piece ends.  Few
 *		blocks that nobody has named, between two that were, are read with them.
 *		A run that names few goes into frames all the same.  But if the table
 *		has been read before, and as far as it is worth the frames
 *		(pool/pass.h), it comes in as in (b).
 *
 *		ring	| piece 0	| piece 1	| ...		| piece 7	|
 *				  ^ run->piece		pins of slots may keep a piece in use
 *
 *		At its turn a page comes from the piece if it is the page as of now, else
 *		from the pool.
 *
 * So a scan that stops early has not read much.
 */
#include "postgres.h"

#include "io/aio.h"
#include "miscadmin.h"
#include "page/ring.h"
#include "page/stream.h"
#include "page/usage.h"
#include "pgstat.h"
#include "pool/ahead.h"
#include "pool/curve.h"
#include "pool/iostat.h"
#include "pool/pass.h"
#include "pool/pieces.h"
#include "pool/pool.h"
#include "pool/read.h"
#include "pool/recycle.h"
#include "pool/relcount.h"
#include "pool/stats.h"
#include "port/pg_bitutils.h"
#include "storage/bufmgr.h"
#include "utils/spccache.h"

#define MAX_AHEAD_POOL	256		/* blocks looked ahead in the pool */
#define MAX_AHEAD_RING	((PS_RING_PIECES - 1) * PS_PIECE_PAGES)
#define MAX_RUN_POOL	32		/* blocks of one request into the pool */
#define MAX_RUNS		128		/* runs gathered, however few blocks they are */
#define RING_DISTANCE	32		/* looking this far ahead, a large scan takes
								 * to its ring */
#define RING_MIN_RUN	8		/* fewer blocks than this are not worth a
								 * piece of it */
#define MAX_GAP			4		/* so many blocks in a run for the ring are
								 * rather read in vain than left out */
#define FEW_RUNS		8		/* room for runs to begin with, a power of two */

/*
 * Blocks to be read together: adjacent, but for gaps in what goes to the ring.
 * One of a backward stream grows downward.
 */
typedef struct Run
{
	BlockNumber first;
	int			n;				/* up to the highest one named */
	uint64		left;			/* named and not yet handed out, a bit each */
	PsRingPiece *piece;			/* where it is read to, if around the pool */
	uint64		served;			/* pages handed out from there, a bit each */
} Run;

StaticAssertDecl(PS_PIECE_PAGES <= 64 && MAX_RUN_POOL <= 64, "a bit for each block of a run");

struct PsStream
{
	Relation	rel;
	PsStreamNext next;
	void	   *arg;
	MemoryContext context;		/* the stream's own */
	bool		images;			/* private images of pages will do */
	bool		backward;		/* blocks are named in descending order */
	bool		scattered;		/* in buffers: core's prefetching, no strategy */
	bool		ended;			/* the callback has no more */
	int			limit;			/* most blocks to ask for ahead */

	/* by where the pages are (settle()): */
	PsOrigin	origin;			/* PS_NOWHERE: not settled yet */
	BlockNumber nblocks;		/* of the table, if it may be read around */
	bool		around;			/* may read around the pool */
	bool		in_pass;		/* has joined a pass over the table */
	bool		comes_in;		/* and its pages may come into the pool */
	int64		frames;			/* of a pool that would have had them all; 0
								 * if that is not known */
	int			max_pool;		/* bounds for the distance: in the pool, or in
								 * buffers */
	int			max_ring;
	BufferAccessStrategy strategy;	/* of a large scan through shared buffers */

	int			distance;		/* blocks to look ahead now */
	int			ahead;			/* blocks in runs, not yet handed out */
	unsigned	head;			/* runs[head .. tail), modulo room */
	unsigned	tail;
	unsigned	unstarted;		/* first run whose read, if it needs one, is
								 * not under way */
	unsigned	room;			/* for runs, a power of two, as many as were
								 * needed yet; 0: runs is NULL */
	Run		   *runs;
	uint64		ring_pages;		/* not yet counted in the pool's statistics */
	uint64		shared_pages;	/* of other scans: the same */
	uint64		pool_pages;		/* of pool_pins(), those by the stream */
	uint64		other_pins;		/* of the pool, not by the stream, when the
								 * ring's last piece was done */
	uint32		passed;			/* not yet counted in the pass */
	PsRing	   *ring;
	PsRecycler *recycler;		/* where few pages are to stay in the pool */
	bool		brought;		/* the page in hand was brought in */
	IOStats    *io;				/* for EXPLAIN (IO); NULL: nobody asks */
};

static inline Run *
run_at(PsStream *stream, unsigned i)
{
	return &stream->runs[i & (stream->room - 1)];
}

static inline uint64
bit_of(const Run *run, BlockNumber block)
{
	Assert(block >= run->first && block - run->first < (BlockNumber) run->n);
	return UINT64CONST(1) << (block - run->first);
}

/* The run's block whose turn is next. */
static inline BlockNumber
next_in(const PsStream *stream, const Run *run)
{
	return run->first + (stream->backward ? pg_leftmost_one_pos64(run->left) : pg_rightmost_one_pos64(run->left));
}

/* Pages that this process has pinned in the pool, but for first uses of those read ahead. */
static inline uint64
pool_pins(void)
{
	return ps_counted(PS_COUNT_HITS) + ps_counted(PS_COUNT_READS);
}

/* The same, by other ways than this stream. */
static uint64
other_pins(const PsStream *stream)
{
	return pool_pins() - stream->pool_pages;
}

/* ---- beginning and end ---- */

static void
start_over(PsStream *stream, int flags)
{
	stream->images = (flags & PS_STREAM_AROUND_POOL) != 0;
	stream->backward = (flags & PS_STREAM_BACKWARD) != 0;
	stream->scattered = (flags & PS_STREAM_SCATTERED) != 0;
	stream->ended = false;
	stream->brought = false;
	stream->origin = PS_NOWHERE;
	stream->ahead = 0;
	stream->head = stream->tail = stream->unstarted = 0;
}

/*
 * The stream's first page, or the first one since the pages are elsewhere, as
 * after the end of recovery: how is it to be read from here on?  Around the
 * pool if the table does not fit into frames that are free.
 */
static void
settle(PsStream *stream, PsOrigin origin)
{
	BlockNumber nblocks = stream->images ? RelationGetNumberOfBlocks(stream->rel) : 0;
	bool		large = ps_is_large(origin, nblocks);

	stream->origin = origin;
	stream->distance = 1;
	stream->around = stream->in_pass = stream->comes_in = false;
	stream->frames = 0;
	stream->max_pool = stream->max_ring = 1;
	if (origin == PS_POOL)
	{
		/* a synchronous read ahead is worth the size of the request alone */
		bool		async = ps_aio_is_async();

		stream->around = large && nblocks > ps_frames_free();
		stream->nblocks = nblocks;
		stream->other_pins = other_pins(stream);
		stream->max_pool = Min(ps_frames_total() / 8, async ? MAX_AHEAD_POOL : 2 * MAX_RUN_POOL);
		stream->max_ring = async ? MAX_AHEAD_RING : 2 * PS_PIECE_PAGES;
		return;
	}
	if (stream->scattered)
		stream->max_pool = 1 + Min(get_tablespace_io_concurrency(stream->rel->rd_rel->reltablespace), MAX_AHEAD_POOL);
	else if (large && stream->strategy == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(stream->context);

		stream->strategy = GetAccessStrategy(BAS_BULKREAD);
		MemoryContextSwitchTo(old);
	}
}

PsStream *
ps_stream_begin(Relation rel, PsStreamNext next, void *arg, int flags)
{
	PsStream   *stream = palloc(sizeof(PsStream));

	stream->rel = rel;
	stream->next = next;
	stream->arg = arg;
	stream->context = CurrentMemoryContext;
	stream->limit = INT_MAX;
	stream->room = 0;
	stream->runs = NULL;
	stream->ring_pages = 0;
	stream->shared_pages = 0;
	stream->pool_pages = 0;
	stream->passed = 0;
	stream->ring = NULL;
	stream->strategy = NULL;
	stream->recycler = NULL;
	stream->io = NULL;
	start_over(stream, flags);
	return stream;
}

void
ps_stream_limit(PsStream *stream, BlockNumber blocks)
{
	stream->limit = Max(Min(blocks, INT_MAX), 1);
}

void
ps_stream_let_stay(PsStream *stream, int pages)
{
	MemoryContext old = MemoryContextSwitchTo(stream->context);

	if (pages < ps_frames_total())
	{
		ps_stream_limit(stream, pages / 2);
		stream->recycler = ps_recycler_make(Max(pages - pages / 2 - 1, 1)); /* and the page in hand */
	}
	MemoryContextSwitchTo(old);
}

void
ps_stream_tell_io(PsStream *stream, IOStats *io)
{
	stream->io = io;
}

static void
count_passed(PsStream *stream)
{
	if (stream->passed > 0)
		ps_pass_count(stream->rel->rd_locator, stream->passed);
	stream->passed = 0;
}

static void
drop_run(PsStream *stream)
{
	Run		   *run = run_at(stream, stream->head);

	/* while shared buffers own the pages, runs are used without being started */
	if (stream->unstarted == stream->head)
		stream->unstarted++;
	stream->head++;
	if (run->piece)
		ps_ring_release(run->piece);
	if (stream->ring_pages > 0)
	{
		ps_count(PS_COUNT_RING_PAGES, stream->ring_pages);
		ps_relcount(&stream->rel->rd_locator, PS_REL_AROUND, stream->ring_pages);
		if (stream->frames > 0)
			ps_curve_use_around(stream->ring_pages, stream->frames);
		stream->ring_pages = 0;
	}
	if (stream->shared_pages > 0)
	{
		ps_count(PS_COUNT_RING_SHARED, stream->shared_pages);
		ps_iostat_around_shared(stream->shared_pages);
		stream->shared_pages = 0;
	}
}

void
ps_stream_reset(PsStream *stream, int flags)
{
	while (stream->head != stream->tail)
		drop_run(stream);
	count_passed(stream);
	start_over(stream, flags);
}

/* The scan of one partition of many keeps next to no memory when it is done.  No run is left. */
static void
free_memory(PsStream *stream)
{
	if (stream->ring)
		ps_ring_end(stream->ring);
	stream->ring = NULL;
	if (stream->room > FEW_RUNS)
	{
		pfree(stream->runs);
		stream->runs = NULL;
		stream->room = 0;
	}
}

void
ps_stream_end(PsStream *stream)
{
	while (stream->head != stream->tail)
		drop_run(stream);
	count_passed(stream);
	free_memory(stream);
	if (stream->runs)
		pfree(stream->runs);
	if (stream->strategy)
		FreeAccessStrategy(stream->strategy);
	pfree(stream);
}

/* ---- looking ahead ---- */

static inline bool
uses_ring(const PsStream *stream)
{
	return stream->around && !stream->comes_in &&
		stream->distance >= Min(RING_DISTANCE, stream->max_pool);
}

static inline int
target_of(const PsStream *stream)
{
	return Min(stream->distance, stream->limit);
}

/* Most blocks of a run: two of them are ahead, so that one is read while the other is used. */
static inline int
run_size(const PsStream *stream)
{
	int			most = uses_ring(stream) ? PS_PIECE_PAGES : MAX_RUN_POOL;

	return Max(Min(target_of(stream) / 2, most), 1);
}

/* A run that takes no more blocks. */
static inline bool
is_complete(const PsStream *stream, const Run *run)
{
	BlockNumber edge = stream->backward ? run->first : run->first + run->n;

	return run->n >= run_size(stream) || (uses_ring(stream) && edge % PS_PIECE_PAGES == 0);
}

static void
make_room(PsStream *stream)
{
	unsigned	room = stream->room == 0 ? FEW_RUNS : stream->room * 2;
	Run		   *runs = MemoryContextAlloc(stream->context, room * sizeof(Run));

	for (unsigned i = stream->head; i != stream->tail; i++)
		runs[i & (room - 1)] = *run_at(stream, i);
	if (stream->runs)
		pfree(stream->runs);
	stream->runs = runs;
	stream->room = room;
}

/* Can the last run, which is not started, have the block? */
static inline bool
takes(const PsStream *stream, const Run *run, BlockNumber block)
{
	BlockNumber end = run->first + run->n;

	if (is_complete(stream, run))
		return false;
	if (stream->backward)
		return block + 1 == run->first;
	if (block < end)
		return false;
	return block == end ||
		(uses_ring(stream) && block - end <= MAX_GAP && block / PS_PIECE_PAGES == run->first / PS_PIECE_PAGES);
}

static void
add_block(PsStream *stream, BlockNumber block)
{
	stream->ahead++;
	if (stream->unstarted != stream->tail)
	{
		Run		   *last = run_at(stream, stream->tail - 1);

		if (takes(stream, last, block))
		{
			if (stream->backward)
			{
				last->first--;
				last->n++;
				last->left = last->left << 1 | 1;
			}
			else
			{
				last->n = block - last->first + 1;
				last->left |= bit_of(last, block);
			}
			return;
		}
	}
	if (stream->tail - stream->head == stream->room)
		make_room(stream);
	*run_at(stream, stream->tail++) = (Run)
	{
		.first = block,.n = 1,.left = 1
	};
}

#ifdef USE_ASSERT_CHECKING
static uint64
pages_pinned(void)
{
	return ps_my_counters == NULL ? 0 : pool_pins();
}
#endif

/* The callback runs ahead of the pages in hand, and touches none. */
static inline BlockNumber
next_block(PsStream *stream)
{
#ifdef USE_ASSERT_CHECKING
	uint64		before = pages_pinned();
#endif
	BlockNumber block = stream->next(stream->arg);

	Assert(pages_pinned() == before);
	return block;
}

/* Ask for blocks, until the distance is reached and the last run is complete. */
static void
gather(PsStream *stream)
{
	int			target = target_of(stream);
	int			most = Min(target + PS_PIECE_PAGES, stream->limit);

	while (!stream->ended && stream->ahead < most && stream->tail - stream->head < MAX_RUNS)
	{
		BlockNumber block;

		if (stream->ahead >= target &&
			(stream->unstarted == stream->tail ||
			 is_complete(stream, run_at(stream, stream->tail - 1))))
			break;
		block = next_block(stream);
		if (BlockNumberIsValid(block))
			add_block(stream, block);
		else
			stream->ended = true;
	}
}

/* Go on through the pool. */
static void
stop_going_around(PsStream *stream)
{
	stream->around = false;
	stream->distance = Min(stream->distance, stream->max_pool);
}

/* ---- what EXPLAIN (IO) tells, from server 19 on, of heap's streams as of ours ---- */

/* So many reads were started of so many pages. */
static inline void
count_requests(PsStream *stream, int requests, int pages)
{
	if (likely(stream->io == NULL) || requests == 0)
		return;
	stream->io->io_count += requests;
	stream->io->io_nblocks += pages;
	stream->io->io_in_progress += (uint64) requests * (stream->unstarted - stream->head + 1);
}

/* A page is handed out: how far ahead the stream is, and whether the page is still on its way. */
static void
count_page(PsStream *stream, PsOrigin origin, const Run *run, BlockNumber block)
{
	PsRelKey	key = ps_rel_key(stream->rel);
	IOStats    *io = stream->io;
	int			most = stream->around && !stream->comes_in ? stream->max_ring : stream->max_pool;

	io->prefetch_count++;
	io->distance_sum += stream->ahead;
	io->distance_max = Max(io->distance_max, stream->ahead);
	io->distance_capacity = Max(io->distance_capacity, most);
	if (origin == PS_POOL &&
		(run->piece ? ps_ring_is_reading(run->piece) : ps_pool_is_reading(&key, block)))
		io->wait_count++;
}

/* ---- starting reads ---- */

/* Blocks to be read into frames. */
typedef struct Wanted
{
	BlockNumber blocks[PS_AHEAD_MAX];
	int			n;
} Wanted;

StaticAssertDecl(PS_PIECE_PAGES <= PS_AHEAD_MAX && MAX_RUN_POOL <= PS_AHEAD_MAX, "room for a run");

/* Those of the run that are left. */
static void
want_left(Wanted *wanted, const Run *run)
{
	for (uint64 left = run->left; left != 0; left &= left - 1)
		wanted->blocks[wanted->n++] = run->first + pg_rightmost_one_pos64(left);
}

/* Start their reads.  Returns how many pages had to be read. */
static int
read_wanted(PsStream *stream, Wanted *wanted, bool again)
{
	PsRelKey	key = ps_rel_key(stream->rel);
	int			n = wanted->n;
	int			requests = 0;

	wanted->n = 0;
	n = ps_pool_prefetch(&key, wanted->blocks, n, again, &requests);
	count_requests(stream, requests, n);
	return n;
}

/* Does the run want this block read? */
static inline bool
lacks(const Run *run, const PsRelKey *key, BlockNumber block)
{
	return (run->left & bit_of(run, block)) != 0 && !ps_pool_resident(key, block);
}

/*
 * Read a run into the ring, but for pages at either end that are resident.
 * False: no piece of it is free, or there is no memory for a ring.
 */
static bool
start_around(PsStream *stream, Run *run)
{
	PsRelKey	key = ps_rel_key(stream->rel);
	BlockNumber first = run->first;
	BlockNumber end = run->first + run->n;

	while (first < end && !lacks(run, &key, first))
		first++;
	while (first < end && !lacks(run, &key, end - 1))
		end--;
	if (first == end)
		return true;
	if (stream->ring == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(stream->context);

		stream->ring = ps_ring_begin(key.rlocator, stream->nblocks);
		MemoryContextSwitchTo(old);
		if (stream->ring == NULL)
		{
			stop_going_around(stream);
			return false;
		}
	}
	run->piece = ps_ring_read(stream->ring, first, end - first, stream->backward);
	if (run->piece == NULL)
		return false;
	if (!run->piece->copied)
		count_requests(stream, 1, end - first);
	return true;
}

/* Is the run for the ring?  Not if it was gathered for the pool before the scan took to the ring. */
static inline bool
goes_around(const PsStream *stream, const Run *run)
{
	return uses_ring(stream) && pg_popcount64(run->left) >= RING_MIN_RUN &&
		run->first / PS_PIECE_PAGES == (run->first + run->n - 1) / PS_PIECE_PAGES;
}

static void
bring_in(PsStream *stream, Wanted *wanted)
{
	int			started = read_wanted(stream, wanted, stream->comes_in);

	if (stream->comes_in && started > 0)
		stream->comes_in = ps_pass_brought_in(stream->rel->rd_locator, started);
}

/* Through buffers: have the kernel read them. */
static void
prefetch_runs(PsStream *stream)
{
	for (; stream->unstarted != stream->tail; stream->unstarted++)
	{
		Run		   *run = run_at(stream, stream->unstarted);

		if (stream->unstarted == stream->head)
			continue;			/* it is wanted at once */
		for (uint64 left = run->left; left != 0; left &= left - 1)
			if (PrefetchBuffer(stream->rel, MAIN_FORKNUM, run->first + pg_rightmost_one_pos64(left)).initiated_io)
				count_requests(stream, 1, 1);
	}
}

/*
 * Start the reads of complete runs, in order, as far as the ring has room.  The
 * first run is started in any case.  What goes into frames is asked for
 * together, but for a table that comes in, of which each run may be the last.
 */
static void
start_runs(PsStream *stream)
{
	Wanted		wanted;

	wanted.n = 0;
	for (; stream->unstarted != stream->tail; stream->unstarted++)
	{
		Run		   *run = run_at(stream, stream->unstarted);
		bool		is_head = stream->unstarted == stream->head;
		bool		is_last = stream->unstarted + 1 == stream->tail;

		if (is_last && !is_head && !stream->ended && !is_complete(stream, run))
			break;
		if (goes_around(stream, run))
		{
			if ((stream->ring == NULL || ps_ring_has_room(stream->ring)) &&
				start_around(stream, run))
				continue;
			if (!is_head && stream->around)
				break;
		}
		/* a single page that is wanted at once is better read by its pin */
		if (run->n == 1 && is_head)
			continue;
		if (wanted.n + run->n > PS_AHEAD_MAX)
			bring_in(stream, &wanted);
		want_left(&wanted, run);
		if (stream->comes_in)
			bring_in(stream, &wanted);
	}
	if (wanted.n > 0)
		bring_in(stream, &wanted);
}

static inline void
keep_ahead(PsStream *stream)
{
	/* in steps, so that adjacent blocks come together, and many short runs */
	if (!stream->ended && stream->ahead <= target_of(stream) - run_size(stream) &&
		stream->tail - stream->head <= MAX_RUNS / 2)
		gather(stream);
	if (stream->unstarted == stream->tail)
		return;
	if (stream->origin == PS_POOL)
		start_runs(stream);
	else
		prefetch_runs(stream);
}

/* ---- leaving the ring ---- */

/*
 * Have many of the pages that a run gave from the ring been fetched through
 * the pool since, by this process?  Then the rows found are changed or locked,
 * and the scan is better served from there.  Other processes, such as
 * concurrent scans, may fetch them, too.
 */
static bool
fetched_again(PsStream *stream, const Run *run)
{
	PsRelKey	key = ps_rel_key(stream->rel);
	int			served = pg_popcount64(run->served);
	int			resident = 0;
	uint64		pins = other_pins(stream);
	uint64		fetched = pins - stream->other_pins;

	stream->other_pins = pins;
	if (fetched <= served / 8)
		return false;
	for (uint64 bits = run->served; bits != 0; bits &= bits - 1)
		if (ps_pool_resident(&key, run->first + pg_rightmost_one_pos64(bits)))
			resident++;
	return served >= RING_MIN_RUN && resident > served / 8;
}

/* Go on through the pool; what has been read ahead is read once more. */
static void
leave_ring(PsStream *stream)
{
	stop_going_around(stream);
	for (unsigned i = stream->head + 1; i != stream->unstarted; i++)
	{
		Run		   *run = run_at(stream, i);

		if (run->piece)
			ps_ring_release(run->piece);
		run->piece = NULL;
	}
	stream->unstarted = stream->head + 1;
}

/* ---- handing out ---- */

/* The page had to be read: look further ahead. */
static inline void
look_further(PsStream *stream)
{
	int			most = stream->around && !stream->comes_in ? stream->max_ring : stream->max_pool;

	stream->distance = Min(stream->distance * 2, most);
	if (stream->around && !stream->in_pass &&
		stream->distance >= Min(RING_DISTANCE, stream->max_pool))
	{
		stream->in_pass = true;
		stream->comes_in = ps_pass_join(stream->rel->rd_locator, stream->nblocks, &stream->frames);
		if (stream->comes_in)
			stream->distance = Min(stream->distance, stream->max_pool);
	}
}

static inline void
look_less_far(PsStream *stream)
{
	if (stream->distance > 1)
		stream->distance--;
}

static bool
take_from_ring(PsStream *stream, Run *run, BlockNumber block, PsPin *pin)
{
	PsRelKey	key = ps_rel_key(stream->rel);
	PsRingPiece *piece = run->piece;
	const char *page = ps_ring_page(piece, &key, block);
	Wanted		wanted;

	if (page == NULL)
	{
		/* the rest of the piece is no good either: read it together */
		if (ps_ring_outdated(piece, key.rlocator))
		{
			ps_ring_release(piece);
			run->piece = NULL;
			wanted.n = 0;
			want_left(&wanted, run);
			(void) read_wanted(stream, &wanted, false);
		}
		return false;
	}

	if (pin->origin != PS_RING || pin->u.piece != piece)
	{
		ps_ring_pin_again(piece);
		ps_unpin(pin);
	}
	*pin = (PsPin)
	{
		PS_RING, block, page,
		{
			.piece = piece
		}
	};
	run->served |= bit_of(run, block);
	pgstat_count_buffer_read(stream->rel);
	ps_usage_count(piece->copied);
	if (piece->copied)
	{
		pgstat_count_buffer_hit(stream->rel);
		stream->shared_pages++;
	}
	else
		stream->ring_pages++;
	return true;
}

/* The page in hand was read by another scan. */
static inline bool
is_copied(const PsPin *pin)
{
	return pin->origin == PS_RING && pin->u.piece->copied;
}

/* Most streams go through a table block by block: have memory fetch what the next pins touch. */
static inline void
expect_after(const PsStream *stream, BlockNumber block)
{
	PsRelKey	key = ps_rel_key(stream->rel);
	int			step = stream->backward ? -1 : 1;

	ps_pool_expect(&key, block + step, block + 2 * step);
}

static void
take_from_pool(PsStream *stream, BlockNumber block, PsPin *pin)
{
	uint64		before = pool_pins();
	uint64		reads = ps_counted(PS_COUNT_READS);
	bool		hit;

	if (unlikely(stream->recycler != NULL) && stream->brought && pin->origin == PS_POOL)
		ps_recycle(stream->recycler, pin->u.frame);
	ps_unpin(pin);
	hit = ps_pin_at(stream->rel, PS_POOL, block, NULL, pin);
	stream->brought = !hit;
	stream->pool_pages += pool_pins() - before;
	if (unlikely(stream->io != NULL) && ps_counted(PS_COUNT_READS) > reads)
	{
		count_requests(stream, 1, 1);
		stream->io->wait_count++;
	}
	if (hit)
	{
		expect_after(stream, block);
		look_less_far(stream);
	}
	else
		look_further(stream);
}

/* Where are the pages now?  Gathers runs and starts them, if that is of use. */
static PsOrigin
come_to_next(PsStream *stream)
{
	PsOrigin	origin = ps_enter(stream->rel);

	CHECK_FOR_INTERRUPTS();

	if (unlikely(origin != stream->origin))
		settle(stream, origin);
	if (origin == PS_POOL || stream->max_pool > 1)
		keep_ahead(stream);
	else if (stream->ahead == 0)
		gather(stream);
	return origin;
}

/* The head's next block has had its turn. */
static void
pass_on(PsStream *stream)
{
	Run		   *run = run_at(stream, stream->head);

	stream->ahead--;
	run->left &= ~bit_of(run, next_in(stream, run));
	if (run->left == 0)
		drop_run(stream);
}

static void
hand_out(PsStream *stream, PsOrigin origin, PsPin *pin)
{
	Run		   *run = run_at(stream, stream->head);
	BlockNumber block = next_in(stream, run);

	if (unlikely(stream->io != NULL))
		count_page(stream, origin, run, block);
	if (origin != PS_POOL)
	{
		ps_unpin(pin);
		if (ps_pin_at(stream->rel, origin, block, stream->strategy, pin))
			look_less_far(stream);
		else
			look_further(stream);
	}
	else if (run->piece == NULL || !take_from_ring(stream, run, block, pin))
		take_from_pool(stream, block, pin);

	if (stream->around && !is_copied(pin) && ++stream->passed >= PS_PIECE_PAGES && stream->in_pass)
		count_passed(stream);
	if (run->piece && (run->left & (run->left - 1)) == 0)
	{
		/* its last one */
		look_further(stream);
		if (fetched_again(stream, run))
			leave_ring(stream);
	}
	pass_on(stream);
}

bool
ps_stream_next(PsStream *stream, PsPin *pin)
{
	PsOrigin	origin = come_to_next(stream);

	if (stream->ahead == 0)
	{
		ps_unpin(pin);
		free_memory(stream);
		return false;
	}
	hand_out(stream, origin, pin);
	return true;
}
