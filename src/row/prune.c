/*
 * prune.c
 *		Which dead versions of a page go: the plan, which line pointers become
 *		redirects, dead or unused.  Made for VACUUM; made and carried out on access,
 *		where the page may turn all visible, too.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/visibilitymap.h"
#include "access/xlog.h"
#include "debug/stop.h"
#include "pgstat.h"
#include "row/chain.h"
#include "row/cleanup.h"
#include "row/prune.h"
#include "server/compat.h"
#include "storage/bufpage.h"
#include "storage/freespace.h"
#include "utils/snapmgr.h"

#define NO_ROW	(-1)

/* A plan in the making. */
typedef struct Planner
{
	Relation	rel;
	PsPrunePlan *plan;
	bool		reap;

	/* who is dead to everybody: see prune_state() */
	TransactionId oldest_xmin;
	struct GlobalVisState *vistest;
	TransactionId old_snap_xmin;
	TimestampTz old_snap_ts;
	bool		old_snap_used;

	bool		taken[MaxHeapTuplesPerPage + 1];	/* by offset: is decided
													 * on */
	OffsetNumber met_from[MaxHeapTuplesPerPage + 1];	/* by offset: root of
														 * the last chain that
														 * led here */
	int8		state[MaxHeapTuplesPerPage + 1];	/* by offset: HTSV_Result
													 * or NO_ROW */
} Planner;

/*
 * HEAPTUPLE_DEAD if the row is dead to everybody.  Vacuum's own cutoff counts
 * first: it goes on to freeze, and cannot freeze what older xmax it left
 * behind.  The limit that old_snapshot_threshold sets is costly and makes old
 * snapshots fail, so it comes last, and once it has removed a row it is
 * announced and used for all.
 */
static HTSV_Result
prune_state(Planner *p, const PsRead *guard, const PsRow *row) PS_REQUIRES_SHARED(guard)
{
	TransactionId dead_after;
	HTSV_Result state = ps_row_vacuum_horizon(guard, row, &dead_after);

	if (state != HEAPTUPLE_RECENTLY_DEAD)
		return state;
	if (p->old_snap_used)
		return TransactionIdPrecedes(dead_after, p->old_snap_xmin) ? HEAPTUPLE_DEAD : state;
	if (TransactionIdIsValid(p->oldest_xmin) &&
		TransactionIdPrecedes(dead_after, p->oldest_xmin))
		return HEAPTUPLE_DEAD;
	if (GlobalVisTestIsRemovableXid(p->vistest, dead_after, true))
		return HEAPTUPLE_DEAD;
	if (!OldSnapshotThresholdActive())
		return state;
	if (PS_ASK("prune-early"))
		return HEAPTUPLE_DEAD;

	if (!TransactionIdIsValid(p->old_snap_xmin))
		(void) TransactionIdLimitedForOldSnapshots(GlobalVisTestNonRemovableHorizon(p->vistest), p->rel,
												   &p->old_snap_xmin, &p->old_snap_ts);
	if (!TransactionIdIsValid(p->old_snap_xmin) ||
		!TransactionIdPrecedes(dead_after, p->old_snap_xmin))
		return state;
	SetOldSnapshotThresholdTimestamp(p->old_snap_ts, p->old_snap_xmin);
	p->old_snap_used = true;
	return HEAPTUPLE_DEAD;
}

static inline void
decide(Planner *p, OffsetNumber offset, PsItemFate fate)
{
	Assert(!p->taken[offset]);
	p->taken[offset] = true;
	p->plan->fate[offset] = fate;
}

static void
take_unused(Planner *p, OffsetNumber offset)
{
	decide(p, offset, PS_ITEM_UNUSED);
	p->plan->items.unused[p->plan->items.nunused++] = offset;
}

static void
take_dead(Planner *p, OffsetNumber offset)
{
	if (p->reap)
	{
		take_unused(p, offset);
		return;
	}
	decide(p, offset, PS_ITEM_DIES);
	p->plan->items.dead[p->plan->items.ndead++] = offset;
}

static void
take_redirect(Planner *p, OffsetNumber from, OffsetNumber to)
{
	OffsetNumber *pair = &p->plan->items.redirected[2 * p->plan->items.nredirected++];

	decide(p, from, PS_ITEM_REDIRECTS);
	decide(p, to, PS_ITEM_STAYS);
	pair[0] = from;
	pair[1] = to;
}

