/*
 * policy.h
 *		What a replacement policy gives: which frame is to be given up.
 *
 * A policy proposes, the pool decides whether a frame can be taken.  Each is
 * one source file, policy_NAME.c, and a row in replacement.c; it may take one
 * lock of its own (PS_TRANCHE_POLICY), which is innermost, in all calls but
 * hit.
 */
#ifndef PAGESTORE_POOL_POLICY_H
#define PAGESTORE_POOL_POLICY_H

#include "pool/pool.h"

typedef struct PsPolicy
{
	/*
	 * Its area of shared memory, for as many frames as there can ever be,
	 * zeroed before init, which runs once, before any other call.  How many
	 * there are (ps_frames_total()) changes while it works.
	 */
	Size		(*shmem_size) (uint32 max);
	void		(*shmem_init) (void *area, uint32 max);

	/*
	 * The page was used: called at every hit, with a pin, so it stores to the
	 * frame's policy word at most.
	 */
	void		(*hit) (PsFrame frame);

	/*
	 * A page enters a frame; it leaves again.  The frame has its tag in both;
	 * once each.  again: it is known to be used again and again.
	 */
	void		(*admit) (PsFrame frame, bool again);
	void		(*forget) (PsFrame frame);

	/*
	 * The page goes from one frame to another, which nobody can take
	 * meanwhile, and keeps its standing.
	 */
	void		(*moved) (PsFrame old, PsFrame new);

	/*
	 * A frame to give up, PS_NO_FRAME if this look has found none.  The next
	 * call goes on where it stopped: what was proposed in vain is not
	 * proposed again at once.
	 */
	PsFrame		(*victim) (void);

	/*
	 * Up to max frames that victim would propose soon if nobody used them, in
	 * that order: a guess that changes nothing.
	 */
	uint32		(*coming) (PsFrame *frames, uint32 max);
} PsPolicy;

extern const PsPolicy ps_policy_clock;
extern const PsPolicy ps_policy_sieve;
extern const PsPolicy ps_policy_lru;
extern const PsPolicy ps_policy_s3fifo;

/* ---- for policies whose word counts uses ---- */

/* One more use, up to max.  A lost update among concurrent hits costs a use, no more. */
static inline void
ps_policy_count_use(PsFrame frame, uint32 max)
{
	pg_atomic_uint32 *word = &ps_frame(frame)->policy;
	uint32		uses = pg_atomic_read_u32(word);

	if (uses < max)
		pg_atomic_write_u32(word, uses + 1);
}

static inline void
ps_policy_copy_word(PsFrame from, PsFrame to)
{
	pg_atomic_write_u32(&ps_frame(to)->policy, pg_atomic_read_u32(&ps_frame(from)->policy));
}

#endif							/* PAGESTORE_POOL_POLICY_H */
