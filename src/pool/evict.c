/*
 * evict.c
 *		Frames to fill: the free list, and victims of the replacement policy.
 *
 * A frame is in one of three conditions: free (state 0; on the free list, or
 * never used), in the page table (TAGGED), or in somebody's hands (pinned,
 * neither).  A ghost is in the hands of its pins.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pool/frame.h"

/* Proposals that must be clean before a dirty page is written by a backend. */
#define CLEAN_TRIES 64

/* Proposals and empty answers of the policy after which a caller that may fail gives up. */
#define HASTY_TRIES 256

/* Sweeps, a millisecond apart, before "every frame is pinned" is believed. */
#define PATIENT_SWEEPS 2000

/* ---- the free list ---- */

/* The first use of a frame; shared memory comes zeroed, so that its state and links are right. */
static void
init_frame(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);

	pg_atomic_init_u32(&header->policy, 0);
	pg_atomic_init_u64(&header->aio, ps_aio_pack(PS_AIO_NONE));
	pg_atomic_init_u64(&header->first_dirty, InvalidXLogRecPtr);
	pg_atomic_init_u64(&header->redirty, InvalidXLogRecPtr);
	LWLockInitialize(&header->latch, ps_tranche(PS_TRANCHE_FRAME));
	ConditionVariableInit(&header->io_cv);
}

static PsFrame
pop_free(void)
{
	PsFrame		frame;
	bool		fresh = false;

	if (pg_atomic_read_u32(&ps_pool->nfree) == 0)
		return PS_NO_FRAME;
	SpinLockAcquire(&ps_pool->free_lock);
	frame = ps_deref(ps_pool->free_head);
	if (frame != PS_NO_FRAME)
		ps_pool->free_head = ps_frame(frame)->next;
	else if (pg_atomic_read_u32(&ps_pool->nused) < ps_pool_nframes)
	{
		frame = pg_atomic_fetch_add_u32(&ps_pool->nused, 1);
		fresh = true;
	}
	if (frame != PS_NO_FRAME)
		pg_atomic_fetch_sub_u32(&ps_pool->nfree, 1);
	SpinLockRelease(&ps_pool->free_lock);
	if (frame != PS_NO_FRAME)
	{
		if (fresh)
			init_frame(frame);
		Assert(pg_atomic_read_u32(&ps_frame(frame)->state) == 0);
		pg_atomic_write_u32(&ps_frame(frame)->state, 1);
	}
	return frame;
}

void
ps_frame_give_back(PsFrame frame)
{
	Assert(pg_atomic_read_u32(&ps_frame(frame)->state) == 1);
	Assert(ps_local_pins(frame) == 0);
	pg_atomic_write_u32(&ps_frame(frame)->state, 0);
	SpinLockAcquire(&ps_pool->free_lock);
	ps_frame(frame)->next = ps_pool->free_head;
	ps_pool->free_head = ps_ref(frame);
	pg_atomic_fetch_add_u32(&ps_pool->nfree, 1);
	SpinLockRelease(&ps_pool->free_lock);
}

uint32
ps_frames_used(void)
{
	return pg_atomic_read_u32(&ps_pool->nused);
}

uint32
ps_frames_free(void)
{
	return pg_atomic_read_u32(&ps_pool->nfree);
}

/* ---- leaving the page table ---- */

/* Unless the page has left already, or the state lacks what it must have. */
static void
leave_table(PsFrame frame, uint32 must_have)
{
	PsFrameHeader *header = ps_frame(frame);
	uint32		hash = ps_table_hash(&header->tag);
	uint32		state;

	Assert(PS_PINS(pg_atomic_read_u32(&header->state)) > 0);
	LWLockAcquire(ps_table_lock(hash), LW_EXCLUSIVE);
	state = pg_atomic_read_u32(&header->state);
	do
	{
		if ((state & must_have) != must_have)
		{
			LWLockRelease(ps_table_lock(hash));
			return;
		}
	} while (!pg_atomic_compare_exchange_u32(&header->state, &state,
											 (state & ~PS_LIFE_FLAGS) | PS_GHOST));
	if (state & PS_DIRTY)
		ps_count(PS_COUNT_DIRTY, -1);
	pg_atomic_fetch_add_u32(&ps_pool->nghosts, 1);
	ps_table_remove(frame, hash);
	LWLockRelease(ps_table_lock(hash));
	ps_policy->forget(frame);
}

void
ps_frame_detach(PsFrame frame)
{
	leave_table(frame, PS_TAGGED);
}

void
ps_frame_leave_to_read(PsFrame frame)
{
	leave_table(frame, PS_TAGGED | PS_READING);
}

