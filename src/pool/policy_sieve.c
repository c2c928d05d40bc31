/*
 * policy_sieve.c
 *		SIEVE: a queue by insertion with a visited bit and one hand.
 *
 * A page enters at the new end, unvisited.  The hand moves from old to new: it
 * takes the visited bit away from pages that have it, which stay where they
 * are, and proposes the first that has none.  A hit sets the bit and moves
 * nothing, so it needs no lock; and a scan's pages, used once, leave before
 * pages that were used again.
 */
#include "postgres.h"

#include "pool/policy_list.h"
#include "storage/shmem.h"

#define STEPS_A_HOLD 256		/* frames looked at in one hold of the lock */

typedef struct SieveShared
{
	PsLock		lock;			/* guards all below */
	PsList		queue;
	PsFrame		hand;			/* next frame to look at; PS_NO_FRAME: start
								 * at the oldest */
	PsLink		links[FLEXIBLE_ARRAY_MEMBER];
} SieveShared;

static PsLock *sieve_lock;
static SieveShared *sieve PS_BEHIND_GUARDED_BY(sieve_lock);

static Size
sieve_shmem_size(uint32 max)
{
	return add_size(offsetof(SieveShared, links), mul_size(max, sizeof(PsLink)));
}

static void
sieve_shmem_init(void *area, uint32 max) PS_UNCHECKED
{
	sieve = area;
	sieve_lock = &sieve->lock;
	ps_lock_init(sieve_lock, ps_tranche(PS_TRANCHE_POLICY));
	sieve->queue = PS_EMPTY_LIST;
	sieve->hand = PS_NO_FRAME;
}

static void
sieve_hit(PsFrame frame)
{
	pg_atomic_uint32 *word = &ps_frame(frame)->policy;

	if (pg_atomic_read_u32(word) == 0)
		pg_atomic_write_u32(word, 1);
}

static void
sieve_admit(PsFrame frame, bool again)
{
	pg_atomic_write_u32(&ps_frame(frame)->policy, 0);
	ps_lock_exclusive(sieve_lock);
	ps_list_push(&sieve->queue, sieve->links, frame);
	ps_unlock(sieve_lock);
}

static void
sieve_forget(PsFrame frame)
{
	ps_lock_exclusive(sieve_lock);
	if (sieve->hand == frame)
		sieve->hand = sieve->links[frame].newer;
	ps_list_remove(&sieve->queue, sieve->links, frame);
	ps_unlock(sieve_lock);
}

static void
sieve_moved(PsFrame old, PsFrame new)
{
	ps_lock_exclusive(sieve_lock);
	ps_list_replace(&sieve->queue, sieve->links, old, new);
	if (sieve->hand == old)
		sieve->hand = new;
	ps_policy_copy_word(old, new);
	ps_unlock(sieve_lock);
}

static PsFrame
sieve_victim(void)
{
	PsFrame		found = PS_NO_FRAME;

	ps_lock_exclusive(sieve_lock);
	for (int steps = 0; found == PS_NO_FRAME && steps < STEPS_A_HOLD; steps++)
	{
		PsFrame		frame = sieve->hand;
		pg_atomic_uint32 *word;

		if (frame == PS_NO_FRAME)
			frame = sieve->queue.oldest;
		if (frame == PS_NO_FRAME)
			break;
		word = &ps_frame(frame)->policy;
		if (pg_atomic_read_u32(word) == 0)
			found = frame;
		else
			pg_atomic_write_u32(word, 0);
		sieve->hand = sieve->links[frame].newer;
	}
	ps_unlock(sieve_lock);
	return found;
}

static uint32
sieve_coming(PsFrame *frames, uint32 max)
{
	PsFrame		frame;
	uint32		n;

	ps_lock_shared(sieve_lock);
	frame = sieve->hand;
	if (frame == PS_NO_FRAME)
		frame = sieve->queue.oldest;
	n = ps_list_unused(sieve->links, frame, frames, max);
	ps_unlock(sieve_lock);
	return n;
}

const PsPolicy ps_policy_sieve = {
	.shmem_size = sieve_shmem_size,
	.shmem_init = sieve_shmem_init,
	.hit = sieve_hit,
	.admit = sieve_admit,
	.forget = sieve_forget,
	.moved = sieve_moved,
	.victim = sieve_victim,
	.coming = sieve_coming
};
