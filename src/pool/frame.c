/*
 * frame.c
 *		The state word of a frame: each of its transitions (frame.h draws them).
 */
#include "postgres.h"

#include "access/xlog.h"
#include "pool/frame.h"
#include "pool/iostat.h"
#include "pool/protect.h"
#include "pool/relcount.h"
#include "pool/replacement.h"
#include "pool/stats.h"
#include "pool/table.h"

/* What ends when the page leaves the frame; PERMANENT, VALID and I/O flags stay with the bytes. */
#define LIFE_FLAGS (PS_TAGGED | PS_DIRTY | PS_REDIRTIED | PS_NOWRITE | PS_AHEAD | PS_IDLE)

/* Retired, and without memory. */
#define GIVEN_UP (PS_RETIRED | PS_RELEASED)

#ifdef USE_ASSERT_CHECKING
static inline bool
implies(uint32 state, uint32 flag, uint32 needed, uint32 excluded)
{
	return (state & flag) == 0 || ((state & needed) == needed && (state & excluded) == 0);
}

/* What holds of every state word, whoever looks. */
static bool
is_sound(uint32 state)
{
	return implies(state, PS_TAGGED, 0, PS_GHOST) &&
		implies(state, PS_READING, 0, PS_VALID | PS_DIRTY | PS_WRITING) &&
		implies(state, PS_DIRTY, PS_TAGGED | PS_VALID, 0) &&
		implies(state, PS_REDIRTIED, PS_DIRTY | PS_WRITING, 0) &&
		implies(state, PS_AHEAD, PS_TAGGED, 0) &&
		implies(state, PS_IDLE, PS_TAGGED, 0) &&
		((state & (PS_READING | PS_WRITING | PS_GHOST)) == 0 || PS_PINS(state) > 0) &&
		((state & (PS_TAGGED | PS_GHOST)) != 0 || state <= 1 || state == PS_RETIRED || state == GIVEN_UP);
}
#endif

/* One atomic step; on failure *state is what it is now. */
static inline bool
step(PsFrameHeader *header, uint32 *state, uint32 next)
{
	Assert(is_sound(*state) && is_sound(next));
	return pg_atomic_compare_exchange_u32(&header->state, state, next);
}

/* ---- pins ---- */

bool
ps_frame_pin_if(PsFrame frame, const PsTag *tag)
{
	uint32		was;

	if (!ps_frame_pin_tagged(frame, 0, &was))
		return false;
	if (tag == NULL || ps_tag_equal(&ps_frame(frame)->tag, tag))
		return true;
	ps_frame_unpin_raw(frame);
	return false;
}

PsFrame
ps_frame_pin_page(const PsTag *tag)
{
	uint32		hash = ps_tag_hash(tag);
	PsLock	   *lock = ps_table_lock(hash);
	PsFrame		frame;

	if (*ps_table_bucket(hash) == PS_NO_REF)
		return PS_NO_FRAME;
	ps_lock_shared(lock);
	frame = ps_table_find(tag, hash);
	if (frame != PS_NO_FRAME && !ps_frame_pin_if(frame, tag))
		frame = PS_NO_FRAME;
	ps_unlock(lock);
	return frame;
}

void
ps_frame_mark_idle(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);
	uint32		state = ps_frame_state(frame);

	while ((state & PS_TAGGED) && !step(header, &state, state | PS_IDLE))
		;
}

void
ps_frame_bury(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);

	Assert(!(ps_frame_state(frame) & (PS_TAGGED | PS_READING | PS_WRITING)));
	pg_atomic_fetch_sub_u32(&ps_pool->nghosts, 1);
	pg_atomic_write_u32(&header->state, 1);
	ps_frame_give_back(frame);
}

/* ---- free and in hands ---- */

/* The first use of a frame; shared memory comes zeroed, so that its state and links are right. */
static void
init_frame(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);

	pg_atomic_init_u32(&header->policy, 0);
	pg_atomic_init_u64(&header->aio, ps_aio_pack(PS_AIO_NONE));
	pg_atomic_init_u64(&header->first_dirty, InvalidXLogRecPtr);
	pg_atomic_init_u64(&header->redirty, InvalidXLogRecPtr);
	ps_lock_init(&header->latch, ps_tranche(PS_TRANCHE_FRAME));
	ConditionVariableInit(&header->io_cv);
}

/* The only way to it. */
static inline PsRef *
free_head(void) PS_REQUIRES(ps_pool->free_lock)
{
	return &ps_pool->free_head;
}

