/*
 * fetch.c
 *		Rows by index entry and by TID.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "am/desc.h"
#include "am/fetch.h"
#include "am/readahead.h"
#include "am/slot.h"
#include "row/chain.h"
#include "row/prune.h"
#include "row/visibility.h"
#include "row/vm.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"

/* ---- by index entry ---- */

struct IndexFetchTableData *
ps_index_fetch_begin(Relation rel, uint32 flags)
{
	PsIndexFetch *fetch = palloc0(sizeof(PsIndexFetch));

	fetch->base.rel = rel;
	ps_index_fetch_flags(&fetch->base, flags);
	fetch->pin = PS_NO_PIN;
	fetch->map = InvalidBuffer;
	return &fetch->base;
}

void
ps_index_fetch_reset(struct IndexFetchTableData *data)
{
	PsIndexFetch *fetch = (PsIndexFetch *) data;

	ps_unpin(&fetch->pin);
}

void
ps_index_fetch_end(struct IndexFetchTableData *data)
{
	PsIndexFetch *fetch = (PsIndexFetch *) data;

	ps_index_fetch_reset(data);
	ps_vm_release(&fetch->map);
	if (fetch->ahead)
		pfree(fetch->ahead);
	pfree(fetch);
}

/*
 * Is the row where an earlier call stopped still there?  Between the calls,
 * what a snapshot other than MVCC saw may have been rolled back, pruned (our
 * pin does not prevent it) and its line pointer used again: then its chain
 * ended with it.
 */
static bool
still_there(const PsIndexFetch *fetch, const PsRead *guard, ItemPointer tid)
			PS_REQUIRES_SHARED(guard)
{
	PsRow		row;

	return ps_row_at(guard, ItemPointerGetOffsetNumber(tid), &row) &&
		TransactionIdEquals(HeapTupleHeaderGetRawXmin(row.header), fetch->xmin);
}

/* The search itself, on the page that the fetch holds. */
static inline bool
search_chain(PsIndexFetch *fetch, ItemPointer tid, Snapshot snapshot, PsRow *row,
			 bool again, bool *all_dead)
{
	PsRead		guard;
	bool		found;

	ps_read_lock(fetch->base.rel, &fetch->pin, &guard);
	if (again && !still_there(fetch, &guard, tid))
	{
		found = false;
		if (all_dead)
			*all_dead = false;
	}
	else
		found = ps_chain_search(&guard, tid, snapshot, row, all_dead, !again);
	if (found)
		fetch->xmin = HeapTupleHeaderGetRawXmin(row->header);
	ps_read_unlock(&guard);
	return found;
}

/*
 * The member of the HOT chain at *tid that the snapshot sees.  Each entry of
 * the index starts on the page as it is now; only a chain begun under a
 * non-MVCC snapshot is continued (*call_again) where it stopped.
 */
bool
ps_index_fetch_tuple(struct IndexFetchTableData *data, ItemPointer tid, Snapshot snapshot,
					 TupleTableSlot *slot, bool *call_again, bool *all_dead)
{
	PsIndexFetch *fetch = (PsIndexFetch *) data;
	Relation	rel = data->rel;
	PsRow		row;
	bool		found;

	if (!*call_again)
	{
		BlockNumber block = ItemPointerGetBlockNumber(tid);
		bool		arrived = !ps_pinned(&fetch->pin) || fetch->pin.block != block;
		bool		resident;

		if (arrived)
			ps_readahead_index(rel, data, tid);
		resident = ps_pin_move(rel, &fetch->pin, block);
		if (arrived)
		{
			fetch->missed = !resident;
			ps_prune_opportunistic(rel, &fetch->pin, ps_fetch_may_set_map(data) ? &fetch->map : NULL);
		}
	}

	found = search_chain(fetch, tid, snapshot, &row, *call_again, all_dead);

	/* Other members may be visible too, but not to an MVCC snapshot. */
	*call_again = found && !IsMVCCSnapshot(snapshot);
	if (found)
		ps_slot_store(slot, &row, &fetch->pin);
	return found;
}

