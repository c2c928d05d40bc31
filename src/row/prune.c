/*
 * prune.c
 *		Remove dead versions from a page.
 *
 * A plan is made first: which line pointers become redirects, dead or unused.
 * It holds offsets only, so it outlives the move of the page to another frame.
 * Then the plan is carried out and logged in one critical section, in which
 * nothing can fail.
 */
#include "postgres.h"

#include "access/heapam_xlog.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "debug/stop.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "row/chain.h"
#include "row/prune.h"
#include "row/wal_prune.h"
#include "server/compat.h"
#include "storage/bufpage.h"
#include "utils/snapmgr.h"

#define NO_ROW	(-1)

typedef struct PrunePlan
{
	Relation	rel;

	/* who is dead to everybody: see prune_state() */
	TransactionId oldest_xmin;
	struct GlobalVisState *vistest;
	TransactionId old_snap_xmin;
	TimestampTz old_snap_ts;
	bool		old_snap_used;

	TransactionId next_prunable;	/* pd_prune_xid to be */
	TransactionId conflict_xid;
	int			ndeleted;
	PsPruneItems items;
	bool		taken[MaxHeapTuplesPerPage + 1];	/* by offset: is in items */
	OffsetNumber met_from[MaxHeapTuplesPerPage + 1];	/* by offset: root of
														 * the last chain that
														 * led here */
	int8		state[MaxHeapTuplesPerPage + 1];	/* by offset: HTSV_Result
													 * or NO_ROW */
} PrunePlan;

/*
 * HEAPTUPLE_DEAD if the row is dead to everybody.  Vacuum's own cutoff counts
 * first: it goes on to freeze, and cannot freeze what older xmax it left
 * behind.  The limit that old_snapshot_threshold sets is costly and makes old
 * snapshots fail, so it comes last, and once it has removed a row it is
 * announced and used for all.
 */
static HTSV_Result
prune_state(PrunePlan *plan, const PsRead *guard, const PsRow *row) PS_REQUIRES_SHARED(guard)
{
	TransactionId dead_after;
	HTSV_Result state = ps_row_vacuum_horizon(guard, row, &dead_after);

	if (state != HEAPTUPLE_RECENTLY_DEAD)
		return state;
	if (plan->old_snap_used)
		return TransactionIdPrecedes(dead_after, plan->old_snap_xmin) ? HEAPTUPLE_DEAD : state;
	if (TransactionIdIsValid(plan->oldest_xmin) &&
		TransactionIdPrecedes(dead_after, plan->oldest_xmin))
		return HEAPTUPLE_DEAD;
	if (GlobalVisTestIsRemovableXid(plan->vistest, dead_after))
		return HEAPTUPLE_DEAD;
	if (!OldSnapshotThresholdActive())
		return state;

	if (!TransactionIdIsValid(plan->old_snap_xmin))
		(void) TransactionIdLimitedForOldSnapshots(GlobalVisTestNonRemovableHorizon(plan->vistest), plan->rel,
												   &plan->old_snap_xmin, &plan->old_snap_ts);
	if (!TransactionIdIsValid(plan->old_snap_xmin) ||
		!TransactionIdPrecedes(dead_after, plan->old_snap_xmin))
		return state;
	SetOldSnapshotThresholdTimestamp(plan->old_snap_ts, plan->old_snap_xmin);
	plan->old_snap_used = true;
	return HEAPTUPLE_DEAD;
}

static inline void
mark_taken(PrunePlan *plan, OffsetNumber offset)
{
	Assert(!plan->taken[offset]);
	plan->taken[offset] = true;
}

static void
take_unused(PrunePlan *plan, OffsetNumber offset)
{
	mark_taken(plan, offset);
	plan->items.unused[plan->items.nunused++] = offset;
}

static void
take_dead(PrunePlan *plan, OffsetNumber offset)
{
	mark_taken(plan, offset);
	plan->items.dead[plan->items.ndead++] = offset;
}

static void
take_redirect(PrunePlan *plan, OffsetNumber from, OffsetNumber to)
{
	OffsetNumber *pair = &plan->items.redirected[2 * plan->items.nredirected++];

	mark_taken(plan, from);
	mark_taken(plan, to);
	pair[0] = from;
	pair[1] = to;
}

