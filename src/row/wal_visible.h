/*
 * wal_visible.h
 *		WAL records of a page that turns all visible.
 *
 * They differ from server to server: wal_visible_15.c, wal_visible_19.c.
 */
#ifndef PAGESTORE_ROW_WAL_VISIBLE_H
#define PAGESTORE_ROW_WAL_VISIBLE_H

#include "row/wal_prune.h"

/*
 * Bits were set in the map's page, which is locked, for the guard's page, to
 * which nothing else was done; sets the map page's LSN, and ours where it has to
 * be.  vacuum: done by VACUUM, not on access.  Called in the critical section,
 * after the page was marked dirty if it changed, and only where
 * RelationNeedsWAL().
 */
extern void ps_wal_visible(PsWrite *guard, const PsNowVisible *visible, bool vacuum)
			PS_REQUIRES(guard);

#endif							/* PAGESTORE_ROW_WAL_VISIBLE_H */
