/*
 * vm.h
 *		The visibility map's bits for a page of ours.
 *
 * Bits change only under the exclusive latch of their page, with the map page
 * pinned before the latch is taken, since that may read.  Core's
 * visibilitymap_set() takes the table page as a Buffer, so setting is ours;
 * clearing, testing and counting are core's (access/visibilitymap.h).
 */
#ifndef PAGESTORE_ROW_VM_H
#define PAGESTORE_ROW_VM_H

#include "access/visibilitymap.h"
#include "access/xloginsert.h"
#include "page/guard.h"
#include "row/wal_prune.h"
#include "server/compat.h"
#include "storage/bufmgr.h"

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
 * Set PD_ALL_VISIBLE, if it is not, and bits of the map, with WAL of their own.
 * The map page is not locked.  vacuum: done by VACUUM, not on access.  Returns
 * the previous bits.
 */
extern uint8 ps_vm_set(PsWrite *guard, const PsNowVisible *visible, bool vacuum)
			PS_REQUIRES(guard);

/*
 * The same in the critical section of a change whose record tells of the bits
 * (PS_RECORDS_SET_MAP_BITS), with the page marked dirty: the map page is left
 * locked, to be registered with the record, until ps_vm_set_end() after it.
 */
extern uint8 ps_vm_set_begin(PsWrite *guard, const PsNowVisible *visible) PS_REQUIRES(guard);

static inline void
ps_vm_set_end(Buffer vmbuf)
{
	LockBuffer(vmbuf, BUFFER_LOCK_UNLOCK);
}

/*
 * What a change takes back: for its record, which on servers that want it
 * there has the map's page too.  That stays locked from the clearing, in the
 * critical section, until ps_vm_cleared_end() after it.
 */
typedef struct PsVmCleared
{
	bool		cleared;		/* "all visible", or "all frozen", was set */
	Buffer		map;			/* locked, and to be logged; or invalid */
} PsVmCleared;

/*
 * Take back "all visible" from the page and its map bits (critical section).
 * vmbuf was pinned for the page before it was latched.
 */
extern PsVmCleared ps_vm_clear(PsWrite *guard, Buffer vmbuf) PS_REQUIRES(guard);

/* The same for the two pages of an update.  A map page of both is in *new_cleared alone. */
extern void ps_vm_clear_both(PsWrite *old, Buffer old_vmbuf, PsVmCleared *old_cleared,
							 PsWrite *new, Buffer new_vmbuf, PsVmCleared *new_cleared)
			PS_REQUIRES(old, new);

/* A row lock leaves a page all visible, but no longer all frozen. */
extern PsVmCleared ps_vm_clear_frozen(PsWrite *guard, Buffer vmbuf) PS_REQUIRES(guard);

/* Register the map's page, if it is to be logged, with the record under construction. */
static inline void
ps_vm_register(uint8 block_id, const PsVmCleared *cleared)
{
	if (BufferIsValid(cleared->map))
		XLogRegisterBuffer(block_id, cleared->map, 0);
}

/* After XLogInsert(). */
static inline void
ps_vm_set_lsn(const PsVmCleared *cleared, XLogRecPtr lsn)
{
	if (BufferIsValid(cleared->map))
		PageSetLSN(BufferGetPage(cleared->map), lsn);
}

static inline void
ps_vm_cleared_end(PsVmCleared *cleared)
{
	if (BufferIsValid(cleared->map))
		LockBuffer(cleared->map, BUFFER_LOCK_UNLOCK);
	cleared->map = InvalidBuffer;
}

#endif							/* PAGESTORE_ROW_VM_H */
