/*
 * scan.c
 *		Sequential scans: forward, backward, parallel, synchronized, TID range.
 *
 * With an MVCC snapshot a scan works a page at a time: under one read guard it
 * lists the rows that the snapshot sees, and then hands them out with nothing
 * but a pin.  With other snapshots it judges a row at a time, each under a
 * guard.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/relscan.h"
#include "access/syncscan.h"
#include "access/tsmapi.h"
#include "access/valid.h"
#include "access/xact.h"
#include "am/analyze_blocks.h"
#include "am/scan.h"
#include "am/slot.h"
#include "miscadmin.h"
#include "page/storage.h"
#include "pgstat.h"
#include "row/prune.h"
#include "row/visibility.h"
#include "row/vm.h"
#include "server/compat.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/*
 * Set up for the first page.  A rescan keeps the start of a synchronized scan,
 * so that rewinding a cursor shows the same order again.
 */
static void
scan_init(PsScanDesc *scan, ScanKey key, bool keep_start)
{
	TableScanDesc base = &scan->base;
	Relation	rel = base->rs_rd;
	ParallelBlockTableScanDesc shared = (ParallelBlockTableScanDesc) base->rs_parallel;
	bool		sync;

	scan->nblocks = shared ? shared->phs_nblocks : ps_nblocks(rel);

	if (shared)
		sync = shared->base.phs_syncscan;
	else
		sync = (base->rs_flags & SO_ALLOW_SYNC) && synchronize_seqscans &&
			ps_is_large(ps_origin(rel), scan->nblocks);

	if (!keep_start || shared)
		scan->start = (sync && !shared) ? ss_get_location(rel, scan->nblocks) : 0;
	if (sync)
		base->rs_flags |= SO_ALLOW_SYNC;
	else
		base->rs_flags &= ~SO_ALLOW_SYNC;
	scan->size = scan->nblocks;

	/*
	 * A private image of a page will do for a snapshot that only asks which
	 * rows were there, not for one that must meet concurrent changes, nor for
	 * one that alone does not keep its rows: the page must be pinned then
	 * (ps_prune_can_begin()).  Which cache a table is large for may change
	 * before the scan has ended.
	 */
	scan->stream_flags = 0;
	if ((ps_is_large(PS_POOL, scan->nblocks) || ps_is_large(PS_SHARED, scan->nblocks)) &&
		(base->rs_flags & (SO_ALLOW_STRAT | SO_TYPE_BITMAPSCAN)) && !IsolationIsSerializable() &&
		!OldSnapshotThresholdActive() && base->rs_snapshot && base->rs_snapshot->snapshot_type == SNAPSHOT_MVCC)
		scan->stream_flags |= PS_STREAM_AROUND_POOL;
	if (base->rs_flags & SO_TYPE_BITMAPSCAN)
		scan->stream_flags |= PS_STREAM_SCATTERED;

	scan->started = false;
	scan->backward = false;
	scan->position = -1;
	scan->offset = InvalidOffsetNumber;
	scan->current = -1;
	scan->nvisible = 0;

	if (key != NULL && base->rs_nkeys > 0)
		memcpy(base->rs_key, key, base->rs_nkeys * sizeof(ScanKeyData));

	if (base->rs_flags & SO_TYPE_SEQSCAN)
		pgstat_count_heap_scan(rel);
}

static inline void
set_pagemode(TableScanDesc base, bool allowed)
{
	if (allowed && base->rs_snapshot && IsMVCCSnapshot(base->rs_snapshot))
		base->rs_flags |= SO_ALLOW_PAGEMODE;
	else
		base->rs_flags &= ~SO_ALLOW_PAGEMODE;
}

