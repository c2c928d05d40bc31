/*
 * policy_lru.c
 *		Least recently used, by generations.
 *
 * Time is counted in accesses and cut into generations, GENERATIONS of them to
 * as many accesses as there are frames.  A hit stamps the frame with the
 * generation of the moment and moves nothing.  Each generation has a list; a
 * victim comes from the oldest list, and a frame found there with a younger
 * stamp moves to the list of that stamp first.  So the order is that of use,
 * to within a generation.  Generations beyond the window are one list, still
 * in order.
 */
#include "postgres.h"

#include "pool/policy_list.h"
#include "storage/shmem.h"

#define GENERATIONS 64
#define STEPS_A_HOLD 256		/* frames looked at in one hold of the lock */
#define HITS_A_TICK 16			/* hits a process gathers before it moves the
								 * clock */

typedef struct LruShared
{
	pg_atomic_uint64 accesses;	/* the clock; atomic */
	PsLock		lock;			/* guards all below */
	uint32		oldest;			/* generation of the oldest list in the window */
	uint32		newest;
	PsList		lists[GENERATIONS];
	PsLink		links[FLEXIBLE_ARRAY_MEMBER];
} LruShared;

static PsLock *lru_lock;
static LruShared *lru PS_BEHIND_GUARDED_BY(lru_lock);
static uint32 most_frames;		/* that there can be */
static uint32 accesses_a_generation;

/* In which list a frame stands: its stamp when it was put there.  In shared memory. */
static uint32 *placed PS_BEHIND_GUARDED_BY(lru_lock);

static Size
links_end(uint32 max)
{
	return add_size(offsetof(LruShared, links), mul_size(max, sizeof(PsLink)));
}

static Size
lru_shmem_size(uint32 max)
{
	return add_size(links_end(max), mul_size(max, sizeof(uint32)));
}

static void
lru_shmem_init(void *area, uint32 max) PS_UNCHECKED
{
	lru = area;
	lru_lock = &lru->lock;
	placed = (uint32 *) ((char *) area + links_end(max));
	most_frames = max;
	accesses_a_generation = Max(max / GENERATIONS, 1);
	pg_atomic_init_u64(&lru->accesses, 0);
	ps_lock_init(lru_lock, ps_tranche(PS_TRANCHE_POLICY));
	lru->oldest = lru->newest = 0;
	for (int i = 0; i < GENERATIONS; i++)
		lru->lists[i] = PS_EMPTY_LIST;
}

/*
 * The smaller the pool is, compared with the largest that it can be, the
 * faster the clock goes: a generation is a share of the pool's size, whatever
 * that is, and earlier stamps stay good.
 */
static inline void
count_accesses(uint64 n)
{
	pg_atomic_fetch_add_u64(&lru->accesses, n * most_frames / ps_frames_total());
}

/* Wraps after 2^32 generations of at least as many accesses: compare by difference. */
static inline uint32
generation_now(void)
{
	return (uint32) (pg_atomic_read_u64(&lru->accesses) / accesses_a_generation);
}

static void
lru_hit(PsFrame frame)
{
	static uint32 gathered = 0;
	pg_atomic_uint32 *word = &ps_frame(frame)->policy;
	uint32		now;

	if (++gathered >= HITS_A_TICK)
	{
		count_accesses(gathered);
		gathered = 0;
	}
	now = generation_now();
	if (pg_atomic_read_u32(word) != now)
		pg_atomic_write_u32(word, now);
}

/* Move the window up to the present; what falls out joins the oldest list's old end. */
static void
advance(void) PS_REQUIRES(lru_lock)
{
	uint32		now = generation_now();

	if ((int32) (now - lru->newest) <= 0)
		return;
	lru->newest = now;
	for (int i = 0; now - lru->oldest >= GENERATIONS && i < GENERATIONS; i++)
	{
		PsList	   *old = &lru->lists[lru->oldest % GENERATIONS];
		PsList	   *next = &lru->lists[(lru->oldest + 1) % GENERATIONS];

		ps_list_prepend_oldest(next, old, lru->links);
		lru->oldest++;
	}

	/*
	 * An idle stretch longer than the window: one list is left, it takes the
	 * oldest place.
	 */
	if (now - lru->oldest >= GENERATIONS)
	{
		PsList	   *old = &lru->lists[lru->oldest % GENERATIONS];
		PsList		rest = *old;

		*old = PS_EMPTY_LIST;
		lru->oldest = now - GENERATIONS + 1;
		lru->lists[lru->oldest % GENERATIONS] = rest;
	}
}

