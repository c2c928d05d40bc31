/*
 * vacuum_page.c
 *		VACUUM's first pass over one page: prune, freeze, count, collect.
 */
#include "postgres.h"

#include "am/vacuum_dead.h"
#include "am/vacuum_page.h"
#include "commands/progress.h"
#include "debug/stop.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "page/view.h"
#include "pgstat.h"
#include "row/prune.h"
#include "row/visibility.h"
#include "row/vm.h"
#include "server/compat.h"
#include "storage/latch.h"
#include "utils/wait_event.h"

/* Milliseconds between two tries to get a frame for a page that must be frozen. */
#define WAIT_FOR_FRAME_MS 10

/* What is to become of rows that are dead. */
typedef enum Dead
{
	PRUNE,						/* stop at the first: pruning must be planned,
								 * then the page looked at again */
	PRUNE_BY_CUTOFF,			/* likewise, but only for what is older than
								 * our cutoff */
	MISS						/* they stay: count them */
} Dead;

/* What one look at a page's items found. */
typedef struct Survey
{
	int			live;
	int			recently_dead;
	int			missed;
	bool		has_rows;
	bool		rows_visible;	/* to all, for ever, whatever the other items */
	bool		all_frozen;		/* they are, or their plans make it so */
	TransactionId newest_xmin;
	OffsetNumber stopped_at;	/* if not valid */
	HeapPageFreeze ids;			/* the oldest that stay, frozen or not */
	int			ndead;			/* LP_DEAD items */
	int			nfreeze;
	OffsetNumber dead[MaxHeapTuplesPerPage];
	PsFreezePlan freeze[MaxHeapTuplesPerPage];
} Survey;

static inline bool
newest_is_seen(const PsVacuum *v, TransactionId newest_xmin)
{
	return !TransactionIdIsValid(newest_xmin) ||
		ps_seen_by_all(v->vistest, v->cutoffs.OldestXmin, newest_xmin);
}

/*
 * Vacuum state of a row.  As long as pruning can still be done (eager), what
 * the horizon test calls removable is dead too, though it may be newer than
 * our cutoff.
 */
static HTSV_Result
row_state(const PsVacuum *v, const PsRead *guard, const PsRow *row, bool eager)
			PS_REQUIRES_SHARED(guard)
{
	TransactionId dead_after;
	HTSV_Result state = ps_row_vacuum_horizon(guard, row, &dead_after);

	if (state != HEAPTUPLE_RECENTLY_DEAD)
		return state;
	if (TransactionIdPrecedes(dead_after, v->cutoffs.OldestXmin) ||
		(eager && (GlobalVisTestIsRemovableXid(v->vistest, dead_after, true) ||
				   PS_ASK("vacuum-horizon-ahead"))))
		return HEAPTUPLE_DEAD;
	return state;
}

/* Count a row that stays. The rules are those of ANALYZE (analyze.c), or their figures would disagree. */
static void
count_row(const PsRow *row, HTSV_Result state, Survey *s)
{
	switch (state)
	{
		case HEAPTUPLE_LIVE:
			s->live++;
			s->rows_visible = s->rows_visible && ps_row_may_be_seen_by_all(row, &s->newest_xmin);
			return;
		case HEAPTUPLE_DELETE_IN_PROGRESS:
			s->live++;			/* its deleter will tell when it commits */
			break;
		case HEAPTUPLE_RECENTLY_DEAD:
			s->recently_dead++;
			break;
		case HEAPTUPLE_INSERT_IN_PROGRESS:
			break;				/* likewise its inserter */
		case HEAPTUPLE_DEAD:
			s->missed++;
			break;
	}
	s->rows_visible = false;
}

/* Plan to freeze a row, or take note of the ids that stay in it. */
static void
plan_freeze(const PsVacuum *v, PsRowMut *row, Survey *s)
{
	PsFreezePlan *plan = &s->freeze[s->nfreeze];
	bool		totally_frozen;

	if (heap_prepare_freeze_tuple(row->header, &v->cutoffs, &s->ids, plan, &totally_frozen))
	{
		plan->offset = ItemPointerGetOffsetNumber(&row->tid);
		s->nfreeze++;
	}
	if (!totally_frozen)
		s->all_frozen = false;
}