TableScanDesc
ps_scan_begin(Relation rel, Snapshot snapshot, int nkeys, struct ScanKeyData *key,
			  ParallelTableScanDesc pscan, uint32 flags)
{
	PsScanDesc *scan = palloc(sizeof(PsScanDesc));
	TableScanDesc base = &scan->base;

	RelationIncrementReferenceCount(rel);

	base->rs_rd = rel;
	base->rs_snapshot = snapshot;
	base->rs_nkeys = nkeys;
	base->rs_key = nkeys > 0 ? palloc(sizeof(ScanKeyData) * nkeys) : NULL;
	base->rs_flags = flags;
	base->rs_parallel = pscan;
	ps_scan_uninstrumented(base);
	ItemPointerSetInvalid(&ps_tidrange(base)->rs_mintid);
	ItemPointerSetInvalid(&ps_tidrange(base)->rs_maxtid);
	set_pagemode(base, (flags & SO_ALLOW_PAGEMODE) != 0);

	scan->stream = NULL;
	scan->pin = PS_NO_PIN;
	scan->map = InvalidBuffer;
	scan->sample = NULL;
	scan->bitmap = NULL;
	scan->bitmap_over = NULL;
	scan->missed = false;

	/* before the table's size is asked for again */
	scan->sampled = NULL;
	if (flags & SO_TYPE_ANALYZE)
		ps_analyze_begin(scan);

	/*
	 * These have no index pages to lock in place of the rows that are not
	 * there: a serializable reader locks the whole table.
	 */
	if (flags & (SO_TYPE_SEQSCAN | SO_TYPE_SAMPLESCAN))
	{
		Assert(snapshot);
		PredicateLockRelation(rel, snapshot);
	}

	scan_init(scan, key, false);
	return base;
}

void
ps_scan_rescan(TableScanDesc base, struct ScanKeyData *key, bool set_params,
			   bool allow_strat, bool allow_sync, bool allow_pagemode)
{
	PsScanDesc *scan = (PsScanDesc *) base;

	if (set_params)
	{
		base->rs_flags &= ~(SO_ALLOW_STRAT | SO_ALLOW_SYNC);
		if (allow_strat)
			base->rs_flags |= SO_ALLOW_STRAT;
		if (allow_sync)
			base->rs_flags |= SO_ALLOW_SYNC;
		set_pagemode(base, allow_pagemode);
	}
	ps_unpin(&scan->pin);
	ps_vm_release(&scan->map);
	if (scan->bitmap_over)
		scan->bitmap_over(scan);
	scan_init(scan, key, true);
}

void
ps_scan_end(TableScanDesc base)
{
	PsScanDesc *scan = (PsScanDesc *) base;

	ps_unpin(&scan->pin);
	ps_vm_release(&scan->map);
	if (scan->bitmap_over)
		scan->bitmap_over(scan);
	if (scan->stream)
		ps_stream_end(scan->stream);
	RelationDecrementReferenceCount(base->rs_rd);
	if (base->rs_key)
		pfree(base->rs_key);
	if (base->rs_flags & SO_TEMP_SNAPSHOT)
		UnregisterSnapshot(base->rs_snapshot);
	pfree(scan);
}

void
ps_scan_set_limits(TableScanDesc base, BlockNumber start, BlockNumber n)
{
	PsScanDesc *scan = (PsScanDesc *) base;

	Assert(!scan->started);
	Assert(!(base->rs_flags & SO_ALLOW_SYNC));
	Assert(start == 0 || start < scan->nblocks);

	scan->start = start;
	scan->size = Min(n, scan->nblocks);
}

/* ---- pages ---- */

static inline BlockNumber
block_at(const PsScanDesc *scan, int64 index)
{
	return (BlockNumber) (((int64) scan->start + index) % scan->nblocks);
}

/* Which block comes next: asked by the stream, ahead of use. */
static BlockNumber
next_scanned(void *arg)
{
	PsScanDesc *scan = arg;

	if (scan->base.rs_parallel)
		return table_block_parallelscan_nextpage(scan->base.rs_rd, &scan->worker,
												 (ParallelBlockTableScanDesc) scan->base.rs_parallel);
	if (scan->sample)
	{
		BlockNumber block = InvalidBlockNumber;

		/*
		 * a method that has answered that there are no more must not be asked
		 * again
		 */
		if (scan->asked >= 0)
			block = scan->sample->tsmroutine->NextSampleBlock(scan->sample, scan->nblocks);
		scan->asked = BlockNumberIsValid(block) ? 0 : -1;
		return block;
	}
	if (scan->backward)
		return scan->asked > 0 ? block_at(scan, --scan->asked) : InvalidBlockNumber;
	return scan->asked < scan->size ? block_at(scan, scan->asked++) : InvalidBlockNumber;
}

