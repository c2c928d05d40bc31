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
#include "pool/evict.h"
#include "pool/flush.h"
#include "pool/frame.h"
#include "pool/latch.h"
#include "pool/pin.h"
#include "pool/read.h"
#include "pool/stats.h"
#include "server/compat.h"
#include "storage/bufpage.h"
#include "utils/resowner.h"

bool
ps_pool_holds_latch(PsFrame frame, LWLockMode mode)
{
	PsLock	   *latch = &ps_frame(frame)->latch;

	return mode == LW_SHARED ? ps_lock_is_held(latch) : ps_lock_is_exclusive(latch);
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
		CurrentResourceOwner = ps_frame_pin_owner(ghost);
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

/* These two leave with the latch of a frame that the caller knows by number, in a mode that it names. */
void
ps_pool_latch(PsFrame *frame, LWLockMode mode) PS_UNCHECKED
{
	Assert(ps_frame_pins_own(*frame) > 0);
	for (;;)
	{
		if (mode == LW_EXCLUSIVE)
			ps_lock_exclusive(&ps_frame(*frame)->latch);
		else
			ps_lock_shared(&ps_frame(*frame)->latch);
		if (likely(!(ps_frame_state(*frame) & PS_GHOST)))
			return;
		ps_unlock(&ps_frame(*frame)->latch);
		*frame = follow(*frame);
	}
}

bool
ps_pool_try_latch(PsFrame frame, LWLockMode mode) PS_UNCHECKED
{
	PsLock	   *latch = &ps_frame(frame)->latch;

	Assert(ps_frame_pins_own(frame) > 0);
	if (!ps_lock_try(latch, mode))
		return false;
	if (likely(!(ps_frame_state(frame) & PS_GHOST)))
		return true;
	ps_unlock(latch);
	return false;
}

#ifdef USE_ASSERT_CHECKING
/* What a change leaves behind must be a page that readers can walk. */
static bool
header_is_sane(PsFrame frame)
{
	Page		page = ps_frame_bytes(frame);
	PageHeader	header = (PageHeader) page;

	return PageIsNew(page) ||
		(header->pd_lower >= SizeOfPageHeaderData &&
		 header->pd_lower <= header->pd_upper &&
		 header->pd_upper <= header->pd_special &&
		 header->pd_special <= BLCKSZ &&
		 PageGetPageSize(page) == BLCKSZ);
}
#endif

void
ps_pool_unlatch(PsFrame frame) PS_UNCHECKED
{
	PsLock	   *latch = &ps_frame(frame)->latch;

	Assert(ps_frame_pins_own(frame) > 0);
	Assert(!ps_lock_is_exclusive(latch) || header_is_sane(frame));
	ps_unlock(latch);
}

/* With what core counts for a buffer that turns dirty. */
static void
set_dirty(PsFrame frame)
{
	if (!ps_frame_set_dirty(frame))
		return;
	PS_COUNT_VACUUM_PAGE(Dirty);
	pgBufferUsage.shared_blks_dirtied++;
	if (VacuumCostActive)
		VacuumCostBalance += VacuumCostPageDirty;
}

void
ps_pool_mark_dirty(PsFrame frame)
{
	Assert(ps_pool_holds_latch(frame, LW_EXCLUSIVE));
	Assert(ps_frame_pins_own(frame) > 0);
	Assert(!RecoveryInProgress());
	set_dirty(frame);
}

bool
ps_pool_is_dirty(PsFrame frame)
{
	return (ps_frame_state(frame) & PS_DIRTY) != 0;
}

void
ps_pool_mark_hinted(PsFrame frame)
{
	Assert(ps_pool_holds_latch(frame, LW_SHARED));
	if (!XLogHintBitIsNeeded())
		set_dirty(frame);
}

/*
 * Has the frame no pin but ours of a process that may point into it?  Whoever
 * writes the page has one, as long as WRITING is set, and reads its own copy.
 * Later pins cannot hurt: they see bytes only after a latch.
 */
bool
ps_pool_is_sole_pin(PsFrame frame)
{
	uint32		state = ps_frame_state(frame);

	return ps_frame_pins_own(frame) == 1 && PS_PINS(state) == ((state & PS_WRITING) ? 2 : 1);
}

/* Comes with the latch of one frame, and may leave with that of another. */
bool
ps_pool_make_movable(PsFrame *frame, bool wait) PS_UNCHECKED
{
	PsFrame		old = *frame;
	PsFrame		new;
	ResourceOwner saved = CurrentResourceOwner;

	Assert(ps_pool_holds_latch(old, LW_EXCLUSIVE));
	Assert(ps_frame_pins_own(old) > 0);

	if (ps_pool_is_sole_pin(old))
		return true;

	/* none begins while we have the latch */
	if (!wait && (ps_frame_state(old) & PS_WRITING) != 0)
		return false;

	ps_frame_pin_reserve();
	if (!ps_ghost_reserve())
		return false;
	new = ps_frame_take(false, true);
	if (new == PS_NO_FRAME)
	{
		ps_ghost_unreserve();
		return false;
	}

	/* The disk must not get the old frame's copy after the new frame's. */
	ps_flush_wait(old);
	Assert(!(ps_frame_state(old) & PS_WRITING));

	/* A scan for dirty pages is under way: the page must not slip past it. */
	if (!ps_trylock_shared(&ps_pool->move_lock))
	{
		ps_frame_give_back(new);
		ps_ghost_unreserve();
		return false;
	}

	ps_lock_exclusive(&ps_frame(new)->latch);
	CurrentResourceOwner = ps_frame_pin_owner(old);
	ps_frame_pin_note(new);
	CurrentResourceOwner = saved;
	memcpy(ps_frame_bytes(new), ps_frame_bytes(old), BLCKSZ);
	ps_frame_switch_to(old, new);
	ps_unlock(&ps_pool->move_lock);
	ps_count(PS_COUNT_GHOSTS, 1);
	ps_unlock(&ps_frame(old)->latch);
	ps_pool_unpin(old);
	*frame = new;
	return true;
}
