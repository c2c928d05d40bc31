/*
 * vm.c
 *		Set visibility map bits for a page of ours.
 */
#include "postgres.h"

#include "access/heapam_xlog.h"
#include "access/xloginsert.h"
#include "miscadmin.h"
#include "page/view.h"
#include "row/vm.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"

/* Layout of a map page: visibilitymap.c. */
#define MAP_BYTES	(BLCKSZ - MAXALIGN(SizeOfPageHeaderData))
#define BLOCKS_PER_BYTE	(BITS_PER_BYTE / BITS_PER_HEAPBLOCK)

/*
 * One record covers both pages: block 0 the map, block 1 ours.  The record
 * sets PD_ALL_VISIBLE of our page at redo; an image of it is of use only where
 * a hint-like change must be protected from torn writes.  Without that need
 * the page's LSN stays, so that the bit alone never causes a full-page image.
 */
static XLogRecPtr
log_visible(PsWrite *guard, Buffer vmbuf, TransactionId cutoff_xid, uint8 bits) PS_REQUIRES(guard)
{
	xl_heap_visible record = {.cutoff_xid = cutoff_xid,.flags = bits};
	bool		protect = XLogHintBitIsNeeded();
	XLogRecPtr	lsn;

	if (protect)
		ps_mark_dirty(guard);
	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfHeapVisible);
	XLogRegisterBuffer(0, vmbuf, 0);
	ps_xlog_register(1, guard, protect ? REGBUF_STANDARD : REGBUF_STANDARD | REGBUF_NO_IMAGE);
	lsn = XLogInsert(RM_HEAP2_ID, XLOG_HEAP2_VISIBLE);
	if (protect)
		ps_set_lsn(guard, lsn);
	return lsn;
}

void
ps_vm_set(PsWrite *guard, Buffer vmbuf, TransactionId cutoff_xid, uint8 flags)
{
	BlockNumber block = guard->pin->block;
	BlockNumber byte = block / BLOCKS_PER_BYTE % MAP_BYTES;
	int			shift = block % BLOCKS_PER_BYTE * BITS_PER_HEAPBLOCK;
	Page		map;
	uint8	   *entry;

	Assert((flags & VISIBILITYMAP_VALID_BITS) != 0);
	Assert((flags & ~VISIBILITYMAP_VALID_BITS) == 0);
	Assert(ps_page_all_visible(guard->page));
	if (!visibilitymap_pin_ok(block, vmbuf))
		elog(ERROR, "visibility map page of block %u is not pinned", block);

	map = BufferGetPage(vmbuf);
	entry = (uint8 *) PageGetContents(map) + byte;
	LockBuffer(vmbuf, BUFFER_LOCK_EXCLUSIVE);
	if (((*entry >> shift) & VISIBILITYMAP_VALID_BITS) != flags)
	{
		START_CRIT_SECTION();
		MarkBufferDirty(vmbuf);
		*entry |= flags << shift;
		if (RelationNeedsWAL(guard->rel))
		{
			XLogRecPtr	lsn = log_visible(guard, vmbuf, cutoff_xid, flags);

			PageSetLSN(map, lsn);
		}
		END_CRIT_SECTION();
	}
	LockBuffer(vmbuf, BUFFER_LOCK_UNLOCK);
}