static inline void
removes(Planner *p, const HeapTupleHeaderData *header)
{
	HeapTupleHeaderAdvanceConflictHorizon(unconstify(HeapTupleHeaderData *, header),
										  &p->plan->conflict_xid);
}

/* When this xid is over for all, a row may be dead, or the page visible to all: have it looked at again then. */
static inline void
prunable_later(Planner *p, TransactionId xid)
{
	Assert(TransactionIdIsNormal(xid));
	if (!TransactionIdIsValid(p->plan->next_prunable) ||
		TransactionIdPrecedes(xid, p->plan->next_prunable))
		p->plan->next_prunable = xid;
}

/*
 * A heap-only row met outside its chain.  It goes if dead and at the end of
 * any chain: an aborted HOT update may have lost its parent to another update,
 * so that no chain leads to it any more.  Otherwise its chain will come to it.
 */
static void
plan_heap_only(Planner *p, const HeapTupleHeaderData *header, OffsetNumber offset)
{
	if (p->state[offset] != HEAPTUPLE_DEAD || HeapTupleHeaderIsHotUpdated(header))
		return;
	take_unused(p, offset);
	removes(p, header);
	p->plan->ndeleted++;
}

/*
 * The members of the chain behind a root, up to and with the first that
 * somebody needs for sure.  Returns their number; *ngone is how many of them,
 * from the first on, can go: all up to the last dead one, since a version
 * before a dead one is dead too, even if only called recently dead.
 */
static int
chain_members(Planner *p, const char *page, OffsetNumber root, OffsetNumber *members, int *ngone)
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
		   !p->taken[at] && p->met_from[at] != root &&
		   ps_chain_follows(row.header, xmin))
	{
		HTSV_Result state = p->state[at];

		p->met_from[at] = root;
		members[n++] = at;
		if (state == HEAPTUPLE_DEAD)
		{
			*ngone = n;
			removes(p, row.header);
		}
		else if (state == HEAPTUPLE_RECENTLY_DEAD || state == HEAPTUPLE_DELETE_IN_PROGRESS)
			prunable_later(p, HeapTupleHeaderGetUpdateXid(unconstify(HeapTupleHeaderData *, row.header)));

		if ((state != HEAPTUPLE_DEAD && state != HEAPTUPLE_RECENTLY_DEAD) ||
			!ps_chain_next(row.header, &at, &xmin))
			break;
	}
	return n;
}

/* The chain behind a root line pointer, a redirect or a row that indexes know. */
static void
plan_chain(Planner *p, const char *page, OffsetNumber root)
{
	bool		redirect = ItemIdIsRedirected(ps_page_item(page, root));
	OffsetNumber members[MaxHeapTuplesPerPage];
	int			ngone;
	int			n = chain_members(p, page, root, members, &ngone);

	/*
	 * A redirect whose target was reaped before it was reached from here
	 * leads nowhere.
	 */
	if (n == 0)
	{
		if (redirect)
			take_dead(p, root);
		return;
	}
	if (ngone == 0)
		return;

	p->plan->ndeleted += ngone;
	for (int i = redirect ? 0 : 1; i < ngone; i++)
		take_unused(p, members[i]);
	if (ngone == n)
		take_dead(p, root);
	else
		take_redirect(p, root, members[ngone]);
}

/*
 * Each row's state is determined once: asked twice it might have changed in
 * between, and one row seen through two chains would be treated in two ways.
 * Last line pointer first, which is commonly the order of the bytes in memory.
 */
static void
determine_states(Planner *p, const PsRead *guard, OffsetNumber *off_loc)
			PS_REQUIRES_SHARED(guard)
{
	for (OffsetNumber at = ps_page_nitems(guard->page); at >= FirstOffsetNumber; at--)
	{
		PsRow		row;

		p->state[at] = NO_ROW;
		if (!ps_row_at(guard, at, &row))
			continue;
		if (off_loc)
			*off_loc = at;
		p->state[at] = prune_state(p, guard, &row);
	}
}

/* Servers that set map bits on access look again at pages that rows are being put on. */
static void
note_insertions(Planner *p, const char *page)
{
	for (OffsetNumber at = FirstOffsetNumber; at <= ps_page_nitems(page); at++)
	{
		PsRow		row;

		if (p->state[at] == HEAPTUPLE_INSERT_IN_PROGRESS && p->plan->fate[at] == PS_ITEM_STAYS &&
			ps_page_row(page, InvalidOid, 0, at, &row))
			prunable_later(p, HeapTupleHeaderGetXmin(row.header));
	}
}

