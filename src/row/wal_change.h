/*
 * wal_change.h
 *		WAL records of changed rows: heap's own, so that core replays them.
 *
 * Each function is called in the critical section, after the page was marked
 * dirty and changed and only where RelationNeedsWAL(); it sets the LSN of the
 * pages it logs.  Lengths and addresses come from the rows as they now lie in
 * the page.
 */
#ifndef PAGESTORE_ROW_WAL_CHANGE_H
#define PAGESTORE_ROW_WAL_CHANGE_H

#include "page/guard.h"
#include "row/vm.h"

/* options: HEAP_INSERT_*. */
extern void ps_wal_insert(PsWrite *guard, HeapTuple tuple, uint32 options,
						  const PsVmCleared *all_visible) PS_REQUIRES(guard);

typedef struct PsMultiInsert
{
	HeapTuple  *tuples;			/* those put on this page */
	int			count;
	bool		page_was_empty;
	PsVmCleared all_visible;
	bool		all_frozen_set;
	Buffer		frozen_map;		/* its map page, locked, whose bits were set,
								 * if the record is to tell of that; or
								 * invalid */
	bool		last;			/* last page of this call */
} PsMultiInsert;

extern void ps_wal_multi_insert(PsWrite *guard, const PsMultiInsert *what) PS_REQUIRES(guard);

/*
 * old_key: the replica identity to log, or NULL; see ps_replica_identity().
 * options: TABLE_DELETE_*, TABLE_UPDATE_*.
 */
extern void ps_wal_delete(PsWrite *guard, const PsRowMut *row, HeapTuple old_key,
						  const PsVmCleared *all_visible, uint32 options) PS_REQUIRES(guard);

/* old and new may be the same guard. */
extern void ps_wal_update(PsWrite *old, PsWrite *new, const PsRowMut *old_row,
						  HeapTuple new_tuple, HeapTuple old_key, uint32 options,
						  const PsVmCleared *old_visible, const PsVmCleared *new_visible)
			PS_REQUIRES(old, new);

extern void ps_wal_lock(PsWrite *guard, const PsRowMut *row, const PsVmCleared *all_frozen)
			PS_REQUIRES(guard);
extern void ps_wal_lock_updated(PsWrite *guard, const PsRowMut *row, const PsVmCleared *all_frozen)
			PS_REQUIRES(guard);

/* Speculative insertion: it stands, or it never was (xid: the inserter's). */
extern void ps_wal_confirm(PsWrite *guard, OffsetNumber offset) PS_REQUIRES(guard);
extern void ps_wal_kill(PsWrite *guard, const PsRowMut *row, TransactionId xid) PS_REQUIRES(guard);

/*
 * What logical decoding needs of an old row version: NULL if nothing; else the
 * tuple itself (FULL) or a copy with the key alone (*copied: the caller frees
 * it).  logical: this change may be decoded.  key_required: identity columns
 * change, or have values out of line.  May read TOAST: before the critical
 * section.
 */
extern HeapTuple ps_replica_identity(Relation rel, HeapTuple old, bool logical,
									 bool key_required, bool *copied);

#endif							/* PAGESTORE_ROW_WAL_CHANGE_H */
