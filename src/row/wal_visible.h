/*
 * wal_visible.h
 *		WAL records of a page that turns all visible.
 *
 * They differ from server to server: wal_visible_15.c, wal_visible_19.c.
 */
#ifndef PAGESTORE_ROW_WAL_VISIBLE_H
#define PAGESTORE_ROW_WAL_VISIBLE_H

#include "page/guard.h"

/*
 * Bits (VISIBILITYMAP_*) were set in the map page vmbuf, which is locked, for
 * the guard's page; sets the map page's LSN, and ours where it has to be.  The
 * guard's page need not be marked dirty.  cutoff_xid: newest xid that a standby
 * must not show as running.  Called in the critical section, and only where
 * RelationNeedsWAL().
 */
extern void ps_wal_visible(PsWrite *guard, Buffer vmbuf, TransactionId cutoff_xid, uint8 bits)
			PS_REQUIRES(guard);

#endif							/* PAGESTORE_ROW_WAL_VISIBLE_H */