/* Let the stream begin anew behind (or before) the current position. */
static void
aim_stream(PsScanDesc *scan, bool backward)
{
	int			flags = scan->stream_flags;

	scan->backward = backward;
	scan->asked = backward ? scan->position : scan->position + 1;
	if (backward)
		flags |= PS_STREAM_BACKWARD;

	if (scan->stream)
		ps_stream_reset(scan->stream, flags);
	else
	{
		/* we may be called in a context that lives for one row */
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(scan));

		scan->stream = ps_stream_begin(scan->base.rs_rd, next_scanned, scan, flags);
		ps_stream_tell_io(scan->stream, ps_scan_io(&scan->base));
		MemoryContextSwitchTo(old);

		/* Small enough that no process is left without its share. */
		if (scan->base.rs_parallel)
			ps_stream_limit(scan->stream, Max(scan->size / 64, 2));
	}
}

bool
ps_scan_advance(PsScanDesc *scan, bool backward)
{
	TableScanDesc base = &scan->base;

	CHECK_FOR_INTERRUPTS();

	if (!scan->started)
	{
		if (scan->size == 0)
			return false;
		if (base->rs_parallel)
		{
			bool		limited = (base->rs_flags & SO_TYPE_TIDRANGESCAN) != 0;

			Assert(!backward);
			table_block_parallelscan_startblock_init(base->rs_rd, &scan->worker,
													 (ParallelBlockTableScanDesc) base->rs_parallel,
													 limited ? scan->start : InvalidBlockNumber,
													 limited ? scan->size : InvalidBlockNumber);
		}

		/* A backward scan would only mislead the forward ones that follow it. */
		if (backward)
			base->rs_flags &= ~SO_ALLOW_SYNC;
		scan->position = backward ? (int64) scan->size : -1;
		aim_stream(scan, backward);
		scan->started = true;
	}
	else if (scan->backward != backward)
		aim_stream(scan, backward);

	/*
	 * Report what is used, not what is read ahead; at the end that is the
	 * start again.
	 */
	if ((base->rs_flags & SO_ALLOW_SYNC) && !backward && !base->rs_parallel &&
		scan->position >= 0)
		ss_report_location(base->rs_rd, block_at(scan, scan->position + 1));

	scan->nvisible = 0;
	scan->current = -1;
	if (!ps_stream_next(scan->stream, &scan->pin))
	{
		scan->started = false;
		return false;
	}
	scan->position += backward ? -1 : 1;
	return true;
}

/* All rows of a page that everybody sees. */
static inline int
list_all(const char *page, OffsetNumber *visible)
{
	const ItemIdData *items = ((const PageHeaderData *) page)->pd_linp;
	OffsetNumber nitems = ps_page_nitems(page);
	int			n = 0;

	for (OffsetNumber i = 0; i < nitems; i++)
		if (ItemIdIsNormal(&items[i]))
			visible[n++] = i + 1;
	return n;
}

/* The rows that the snapshot sees.  all_visible: everybody does; what is left to do is for serializable readers. */
static int
list_visible(const PsScanDesc *scan, const PsRead *guard, bool all_visible, bool serializable,
			 OffsetNumber *visible) PS_REQUIRES_SHARED(guard)
{
	Relation	rel = scan->base.rs_rd;
	Snapshot	snapshot = scan->base.rs_snapshot;
	const ItemIdData *items = ((const PageHeaderData *) guard->page)->pd_linp;
	OffsetNumber nitems = ps_page_nitems(guard->page);
	bool		quick = !serializable && snapshot->snapshot_type == SNAPSHOT_MVCC;
	PsRow		row;
	int			n = 0;

	row.table = RelationGetRelid(rel);
	for (OffsetNumber i = 0; i < nitems; i++)
	{
		bool		seen;

		if (!ItemIdIsNormal(&items[i]))
			continue;
		row.header = (const HeapTupleHeaderData *) (guard->page + ItemIdGetOffset(&items[i]));
		if (quick && likely(ps_row_plainly_visible(row.header, snapshot)))
		{
			visible[n++] = i + 1;
			continue;
		}
		row.len = ItemIdGetLength(&items[i]);
		ItemPointerSet(&row.tid, scan->pin.block, i + 1);
		seen = all_visible || ps_row_visible(guard, &row, snapshot);
		if (serializable)
		{
			/* the page of a lossy bitmap: no relation lock covers its rows */
			if (seen && (scan->base.rs_flags & SO_TYPE_BITMAPSCAN))
				PredicateLockTID(rel, &row.tid, snapshot, HeapTupleHeaderGetXmin(row.header));
			ps_row_conflict_out(guard, seen, &row, snapshot);
		}
		if (seen)
			visible[n++] = i + 1;
	}
	return n;
}