/* The last pin of a ghost is gone; nobody else can find it. */
void
ps_frame_bury(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);

	Assert(!(pg_atomic_read_u32(&header->state) & (PS_TAGGED | PS_READING | PS_WRITING)));
	pg_atomic_fetch_sub_u32(&ps_pool->nghosts, 1);
	pg_atomic_write_u32(&header->state, 1);
	ps_frame_give_back(frame);
}

/*
 * Take the page from a frame if nobody needs it; the caller's raw pin stays.
 * The state is judged under the bucket lock, where only pins by others can
 * interfere.
 */
static bool
evict(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);
	uint32		hash = ps_table_hash(&header->tag);
	uint32		state;

	LWLockAcquire(ps_table_lock(hash), LW_EXCLUSIVE);
	state = pg_atomic_read_u32(&header->state);
	do
	{
		if (PS_PINS(state) != 1 || !(state & PS_TAGGED) ||
			(state & (PS_DIRTY | PS_READING | PS_WRITING)))
		{
			LWLockRelease(ps_table_lock(hash));
			return false;
		}
	} while (!pg_atomic_compare_exchange_u32(&header->state, &state, 1));
	ps_table_remove(frame, hash);
	LWLockRelease(ps_table_lock(hash));
	ps_policy->forget(frame);
	ps_count(PS_COUNT_EVICTIONS, 1);
	return true;
}

/* Write a dirty victim; the caller's raw pin goes if that fails. */
static void
write_victim(PsFrame frame)
{
	PG_TRY();
	{
		(void) ps_write_frame(frame, PS_WRITE_BACKEND, false);
	}
	PG_CATCH();
	{
		ps_frame_unpin_raw(frame);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* Try to make the proposed frame ours, with one raw pin. */
static bool
take_victim(PsFrame frame, bool may_write)
{
	PsFrameHeader *header = ps_frame(frame);
	uint32		state = pg_atomic_read_u32(&header->state);

	if (state & PS_READING)
	{
		/* Nobody may have looked whether that read has ended. */
		(void) ps_aio_done(ps_aio_unpack(pg_atomic_read_u64(&header->aio)));
		state = pg_atomic_read_u32(&header->state);
	}
	if (!(state & PS_TAGGED) || PS_PINS(state) != 0 ||
		((state & PS_DIRTY) && !may_write))
		return false;
	if (!ps_frame_pin_if(frame, NULL))
		return false;
	if (pg_atomic_read_u32(&header->state) & PS_DIRTY)
	{
		if (may_write)
			write_victim(frame);
		if (pg_atomic_read_u32(&header->state) & PS_DIRTY)
		{
			ps_frame_unpin_raw(frame);
			return false;
		}
	}
	if (evict(frame))
		return true;
	ps_frame_unpin_raw(frame);
	return false;
}

/* One sweep over what the policy proposes. */
static PsFrame
sweep(bool may_write, bool hasty)
{
	uint64		tries = hasty ? HASTY_TRIES : (uint64) ps_pool_nframes * 2 + HASTY_TRIES;
	uint64		empty = ps_pool_nframes / HASTY_TRIES * 4 + 8;
	bool		woken = false;

	for (uint64 i = 0; i < tries;)
	{
		PsFrame		frame = ps_policy->victim();

		if (frame == PS_NO_FRAME)
		{
			if (empty-- == 0)
				break;
			continue;
		}
		i++;
		if (!woken && (pg_atomic_read_u32(&ps_frame(frame)->state) & PS_DIRTY))
		{
			ps_writeback_wake();
			woken = true;
		}
		if (take_victim(frame, may_write && i > CLEAN_TRIES))
			return frame;
	}
	return PS_NO_FRAME;
}

PsFrame
ps_frame_take(bool may_write, bool may_fail)
{
	for (int patience = 0;; patience++)
	{
		PsFrame		frame = pop_free();

		if (frame == PS_NO_FRAME)
			frame = sweep(may_write, may_fail);
		if (frame != PS_NO_FRAME)
		{
			pg_atomic_write_u64(&ps_frame(frame)->aio, ps_aio_pack(PS_AIO_NONE));
			return frame;
		}
		if (may_fail)
			return PS_NO_FRAME;

		/* Pins of reads, writes and passing workers end by themselves. */
		if (patience >= PATIENT_SWEEPS)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
					 errmsg("no page of pagestore's pool can be replaced: all are in use"),
					 errhint("Increase pagestore.pool_size.")));
		CHECK_FOR_INTERRUPTS();
		pg_usleep(1000);
	}
}