static inline void
removes(PrunePlan *plan, const HeapTupleHeaderData *header)
{
	HeapTupleHeaderAdvanceConflictHorizon(unconstify(HeapTupleHeaderData *, header),
										  &plan->conflict_xid);
}

/* The row may be dead soon: have the page looked at again then. */
static inline void
prunable_later(PrunePlan *plan, const HeapTupleHeaderData *header)
{
	TransactionId xid = HeapTupleHeaderGetUpdateXid(unconstify(HeapTupleHeaderData *, header));

	Assert(TransactionIdIsNormal(xid));
	if (!TransactionIdIsValid(plan->next_prunable) ||
		TransactionIdPrecedes(xid, plan->next_prunable))
		plan->next_prunable = xid;
}

/*
 * A heap-only row met outside its chain.  It goes if dead and at the end of
 * any chain: an aborted HOT update may have lost its parent to another update,
 * so that no chain leads to it any more.  Otherwise its chain will come to it.
 */
static void
plan_heap_only(PrunePlan *plan, const HeapTupleHeaderData *header, OffsetNumber offset)
{
	if (plan->state[offset] != HEAPTUPLE_DEAD || HeapTupleHeaderIsHotUpdated(header))
		return;
	take_unused(plan, offset);
	removes(plan, header);
	plan->ndeleted++;
}

/*
 * The members of the chain behind a root, up to and with the first that
 * somebody needs for sure.  Returns their number; *ngone is how many of them,
 * from the first on, can go: all up to the last dead one, since a version
 * before a dead one is dead too, even if only called recently dead.
 */
static int
chain_members(PrunePlan *plan, const char *page, OffsetNumber root, OffsetNumber *members, int *ngone)
{
	const ItemIdData *item = ps_page_item(page, root);
	OffsetNumber at = ItemIdIsRedirected(item) ? ItemIdGetRedirect(item) : root;
	TransactionId xmin = InvalidTransactionId;
	int			n = 0;
	PsRow		row;

	*ngone = 0;

	/*
	 * A row may have been reaped before; on a damaged page chains may meet,
	 * or run in a circle.
	 */
	while (ps_page_row(page, InvalidOid, 0, at, &row) &&
		   !plan->taken[at] && plan->met_from[at] != root &&
		   ps_chain_follows(row.header, xmin))
	{
		HTSV_Result state = plan->state[at];

		plan->met_from[at] = root;
		members[n++] = at;
		if (state == HEAPTUPLE_DEAD)
		{
			*ngone = n;
			removes(plan, row.header);
		}
		else if (state == HEAPTUPLE_RECENTLY_DEAD || state == HEAPTUPLE_DELETE_IN_PROGRESS)
			prunable_later(plan, row.header);

		if ((state != HEAPTUPLE_DEAD && state != HEAPTUPLE_RECENTLY_DEAD) ||
			!ps_chain_next(row.header, &at, &xmin))
			break;
	}
	return n;
}

/* The chain behind a root line pointer, a redirect or a row that indexes know. */
static void
plan_chain(PrunePlan *plan, const char *page, OffsetNumber root)
{
	bool		redirect = ItemIdIsRedirected(ps_page_item(page, root));
	OffsetNumber members[MaxHeapTuplesPerPage];
	int			ngone;
	int			n = chain_members(plan, page, root, members, &ngone);

	/*
	 * A redirect whose target was reaped before it was reached from here
	 * leads nowhere.
	 */
	if (n == 0)
	{
		if (redirect)
			take_dead(plan, root);
		return;
	}
	if (ngone == 0)
		return;

	plan->ndeleted += ngone;
	for (int i = redirect ? 0 : 1; i < ngone; i++)
		take_unused(plan, members[i]);
	if (ngone == n)
		take_dead(plan, root);
	else
		take_redirect(plan, root, members[ngone]);
}

/*
 * Each row's state is determined once: asked twice it might have changed in
 * between, and one row seen through two chains would be treated in two ways.
 * Last line pointer first, which is commonly the order of the bytes in memory.
 */