/* False: see survey_page(). */
static bool
survey_row(const PsVacuum *v, const PsRead *guard, PsRowMut *row, Dead dead, Survey *s)
			PS_REQUIRES_SHARED(guard)
{
	PsRow		seen = ps_row_lend(row);
	HTSV_Result state = row_state(v, guard, &seen, dead == PRUNE);

	if (state == HEAPTUPLE_DEAD && dead != MISS)
		return false;
	count_row(&seen, state, s);
	if (dead == MISS)
		return !heap_tuple_should_freeze(row->header, &v->cutoffs, &s->ids.NoFreezePageRelfrozenXid,
										 &s->ids.NoFreezePageRelminMxid) || !v->aggressive;
	plan_freeze(v, row, s);
	return true;
}

/* What an item is now, or will be once the plan is carried out. */
static PsItemFate
item_fate(const PsPrunePlan *plan, const ItemIdData *item, OffsetNumber offset)
{
	if (plan && plan->fate[offset] != PS_ITEM_STAYS)
		return plan->fate[offset];
	if (!ItemIdIsUsed(item))
		return PS_ITEM_UNUSED;
	if (ItemIdIsDead(item))
		return PS_ITEM_DIES;
	return ItemIdIsRedirected(item) ? PS_ITEM_REDIRECTS : PS_ITEM_STAYS;
}

/*
 * Look at every item that a plan to prune leaves (NULL: there is none), and
 * plan what to freeze, if dead rows don't stay.  False, and the survey is void,
 * as soon as there is something more to prune; or, where dead rows stay,
 * something that an aggressive vacuum must freeze.
 */
static bool
survey_page(PsVacuum *v, const PsWrite *guard, const PsPrunePlan *plan, Dead dead, Survey *s)
			PS_REQUIRES(guard)
{
	PsRead		lent;
	OffsetNumber last = ps_page_nitems(guard->page);
	bool		valid = true;

	ps_write_lend(guard, &lent);
	s->live = s->recently_dead = s->missed = s->ndead = s->nfreeze = 0;
	s->has_rows = false;
	s->rows_visible = s->all_frozen = true;
	s->newest_xmin = InvalidTransactionId;
	s->ids = (HeapPageFreeze)
	{
		.FreezePageRelfrozenXid = v->new_frozenxid,
			.FreezePageRelminMxid = v->new_minmulti,
			.NoFreezePageRelfrozenXid = v->new_frozenxid,
			.NoFreezePageRelminMxid = v->new_minmulti
	};

	for (OffsetNumber offset = FirstOffsetNumber; offset <= last && valid; offset++)
	{
		PsItemFate	fate = item_fate(plan, ps_page_item(guard->page, offset), offset);
		PsRowMut	row;

		if (fate == PS_ITEM_UNUSED)
			continue;
		s->stopped_at = v->at.offset = offset;

		/*
		 * Not a row: it will be unused before the tail of the table is looked
		 * at.
		 */
		if (fate == PS_ITEM_DIES)
		{
			s->dead[s->ndead++] = offset;
			valid = !v->reap_at_once || dead == MISS;
			continue;
		}

		s->has_rows = true;
		if (fate == PS_ITEM_STAYS && ps_row_at_mut(guard, offset, &row))
			valid = survey_row(v, &lent, &row, dead, s);
	}
	v->at.offset = InvalidOffsetNumber;
	s->rows_visible = s->rows_visible && valid && newest_is_seen(v, s->newest_xmin);
	return valid;
}

static void
collect_dead(PsVacuum *v, BlockNumber block, Survey *s, PsVacuumPage *left)
{
	left->ndead = s->ndead;
	if (s->ndead == 0)
		return;
	v->dead_pages++;
	v->dead_items += s->ndead;
	memcpy(left->dead, s->dead, s->ndead * sizeof(OffsetNumber));
	if (v->nindexes > 0)
		ps_dead_add(v->dead, block, s->dead, s->ndead);
}

/* Add up what a valid survey has counted; frozen: none of its plans is left to be carried out. */
static void
count_survey(PsVacuum *v, const Survey *s, bool frozen)
{
	v->new_frozenxid = frozen ? s->ids.FreezePageRelfrozenXid : s->ids.NoFreezePageRelfrozenXid;
	v->new_minmulti = frozen ? s->ids.FreezePageRelminMxid : s->ids.NoFreezePageRelminMxid;
	v->live += s->live;
	v->recently_dead += s->recently_dead;
	v->missed += s->missed;
	if (s->missed > 0)
		v->missed_pages++;
}

/*
 * Ids older than the limits must go.  Others may stay: but where the page is
 * logged as a whole anyway, or has been (imaged), freezing all of it costs next
 * to nothing, and saves the next vacuum the page.
 */
