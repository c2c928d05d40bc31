/*
 * latch.c
 *		The latch of a page, dirtying, and moving a page to a fresh frame.
 *
 * The latch belongs to the page: when a page moves, whoever waited on the old
 * frame's latch finds a ghost there and goes on to the current frame.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "pool/service.h"
#include "storage/bufpage.h"
#include "utils/resowner.h"

/* Ghosts that may exist: an eighth of the pool, so that pins of readers cannot use it up. */
#define GHOST_SHARE 8

static inline uint32
state_of(PsFrame frame)
{
	return pg_atomic_read_u32(&ps_frame(frame)->state);
}

bool
ps_pool_is_current(PsFrame frame)
{
	Assert(ps_local_pins(frame) > 0);
	return (state_of(frame) & PS_TAGGED) != 0;
}

bool
ps_pool_frame_is(PsFrame frame, RelFileNode rnode, BlockNumber block)
{
	PsTag		tag = {rnode, block};

	Assert(ps_local_pins(frame) > 0);
	return ps_tag_equal(&ps_frame(frame)->tag, &tag);
}

bool
ps_pool_holds_latch(PsFrame frame, LWLockMode mode)
{
	LWLock	   *latch = &ps_frame(frame)->latch;

	return LWLockHeldByMeInMode(latch, LW_EXCLUSIVE) ||
		(mode == LW_SHARED && LWLockHeldByMeInMode(latch, LW_SHARED));
}

/* Move a pin from a ghost to its page's current frame, under the same resource owner. */
static PsFrame
follow(PsFrame ghost)
{
	PsRelKey	key = ps_frame_relkey(ghost);
	BlockNumber block = ps_frame(ghost)->tag.block;
	ResourceOwner saved = CurrentResourceOwner;
	PsFrame		current;

	PG_TRY();
	{
		CurrentResourceOwner = ps_pin_owner(ghost);
		current = ps_pool_pin(&key, block, PS_FETCH_READ, NULL);
		ps_pool_unpin(ghost);
	}
	PG_FINALLY();
	{
		CurrentResourceOwner = saved;
	}
	PG_END_TRY();
	return current;
}

void
ps_pool_latch(PsFrame * frame, LWLockMode mode)
{
	Assert(ps_local_pins(*frame) > 0);
	for (;;)
	{
		LWLockAcquire(&ps_frame(*frame)->latch, mode);
		if (likely(!(state_of(*frame) & PS_GHOST)))
			return;
		LWLockRelease(&ps_frame(*frame)->latch);
		*frame = follow(*frame);
	}
}

bool
ps_pool_try_latch(PsFrame frame, LWLockMode mode)
{
	LWLock	   *latch = &ps_frame(frame)->latch;

	Assert(ps_local_pins(frame) > 0);
	if (!LWLockConditionalAcquire(latch, mode))
		return false;
	if (likely(!(state_of(frame) & PS_GHOST)))
		return true;
	LWLockRelease(latch);
	return false;
}

#ifdef USE_ASSERT_CHECKING
/* What a change leaves behind must be a page that readers can walk. */
static bool
header_is_sane(PsFrame frame)
{
	PageHeader	header = (PageHeader) ps_frame_bytes(frame);

	return PageIsNew(header) ||
		(header->pd_lower >= SizeOfPageHeaderData &&
		 header->pd_lower <= header->pd_upper &&
		 header->pd_upper <= header->pd_special &&
		 header->pd_special <= BLCKSZ &&
		 PageGetPageSize(header) == BLCKSZ);
}
#endif

void
ps_pool_unlatch(PsFrame frame)
{
	LWLock	   *latch = &ps_frame(frame)->latch;

	Assert(ps_local_pins(frame) > 0);
	Assert(!LWLockHeldByMeInMode(latch, LW_EXCLUSIVE) || header_is_sane(frame));
	LWLockRelease(latch);
}

/*
 * Set DIRTY, or REDIRTIED while a write is in flight, noting the insert
 * position first.  Who marks holds the latch, so that a write in flight can
 * end meanwhile but none can begin under the exclusive one; under the shared
 * one (hints) several may mark at once, and the position of any of them is
 * early enough: changes that need WAL come after all of them.
 */
