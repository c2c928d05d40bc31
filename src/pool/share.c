/*
 * share.c
 *		Pieces that scans of one table around the pool read for one another.
 *
 * Scans read into private memory in huge pages, where direct reads are several
 * times as fast as into shared memory in small ones: so what one has read is
 * copied for the others, which costs less than to read into shared memory in
 * the first place.
 *
 * What is passed on is good as long as a private image is (ring.c): its
 * sequence counter was noted before the read, and whoever uses it compares.
 * And only as long as somebody has held a lock on the table without a break,
 * so that its file is the same, and written by nobody but the pool: hence it
 * goes with the last scan of the table.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "debug/stop.h"
#include "miscadmin.h"
#include "pool/pool.h"
#include "pool/release.h"
#include "pool/share.h"
#include "server/wait.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#define SCANS 64				/* that can be under way at a time */
#define PLACES 64				/* for pieces: as many as the pool's size
								 * gives it, from ... */
#define PLACES_LEAST 16
#define PLACES_SHARE 4			/* ... to a quarter of the pool */
#define PIECE_BYTES ((Size) PS_PIECE_PAGES * BLCKSZ)
#define NO_PLACE (-1)
#define WAIT_MS 1				/* between two looks at what this process
								 * itself has to pass on */

typedef struct Sharer
{
	int			pid;			/* 0: none */
	int			group;			/* pid of the parallel query's leader, or its
								 * own */
	RelFileLocator rlocator;
	BlockNumber nblocks;		/* of the table */
	BlockNumber next;			/* forward: asks for blocks from here on;
								 * backward: below; InvalidBlockNumber: has
								 * not begun.  A few pieces too low (high)
								 * where it asks for an awaited one again */
	bool		backward;
	BlockNumber began;			/* that way: a synchronized scan goes on at
								 * the other end, up to there; at 0 the others
								 * end */
	int			copies_from;	/* the place whose bytes stay meanwhile,
								 * whatever its condition; NO_PLACE */
} Sharer;

typedef enum Condition
{
	EMPTY,
	CLAIMED,					/* being read, by scan */
	FILLING,					/* being copied here, by scan */
	FORSAKEN,					/* the same, but of no use */
	FULL
} Condition;

typedef struct Place
{
	Condition	condition;
	int			scan;			/* CLAIMED, FILLING, FORSAKEN: whose */
	RelFileLocator rlocator;	/* and of which blocks; not EMPTY */
	BlockNumber first;
	int			n;
	uint32		sequence;		/* FULL: noted before they were read */
} Place;

typedef struct Share
{
	PsLock		lock;			/* guards all below but the bytes that
								 * copies_from and FILLING keep in place */
	ConditionVariable changed;	/* a place is no longer claimed; has a spin
								 * lock of its own */
	Sharer		scans[SCANS];
	Place		places[PLACES];
	int			turn;			/* place to be used next */
	bool		used;			/* their memory has been touched */
	bool		small_pages;	/* and can be given back; fixed at start */
} Share;

static Share *shared;
static char *bytes_of_places;	/* aligned to a page of memory */

/* How many a pool of so many frames has. */
static inline int
places_of(uint32 frames)
{
	int			share = frames / PLACES_SHARE / PS_PIECE_PAGES;

	return Max(Min(share, PLACES), PLACES_LEAST);
}

/* Of as many as there can be. */
static inline Size
bytes_for_places(void)
{
	return places_of(ps_frames_max) * PIECE_BYTES;
}

Size
ps_share_shmem_size(void)
{
	return add_size(sizeof(Share), bytes_for_places() + 2 * BLCKSZ);
}

void
ps_share_shmem_init(void)
{
	bool		found;
	char	   *area = ShmemInitStruct("pagestore shared pieces", bytes_for_places() + BLCKSZ, &found);

	bytes_of_places = (char *) TYPEALIGN(BLCKSZ, area);
	shared = ShmemInitStruct("pagestore scans", sizeof(Share), &found);
	memset(shared, 0, sizeof(Share));
	ps_lock_init(&shared->lock, ps_tranche(PS_TRANCHE_SHARE));
	ConditionVariableInit(&shared->changed);
	shared->small_pages = ps_frames_a_page() == 1;
}