void
ps_scan_collect(PsScanDesc *scan)
{
	Relation	rel = scan->base.rs_rd;
	Snapshot	snapshot = scan->base.rs_snapshot;
	PsRead		guard;
	bool		all_visible;
	bool		serializable;

	if (scan->pin.origin != PS_RING)
		ps_prune_opportunistic(rel, &scan->pin, ps_scan_map(scan));

	ps_read_lock(rel, &scan->pin, &guard);
	TestForOldSnapshot(snapshot, rel, unconstify(char *, guard.page));
	serializable = CheckForSerializableConflictOutNeeded(rel, snapshot);

	/*
	 * On a standby, a row visible to all on the primary may be invisible
	 * still to a snapshot taken here, and the page's flag is not
	 * conflict-checked.
	 */
	all_visible = ps_page_all_visible(guard.page) && !snapshot->takenDuringRecovery;
	scan->nvisible = all_visible && !serializable ? list_all(guard.page, scan->visible) :
		list_visible(scan, &guard, all_visible, serializable, scan->visible);
	ps_read_unlock(&guard);
	Assert(scan->nvisible <= MaxHeapTuplesPerPage);
}

/* ---- rows ---- */

/*
 * Takes the row by its offset: were its address taken, every row of a scan
 * without keys would be built in memory too.
 */
static pg_noinline bool
passes_keys(const PsScanDesc *scan, OffsetNumber offset)
{
	PsRow		row = ps_scan_row(scan, offset);
	HeapTupleData tuple = ps_row_tuple(&row);

	return HeapKeyTest(&tuple, RelationGetDescr(scan->base.rs_rd),
					   scan->base.rs_nkeys, scan->base.rs_key);
}

/* Page at a time: step is 1 or -1. */
static inline bool
next_listed(PsScanDesc *scan, int step, TupleTableSlot *slot)
{
	for (;;)
	{
		int			i = scan->current + step;

		for (; i >= 0 && i < scan->nvisible; i += step)
		{
			PsRow		row;

			if (unlikely(scan->base.rs_nkeys > 0) && !passes_keys(scan, scan->visible[i]))
				continue;
			row = ps_scan_row(scan, scan->visible[i]);
			scan->current = i;
			ps_slot_store(slot, &row, &scan->pin);
			return true;
		}

		if (!ps_scan_advance(scan, step < 0))
			return false;
		ps_scan_collect(scan);
		scan->current = step > 0 ? -1 : scan->nvisible;
	}
}

/* Tuple at a time: the guard is taken anew for each row. */
static bool
next_judged(PsScanDesc *scan, int step, TupleTableSlot *slot)
{
	Relation	rel = scan->base.rs_rd;
	Snapshot	snapshot = scan->base.rs_snapshot;

	for (;;)
	{
		if (scan->started)
		{
			PsRead		guard;
			PsRow		row;
			int			nitems;
			int			offset;

			ps_read_lock(rel, &scan->pin, &guard);
			nitems = ps_page_nitems(guard.page);
			TestForOldSnapshot(snapshot, rel, unconstify(char *, guard.page));

			/* the page may have fewer line pointers than when we left it */
			offset = Min((int) scan->offset + step, nitems + 1);
			if (step < 0)
				offset = Min(offset, nitems);

			for (; offset >= FirstOffsetNumber && offset <= nitems; offset += step)
			{
				bool		seen;

				if (!ps_row_at(&guard, offset, &row))
					continue;
				seen = ps_row_visible(&guard, &row, snapshot);
				ps_row_conflict_out(&guard, seen, &row, snapshot);
				if (!seen || (scan->base.rs_nkeys > 0 && !passes_keys(scan, offset)))
					continue;

				scan->offset = offset;
				ps_slot_store(slot, &row, &scan->pin);
				ps_read_unlock(&guard);
				return true;
			}
			ps_read_unlock(&guard);
		}

		if (!ps_scan_advance(scan, step < 0))
			return false;
		scan->offset = step > 0 ? InvalidOffsetNumber : MaxOffsetNumber + 1;
	}
}