/* Fill in p->plan; the horizons are set, and reap. */
static void
plan_page(Planner *p, const PsWrite *guard, OffsetNumber *off_loc) PS_REQUIRES(guard)
{
	PsRead		read;
	const char *page = guard->page;
	OffsetNumber nitems = ps_page_nitems(page);

	ps_write_lend(guard, &read);
	p->rel = guard->rel;
	p->old_snap_used = false;
	p->plan->next_prunable = p->plan->conflict_xid = InvalidTransactionId;
	p->plan->ndeleted = 0;
	p->plan->items.nredirected = p->plan->items.ndead = p->plan->items.nunused = 0;
	memset(p->plan->fate, PS_ITEM_STAYS, sizeof(p->plan->fate));
	memset(p->taken, false, sizeof(p->taken));
	memset(p->met_from, 0, sizeof(p->met_from));
	determine_states(p, &read, off_loc);

	for (OffsetNumber at = FirstOffsetNumber; at <= nitems; at++)
	{
		const ItemIdData *item = ps_page_item(page, at);

		if (p->taken[at] || !ItemIdIsUsed(item))
			continue;
		if (ItemIdIsDead(item))
		{
			if (p->reap)
				take_unused(p, at);
			continue;
		}
		if (off_loc)
			*off_loc = at;
		if (ItemIdIsNormal(item))
		{
			const HeapTupleHeaderData *header = (const HeapTupleHeaderData *) (page + ItemIdGetOffset(item));

			if (HeapTupleHeaderIsHeapOnly(header))
			{
				plan_heap_only(p, header, at);
				continue;
			}
		}
		plan_chain(p, page, at);
	}
	if (PS_INSERTS_PRUNABLE)
		note_insertions(p, page);
	if (off_loc)
		*off_loc = InvalidOffsetNumber;
}

void
ps_prune_plan(const PsWrite *guard, TransactionId oldest_xmin, struct GlobalVisState *vistest,
			  bool reap, PsPrunePlan *plan, OffsetNumber *off_loc)
{
	Planner		p;

	p.plan = plan;
	p.reap = reap;
	p.oldest_xmin = oldest_xmin;
	p.vistest = vistest;
	p.old_snap_xmin = InvalidTransactionId;
	p.old_snap_ts = 0;
	plan_page(&p, guard, off_loc);
}

/*
 * Are rows removed that a snapshot sees?  Only old_snapshot_threshold does so.
 * Whoever has read one and comes back to it by its TID (WHERE CURRENT OF) would
 * come upon another row: such rows, as heap's, stay while their page is pinned.
 */
static inline bool
removes_seen_rows(const PsPrunePlan *plan, struct GlobalVisState *vistest)
{
	return OldSnapshotThresholdActive() && TransactionIdIsValid(plan->conflict_xid) &&
		!GlobalVisTestIsRemovableXid(vistest, plan->conflict_xid, true);
}