static inline char *
bytes_of(const Place *place)
{
	return bytes_of_places + (place - shared->places) * PIECE_BYTES;
}

/* The total may change meanwhile: whoever asks twice may get two answers. */
static inline int
number_of_places(void)
{
	return places_of(ps_frames_total());
}

/* ---- who wants what ---- */

static bool
is_other(const Sharer *scan, const Sharer *me) PS_REQUIRES(shared->lock)
{
	return scan->pid != 0 && scan != me && RelFileLocatorEquals(scan->rlocator, me->rlocator) &&
		(scan->group != me->group || scan->pid == me->pid);
}

static bool
has_company(const Sharer *me) PS_REQUIRES(shared->lock)
{
	for (int i = 0; i < SCANS; i++)
		if (is_other(&shared->scans[i], me))
			return true;
	return false;
}

/* Will the scan ask for these blocks, before they have to give way? */
static bool
will_want(const Sharer *scan, BlockNumber first, int n) PS_REQUIRES(shared->lock)
{
	int64		distance;

	if (!BlockNumberIsValid(scan->next))
		return false;
	distance = scan->backward ? (int64) scan->next - (first + n) : (int64) first - scan->next;

	if (distance < 0)
	{
		if (scan->backward ? first + n <= scan->began : first >= scan->began)
			return false;		/* it has been there */
		distance += scan->nblocks;
	}
	return distance >= 0 && distance < (int64) number_of_places() * PS_PIECE_PAGES;
}

static bool
others_will_want(const Sharer *me, BlockNumber first, int n) PS_REQUIRES(shared->lock)
{
	for (int i = 0; i < SCANS; i++)
		if (is_other(&shared->scans[i], me) && will_want(&shared->scans[i], first, n))
			return true;
	return false;
}

/* ---- places ---- */

static inline bool
is_claim(const Place *place, int scan) PS_REQUIRES(shared->lock)
{
	return (place->condition == CLAIMED || place->condition == FILLING) && place->scan == scan;
}

/* One that has all these blocks, or will have. */
static Place *
place_of(RelFileLocator rlocator, BlockNumber first, int n) PS_REQUIRES(shared->lock)
{
	for (int i = 0; i < PLACES; i++)
	{
		Place	   *place = &shared->places[i];

		if (place->condition != EMPTY && place->condition != FORSAKEN &&
			first >= place->first && first + n <= place->first + place->n &&
			RelFileLocatorEquals(place->rlocator, rlocator))
			return place;
	}
	return NULL;
}

static Place *
claim_of(int scan, BlockNumber first) PS_REQUIRES(shared->lock)
{
	for (int i = 0; i < PLACES; i++)
		if (is_claim(&shared->places[i], scan) && shared->places[i].first == first)
			return &shared->places[i];
	return NULL;
}

/*
 * Not counted in the place: with a scan goes what it copied from, in whatever
 * way its process ends.
 */
static bool
is_copied_from(int which) PS_REQUIRES(shared->lock)
{
	for (int i = 0; i < SCANS; i++)
		if (shared->scans[i].pid != 0 && shared->scans[i].copies_from == which)
			return true;
	return false;
}

/* In the place that was claimed longest ago, of those that nobody is busy with. */
static bool
claim_place(int scan, BlockNumber first, int n) PS_REQUIRES(shared->lock)
{
	int			places = number_of_places();

	for (int i = 0; i < places; i++)
	{
		int			which = (shared->turn + i) % places;
		Place	   *place = &shared->places[which];

		if ((place->condition == EMPTY || place->condition == FULL) && !is_copied_from(which))
		{
			place->condition = CLAIMED;
			place->scan = scan;
			place->rlocator = shared->scans[scan].rlocator;
			place->first = first;
			place->n = n;
			shared->turn = (which + 1) % places;
			return true;
		}
	}
	return false;
}