static void
set_dirty(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);
	uint32		state = pg_atomic_read_u32(&header->state);
	XLogRecPtr	position = InvalidXLogRecPtr;

	for (;;)
	{
		uint32		wanted = PS_DIRTY | ((state & PS_WRITING) ? PS_REDIRTIED : 0);

		Assert(state & PS_TAGGED);
		Assert(state & PS_VALID);
		if ((state & wanted) == wanted)
			return;
		if (position == InvalidXLogRecPtr)
			position = GetXLogInsertRecPtr();
		pg_atomic_write_u64((state & PS_WRITING) ? &header->redirty : &header->first_dirty,
							position);
		if (pg_atomic_compare_exchange_u32(&header->state, &state,
										   (state & ~PS_HINTED) | wanted))
			break;
	}
	if (!(state & PS_DIRTY))
	{
		ps_count(PS_COUNT_DIRTY, 1);
		VacuumPageDirty++;
		pgBufferUsage.shared_blks_dirtied++;
		if (VacuumCostActive)
			VacuumCostBalance += VacuumCostPageDirty;
	}
}

void
ps_pool_mark_dirty(PsFrame frame)
{
	Assert(ps_pool_holds_latch(frame, LW_EXCLUSIVE));
	Assert(ps_local_pins(frame) > 0);
	Assert(!RecoveryInProgress());
	set_dirty(frame);
}

void
ps_pool_mark_hinted(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);
	uint32		state;

	Assert(ps_pool_holds_latch(frame, LW_SHARED));
	if (!XLogHintBitIsNeeded())
	{
		set_dirty(frame);
		return;
	}
	state = pg_atomic_read_u32(&header->state);
	while (!(state & (PS_DIRTY | PS_HINTED)))
		if (pg_atomic_compare_exchange_u32(&header->state, &state, state | PS_HINTED))
			break;
}

/* Give the page of a latched frame a fresh frame, latched as well; the old one becomes a ghost. */
static void
switch_frame(PsFrame old, PsFrame new)
{
	PsFrameHeader *from = ps_frame(old);
	PsFrameHeader *to = ps_frame(new);
	uint32		hash = ps_table_hash(&from->tag);
	uint32		state;

	to->tag = from->tag;
	memcpy(ps_frame_bytes(new), ps_frame_bytes(old), BLCKSZ);

	LWLockAcquire(ps_table_lock(hash), LW_EXCLUSIVE);
	pg_atomic_write_u64(&to->first_dirty, pg_atomic_read_u64(&from->first_dirty));
	state = pg_atomic_read_u32(&from->state);
	Assert((state & (PS_TAGGED | PS_VALID)) == (PS_TAGGED | PS_VALID));
	Assert(!(state & (PS_READING | PS_WRITING | PS_REDIRTIED | PS_GHOST)));

	/*
	 * Pins may come and go meanwhile; the other flags are held still by the
	 * exclusive latch.
	 */
	pg_atomic_write_u32(&to->state, 1 | (state & ~(PS_PIN_MASK | PS_AHEAD)));
	ps_table_replace(old, new, hash);
	while (!pg_atomic_compare_exchange_u32(&from->state, &state,
										   (state & ~PS_LIFE_FLAGS) | PS_GHOST))
		;
	LWLockRelease(ps_table_lock(hash));
	ps_policy->moved(old, new);
}

bool
ps_pool_make_movable(PsFrame * frame, bool wait)
{
	PsFrame		old = *frame;
	PsFrame		new;
	ResourceOwner saved = CurrentResourceOwner;

	Assert(ps_pool_holds_latch(old, LW_EXCLUSIVE));
	Assert(ps_local_pins(old) > 0);

	/* Later pins cannot hurt: they see bytes only after a latch. */
	if (ps_local_pins(old) == 1 && PS_PINS(state_of(old)) == 1)
		return true;

	/* none begins while we have the latch */
	if (!wait && (state_of(old) & PS_WRITING) != 0)
		return false;

	ps_pin_reserve();
	if (pg_atomic_fetch_add_u32(&ps_pool->nghosts, 1) >= ps_pool_nframes / GHOST_SHARE ||
		(new = ps_frame_take(false, true)) == PS_NO_FRAME)
	{
		pg_atomic_fetch_sub_u32(&ps_pool->nghosts, 1);
		return false;
	}

	/* The disk must not get the old frame's copy after the new frame's. */
	ps_wait_write(old);
	Assert(!(state_of(old) & PS_WRITING));

	/* A scan for dirty pages is under way: the page must not slip past it. */
	if (!LWLockConditionalAcquire(ps_move_lock, LW_SHARED))
	{
		ps_frame_give_back(new);
		pg_atomic_fetch_sub_u32(&ps_pool->nghosts, 1);
		return false;
	}

	LWLockAcquire(&ps_frame(new)->latch, LW_EXCLUSIVE);
	CurrentResourceOwner = ps_pin_owner(old);
	ps_pin_remember(new);
	CurrentResourceOwner = saved;
	switch_frame(old, new);
	LWLockRelease(ps_move_lock);
	ps_count(PS_COUNT_GHOSTS, 1);
	LWLockRelease(&ps_frame(old)->latch);
	ps_pool_unpin(old);
	*frame = new;
	return true;
}
