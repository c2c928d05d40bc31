/*
 * policy_clock.c
 *		Clock with usage counts, as core's buffers have.
 *
 * The frame's policy word counts uses up to MAX_USES; the hand takes one away
 * as it passes and proposes frames that have none left.
 */
#include "postgres.h"

#include "pool/policy.h"

#define MAX_USES 5

typedef struct ClockShared
{
	pg_atomic_uint64 hand;		/* modulo the number of frames in use; atomic */
} ClockShared;

static ClockShared *clock_shared;

static Size
clock_shmem_size(uint32 max)
{
	return sizeof(ClockShared);
}

static void
clock_shmem_init(void *area, uint32 max)
{
	clock_shared = area;
	pg_atomic_init_u64(&clock_shared->hand, 0);
}

static void
clock_hit(PsFrame frame)
{
	ps_policy_count_use(frame, MAX_USES);
}

static void
clock_admit(PsFrame frame, bool again)
{
	pg_atomic_write_u32(&ps_frame(frame)->policy, 1);
}

static void
clock_forget(PsFrame frame)
{
	pg_atomic_write_u32(&ps_frame(frame)->policy, 0);
}

static void
clock_moved(PsFrame old, PsFrame new)
{
	ps_policy_copy_word(old, new);
	clock_forget(old);
}

static PsFrame
clock_victim(void)
{
	uint32		used = ps_frames_used();

	while (used > 0)
	{
		PsFrame		frame = pg_atomic_fetch_add_u64(&clock_shared->hand, 1) % used;
		pg_atomic_uint32 *word = &ps_frame(frame)->policy;
		uint32		uses = pg_atomic_read_u32(word);

		if (uses == 0)
			return frame;

		/* a pinned frame keeps its uses: it could not be had anyway */
		if (PS_PINS(pg_atomic_read_u32(&ps_frame(frame)->state)) != 0)
			return frame;
		pg_atomic_write_u32(word, uses - 1);
	}
	return PS_NO_FRAME;
}

static uint32
clock_coming(PsFrame *frames, uint32 max)
{
	uint64		hand = pg_atomic_read_u64(&clock_shared->hand);
	uint32		used = ps_frames_used();
	uint32		n = 0;

	for (uint32 steps = 0; steps < used && n < max; steps++)
	{
		PsFrame		frame = (hand + steps) % used;

		if (pg_atomic_read_u32(&ps_frame(frame)->policy) == 0)
			frames[n++] = frame;
	}
	return n;
}

const PsPolicy ps_policy_clock = {
	.shmem_size = clock_shmem_size,
	.shmem_init = clock_shmem_init,
	.hit = clock_hit,
	.admit = clock_admit,
	.forget = clock_forget,
	.moved = clock_moved,
	.victim = clock_victim,
	.coming = clock_coming
};
