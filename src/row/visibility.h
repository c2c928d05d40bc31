/*
 * visibility.h
 *		Who sees a row version: heap's rules (heapam_visibility.c), over guards.
 *
 * All of these need a guard on the current page and may set hint bits through
 * it.  A ring page will do for an MVCC snapshot, and where nobody can change
 * the rows.
 */
#ifndef PAGESTORE_ROW_VISIBILITY_H
#define PAGESTORE_ROW_VISIBILITY_H

#include "access/heapam.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "page/guard.h"
#include "utils/snapmgr.h"

/* Any snapshot type; Dirty fills in the snapshot's xmin, xmax and speculativeToken. */
extern bool ps_row_visible(const PsRead *guard, const PsRow *row, Snapshot snapshot)
			PS_REQUIRES_SHARED(guard);

/* An MVCC snapshot, and the row's hint bits alone do not tell. */
extern bool ps_row_visible_mvcc_full(const PsRead *guard, const PsRow *row, Snapshot snapshot)
			PS_REQUIRES_SHARED(guard);

/*
 * Older than everything that the snapshot held to be running.  False may mean
 * "look closer".  Permanent xids precede every normal one.
 */
static inline bool
ps_xid_before_snapshot(TransactionId xid, Snapshot snapshot)
{
	return !TransactionIdIsNormal(xid) || (int32) (xid - snapshot->xmin) < 0;
}

/*
 * The common case, by hint bits alone: inserted by a transaction that was
 * committed before the (MVCC) snapshot was taken, and touched by nobody since.
 */
static inline bool
ps_row_plainly_visible(const HeapTupleHeaderData *header, Snapshot snapshot)
{
	uint16		mask = header->t_infomask;

	return (mask & (HEAP_XMIN_COMMITTED | HEAP_XMAX_INVALID)) ==
		(HEAP_XMIN_COMMITTED | HEAP_XMAX_INVALID) &&
		((mask & HEAP_XMIN_INVALID) != 0 || /* both bits: frozen */
		 ps_xid_before_snapshot(HeapTupleHeaderGetRawXmin(header), snapshot));
}

/* ps_row_visible() for SNAPSHOT_MVCC: the inner loop of scans. */
static inline bool
ps_row_visible_mvcc(const PsRead *guard, const PsRow *row, Snapshot snapshot)
			PS_REQUIRES_SHARED(guard)
{
	Assert(snapshot->snapshot_type == SNAPSHOT_MVCC);
	return likely(ps_row_plainly_visible(row->header, snapshot)) ||
		ps_row_visible_mvcc_full(guard, row, snapshot);
}

/* May the current command update it?  (HeapTupleSatisfiesUpdate) */
extern TM_Result ps_row_updatable(const PsRead *guard, const PsRow *row, CommandId curcid)
			PS_REQUIRES_SHARED(guard);

/* Is it of use to anybody?  (HeapTupleSatisfiesVacuum and ...Horizon) */
extern HTSV_Result ps_row_vacuum_state(const PsRead *guard, const PsRow *row,
									   TransactionId oldest_xmin) PS_REQUIRES_SHARED(guard);
extern HTSV_Result ps_row_vacuum_horizon(const PsRead *guard, const PsRow *row,
										 TransactionId *dead_after) PS_REQUIRES_SHARED(guard);

/* By hint bits alone.  (HeapTupleIsSurelyDead) */
extern bool ps_row_surely_dead(const PsRow *row, struct GlobalVisState *vistest);

/*
 * May a live row be one that everybody sees, for ever?  The hint must be
 * there: a commit that is not flushed yet must not get its rows into the
 * visibility map.  *newest_xmin becomes the row's if that is newer: it is
 * judged when all of the page's are known (ps_seen_by_all()).
 */
static inline bool
ps_row_may_be_seen_by_all(const PsRow *row, TransactionId *newest_xmin)
{
	TransactionId xmin;

	if (!HeapTupleHeaderXminCommitted(row->header))
		return false;
	xmin = HeapTupleHeaderGetXmin(row->header);
	if (TransactionIdIsNormal(xmin) && TransactionIdFollows(xmin, *newest_xmin))
		*newest_xmin = xmin;
	return true;
}

/* Set HEAP_XMAX_COMMITTED or HEAP_XMAX_INVALID for an xmax that is no longer running. */
extern void ps_row_settle_xmax(const PsRead *guard, const PsRow *row, TransactionId xid)
			PS_REQUIRES_SHARED(guard);

/*
 * SSI: a serializable reader met this row version.  Guard held.  Cheap when
 * nothing is to be checked.  (HeapCheckForSerializableConflictOut)
 */
extern void ps_row_conflict_out(const PsRead *guard, bool visible, const PsRow *row, Snapshot snapshot)
			PS_REQUIRES_SHARED(guard);

#endif							/* PAGESTORE_ROW_VISIBILITY_H */