static bool
worth_freezing(const PsWrite *guard, const Survey *s, bool prunes, bool imaged) PS_REQUIRES(guard)
{
	if (s->nfreeze == 0 || s->ids.freeze_required)
		return s->nfreeze > 0;
	return s->rows_visible && s->all_frozen && (imaged || (prunes && ps_xlog_wants_image(guard)));
}

/* All that a standby may still show as running, and that the plans freeze, is older. */
static TransactionId
freeze_cutoff(const PsVacuum *v, const Survey *s)
{
	TransactionId cutoff;

	if (!PS_FREEZES_BEYOND_LIMIT)
		return v->cutoffs.FreezeLimit;
	if (!PS_FREEZE_TELLS_CONFLICT && !(s->rows_visible && s->all_frozen))
		return v->cutoffs.OldestXmin;
	cutoff = PS_FREEZE_TELLS_CONFLICT ? ps_freeze_conflict(&s->ids) : s->newest_xmin;
	if (TransactionIdIsValid(cutoff))
		TransactionIdAdvance(cutoff);
	return cutoff;
}

/*
 * Plan to prune until a survey finds nothing more to prune.  False if pruning
 * is called for and can't be done now.
 *
 * The page is looked at first: one with nothing dead is spared the pruning,
 * and the move to another frame where others hold it.  A survey of what the
 * plan leaves can meet a dead row again when an inserter has aborted meanwhile.
 */
static bool
plan_pruning(PsVacuum *v, PsWrite *guard, PsPrunePlan *prune, bool *planned, Survey *s) PS_REQUIRES(guard)
{
	Dead		dead = PRUNE;

	*planned = false;
	while (!survey_page(v, guard, *planned ? prune : NULL, dead, s))
	{
		ps_prune_plan(guard, v->cutoffs.OldestXmin, v->vistest, v->reap_at_once, prune, &v->at.offset);
		*planned = true;

		/*
		 * The horizon test may have taken back what it said of a row newer
		 * than our cutoff; without it the next survey passes that row. What
		 * is dead by the cutoff and yet not in the plan is heap-only, has a
		 * successor, and no chain leads to it: we would look again for ever.
		 */
		if (dead == PRUNE_BY_CUTOFF && prune->fate[s->stopped_at] == PS_ITEM_STAYS)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("dead row in block %u of relation \"%s\" belongs to no update chain",
							guard->pin->block, RelationGetRelationName(guard->rel))));
		if (!ps_prune_can_begin(guard, prune, v->vistest, true))
			return false;
		dead = PRUNE_BY_CUTOFF;
	}
	return true;
}

/*
 * What the map says and the page does not bear out, or the page says wrongly,
 * is taken back.  Returns the map's bits then.
 */
static uint8
mend_map(PsVacuum *v, PsWrite *guard, Buffer vmbuf, bool dead_items) PS_REQUIRES(guard)
{
	BlockNumber block = guard->pin->block;
	uint8		bits = visibilitymap_get_status(v->rel, block, &vmbuf);

	if (bits != 0 && !ps_page_all_visible(guard->page))
		ps_warn_map_without_page(v->name, block);
	else if (dead_items && ps_page_all_visible(guard->page))
	{
		ps_warn_dead_on_visible(v->name, block);
		ps_mark_dirty(guard);
		PageClearAllVisible(guard->page);
	}
	else
		return bits;
	ps_map_clear(guard->rel, block, vmbuf, VISIBILITYMAP_VALID_BITS);
	return 0;
}

/* Has the page become visible to all, or frozen, and the map does not say so?  Then what it is to say. */
static bool
turns_visible(const Survey *s, uint8 bits, PsNowVisible *visible)
{
	if (!s->rows_visible || s->ndead > 0)
		return false;
	visible->bits = VISIBILITYMAP_ALL_VISIBLE | (s->all_frozen ? VISIBILITYMAP_ALL_FROZEN : 0);

	/*
	 * standbys have got past rows that are frozen: the record that froze them
	 * sees to it
	 */
	visible->newest_xmin = s->all_frozen ? InvalidTransactionId : s->newest_xmin;
	return (visible->bits & ~bits) != 0;
}