static void
determine_states(PrunePlan *plan, const PsRead *guard, OffsetNumber *off_loc)
			PS_REQUIRES_SHARED(guard)
{
	for (OffsetNumber at = ps_page_nitems(guard->page); at >= FirstOffsetNumber; at--)
	{
		PsRow		row;

		plan->state[at] = NO_ROW;
		if (!ps_row_at(guard, at, &row))
			continue;
		if (off_loc)
			*off_loc = at;
		plan->state[at] = prune_state(plan, guard, &row);
	}
}

/* Fill in a plan whose horizons are set. */
static void
plan_page(PrunePlan *plan, const PsWrite *guard, OffsetNumber *off_loc) PS_REQUIRES(guard)
{
	PsRead		read;
	const char *page = guard->page;
	OffsetNumber nitems = ps_page_nitems(page);

	ps_write_lend(guard, &read);
	plan->rel = guard->rel;
	plan->old_snap_used = false;
	plan->next_prunable = plan->conflict_xid = InvalidTransactionId;
	plan->ndeleted = 0;
	plan->items.nredirected = plan->items.ndead = plan->items.nunused = 0;
	memset(plan->taken, false, sizeof(plan->taken));
	memset(plan->met_from, 0, sizeof(plan->met_from));
	determine_states(plan, &read, off_loc);

	for (OffsetNumber at = FirstOffsetNumber; at <= nitems; at++)
	{
		const ItemIdData *item = ps_page_item(page, at);

		if (plan->taken[at] || !ItemIdIsUsed(item) || ItemIdIsDead(item))
			continue;
		if (off_loc)
			*off_loc = at;
		if (ItemIdIsNormal(item))
		{
			const HeapTupleHeaderData *header = (const HeapTupleHeaderData *) (page + ItemIdGetOffset(item));

			if (HeapTupleHeaderIsHeapOnly(header))
			{
				plan_heap_only(plan, header, at);
				continue;
			}
		}
		plan_chain(plan, page, at);
	}
	if (off_loc)
		*off_loc = InvalidOffsetNumber;
}

static inline bool
plan_is_empty(const PrunePlan *plan)
{
	return plan->items.nredirected + plan->items.ndead + plan->items.nunused == 0;
}

static void
change_items(char *page, const PsPruneItems *items)
{
	for (int i = 0; i < items->nredirected; i++)
		ItemIdSetRedirect(PageGetItemId(page, items->redirected[2 * i]), items->redirected[2 * i + 1]);
	for (int i = 0; i < items->ndead; i++)
		ItemIdSetDead(PageGetItemId(page, items->dead[i]));
	for (int i = 0; i < items->nunused; i++)
		ItemIdSetUnused(PageGetItemId(page, items->unused[i]));
}

/* Every redirect leads to a heap-only row. */
pg_attribute_unused() static bool
redirects_hold(const char *page)
{
	for (OffsetNumber at = FirstOffsetNumber; at <= ps_page_nitems(page); at++)
	{
		const ItemIdData *item = ps_page_item(page, at);
		PsRow		row;

		if (ItemIdIsRedirected(item) &&
			(!ps_page_row(page, InvalidOid, 0, ItemIdGetRedirect(item), &row) ||
			 !HeapTupleHeaderIsHeapOnly(row.header)))
			return false;
	}
	return true;
}

/* Carry the plan out on a movable page. */
static void
prune(const PrunePlan *plan, PsWrite *guard, bool vacuum) PS_REQUIRES(guard)
{
	START_CRIT_SECTION();
	ps_mark_dirty(guard);
	change_items(guard->page, &plan->items);
	PageRepairFragmentation(guard->page);
	((PageHeader) guard->page)->pd_prune_xid = plan->next_prunable;
	PageClearFull(guard->page);
	if (RelationNeedsWAL(guard->rel))
		ps_wal_prune(guard, &plan->items, plan->conflict_xid, vacuum);
	END_CRIT_SECTION();
	Assert(redirects_hold(guard->page));
}

