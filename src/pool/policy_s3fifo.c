/*
 * policy_s3fifo.c
 *		S3-FIFO: three queues by insertion (Yang et al., SOSP 2023).
 *
 * A page that comes for the first time enters a small queue, a tenth of the
 * pool.  If it is used there, it goes on to the main queue when its turn
 * comes; else it leaves the pool, and is remembered as a ghost.  A page that
 * comes again while it is remembered, or of which the pool knows that it will,
 * goes to the main queue at once.  There a page used since its last turn gets
 * another one, up to three.
 *
 * So a scan's pages, used once, pass through the small queue and disturb
 * nothing, and pages used by turns, whatever else the pool holds, are resident
 * from their third round on, for as many rounds as they fit: what the pool has
 * evicted is remembered for half as long again as the pool is large.  A hit
 * only stores to the frame's policy word; it takes no lock.
 */
#include "postgres.h"

#include "pool/policy_list.h"

#define MAX_USES 3
#define SMALL_SHARE 10			/* the small queue: pool / SMALL_SHARE */
#define SMALL_LEAST 256			/* but room for pages read ahead, up to half
								 * of the pool */
#define STEPS_A_HOLD 256		/* frames looked at in one hold of the lock */

/*
 * Frames proposed and not taken (dirty) stay where they are; after so many the
 * hand goes back to the oldest, which may have been written by now.
 */
#define PROPOSALS_A_ROUND 256

typedef struct Queue
{
	PsList		list;
	uint32		n;
	PsFrame		hand;			/* next frame to look at; PS_NO_FRAME: the
								 * oldest */
	uint32		looked_at;		/* frames since the hand was at the oldest ... */
	uint32		proposals;		/* ... and those of them proposed */
} Queue;

/*
 * Ghosts: a hash table of pages evicted, each with the number of its eviction.
 * One is remembered until as many have followed as the memory is to hold; in a
 * full bucket the oldest gives way.  All zero: nothing remembered, so that the
 * table need not be touched at start.
 */
#define BUCKET_GHOSTS 8			/* one cache line */

typedef struct Ghost
{
	uint32		page;			/* hash of its tag */
	uint32		number;			/* wraps: compare by difference */
} Ghost;

typedef Ghost Bucket[BUCKET_GHOSTS];

typedef struct S3Shared
{
	PsLock		lock;			/* guards all below, and the arrays */
	Queue		small;
	Queue		main;
	uint32		evicted;		/* number of the last ghost */
} S3Shared;

static PsLock *s3_lock;
static S3Shared *s3 PS_BEHIND_GUARDED_BY(s3_lock);

/* per frame: links, and which queue it is in */
static PsLink *links PS_BEHIND_GUARDED_BY(s3_lock);
static bool *in_main PS_BEHIND_GUARDED_BY(s3_lock);

static Bucket *ghosts PS_BEHIND_GUARDED_BY(s3_lock);
static uint32 nbuckets;			/* power of two */
static uint32 remembered_most;	/* by the largest pool */

/* Room for the ghosts, half full at the most. */
static uint32
buckets_for(uint32 max)
{
	uint64		wanted = ((uint64) max * 3 / 2) * 2 / BUCKET_GHOSTS + 1;
	uint32		n = 1;

	while (n < wanted)
		n *= 2;
	return n;
}

/* How many evictions a ghost lasts. */
static inline uint32
remembered(void)
{
	return ps_frames_total() + ps_frames_total() / 2;
}

static inline uint32
small_target(void)
{
	uint32		total = ps_frames_total();

	return Max(total / SMALL_SHARE, Min(total / 2, SMALL_LEAST));
}

static Size
links_at(void)
{
	return CACHELINEALIGN(sizeof(S3Shared));
}

static Size
ghosts_at(uint32 max)
{
	return add_size(links_at(), CACHELINEALIGN(mul_size(max, sizeof(PsLink))));
}

static Size
in_main_at(uint32 max)
{
	return add_size(ghosts_at(max), mul_size(buckets_for(max), sizeof(Bucket)));
}

static Size
s3fifo_shmem_size(uint32 max)
{
	return add_size(in_main_at(max), mul_size(max, sizeof(bool)));
}

static void
rest_hand(Queue *queue)
{
	queue->hand = PS_NO_FRAME;
	queue->looked_at = 0;
	queue->proposals = 0;
}

static void
init_queue(Queue *queue)
{
	queue->list = PS_EMPTY_LIST;
	queue->n = 0;
	rest_hand(queue);
}

static void
s3fifo_shmem_init(void *area, uint32 max) PS_UNCHECKED
{
	s3 = area;
	s3_lock = &s3->lock;
	links = (PsLink *) ((char *) area + links_at());
	ghosts = (Bucket *) ((char *) area + ghosts_at(max));
	in_main = (bool *) ((char *) area + in_main_at(max));
	nbuckets = buckets_for(max);
	remembered_most = max + max / 2;
	ps_lock_init(s3_lock, ps_tranche(PS_TRANCHE_POLICY));
	init_queue(&s3->small);
	init_queue(&s3->main);
	s3->evicted = remembered_most;	/* zeroes are forgotten already */
}

/* ---- ghosts; the lock is held ---- */

static Bucket *
ghosts_near(uint32 page) PS_REQUIRES(s3_lock)
{
	return &ghosts[(page * 0x9E3779B1u >> 7) & (nbuckets - 1)];
}

static inline uint32
age(const Ghost *ghost) PS_REQUIRES(s3_lock)
{
	return s3->evicted - ghost->number;
}

