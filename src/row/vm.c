/*
 * vm.c
 *		The visibility map's bits for a page of ours.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "row/vm.h"
#include "row/wal_prune.h"
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

void
ps_vm_set(PsWrite *guard, Buffer vmbuf, TransactionId cutoff_xid, uint8 flags)
{
	BlockNumber block = guard->pin->block;
	BlockNumber byte = block / BLOCKS_PER_BYTE % MAP_BYTES;
	int			shift = block % BLOCKS_PER_BYTE * BITS_PER_HEAPBLOCK;
	uint8	   *entry;

	Assert((flags & VISIBILITYMAP_VALID_BITS) != 0);
	Assert((flags & ~VISIBILITYMAP_VALID_BITS) == 0);
	Assert(ps_page_all_visible(guard->page));
	if (!visibilitymap_pin_ok(block, vmbuf))
		elog(ERROR, "visibility map page of block %u is not pinned", block);

	entry = (uint8 *) PageGetContents(BufferGetPage(vmbuf)) + byte;
	LockBuffer(vmbuf, BUFFER_LOCK_EXCLUSIVE);
	if (((*entry >> shift) & VISIBILITYMAP_VALID_BITS) != flags)
	{
		START_CRIT_SECTION();
		MarkBufferDirty(vmbuf);
		*entry |= flags << shift;
		if (RelationNeedsWAL(guard->rel))
			ps_wal_visible(guard, vmbuf, cutoff_xid, flags);
		END_CRIT_SECTION();
	}
	LockBuffer(vmbuf, BUFFER_LOCK_UNLOCK);
}