/* ---- by TID ---- */

/* The very version at *tid, if the snapshot sees it; HOT chains are not followed. */
bool
ps_fetch_row_version(Relation rel, ItemPointer tid, Snapshot snapshot, TupleTableSlot *slot)
{
	PsPin		pin = ps_pin(rel, ItemPointerGetBlockNumber(tid));
	PsRead		guard;
	PsRow		row;
	bool		visible = false;

	ps_read_lock(rel, &pin, &guard);
	TestForOldSnapshot(snapshot, rel, unconstify(char *, guard.page));

	/* The line pointer may have gone since the caller learnt of the TID. */
	if (ps_row_at(&guard, ItemPointerGetOffsetNumber(tid), &row))
	{
		visible = ps_row_visible(&guard, &row, snapshot);
		if (visible)
			PredicateLockTID(rel, &row.tid, snapshot, HeapTupleHeaderGetXmin(row.header));
		ps_row_conflict_out(&guard, visible, &row, snapshot);
	}
	ps_read_unlock(&guard);

	if (visible)
		ps_slot_store_pinned(slot, &row, &pin);
	else
		ps_unpin(&pin);
	return visible;
}

bool
ps_tid_valid(TableScanDesc base, ItemPointer tid)
{
	return ItemPointerIsValid(tid) &&
		ItemPointerGetBlockNumber(tid) < ((PsScanDesc *) base)->nblocks;
}

/*
 * Follow the update chain that starts at *tid; *tid becomes the last version
 * on the way that the snapshot sees.  A link may dangle (its target pruned and
 * the place reused): then the chain ends before it.
 */
void
ps_get_latest_tid(TableScanDesc base, ItemPointer tid)
{
	Relation	rel = base->rs_rd;
	Snapshot	snapshot = base->rs_snapshot;
	ItemPointerData next = *tid;
	TransactionId updater = InvalidTransactionId;
	bool		more = true;

	while (more)
	{
		PsPin		pin = ps_pin(rel, ItemPointerGetBlockNumber(&next));
		PsRead		guard;
		PsRow		row;

		ps_read_lock(rel, &pin, &guard);
		TestForOldSnapshot(snapshot, rel, unconstify(char *, guard.page));

		more = ps_row_at(&guard, ItemPointerGetOffsetNumber(&next), &row) &&
			ps_chain_follows(row.header, updater);
		if (more)
		{
			bool		visible = ps_row_visible(&guard, &row, snapshot);

			ps_row_conflict_out(&guard, visible, &row, snapshot);
			if (visible)
				*tid = next;
			more = ps_chain_successor(row.header, &next, &updater);
		}
		ps_read_unlock(&guard);
		ps_unpin(&pin);
	}
}

/*
 * Does the snapshot see the row in the slot?  Judged on the page as it is now,
 * which may have moved away from the bytes that the slot holds; a row gone
 * from there is seen by nobody new.
 */
bool
ps_satisfies_snapshot(Relation rel, TupleTableSlot *slot, Snapshot snapshot)
{
	PsSlot	   *ps = (PsSlot *) slot;
	PsPin		pin = ps_pin(rel, ItemPointerGetBlockNumber(&slot->tts_tid));
	PsRead		guard;
	PsRow		row;
	bool		visible;

	Assert(ps_is_slot(slot) && ps->tuple != NULL);

	ps_read_lock(rel, &pin, &guard);
	visible = ps_row_at(&guard, ItemPointerGetOffsetNumber(&slot->tts_tid), &row) &&
		HeapTupleHeaderGetRawXmin(row.header) == HeapTupleHeaderGetRawXmin(ps->tuple->t_data) &&
		ps_row_visible(&guard, &row, snapshot);
	ps_read_unlock(&guard);
	ps_unpin(&pin);
	return visible;
}