static void
remember_ghost(uint32 page) PS_REQUIRES(s3_lock)
{
	Bucket	   *bucket = ghosts_near(page);
	Ghost	   *place = &(*bucket)[0];

	for (int i = 1; i < BUCKET_GHOSTS; i++)
		if (age(&(*bucket)[i]) > age(place))
			place = &(*bucket)[i];
	place->page = page;
	place->number = ++s3->evicted;
}

/* Was the page here not long ago?  It is no ghost any more then. */
static bool
recall_ghost(uint32 page) PS_REQUIRES(s3_lock)
{
	Bucket	   *bucket = ghosts_near(page);

	for (int i = 0; i < BUCKET_GHOSTS; i++)
	{
		Ghost	   *ghost = &(*bucket)[i];

		if (ghost->page == page && age(ghost) < remembered())
		{
			ghost->number = s3->evicted - remembered_most;
			return true;
		}
	}
	return false;
}

/* ---- queues; the lock is held ---- */

static Queue *
queue_of(PsFrame frame) PS_REQUIRES(s3_lock)
{
	return in_main[frame] ? &s3->main : &s3->small;
}

static void
append(Queue *queue, PsFrame frame) PS_REQUIRES(s3_lock)
{
	in_main[frame] = queue == &s3->main;
	ps_list_push(&queue->list, links, frame);
	queue->n++;
}

static void
take_out(Queue *queue, PsFrame frame) PS_REQUIRES(s3_lock)
{
	if (queue->hand == frame)
		queue->hand = links[frame].newer;
	ps_list_remove(&queue->list, links, frame);
	queue->n--;
}

/*
 * Look at the next frame of the queue: found if it has not been used, else (or
 * pinned: it could not be had) it goes on to the end of the main queue.  False
 * after as many looks as the queue is long: it will begin anew.
 */
static bool
look_at_next(Queue *queue, PsFrame *found) PS_REQUIRES(s3_lock)
{
	PsFrame		frame = queue->hand;
	pg_atomic_uint32 *word;
	uint32		uses;

	if (queue->looked_at >= queue->n || (frame == PS_NO_FRAME && queue->looked_at > 0))
	{
		rest_hand(queue);
		return false;
	}
	if (frame == PS_NO_FRAME)
		frame = queue->list.oldest;
	queue->looked_at++;
	word = &ps_frame(frame)->policy;
	uses = pg_atomic_read_u32(word);
	if (uses > 0 || PS_PINS(pg_atomic_read_u32(&ps_frame(frame)->state)) != 0)
	{
		bool		again = in_main[frame];

		queue->hand = frame;	/* which take_out moves on */
		take_out(queue, frame);
		append(&s3->main, frame);
		if (uses > 0)
			pg_atomic_write_u32(word, again ? uses - 1 : 0);
		return true;
	}

	*found = frame;
	queue->hand = links[frame].newer;
	if (++queue->proposals >= PROPOSALS_A_ROUND)
		rest_hand(queue);
	return true;
}

/* ---- the policy ---- */

static void
s3fifo_hit(PsFrame frame)
{
	ps_policy_count_use(frame, MAX_USES);
}

static void
s3fifo_admit(PsFrame frame, bool again)
{
	uint32		page = ps_tag_hash(&ps_frame(frame)->tag);

	pg_atomic_write_u32(&ps_frame(frame)->policy, 0);
	ps_lock_exclusive(s3_lock);
	append(recall_ghost(page) || again ? &s3->main : &s3->small, frame);
	ps_unlock(s3_lock);
}

/* What leaves the small queue unused is remembered; a page of the main queue has had its time. */
static void
s3fifo_forget(PsFrame frame)
{
	ps_lock_exclusive(s3_lock);
	if (!in_main[frame])
		remember_ghost(ps_tag_hash(&ps_frame(frame)->tag));
	take_out(queue_of(frame), frame);
	ps_unlock(s3_lock);
}

static void
s3fifo_moved(PsFrame old, PsFrame new)
{
	Queue	   *queue;

	ps_lock_exclusive(s3_lock);
	queue = queue_of(old);
	in_main[new] = in_main[old];
	ps_list_replace(&queue->list, links, old, new);
	if (queue->hand == old)
		queue->hand = new;
	ps_policy_copy_word(old, new);
	ps_unlock(s3_lock);
}

/*
 * The small queue gives while it has its share, else the main one; the other
 * one where the first has nothing more to offer.
 */
static PsFrame
s3fifo_victim(void)
{
	PsFrame		found = PS_NO_FRAME;
	uint32		target = small_target();

	ps_lock_exclusive(s3_lock);
	for (int steps = 0; found == PS_NO_FRAME && steps < STEPS_A_HOLD; steps++)
	{
		bool		small_first = s3->small.n >= target || s3->main.n == 0;

		if (look_at_next(small_first ? &s3->small : &s3->main, &found))
			continue;
		if (!look_at_next(small_first ? &s3->main : &s3->small, &found) &&
			s3->small.n + s3->main.n == 0)
			break;
	}
	ps_unlock(s3_lock);
	return found;
}

static uint32
s3fifo_coming(PsFrame *frames, uint32 max)
{
	uint32		n;

	ps_lock_shared(s3_lock);
	n = ps_list_unused(links, s3->small.list.oldest, frames, max);
	n += ps_list_unused(links, s3->main.list.oldest, frames + n, max - n);
	ps_unlock(s3_lock);
	return n;
}

const PsPolicy ps_policy_s3fifo = {
	.shmem_size = s3fifo_shmem_size,
	.shmem_init = s3fifo_shmem_init,
	.hit = s3fifo_hit,
	.admit = s3fifo_admit,
	.forget = s3fifo_forget,
	.moved = s3fifo_moved,
	.victim = s3fifo_victim,
	.coming = s3fifo_coming
};