PsFrame
ps_frame_take_free(void)
{
	PsFrame		frame;
	bool		fresh pg_attribute_unused() = false;
	bool		known = true;

	if (ps_frames_free() == 0)
		return PS_NO_FRAME;
	ps_spin_lock(&ps_pool->free_lock);
	frame = ps_deref(*free_head());
	if (frame != PS_NO_FRAME)
		*free_head() = ps_frame(frame)->next;
	else if (ps_frames_used() < ps_frames_total())
	{
		frame = pg_atomic_fetch_add_u32(&ps_pool->nused, 1);
		fresh = true;
		known = frame < ps_pool->nheaders;

		/*
		 * it must not look given up once it is in use; memory that nobody has
		 * touched waits
		 */
		if (known)
		{
			Assert(ps_frame_state(frame) == GIVEN_UP);
			pg_atomic_write_u32(&ps_frame(frame)->state, 0);
		}
		else
			ps_pool->nheaders = frame + 1;
	}
	if (frame != PS_NO_FRAME)
		pg_atomic_fetch_sub_u32(&ps_pool->nfree, 1);
	ps_spin_unlock(&ps_pool->free_lock);
	if (frame != PS_NO_FRAME)
	{
		if (!known)
			init_frame(frame);
		Assert(ps_frame_state(frame) == 0);
#ifdef PAGESTORE_DEBUG
		Assert(fresh || ps_frame_is_spoiled(frame));
#endif
		pg_atomic_write_u32(&ps_frame(frame)->state, 1);
	}
	return frame;
}

/* To the free list, or to none if it is beyond the pool's size. */
void
ps_frame_give_back(PsFrame frame)
{
	Assert(ps_frame_state(frame) == 1);
	ps_frame_spoil(frame);
	ps_spin_lock(&ps_pool->free_lock);
	if (frame < ps_frames_total())
	{
		pg_atomic_write_u32(&ps_frame(frame)->state, 0);
		ps_frame(frame)->next = *free_head();
		*free_head() = ps_ref(frame);
		pg_atomic_fetch_add_u32(&ps_pool->nfree, 1);
	}
	else
		pg_atomic_write_u32(&ps_frame(frame)->state, PS_RETIRED);
	ps_spin_unlock(&ps_pool->free_lock);
}

/* ---- the pool's size ---- */

/* Frames that nobody has in use, beyond those that are. */
static inline uint32
untouched(uint32 total)
{
	return total - Min(total, ps_frames_used());
}

/* The other free ones are beyond the size, or go back to the list one by one. */
static void
lower_total(uint32 total)
{
	PsRef		chain;

	ps_spin_lock(&ps_pool->free_lock);
	chain = *free_head();
	*free_head() = PS_NO_REF;
	pg_atomic_write_u32(&ps_pool->nfree, untouched(total));
	pg_atomic_write_u32(&ps_pool->nframes, total);
	ps_spin_unlock(&ps_pool->free_lock);

	while (chain != PS_NO_REF)
	{
		PsFrame		frame = ps_deref(chain);

		chain = ps_frame(frame)->next;
		pg_atomic_write_u32(&ps_frame(frame)->state, 1);
		ps_frame_give_back(frame);
	}
}

/* Retired ones within the size are free again. */
static void
raise_total(uint32 total)
{
	uint32		old = ps_frames_total();
	uint32		used;

	ps_spin_lock(&ps_pool->free_lock);
	used = ps_frames_used();
	pg_atomic_fetch_add_u32(&ps_pool->nfree, untouched(total) - untouched(old));
	pg_atomic_write_u32(&ps_pool->nframes, total);
	ps_spin_unlock(&ps_pool->free_lock);

	/* those behind what was in use are taken as if they had never been used */
	for (PsFrame frame = old; frame < Min(total, used); frame++)
	{
		uint32		state = ps_frame_state(frame);

		if (!(state & PS_RETIRED))
			continue;
		if (state & PS_RELEASED)
			pg_atomic_fetch_sub_u32(&ps_pool->nreleased, 1);
		pg_atomic_write_u32(&ps_frame(frame)->state, 1);
		ps_frame_give_back(frame);
	}
}

void
ps_frames_set_total(uint32 total)
{
	Assert(total > 0 && total <= ps_frames_max);
	if (total < ps_frames_total())
		lower_total(total);
	else if (total > ps_frames_total())
		raise_total(total);
}

void
ps_frame_set_released(PsFrame frame)
{
	uint32		state = ps_frame_state(frame);

	Assert(frame >= ps_frames_total());
	Assert(state & PS_RETIRED);
	if (state & PS_RELEASED)
		return;
	pg_atomic_write_u32(&ps_frame(frame)->state, GIVEN_UP);
	pg_atomic_fetch_add_u32(&ps_pool->nreleased, 1);
}