/* False, and nothing has changed, if the page can't be pruned now. */
static bool
prune_and_freeze(PsVacuum *v, PsWrite *guard, Buffer vmbuf, PsVacuumPage *left) PS_REQUIRES(guard)
{
	PsPrunePlan prune;
	Survey		s;
	bool		planned;
	bool		prunes;
	bool		freeze;
	int64		images = pgWalUsage.wal_fpi;
	PsNowVisible visible = {.map = vmbuf};
	PsCleanup	todo = {.vacuum = true};
	uint8		bits;

	if (!plan_pruning(v, guard, &prune, &planned, &s))
		return false;
	prunes = planned && !ps_prune_plan_is_empty(&prune);
	freeze = worth_freezing(guard, &s, prunes, pgWalUsage.wal_fpi != images);
	if (!freeze && s.nfreeze > 0)
		s.all_frozen = false;
	if (freeze)
	{
		todo.nfreeze = s.nfreeze;
		todo.freeze = s.freeze;
		todo.freeze_cutoff = freeze_cutoff(v, &s);
	}
	bits = mend_map(v, guard, vmbuf, s.ndead > 0);
	if (turns_visible(&s, bits, &visible))
		todo.visible = &visible;
	left->now_frozen = todo.visible && ps_vacuum_count_map(v, bits, visible.bits);
	(void) ps_clean_up(guard, planned ? &prune : NULL, &todo);

	left->removed = planned ? prune.ndeleted : 0;
	v->removed += left->removed;
	if (freeze)
	{
		v->frozen_pages++;
		v->frozen += s.nfreeze;
	}
	count_survey(v, &s, freeze || s.nfreeze == 0);
	collect_dead(v, guard->pin->block, &s, left);
	left->has_rows = s.has_rows;
	left->unpruned = false;
	return true;
}

/*
 * Count a page that can't be pruned now, and collect the LP_DEAD items it has
 * anyway.  False if an aggressive vacuum can't leave it at that: it has ids
 * that must go.
 */
static bool
leave_unpruned(PsVacuum *v, const PsWrite *guard, PsVacuumPage *left) PS_REQUIRES(guard)
{
	Survey		s;

	if (!survey_page(v, guard, NULL, MISS, &s))
		return false;

	left->has_rows = s.has_rows;
	left->ndead = left->removed = 0;
	left->now_frozen = false;
	left->unpruned = true;
	if (v->nindexes > 0)
		collect_dead(v, guard->pin->block, &s, left);
	else if (s.ndead > 0)
	{
		/* Without indexes there is no second pass to come by: they stay. */
		left->has_rows = true;
		s.missed += s.ndead;
	}
	count_survey(v, &s, false);
	return true;
}

/*
 * Let go of the page for a moment, so that whoever holds the frames gets on:
 * of pins by those who write and evict nothing is left then.
 */
static void
wait_for_frame(PsWrite *guard) PS_REQUIRES(guard)
{
	Relation	rel = guard->rel;
	PsPin	   *pin = guard->pin;

	ps_write_unlock(guard);
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 WAIT_FOR_FRAME_MS, WAIT_EVENT_BUFFER_CLEANUP);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	ps_write_lock(rel, pin, guard);
}

void
ps_vacuum_page(PsVacuum *v, PsWrite *guard, Buffer vmbuf, PsVacuumPage *left)
{
	bool		waited = false;

	while (!prune_and_freeze(v, guard, vmbuf, left))
	{
		if (waited && leave_unpruned(v, guard, left))
			break;
		wait_for_frame(guard);
		waited = true;
	}
}

bool
ps_vacuum_page_visible(PsVacuum *v, const PsRead *guard, const OffsetNumber *unused, int n,
					   TransactionId *newest_xmin, bool *all_frozen)
{
	OffsetNumber last = ps_page_nitems(guard->page);
	bool		visible = true;
	int			met = 0;

	*newest_xmin = InvalidTransactionId;
	*all_frozen = true;
	for (OffsetNumber offset = FirstOffsetNumber; offset <= last && visible; offset++)
	{
		PsRow		row;

		v->at.offset = offset;
		if (ps_row_at(guard, offset, &row))
		{
			visible = row_state(v, guard, &row, false) == HEAPTUPLE_LIVE &&
				ps_row_may_be_seen_by_all(&row, newest_xmin);
			if (*all_frozen &&
				heap_tuple_needs_eventual_freeze(unconstify(HeapTupleHeaderData *, row.header)))
				*all_frozen = false;
		}
		else if (ItemIdIsDead(ps_page_item(guard->page, offset)))
		{
			visible = met < n && unused[met] == offset;
			met++;
		}
	}
	v->at.offset = InvalidOffsetNumber;
	visible = visible && newest_is_seen(v, *newest_xmin);
	if (!visible)
		*all_frozen = false;
	return visible;
}
