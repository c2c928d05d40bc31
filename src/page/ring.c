/*
 * ring.c
 *		Pieces of a table read around the pool into memory of this process.
 *
 * What makes such a page good to use: its image is whole and not older than
 * the moment of use.  At that moment the page is looked up in the pool first.
 * If it is not there, all changes of it are on disk, and each of them has
 * moved the sequence counter of its piece.  If the counter is even, and as it
 * was before the read, the image has them all.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "debug/memory.h"
#include "debug/stop.h"
#include "page/ring.h"
#include "page/view.h"
#include "pool/iostat.h"
#include "pool/notes.h"
#include "pool/pieces.h"
#include "pool/pool.h"
#include "pool/read.h"
#include "pool/share.h"
#include "pool/stats.h"
#include "server/checksum.h"
#include "server/compat.h"
#include "utils/memutils.h"

#define PIECE_BYTES		((Size) PS_PIECE_PAGES * BLCKSZ)
#define CACHE_LINE		64
#define PATIENCE_MS		100		/* with another scan that reads a piece */

StaticAssertDecl(RELSEG_SIZE % PS_PIECE_PAGES == 0, "a piece lies in one segment");
StaticAssertDecl(PS_PIECE_PAGES <= PS_IO_MAX_PAGES, "a piece is one request");

/*
 * Ends the ring when the memory of the scan that reads into it goes.  It
 * belongs to that memory, and outlives a ring that ended before.
 */
typedef struct Tether
{
	MemoryContextCallback callback;
	PsRing	   *ring;
} Tether;

struct PsRing
{
	RelFileLocator rlocator;	/* of the table */
	int			scan;			/* as the others know it; PS_NO_SCAN: not */
	bool		company;		/* there are others, as of the last read */
	bool		backward;		/* the way it goes, as of then */
	PsRing	   *next_reading;	/* list of rings not ended */
	char	   *bytes;			/* aligned to a huge page */
	Tether	   *tether;			/* NULL: ended, pins remain */
	int			npinned;		/* pieces that are pinned */
	int			next;			/* piece to try first */
	PsRing	   *next_lingering; /* list of ended rings still read into */
	PsRingPiece pieces[PS_RING_PIECES];
};

static PsRing *lingering = NULL;
static PsRing *reading = NULL;

/* ---- pins, and the part in what is shared, noted by resource owner ---- */

static void give_back(PsRing *ring);
static void end_pins_of(uintptr_t piece);
static void warn_of_piece(uintptr_t piece);

static PsNotes piece_pins = PS_NOTES_INIT(piece_pins, end_pins_of, warn_of_piece);

static void leave_others(uintptr_t ring);
static void warn_of_ring(uintptr_t ring);

/* Rings whose scans others know of: no longer than their locks on the tables, which go later. */
static PsNotes known_rings = PS_NOTES_INIT(known_rings, leave_others, warn_of_ring);

/* Nobody is to look at the piece any more, unless somebody still does. */
static void
close_if_done(PsRingPiece *piece)
{
	if (piece->wanted || piece->pinned)
		return;
	if (!piece->reading)
		ps_memory_spoil(piece->bytes, PIECE_BYTES);
	ps_memory_close(piece->bytes, PIECE_BYTES);
}

static void
unmap_ring(char *bytes)
{
	/* what comes to lie there is another's */
	ps_memory_open(bytes, PS_RING_BYTES);
	munmap(bytes, PS_RING_BYTES);
	ps_count(PS_COUNT_RINGS, -1);
}

/* The last pin of the piece is gone. */
static void
end_pins_of(uintptr_t thing)
{
	PsRingPiece *piece = (PsRingPiece *) thing;
	PsRing	   *ring = piece->ring;

	Assert(piece->pinned && ring->npinned > 0);
	piece->pinned = false;
	close_if_done(piece);
	if (--ring->npinned == 0 && ring->tether == NULL)
		give_back(ring);
}

static void
warn_of_piece(uintptr_t thing)
{
	elog(WARNING, "pagestore: block %u and following of a scan still pinned at commit",
		 ((PsRingPiece *) thing)->first);
}

void
ps_ring_pin_again(PsRingPiece *piece)
{
	ps_notes_reserve(&piece_pins);
	if (ps_notes_add(&piece_pins, (uintptr_t) piece))
	{
		Assert(!piece->pinned);
		piece->pinned = true;
		piece->ring->npinned++;
	}
}

void
ps_ring_unpin(PsRingPiece *piece)
{
	if (ps_notes_drop(&piece_pins, (uintptr_t) piece))
		end_pins_of((uintptr_t) piece);
}