/* As long as the last one in use is beyond the size nobody else changes nused. */
void
ps_frames_trim(void)
{
	uint32		used = ps_frames_used();
	uint32		trimmed = used;

	while (trimmed > ps_frames_total() && ps_frame_state(trimmed - 1) == GIVEN_UP)
		trimmed--;
	if (trimmed == used)
		return;
	ps_spin_lock(&ps_pool->free_lock);
	pg_atomic_write_u32(&ps_pool->nused, trimmed);
	ps_spin_unlock(&ps_pool->free_lock);
	pg_atomic_fetch_sub_u32(&ps_pool->nreleased, used - trimmed);
}

/* ---- into the page table, and out of it by eviction ---- */

bool
ps_frame_enter(PsFrame frame, const PsRelKey *rel, const PsTag *tag, uint32 hash, uint32 flags,
			   bool again)
{
	PsFrameHeader *header = ps_frame(frame);
	uint32		state = 1 | PS_TAGGED | flags | (rel->permanent ? PS_PERMANENT : 0);

	Assert(((flags & PS_READING) != 0) != ((flags & PS_VALID) != 0));
	Assert(is_sound(state));
	Assert(ps_frame_state(frame) == 1);
	header->tag = *tag;
	pg_atomic_write_u64(&header->aio, ps_aio_pack(PS_AIO_NONE));
	ps_policy->admit(frame, again);
	ps_lock_exclusive(ps_table_lock(hash));
	if (ps_table_find(tag, hash) != PS_NO_FRAME)
	{
		ps_unlock(ps_table_lock(hash));
		ps_policy->forget(frame);
		ps_frame_give_back(frame);
		return false;
	}
	pg_atomic_write_u32(&header->state, state);
	ps_table_insert(frame, hash);
	ps_unlock(ps_table_lock(hash));
	return true;
}

/* A page that was read ahead leaves the pool, and nobody has used it. */
static void
count_waste(PsFrameHeader *header)
{
	ps_count(PS_COUNT_AHEAD_WASTED, 1);
	ps_relcount(&header->tag.rlocator, PS_REL_AHEAD_WASTED, 1);
}

/* The state is judged under the bucket lock, where only pins by others can interfere. */
bool
ps_frame_evict(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);
	uint32		hash = ps_tag_hash(&header->tag);
	uint32		state;

	ps_lock_exclusive(ps_table_lock(hash));
	state = ps_frame_state(frame);
	Assert(PS_PINS(state) > 0);
	do
	{
		if (PS_PINS(state) != 1 || !(state & PS_TAGGED) ||
			(state & (PS_DIRTY | PS_READING | PS_WRITING)))
		{
			ps_unlock(ps_table_lock(hash));
			return false;
		}
	} while (!step(header, &state, 1));
	ps_table_remove(frame, hash);
	ps_unlock(ps_table_lock(hash));
	ps_policy->forget(frame);
	ps_frame_spoil(frame);
	ps_count(PS_COUNT_EVICTIONS, 1);
	ps_relcount(&header->tag.rlocator, PS_REL_EVICTIONS, 1);
	if (state & PS_AHEAD)
		count_waste(header);
	return true;
}

/* ---- reads ---- */

void
ps_frame_set_aio(PsFrame frame, PsAioRef ref)
{
	PsFrameHeader *header = ps_frame(frame);

	Assert(ps_frame_state(frame) & PS_READING);
	pg_atomic_write_u64(&header->aio, ps_aio_pack(ref));
	if (PS_PINS(ps_frame_state(frame)) > 1)
		ConditionVariableBroadcast(&header->io_cv);
}

PsAioRef
ps_frame_aio(PsFrame frame)
{
	return ps_aio_unpack(pg_atomic_read_u64(&ps_frame(frame)->aio));
}

void
ps_frame_end_read(PsFrame frame, bool good)
{
	PsFrameHeader *header = ps_frame(frame);
	uint32		state;

	if (!good)
		ps_frame_detach(frame);
	state = ps_frame_state(frame);
	do
	{
		Assert(state & PS_READING);
	} while (!step(header, &state, (state & ~PS_READING) | (good ? PS_VALID : 0)));
	if (PS_PINS(state) > 1)
		ConditionVariableBroadcast(&header->io_cv);
}

/* ---- changes and writes ---- */

/*
 * Whoever calls this holds the latch, so that a write in flight can end
 * meanwhile but none can begin under the exclusive one; under the shared one
 * (hints) several may mark at once, and the position of any of them is early
 * enough: changes that need WAL come after all of them.
 */
bool
ps_frame_set_dirty(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);
	uint32		state = ps_frame_state(frame);
	XLogRecPtr	position = InvalidXLogRecPtr;
	uint32		wanted;

	do
	{
		Assert(state & PS_TAGGED);
		Assert(state & PS_VALID);
		wanted = PS_DIRTY | ((state & PS_WRITING) ? PS_REDIRTIED : 0);
		if ((state & wanted) == wanted)
			return false;
		if (position == InvalidXLogRecPtr)
			position = GetXLogInsertRecPtr();
		pg_atomic_write_u64((state & PS_WRITING) ? &header->redirty : &header->first_dirty,
							position);
	} while (!step(header, &state, state | wanted));
	if (state & PS_DIRTY)
		return false;
	ps_count(PS_COUNT_DIRTY, 1);
	return true;
}