/* Nothing to prune: note when to look again.  A hint, not logged. */
static void
note_prunable(const PrunePlan *plan, const PsWrite *guard) PS_REQUIRES(guard)
{
	PageHeader	header = (PageHeader) guard->page;
	PsRead		read;

	ps_write_lend(guard, &read);
	if (header->pd_prune_xid == plan->next_prunable && !PageIsFull(guard->page))
		return;
	header->pd_prune_xid = plan->next_prunable;
	PageClearFull(guard->page);
	ps_mark_hinted(&read);
}

int
ps_prune_page(PsWrite *guard, TransactionId oldest_xmin, struct GlobalVisState *vistest,
			  TransactionId old_snap_xmin, TimestampTz old_snap_ts,
			  int *nnewlpdead, OffsetNumber *off_loc) PS_REQUIRES(guard)
{
	PrunePlan	plan;

	plan.oldest_xmin = oldest_xmin;
	plan.vistest = vistest;
	plan.old_snap_xmin = old_snap_xmin;
	plan.old_snap_ts = old_snap_ts;
	plan_page(&plan, guard, off_loc);
	if (plan_is_empty(&plan))
		note_prunable(&plan, guard);
	else
		prune(&plan, guard, true);
	*nnewlpdead = plan.items.ndead;
	return plan.ndeleted;
}

/* ---- on access ---- */

/* An update found no room on it, or little is left: the fill factor's share, at least a tenth. */
static bool
short_of_room(Relation rel, const char *bytes)
{
	Page		page = unconstify(char *, bytes);
	Size		target = RelationGetTargetPageFreeSpace(rel, HEAP_DEFAULT_FILLFACTOR);

	return PageIsFull(page) || PageGetHeapFreeSpace(page) < Max(target, BLCKSZ / 10);
}

/* May a row deleted by this xid be dead to everybody?  Sets the plan's horizons. */
static bool
may_be_dead(Relation rel, TransactionId xid, PrunePlan *plan)
{
	plan->oldest_xmin = plan->old_snap_xmin = InvalidTransactionId;
	plan->old_snap_ts = 0;
	plan->vistest = GlobalVisTestFor(rel);
	if (GlobalVisTestIsRemovableXid(plan->vistest, xid))
		return true;
	return OldSnapshotThresholdActive() &&
		TransactionIdLimitedForOldSnapshots(GlobalVisTestNonRemovableHorizon(plan->vistest), rel,
											&plan->old_snap_xmin, &plan->old_snap_ts) &&
		TransactionIdPrecedes(xid, plan->old_snap_xmin);
}

/*
 * On a page that can be moved now.  Asking for that is left to the end: where
 * others have pins it costs a frame and a copy.
 */
static void
prune_locked(PrunePlan *plan, PsWrite *guard) PS_REQUIRES(guard)
{
	int			nfreed;

	plan_page(plan, guard, NULL);
	if (plan_is_empty(plan))
	{
		note_prunable(plan, guard);
		return;
	}
	if (!ps_write_movable(guard, false))
		return;
	prune(plan, guard, false);

	/*
	 * New dead line pointers still wait for vacuum; only the rest is off its
	 * list.
	 */
	nfreed = plan->ndeleted - plan->items.ndead;
	if (nfreed > 0)
		pgstat_update_heap_dead_tuples(guard->rel, nfreed);
}

/*
 * Called for nearly every page visited: leaves early, on what can be read
 * without the latch.  A wrong guess there is harmless: whether the page may be
 * changed here at all is told with the latch.  Free space is not told to the
 * FSM: it is for updates of rows on this page.
 */
void
ps_prune_opportunistic(Relation rel, PsPin *pin)
{
	TransactionId xid = ((const PageHeaderData *) pin->page)->pd_prune_xid;
	PrunePlan	plan;
	PsWrite		guard;

	PS_STOP("prune-asked");
	if (pin->origin == PS_RING || RecoveryInProgress())
		return;
	if (old_snapshot_threshold == 0)
		SnapshotTooOldMagicForTest();	/* its tests count on it, as in heap */
	if (!TransactionIdIsValid(xid) ||
		!short_of_room(rel, pin->page) ||
		!may_be_dead(rel, xid, &plan) ||
		!ps_write_trylock(rel, pin, &guard))
		return;
	if (short_of_room(rel, guard.page))
		prune_locked(&plan, &guard);
	ps_write_unlock(&guard);
}