static void
leave_others(uintptr_t thing)
{
	PsRing	   *ring = (PsRing *) thing;

	ps_share_leave(ring->scan);
	ring->scan = PS_NO_SCAN;
}

static void
warn_of_ring(uintptr_t thing)
{
	elog(WARNING, "pagestore: a scan of relation %u has not ended at commit",
		 ((PsRing *) thing)->rlocator.relNumber);
}

/* ---- memory ---- */

/* NULL: there is no memory for it. */
static char *
map_ring(void)
{
	char	   *map = MAP_FAILED;
	char	   *bytes;

	if (!PS_ASK("ring-no-memory"))
		map = mmap(NULL, PS_RING_BYTES + PS_HUGE_PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
	{
		ereport(DEBUG1,
				(errmsg_internal("could not map %zu bytes for a table scan: %m", PS_RING_BYTES + PS_HUGE_PAGE)));
		return NULL;
	}
	bytes = (char *) TYPEALIGN(PS_HUGE_PAGE, map);
	if (bytes > map)
		munmap(map, bytes - map);
	munmap(bytes + PS_RING_BYTES, map + PS_HUGE_PAGE - bytes);

	/*
	 * A child (COPY PROGRAM) must not share these pages: whoever writes first
	 * to a shared one gets a copy, and a read under way may land in the
	 * other.
	 */
	if (madvise(bytes, PS_RING_BYTES, MADV_DONTFORK) != 0)
	{
		ereport(DEBUG1,
				(errmsg_internal("could not keep the memory of a table scan from child processes: %m")));
		munmap(bytes, PS_RING_BYTES);
		return NULL;
	}

	/* Speed only: small pages do as well. */
	(void) madvise(bytes, PS_RING_BYTES, MADV_HUGEPAGE);
	ps_count(PS_COUNT_RINGS, 1);
	return bytes;
}

/* Is nothing read into it any more?  Takes the results of what is over. */
static bool
is_quiet(PsRing *ring)
{
	bool		quiet = true;

	for (int i = 0; i < PS_RING_PIECES; i++)
	{
		PsRingPiece *piece = &ring->pieces[i];

		if (piece->reading && ps_aio_done(piece->request))
		{
			(void) ps_aio_wait(piece->request);
			piece->reading = false;
		}
		quiet &= !piece->reading;
	}
	return quiet;
}

/*
 * Of no use to anybody.  A read that is on its way into it is not waited for,
 * as this may be the end of a statement that was cancelled because it takes so
 * long.
 */
static void
give_back(PsRing *ring)
{
	if (is_quiet(ring))
	{
		unmap_ring(ring->bytes);
		pfree(ring);
		return;
	}
	ring->next_lingering = lingering;
	lingering = ring;
}

static void
give_back_lingering(void)
{
	PsRing	   *ring = lingering;

	lingering = NULL;
	while (ring != NULL)
	{
		PsRing	   *next = ring->next_lingering;

		give_back(ring);
		ring = next;
	}
}

static void
end_with_context(void *arg)
{
	Tether	   *tether = arg;

	if (tether->ring)
		ps_ring_end(tether->ring);
}

PsRing *
ps_ring_begin(RelFileLocator rlocator, BlockNumber nblocks)
{
	static bool registered = false;
	Tether	   *tether = palloc(sizeof(Tether));
	PsRing	   *ring;

	give_back_lingering();
	if (!registered)
	{
		ps_notes_register(&piece_pins);
		ps_notes_register(&known_rings);
		registered = true;
	}
	ps_notes_reserve(&known_rings);
	ring = MemoryContextAllocZero(TopMemoryContext, sizeof(PsRing));
	ring->bytes = map_ring();
	if (ring->bytes == NULL)
	{
		pfree(ring);
		pfree(tether);
		return NULL;
	}

	for (int i = 0; i < PS_RING_PIECES; i++)
	{
		ring->pieces[i].ring = ring;
		ring->pieces[i].bytes = ring->bytes + i * PIECE_BYTES;
		ring->pieces[i].fresh = InvalidBlockNumber;
	}
	ring->tether = tether;
	tether->ring = ring;
	tether->callback.func = end_with_context;
	tether->callback.arg = tether;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &tether->callback);
	ring->rlocator = rlocator;
	ring->scan = PS_NO_SCAN;
	ring->next_reading = reading;
	reading = ring;
	ring->scan = ps_share_join(rlocator, nblocks);
	if (ring->scan != PS_NO_SCAN)
		(void) ps_notes_add(&known_rings, (uintptr_t) ring);
	return ring;
}