/* No movement: the row returned last, once more. */
static bool
same_again(PsScanDesc *scan, TupleTableSlot *slot)
{
	OffsetNumber offset;
	PsRow		row;

	if (!scan->started)
		return false;
	offset = (scan->base.rs_flags & SO_ALLOW_PAGEMODE) ?
		scan->visible[scan->current] : scan->offset;
	row = ps_scan_row(scan, offset);
	ps_slot_store(slot, &row, &scan->pin);
	return true;
}

static inline bool
next_row(PsScanDesc *scan, ScanDirection direction, TupleTableSlot *slot)
{
	if (ScanDirectionIsNoMovement(direction))
		return same_again(scan, slot);
	if (scan->base.rs_flags & SO_ALLOW_PAGEMODE)
	{
		if (likely(ScanDirectionIsForward(direction)))
			return next_listed(scan, 1, slot);
		return next_listed(scan, -1, slot);
	}
	return next_judged(scan, ScanDirectionIsForward(direction) ? 1 : -1, slot);
}

bool
ps_scan_getnextslot(TableScanDesc base, ScanDirection direction, TupleTableSlot *slot)
{
	if (!next_row((PsScanDesc *) base, direction, slot))
	{
		ExecClearTuple(slot);
		return false;
	}
	pgstat_count_heap_getnext(base->rs_rd);
	return true;
}

int
ps_scan_rest_of_page(PsScanDesc *scan, const OffsetNumber **rows)
{
	int			n;

	Assert(scan->base.rs_flags & SO_ALLOW_PAGEMODE);
	Assert(scan->base.rs_nkeys == 0);

	while ((n = scan->nvisible - scan->current - 1) == 0)
	{
		if (!ps_scan_advance(scan, false))
			return 0;
		ps_scan_collect(scan);
	}
	*rows = &scan->visible[scan->current + 1];
	scan->current = scan->nvisible - 1;
	if (pgstat_should_count_relation(scan->base.rs_rd))
		ps_table_counts(scan->base.rs_rd).tuples_returned += n;
	return n;
}

/* ---- TID range ---- */

void
ps_scan_set_tidrange(TableScanDesc base, ItemPointer mintid, ItemPointer maxtid)
{
	PsScanDesc *scan = (PsScanDesc *) base;
	ItemPointerData low,
				high;

	/* No block, no row outside the range either. */
	if (scan->nblocks == 0)
		return;

	ItemPointerSet(&low, 0, FirstOffsetNumber);
	ItemPointerSet(&high, scan->nblocks - 1, MaxOffsetNumber);
	if (ItemPointerCompare(mintid, &low) > 0)
		low = *mintid;
	if (ItemPointerCompare(maxtid, &high) < 0)
		high = *maxtid;

	if (ItemPointerCompare(&low, &high) > 0)
	{
		ps_scan_set_limits(base, 0, 0);
		return;
	}
	ps_scan_set_limits(base, ItemPointerGetBlockNumberNoCheck(&low),
					   ItemPointerGetBlockNumberNoCheck(&high) -
					   ItemPointerGetBlockNumberNoCheck(&low) + 1);
	ps_tidrange(base)->rs_mintid = low;
	ps_tidrange(base)->rs_maxtid = high;
}

/*
 * The limits have left only pages that reach into the range; here rows of the
 * first and the last of them are sorted out.
 */
bool
ps_scan_getnextslot_tidrange(TableScanDesc base, ScanDirection direction, TupleTableSlot *slot)
{
	while (next_row((PsScanDesc *) base, direction, slot))
	{
		bool		below = ItemPointerCompare(&slot->tts_tid, &ps_tidrange(base)->rs_mintid) < 0;
		bool		above = ItemPointerCompare(&slot->tts_tid, &ps_tidrange(base)->rs_maxtid) > 0;

		if (!below && !above)
		{
			pgstat_count_heap_getnext(base->rs_rd);
			return true;
		}
		if (below ? ScanDirectionIsBackward(direction) : ScanDirectionIsForward(direction))
			break;				/* and so are all that follow */
	}
	ExecClearTuple(slot);
	return false;
}