static void
void_claim(Place *place) PS_REQUIRES(shared->lock)
{
	place->condition = place->condition == FILLING ? FORSAKEN : EMPTY;
}

/* ---- scans ---- */

static void
leave_all(int code, Datum arg)
{
	for (int i = 0; i < SCANS; i++)
		if (shared->scans[i].pid == MyProcPid)
			ps_share_leave(i);
}

int
ps_share_join(RelFileLocator rlocator, BlockNumber nblocks)
{
	static bool registered = false;
	int			scan = PS_NO_SCAN;

	if (!registered)
		on_shmem_exit(leave_all, 0);
	registered = true;

	ps_lock_exclusive(&shared->lock);
	for (int i = 0; i < SCANS && scan == PS_NO_SCAN; i++)
		if (shared->scans[i].pid == 0)
			scan = i;
	if (scan != PS_NO_SCAN)
		shared->scans[scan] = (Sharer)
	{
		.pid = MyProcPid,
			.group = MyProc->lockGroupLeader ? MyProc->lockGroupLeader->pid : MyProcPid,
			.rlocator = rlocator,.nblocks = nblocks,.next = InvalidBlockNumber,
			.copies_from = NO_PLACE
	};
	ps_unlock(&shared->lock);
	return scan;
}

/* Nobody scans: nobody copies either. */
static void
give_memory_back(void) PS_REQUIRES(shared->lock)
{
	for (int i = 0; i < SCANS; i++)
		if (shared->scans[i].pid != 0)
			return;
	if (shared->used && shared->small_pages)
		(void) madvise(bytes_of_places, bytes_for_places(), MADV_REMOVE);
	shared->used = false;
}

void
ps_share_leave(int scan)
{
	RelFileLocator rlocator;
	bool		last = true;

	ps_lock_exclusive(&shared->lock);
	Assert(shared->scans[scan].pid == MyProcPid);
	rlocator = shared->scans[scan].rlocator;
	shared->scans[scan].pid = 0;
	for (int i = 0; i < SCANS; i++)
		last &= shared->scans[i].pid == 0 || !RelFileLocatorEquals(shared->scans[i].rlocator, rlocator);
	for (int i = 0; i < PLACES; i++)
	{
		Place	   *place = &shared->places[i];

		/* FILLING: this process has been ended in the middle of it */
		if (place->condition != FULL && place->scan == scan)
			place->condition = EMPTY;
		if (last && place->condition == FULL && RelFileLocatorEquals(place->rlocator, rlocator))
		{
			Assert(!is_copied_from(i));
			place->condition = EMPTY;
		}
	}
	give_memory_back();
	ps_unlock(&shared->lock);
	ConditionVariableBroadcast(&shared->changed);
}

/* ---- pieces ---- */

static void
copy_from(Place *place, BlockNumber first, int n, char *bytes) PS_UNCHECKED
{
	PS_STOP("share-copying");
	memcpy(bytes, bytes_of(place) + (Size) (first - place->first) * BLCKSZ, (Size) n * BLCKSZ);
}

PsShareAnswer
ps_share_take(int scan, BlockNumber first, int n, bool backward,
			  char *bytes, uint32 *sequence, bool *company)
{
	Sharer	   *me = &shared->scans[scan];
	PsShareAnswer answer = PS_SHARE_READ;
	Place	   *place;

	Assert(first / PS_PIECE_PAGES == (first + n - 1) / PS_PIECE_PAGES);
	ps_lock_exclusive(&shared->lock);
	Assert(me->pid == MyProcPid);
	if (!BlockNumberIsValid(me->next) || me->backward != backward)
		me->began = backward ? first + n : first;
	me->next = backward ? first : first + n;
	me->backward = backward;
	*company = has_company(me);
	place = *company ? place_of(me->rlocator, first, n) : NULL;
	if (place != NULL && place->condition == FULL &&
		ps_piece_sequence(me->rlocator, first) != place->sequence)
	{
		place->condition = EMPTY;
		place = NULL;
	}
	if (place == NULL)
	{
		if (*company && others_will_want(me, first, n) && claim_place(scan, first, n))
			answer = PS_SHARE_CLAIMED;
	}
	else if (place->condition == FULL)
	{
		answer = PS_SHARE_COPIED;
		*sequence = place->sequence;
		me->copies_from = place - shared->places;
	}
	else if (place->scan != scan)
		answer = PS_SHARE_AWAIT;
	ps_unlock(&shared->lock);

	if (answer == PS_SHARE_COPIED)
	{
		/* nobody writes here meanwhile */
		copy_from(place, first, n, bytes);
		ps_lock_exclusive(&shared->lock);
		me->copies_from = NO_PLACE;
		ps_unlock(&shared->lock);
	}
	return answer;
}

