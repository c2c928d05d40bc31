/*
 * vm.h
 *		The visibility map's bits for a page of ours.
 *
 * Bits change only under the exclusive latch of their page, with the map page
 * pinned before the latch is taken, since that may read.  Core's
 * visibilitymap_set() wants the table page as a Buffer; clearing, testing and
 * counting are core's own (access/visibilitymap.h).
 */
#ifndef PAGESTORE_ROW_VM_H
#define PAGESTORE_ROW_VM_H

#include "access/visibilitymap.h"
#include "page/guard.h"

/*
 * Latch the pin's page exclusively, as ps_write_lock(), with its map page
 * pinned in *vmbuf if the page is all visible.  *vmbuf may hold a map page from
 * before.
 */
extern void ps_vm_latch(Relation rel, PsPin *pin, Buffer *vmbuf, PsWrite *guard)
			PS_ACQUIRE(guard);

/* Drop the pin of a map page, if any. */
static inline void
ps_vm_release(Buffer *vmbuf)
{
	if (BufferIsValid(*vmbuf))
		ReleaseBuffer(*vmbuf);
	*vmbuf = InvalidBuffer;
}

/*
 * Set VM bits (VISIBILITYMAP_*) for the guard's page, with WAL
 * (XLOG_HEAP2_VISIBLE).  vmbuf is pinned for the page by visibilitymap_pin(),
 * not locked.  The page's PD_ALL_VISIBLE is set already, and the page marked
 * dirty if that changed it.  cutoff_xid: newest xid a standby must not show as
 * running.
 */
extern void ps_vm_set(PsWrite *guard, Buffer vmbuf, TransactionId cutoff_xid, uint8 flags)
			PS_REQUIRES(guard);

/*
 * Take back "all visible" from the page and its map bits (critical section);
 * true if it was set.  vmbuf was pinned for the page before it was latched.
 */
static inline bool
ps_vm_clear(PsWrite *guard, Buffer vmbuf) PS_REQUIRES(guard)
{
	if (!ps_page_all_visible(guard->page))
		return false;
	PageClearAllVisible(guard->page);
	visibilitymap_clear(guard->rel, guard->pin->block, vmbuf, VISIBILITYMAP_VALID_BITS);
	return true;
}

/* A row lock leaves a page all visible, but no longer all frozen. */
static inline bool
ps_vm_clear_frozen(PsWrite *guard, Buffer vmbuf) PS_REQUIRES(guard)
{
	return ps_page_all_visible(guard->page) &&
		visibilitymap_clear(guard->rel, guard->pin->block, vmbuf, VISIBILITYMAP_ALL_FROZEN);
}

#endif							/* PAGESTORE_ROW_VM_H */