bool
ps_frame_begin_write(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);
	const uint32 wanted = PS_TAGGED | PS_VALID | PS_DIRTY;
	const uint32 unwanted = PS_WRITING | PS_NOWRITE | PS_GHOST | PS_READING;
	uint32		state = ps_frame_state(frame);

	Assert(ps_lock_is_held(&header->latch));
	do
	{
		if ((state & wanted) != wanted || (state & unwanted) != 0)
			return false;
	} while (!step(header, &state, (state | PS_WRITING) & ~PS_REDIRTIED));
	return true;
}

void
ps_frame_end_write(PsFrame frame, bool written)
{
	PsFrameHeader *header = ps_frame(frame);
	uint32		state = ps_frame_state(frame);
	uint32		next;

	do
	{
		Assert(state & PS_WRITING);
		next = state & ~(PS_WRITING | PS_REDIRTIED);
		if (written)
		{
			if (state & PS_REDIRTIED)
				pg_atomic_write_u64(&header->first_dirty,
									pg_atomic_read_u64(&header->redirty));
			else
				next &= ~PS_DIRTY;
		}
	} while (!step(header, &state, next));
	if ((state & PS_DIRTY) && !(next & PS_DIRTY))
		ps_count(PS_COUNT_DIRTY, -1);
	ConditionVariableBroadcast(&header->io_cv);
}

void
ps_frame_forbid_write(PsFrame frame)
{
	Assert(PS_PINS(ps_frame_state(frame)) > 0);
	pg_atomic_fetch_or_u32(&ps_frame(frame)->state, PS_NOWRITE);
}

void
ps_frame_permit_write(PsFrame frame)
{
	Assert(PS_PINS(ps_frame_state(frame)) > 0);
	pg_atomic_fetch_and_u32(&ps_frame(frame)->state, ~PS_NOWRITE);
}

/* ---- leaving the page table ---- */

/* Unless the page has left already, or the state lacks what it must have. */
static void
leave_table(PsFrame frame, uint32 must_have)
{
	PsFrameHeader *header = ps_frame(frame);
	uint32		hash = ps_tag_hash(&header->tag);
	uint32		state;

	ps_lock_exclusive(ps_table_lock(hash));
	state = ps_frame_state(frame);
	Assert(PS_PINS(state) > 0);
	do
	{
		if ((state & must_have) != must_have)
		{
			ps_unlock(ps_table_lock(hash));
			return;
		}
	} while (!step(header, &state, (state & ~LIFE_FLAGS) | PS_GHOST));
	if (state & PS_DIRTY)
		ps_count(PS_COUNT_DIRTY, -1);
	pg_atomic_fetch_add_u32(&ps_pool->nghosts, 1);
	ps_table_remove(frame, hash);
	ps_unlock(ps_table_lock(hash));
	ps_policy->forget(frame);
	if (state & PS_AHEAD)
		count_waste(header);
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

void
ps_frame_switch_to(PsFrame old, PsFrame new)
{
	PsFrameHeader *from = ps_frame(old);
	PsFrameHeader *to = ps_frame(new);
	uint32		hash = ps_tag_hash(&from->tag);
	uint32		state;

	Assert(ps_lock_is_exclusive(&from->latch));
	Assert(ps_lock_is_exclusive(&to->latch));
	Assert(ps_lock_is_held(&ps_pool->move_lock));
	Assert(ps_frame_state(new) == 1);
	to->tag = from->tag;

	ps_lock_exclusive(ps_table_lock(hash));
	pg_atomic_write_u64(&to->first_dirty, pg_atomic_read_u64(&from->first_dirty));
	state = ps_frame_state(old);
	Assert((state & (PS_TAGGED | PS_VALID)) == (PS_TAGGED | PS_VALID));
	Assert(!(state & (PS_READING | PS_WRITING | PS_REDIRTIED | PS_GHOST)));

	/*
	 * Pins may come and go meanwhile; the other flags are held still by the
	 * exclusive latch.
	 */
	pg_atomic_write_u32(&to->state, 1 | (state & ~(PS_PIN_MASK | PS_IDLE)));
	ps_table_replace(old, new, hash);
	while (!step(from, &state, (state & ~LIFE_FLAGS) | PS_GHOST))
		;
	if (!(state & PS_AHEAD))	/* the first pin has come meanwhile */
		pg_atomic_fetch_and_u32(&to->state, ~PS_AHEAD);
	ps_unlock(ps_table_lock(hash));
	ps_policy->moved(old, new);
}