bool
ps_share_claim(int scan, BlockNumber first, int n)
{
	Sharer	   *me = &shared->scans[scan];
	bool		claimed;

	ps_lock_exclusive(&shared->lock);
	claimed = others_will_want(me, first, n) && place_of(me->rlocator, first, n) == NULL &&
		claim_place(scan, first, n);
	ps_unlock(&shared->lock);
	return claimed;
}

void
ps_share_pass_on(int scan, BlockNumber first, int n, const char *bytes, uint32 sequence)
{
	Place	   *place;
	bool		fills = false;

	ps_lock_exclusive(&shared->lock);
	place = claim_of(scan, first);
	if (place != NULL)
	{
		Assert(!is_copied_from(place - shared->places));
		fills = n >= place->n && (sequence & 1) == 0;
		place->condition = fills ? FILLING : EMPTY;
		shared->used |= fills;
	}
	ps_unlock(&shared->lock);

	if (fills)
	{
		memcpy(bytes_of(place), bytes, (Size) place->n * BLCKSZ);
		ps_lock_exclusive(&shared->lock);
		place->condition = place->condition == FILLING ? FULL : EMPTY;
		place->sequence = sequence;
		ps_unlock(&shared->lock);
	}
	ConditionVariableBroadcast(&shared->changed);
}

void
ps_share_drop(int scan, BlockNumber first)
{
	Place	   *place;

	ps_lock_exclusive(&shared->lock);
	place = claim_of(scan, first);
	if (place != NULL)
		void_claim(place);
	ps_unlock(&shared->lock);
	ConditionVariableBroadcast(&shared->changed);
}

/* Whose claim keeps the scan waiting?  PS_NO_SCAN: nobody's. */
static int
reader_of(int scan, BlockNumber first, int n)
{
	Place	   *place;
	int			reader = PS_NO_SCAN;

	ps_lock_exclusive(&shared->lock);
	place = place_of(shared->scans[scan].rlocator, first, n);
	if (place != NULL && place->condition != FULL)
		reader = place->scan;
	ps_unlock(&shared->lock);
	return reader;
}

void
ps_share_wait(int scan, BlockNumber first, int n)
{
	PS_STOP("share-await");
	ConditionVariablePrepareToSleep(&shared->changed);
	if (reader_of(scan, first, n) != PS_NO_SCAN)
		(void) ConditionVariableTimedSleep(&shared->changed, WAIT_MS, ps_wait_event(PS_WAIT_READ));
	ConditionVariableCancelSleep();
	CHECK_FOR_INTERRUPTS();
}

void
ps_share_revoke(int scan, BlockNumber first, int n)
{
	Place	   *awaited;

	ps_lock_exclusive(&shared->lock);
	awaited = place_of(shared->scans[scan].rlocator, first, n);
	if (awaited != NULL && awaited->condition != FULL && awaited->scan != scan)
	{
		int			reader = awaited->scan;

		for (int i = 0; i < PLACES; i++)
			if (is_claim(&shared->places[i], reader))
				void_claim(&shared->places[i]);
	}
	ps_unlock(&shared->lock);
	ConditionVariableBroadcast(&shared->changed);
}