/* ---- reading ---- */

/* A claimed piece is passed on, or the claim dropped, if that can be told by now. */
static void
settle_claim(PsRingPiece *piece)
{
	PsRing	   *ring = piece->ring;

	if (!piece->claimed || piece->reading)
		return;
	piece->claimed = false;
	if (ring->scan == PS_NO_SCAN)
		return;
	if (ps_ring_outdated(piece, ring->rlocator))
		ps_share_drop(ring->scan, piece->first);
	else
		ps_share_pass_on(ring->scan, piece->first, piece->npages, piece->bytes, piece->sequence);
	PS_STOP("share-passed-on");
}

static void
wait_for(PsRingPiece *piece)
{
	ssize_t		n;

	if (!piece->reading)
		return;
	n = ps_aio_wait(piece->request);
	piece->reading = false;
	piece->npages = n > 0 ? n / BLCKSZ : 0;
	settle_claim(piece);
}

void
ps_ring_end(PsRing *ring)
{
	PsRing	  **link = &reading;

	while (*link != ring)
		link = &(*link)->next_reading;
	*link = ring->next_reading;
	if (ring->scan != PS_NO_SCAN)
	{
		(void) ps_notes_drop(&known_rings, (uintptr_t) ring);
		leave_others((uintptr_t) ring);
	}
	ring->tether->ring = NULL;
	ring->tether = NULL;
	if (ring->npinned == 0)
		give_back(ring);
}

/* A piece in nobody's use; one that is still being read in vain if there is no other. */
static PsRingPiece *
free_piece(PsRing *ring)
{
	PsRingPiece *busy = NULL;

	for (int i = 0; i < PS_RING_PIECES; i++)
	{
		PsRingPiece *piece = &ring->pieces[(ring->next + i) % PS_RING_PIECES];

		if (piece->wanted || piece->pinned)
			continue;
		if (!piece->reading)
		{
			ring->next = (piece - ring->pieces + 1) % PS_RING_PIECES;
			return piece;
		}
		if (busy == NULL)
			busy = piece;
	}
	if (busy)
		wait_for(busy);
	return busy;
}

bool
ps_ring_has_room(const PsRing *ring)
{
	for (int i = 0; i < PS_RING_PIECES; i++)
		if (!ring->pieces[i].wanted && !ring->pieces[i].pinned)
			return true;
	return false;
}

static void
start_read(PsRingPiece *piece)
{
	RelFileLocator rlocator = piece->ring->rlocator;
	struct iovec iov = {piece->bytes, (Size) piece->npages * BLCKSZ};

	piece->sequence = ps_piece_sequence(rlocator, piece->first);
	piece->request = ps_aio_read(rlocator, piece->first, piece->npages, &iov, 1);
	ps_iostat_around(piece->npages);
	piece->awaited = false;
	piece->reading = true;
	PS_STOP("ring-reading");
}

/* Nobody has read the piece for us yet: does somebody, or are we to do it? */
static void
obtain(PsRingPiece *piece)
{
	PsRing	   *ring = piece->ring;
	PsShareAnswer answer = PS_SHARE_READ;

	Assert(piece->awaited && !piece->reading && !piece->claimed);
	if (ring->scan != PS_NO_SCAN)
		answer = ps_share_take(ring->scan, piece->first, piece->npages, ring->backward,
							   piece->bytes, &piece->sequence, &ring->company);
	switch (answer)
	{
		case PS_SHARE_AWAIT:
			break;
		case PS_SHARE_COPIED:
			piece->awaited = false;
			piece->copied = true;
			break;
		case PS_SHARE_CLAIMED:
		case PS_SHARE_READ:
			piece->claimed = piece->offered = answer == PS_SHARE_CLAIMED;
			start_read(piece);
			break;
	}
}

/* What has been read for others is passed on; what was being read when they came is claimed for them. */
static void
tend_claims(PsRing *ring)
{
	if (!ring->company || ring->scan == PS_NO_SCAN)
		return;
	for (int i = 0; i < PS_RING_PIECES; i++)
	{
		PsRingPiece *piece = &ring->pieces[i];

		if (!piece->wanted || piece->awaited || piece->copied || piece->npages == 0)
			continue;
		if (!piece->claimed && !piece->offered)
			piece->claimed = piece->offered = ps_share_claim(ring->scan, piece->first, piece->npages);
		if (piece->claimed && (!piece->reading || ps_aio_done(piece->request)))
		{
			wait_for(piece);
			settle_claim(piece);
		}
	}
}

