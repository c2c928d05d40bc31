/*
 * vm.c
 *		The visibility map's bits for a page of ours.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "row/vm.h"
#include "row/wal_visible.h"
#include "server/compat.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"

/* Layout of a map page: visibilitymap.c. */
#define MAP_BYTES	(BLCKSZ - MAXALIGN(SizeOfPageHeaderData))
#define BLOCKS_PER_BYTE	(BITS_PER_BYTE / BITS_PER_HEAPBLOCK)

void
ps_vm_latch(Relation rel, PsPin *pin, Buffer *vmbuf, PsWrite *guard)
{
	for (;;)
	{
		/*
		 * a guess without the latch; the page may also become all visible
		 * before we have it
		 */
		if (ps_page_all_visible(pin->page))
			visibilitymap_pin(rel, pin->block, vmbuf);
		ps_write_lock(rel, pin, guard);
		if (!ps_page_all_visible(guard->page) || visibilitymap_pin_ok(pin->block, *vmbuf))
			return;
		ps_write_unlock(guard);
	}
}

/* Where the map page has the bits of a block. */
static inline uint8 *
map_byte(Buffer vmbuf, BlockNumber block, int *shift)
{
	*shift = block % BLOCKS_PER_BYTE * BITS_PER_HEAPBLOCK;
	return (uint8 *) PageGetContents(BufferGetPage(vmbuf)) + block / BLOCKS_PER_BYTE % MAP_BYTES;
}

/* With the map page locked; true if one of the bits was set. */
static bool
clear_bits(BlockNumber block, Buffer vmbuf, uint8 bits)
{
	int			shift;
	uint8	   *byte = map_byte(vmbuf, block, &shift);

	if (!visibilitymap_pin_ok(block, vmbuf))
		elog(ERROR, "visibility map page of block %u is not pinned", block);
	if ((*byte >> shift & bits) == 0)
		return false;
	*byte &= ~(bits << shift);
	MarkBufferDirty(vmbuf);
	return true;
}

/* The map page, which is locked, has changed or not: keep it for the record, if that has to have it. */
static Buffer
keep_for_record(Buffer vmbuf, bool changed)
{
	if (changed && PS_RECORDS_NAME_MAP_PAGE)
		return vmbuf;
	LockBuffer(vmbuf, BUFFER_LOCK_UNLOCK);
	return InvalidBuffer;
}

PsVmCleared
ps_vm_clear(PsWrite *guard, Buffer vmbuf)
{
	if (!ps_page_all_visible(guard->page))
		return (PsVmCleared)
	{
		false, InvalidBuffer
	};
	PageClearAllVisible(guard->page);
	LockBuffer(vmbuf, BUFFER_LOCK_EXCLUSIVE);
	return (PsVmCleared)
	{
		true, keep_for_record(vmbuf, clear_bits(guard->pin->block, vmbuf, VISIBILITYMAP_VALID_BITS))
	};
}

/*
 * Map pages are locked in the order of their blocks, lest two updates in
 * opposite directions wait for each other.
 */
void
ps_vm_clear_both(PsWrite *old, Buffer old_vmbuf, PsVmCleared *old_cleared,
				 PsWrite *new, Buffer new_vmbuf, PsVmCleared *new_cleared)
{
	bool		changed;

	if (!ps_page_all_visible(old->page) || !ps_page_all_visible(new->page) ||
		BufferGetBlockNumber(old_vmbuf) < BufferGetBlockNumber(new_vmbuf))
	{
		*old_cleared = ps_vm_clear(old, old_vmbuf);
		*new_cleared = ps_vm_clear(new, new_vmbuf);
		return;
	}
	if (old_vmbuf != new_vmbuf)
	{
		*new_cleared = ps_vm_clear(new, new_vmbuf);
		*old_cleared = ps_vm_clear(old, old_vmbuf);
		return;
	}

	PageClearAllVisible(old->page);
	PageClearAllVisible(new->page);
	LockBuffer(new_vmbuf, BUFFER_LOCK_EXCLUSIVE);
	changed = clear_bits(old->pin->block, new_vmbuf, VISIBILITYMAP_VALID_BITS);
	changed |= clear_bits(new->pin->block, new_vmbuf, VISIBILITYMAP_VALID_BITS);
	*old_cleared = (PsVmCleared)
	{
		true, InvalidBuffer
	};
	*new_cleared = (PsVmCleared)
	{
		true, keep_for_record(new_vmbuf, changed)
	};
}

PsVmCleared
ps_vm_clear_frozen(PsWrite *guard, Buffer vmbuf)
{
	bool		changed;

	if (!ps_page_all_visible(guard->page))
		return (PsVmCleared)
	{
		false, InvalidBuffer
	};
	LockBuffer(vmbuf, BUFFER_LOCK_EXCLUSIVE);
	changed = clear_bits(guard->pin->block, vmbuf, VISIBILITYMAP_ALL_FROZEN);
	return (PsVmCleared)
	{
		changed, keep_for_record(vmbuf, changed)
	};
}

/* With the map page locked; returns the previous bits. */
static uint8
set_bits(BlockNumber block, Buffer vmbuf, uint8 bits)
{
	int			shift;
	uint8	   *byte = map_byte(vmbuf, block, &shift);
	uint8		before = *byte >> shift & VISIBILITYMAP_VALID_BITS;

	Assert((bits & VISIBILITYMAP_ALL_VISIBLE) != 0);	/* frozen is more */
	Assert((bits & ~VISIBILITYMAP_VALID_BITS) == 0);
	if (before == bits)
		return before;
	MarkBufferDirty(vmbuf);
	*byte |= bits << shift;
	return before;
}

uint8
ps_vm_set_begin(PsWrite *guard, const PsNowVisible *visible)
{
	Assert(visibilitymap_pin_ok(guard->pin->block, visible->map));
	ps_page_mark_visible(guard->page);
	LockBuffer(visible->map, BUFFER_LOCK_EXCLUSIVE);
	return set_bits(guard->pin->block, visible->map, visible->bits);
}

uint8
ps_vm_set(PsWrite *guard, const PsNowVisible *visible, bool vacuum)
{
	uint8		before;

	if (!visibilitymap_pin_ok(guard->pin->block, visible->map))
		elog(ERROR, "visibility map page of block %u is not pinned", guard->pin->block);
	LockBuffer(visible->map, BUFFER_LOCK_EXCLUSIVE);
	START_CRIT_SECTION();
	if (!ps_page_all_visible(guard->page))
	{
		ps_mark_dirty(guard);
		ps_page_mark_visible(guard->page);
	}
	before = set_bits(guard->pin->block, visible->map, visible->bits);
	if (before != visible->bits && RelationNeedsWAL(guard->rel))
		ps_wal_visible(guard, visible, vacuum);
	END_CRIT_SECTION();
	LockBuffer(visible->map, BUFFER_LOCK_UNLOCK);
	return before;
}