static inline PsList *
list_of(uint32 stamp) PS_REQUIRES_SHARED(lru_lock)
{
	if ((int32) (stamp - lru->oldest) < 0)
		stamp = lru->oldest;
	return &lru->lists[stamp % GENERATIONS];
}

static void
place(PsFrame frame, uint32 stamp) PS_REQUIRES(lru_lock)
{
	placed[frame] = stamp;
	ps_list_push(list_of(stamp), lru->links, frame);
}

static void
lru_admit(PsFrame frame, bool again)
{
	ps_lock_exclusive(lru_lock);
	count_accesses(1);
	advance();
	pg_atomic_write_u32(&ps_frame(frame)->policy, lru->newest);
	place(frame, lru->newest);
	ps_unlock(lru_lock);
}

static void
lru_forget(PsFrame frame)
{
	ps_lock_exclusive(lru_lock);
	ps_list_remove(list_of(placed[frame]), lru->links, frame);
	ps_unlock(lru_lock);
}

static void
lru_moved(PsFrame old, PsFrame new)
{
	ps_lock_exclusive(lru_lock);
	ps_list_replace(list_of(placed[old]), lru->links, old, new);
	placed[new] = placed[old];
	ps_policy_copy_word(old, new);
	ps_unlock(lru_lock);
}

static PsFrame
lru_victim(void)
{
	PsFrame		found = PS_NO_FRAME;

	ps_lock_exclusive(lru_lock);
	advance();
	for (int steps = 0; found == PS_NO_FRAME && steps < STEPS_A_HOLD; steps++)
	{
		PsList	   *list = &lru->lists[lru->oldest % GENERATIONS];
		PsFrame		frame = list->oldest;
		uint32		stamp;

		if (frame == PS_NO_FRAME)
		{
			if (lru->oldest == lru->newest)
				break;
			lru->oldest++;
			continue;
		}

		/* a stamp of a moment after advance() counts as the newest */
		stamp = pg_atomic_read_u32(&ps_frame(frame)->policy);
		if ((int32) (stamp - lru->newest) > 0)
			stamp = lru->newest;
		ps_list_remove(list, lru->links, frame);
		if ((int32) (stamp - lru->oldest) > 0)
			place(frame, stamp);
		else
		{
			/*
			 * Out of the way for the next call, in case it cannot be had
			 * (pinned, dirty).
			 */
			place(frame, Min(lru->oldest + 1, lru->newest));
			found = frame;
		}
	}
	ps_unlock(lru_lock);
	return found;
}

static uint32
lru_coming(PsFrame *frames, uint32 max)
{
	uint32		steps = 0;
	uint32		n = 0;

	ps_lock_shared(lru_lock);
	for (uint32 generation = lru->oldest; (int32) (lru->newest - generation) >= 0; generation++)
	{
		PsFrame		frame = lru->lists[generation % GENERATIONS].oldest;

		for (; frame != PS_NO_FRAME && n < max && steps < PS_LIST_LOOK_AHEAD; steps++)
		{
			uint32		stamp = pg_atomic_read_u32(&ps_frame(frame)->policy);

			/* used since it was put into this list: it will move on */
			if ((int32) (stamp - generation) <= 0)
				frames[n++] = frame;
			frame = lru->links[frame].newer;
		}
	}
	ps_unlock(lru_lock);
	return n;
}

const PsPolicy ps_policy_lru = {
	.shmem_size = lru_shmem_size,
	.shmem_init = lru_shmem_init,
	.hit = lru_hit,
	.admit = lru_admit,
	.forget = lru_forget,
	.moved = lru_moved,
	.victim = lru_victim,
	.coming = lru_coming
};