bool
ps_prune_can_begin(PsWrite *guard, const PsPrunePlan *plan, struct GlobalVisState *vistest, bool wait)
{
	if (ps_prune_plan_is_empty(plan))
		return true;
	if (removes_seen_rows(plan, vistest) && !ps_write_is_sole_pin(guard))
		return false;
	return ps_write_movable(guard, wait);
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

/* May a row deleted by this xid be dead to everybody?  Sets the planner's horizons. */
static bool
may_be_dead(Relation rel, TransactionId xid, Planner *p)
{
	p->oldest_xmin = p->old_snap_xmin = InvalidTransactionId;
	p->old_snap_ts = 0;
	p->vistest = GlobalVisTestFor(rel);
	if (GlobalVisTestIsRemovableXid(p->vistest, xid, true))
		return true;
	if (!OldSnapshotThresholdActive())
		return false;
	return PS_ASK("prune-early") ||
		(TransactionIdLimitedForOldSnapshots(GlobalVisTestNonRemovableHorizon(p->vistest), rel,
											 &p->old_snap_xmin, &p->old_snap_ts) &&
		 TransactionIdPrecedes(xid, p->old_snap_xmin));
}

/* Will everybody see, for ever, all that the plan leaves?  By the states that it was made with. */
static bool
leaves_visible(const Planner *p, const char *page, TransactionId *newest_xmin)
{
	*newest_xmin = InvalidTransactionId;
	for (OffsetNumber at = FirstOffsetNumber; at <= ps_page_nitems(page); at++)
	{
		PsItemFate	fate = p->plan->fate[at];
		PsRow		row;

		if (fate == PS_ITEM_DIES || (fate == PS_ITEM_STAYS && ItemIdIsDead(ps_page_item(page, at))))
			return false;
		if (fate != PS_ITEM_STAYS || !ps_page_row(page, InvalidOid, 0, at, &row))
			continue;
		if (p->state[at] != HEAPTUPLE_LIVE || !ps_row_may_be_seen_by_all(&row, newest_xmin))
			return false;
	}
	return !TransactionIdIsValid(*newest_xmin) || ps_seen_by_all(p->vistest, p->oldest_xmin, *newest_xmin);
}

/*
 * Is the page to be said to be visible to all?  Where nothing is pruned, only
 * one that is to be written anyway, and to be logged without an image.
 */
static bool
turns_visible_now(const Planner *p, PsWrite *guard, PsNowVisible *visible) PS_REQUIRES(guard)
{
	if (visibilitymap_get_status(guard->rel, guard->pin->block, &visible->map) & VISIBILITYMAP_ALL_VISIBLE)
		return false;
	if (ps_prune_plan_is_empty(p->plan) &&
		(!ps_write_is_dirty(guard) || (XLogHintBitIsNeeded() && ps_xlog_wants_image(guard))))
		return false;
	visible->bits = VISIBILITYMAP_ALL_VISIBLE;
	return leaves_visible(p, guard->page, &visible->newest_xmin);
}

/*
 * On a page that can be moved now.  Asking for that is left to the end: where
 * others have pins it costs a frame and a copy.  True if the page has become
 * visible to all.
 */
static bool
prune_locked(Planner *p, PsWrite *guard, const Buffer *map) PS_REQUIRES(guard)
{
	PsPrunePlan *plan = p->plan;
	PsCleanup	todo = {.vacuum = false};
	PsNowVisible visible;
	bool		turned = false;
	int			nfreed;

	p->reap = false;
	plan_page(p, guard, NULL);
	if (!ps_prune_can_begin(guard, plan, p->vistest, false))
		return false;
	if (map)
	{
		visible.map = *map;
		turned = turns_visible_now(p, guard, &visible);
		if (turned)
			todo.visible = &visible;
	}
	(void) ps_clean_up(guard, plan, &todo);

	/*
	 * New dead line pointers still wait for vacuum; only the rest is off its
	 * list.
	 */
	nfreed = plan->ndeleted - plan->items.ndead;
	if (nfreed > 0)
		pgstat_update_heap_dead_tuples(guard->rel, nfreed);
	return turned;
}

/*
 * Called for nearly every page visited: leaves early, on what can be read
 * without the latch.  A wrong guess there is harmless: whether the page may be
 * changed here at all is told with the latch.  Free space is told to the FSM
 * only where VACUUM may pass the page from now on: else it is for updates of
 * rows on this page.
 */
void
ps_prune_opportunistic(Relation rel, PsPin *pin, Buffer *map)
{
	TransactionId xid = ((const PageHeaderData *) pin->page)->pd_prune_xid;
	PsPrunePlan plan;
	Planner		planner;
	PsWrite		guard;
	bool		visible = false;
	Size		space = 0;

	PS_STOP("prune-asked");
	if (pin->origin == PS_RING || RecoveryInProgress())
		return;
	if (old_snapshot_threshold == 0)
		SnapshotTooOldMagicForTest();	/* its tests count on it, as in heap */
	if (!TransactionIdIsValid(xid) ||
		!short_of_room(rel, pin->page) ||
		!may_be_dead(rel, xid, &planner))
		return;
	if (map)
		visibilitymap_pin(rel, pin->block, map);	/* may read */
	if (!ps_write_trylock(rel, pin, &guard))
		return;
	planner.plan = &plan;
	if (short_of_room(rel, guard.page))
	{
		visible = prune_locked(&planner, &guard, map);
		space = PageGetHeapFreeSpace(guard.page);
	}
	ps_write_unlock(&guard);
	if (visible)
		RecordPageWithFreeSpace(rel, pin->block, space);
}