/* Look after all pieces that other scans have to do with. */
static void
tend(PsRing *ring)
{
	tend_claims(ring);
	for (int i = 0; i < PS_RING_PIECES; i++)
		if (ring->pieces[i].wanted && ring->pieces[i].awaited)
			obtain(&ring->pieces[i]);
}

PsRingPiece *
ps_ring_read(PsRing *ring, BlockNumber first, int n, bool backward)
{
	PsRingPiece *piece = free_piece(ring);

	Assert(n > 0 && first / PS_PIECE_PAGES == (first + n - 1) / PS_PIECE_PAGES);
	if (piece == NULL)
		return NULL;
	tend(ring);
	ps_memory_open(piece->bytes, PIECE_BYTES);
	ring->backward = backward;
	piece->first = first;
	piece->npages = n;
	piece->claimed = piece->offered = piece->copied = false;
	piece->awaited = true;
	obtain(piece);
	piece->wanted = true;
	return piece;
}

bool
ps_ring_is_reading(const PsRingPiece *piece)
{
	return piece->awaited || (piece->reading && !ps_aio_done(piece->request));
}

void
ps_ring_release(PsRingPiece *piece)
{
	if (piece->claimed)
	{
		piece->claimed = false;
		if (piece->ring->scan != PS_NO_SCAN)
			ps_share_drop(piece->ring->scan, piece->first);
	}
	piece->wanted = piece->awaited = false;
	close_if_done(piece);
}

/* Another scan reads the piece: until it has, or does not go on. */
static void
wait_for_another(PsRingPiece *piece)
{
	PsRing	   *ring = piece->ring;
	instr_time	begin;

	INSTR_TIME_SET_CURRENT(begin);
	while (piece->awaited)
	{
		instr_time	now;

		/* it may be another one of this process, and those may wait for us */
		for (PsRing *each = reading; each != NULL; each = each->next_reading)
			tend_claims(each);
		obtain(piece);
		if (!piece->awaited)
			break;
		INSTR_TIME_SET_CURRENT(now);
		INSTR_TIME_SUBTRACT(now, begin);
		if (INSTR_TIME_GET_MILLISEC(now) >= PATIENCE_MS)
		{
			/* whoever has it next gets as long */
			ps_share_revoke(ring->scan, piece->first, piece->npages);
			INSTR_TIME_SET_CURRENT(begin);
		}
		else
			ps_share_wait(ring->scan, piece->first, piece->npages);
	}
	tend(ring);
}

static void
wait_timed(PsRingPiece *piece)
{
	instr_time	start;

	if (piece->awaited)
		wait_for_another(piece);
	if (!piece->reading)
		return;					/* another has read it: the time is its */
	start = ps_iostat_clock();
	wait_for(piece);
	ps_iostat_time_around(start);
}

bool
ps_ring_outdated(const PsRingPiece *piece, RelFileLocator rlocator)
{
	return (piece->sequence & 1) != 0 ||
		ps_piece_sequence(rlocator, piece->first) != piece->sequence;
}

/*
 * Bring the next page nearer while this one is worked on: nobody has touched
 * it yet.  Saves a scan about a sixth of its CPU time.
 */
static inline void
warm(const char *page)
{
	for (int i = 0; i < BLCKSZ; i += CACHE_LINE)
		__builtin_prefetch(page + i, 0, 2);
}

const char *
ps_ring_page(PsRingPiece *piece, const PsRelKey *rel, BlockNumber block)
{
	char	   *page = piece->bytes + (Size) (block - piece->first) * BLCKSZ;
	const char *why;
	OffsetNumber offset;

	if (piece->awaited || piece->reading)
		wait_timed(piece);
	if (block < piece->first || block - piece->first >= piece->npages)
		return NULL;

	/*
	 * in this order: what leaves the pool after the look has been written
	 * before it
	 */
	if (ps_pool_resident(rel, block) || ps_ring_outdated(piece, rel->rlocator))
		return NULL;

	ps_pool_expect_look(rel, block + 1);
	if (block - piece->first + 1 < piece->npages)
		warm(page + BLCKSZ);

	/* the pool finds the same damage, and reports it */
	if (!ps_page_is_verified(page, block, false, InvalidOid) || !ps_page_check(page, &why, &offset))
		return NULL;
	piece->fresh = block;
	piece->offered = true;		/* not if hints are set in it, which its
								 * checksum knows nothing of */
	return page;
}
