/*
 * cleanup.c
 *		Carry out what is planned for a page: prune, freeze, reap, and say in the
 *		visibility map that it is visible to all.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "row/cleanup.h"
#include "row/freeze.h"
#include "row/vm.h"
#include "server/compat.h"
#include "storage/bufpage.h"

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

/* Nothing to prune: note when to look again.  A hint, not logged. */
static void
note_prunable(const PsPrunePlan *plan, const PsWrite *guard) PS_REQUIRES(guard)
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

/*
 * The critical section: what was pruned or frozen, logged in two records, in this
 * order, where one can't have both; the map's bits (all->visible) in the same one.
 */
static uint8
change_page(PsWrite *guard, const PsPrunePlan *plan, const PsCleanup *all) PS_REQUIRES(guard)
{
	PsCleanup	rest = *all;
	uint8		before = 0;

	START_CRIT_SECTION();
	ps_mark_dirty(guard);
	if (all->items)
	{
		change_items(guard->page, all->items);
		PageRepairFragmentation(guard->page);
		((PageHeader) guard->page)->pd_prune_xid = plan->next_prunable;
		PageClearFull(guard->page);
		if (!PS_PRUNE_FREEZES && all->nfreeze > 0)
		{
			PsCleanup	pruned = *all;

			pruned.nfreeze = 0;
			rest.items = NULL;
			if (RelationNeedsWAL(guard->rel))
				ps_wal_cleanup(guard, &pruned);
		}
	}
	ps_freeze_rows(guard, all->freeze, all->nfreeze);
	if (all->visible)
		before = ps_vm_set_begin(guard, all->visible);
	if (RelationNeedsWAL(guard->rel))
		ps_wal_cleanup(guard, &rest);
	END_CRIT_SECTION();
	if (all->visible)
		ps_vm_set_end(all->visible->map);
	Assert(redirects_hold(guard->page));
	return before;
}

uint8
ps_clean_up(PsWrite *guard, const PsPrunePlan *plan, PsCleanup *todo)
{
	const PsNowVisible *visible = todo->visible;
	uint8		before = 0;

	todo->items = NULL;
	if (plan && ps_prune_plan_is_empty(plan))
		note_prunable(plan, guard);
	else if (plan)
	{
		todo->items = &plan->items;
		todo->conflict_xid = plan->conflict_xid;
	}
	ps_freeze_check(guard, todo->freeze, todo->nfreeze);
	if (todo->items || todo->nfreeze > 0)
	{
		if (!PS_RECORDS_SET_MAP_BITS)
			todo->visible = NULL;
		before = change_page(guard, plan, todo);
		if (todo->visible)
			return before;
	}
	return visible ? ps_vm_set(guard, visible, todo->vacuum) : 0;
}

uint8
ps_reap(PsWrite *guard, const OffsetNumber *unused, int n, const PsNowVisible *visible)
{
	const PsNowVisible *with = PS_RECORDS_SET_MAP_BITS ? visible : NULL;
	uint8		before = 0;

	START_CRIT_SECTION();
	ps_mark_dirty(guard);
	for (int i = 0; i < n; i++)
	{
		ItemId		item = PageGetItemId(guard->page, unused[i]);

		Assert(ItemIdIsDead(item) && !ItemIdHasStorage(item));
		ItemIdSetUnused(item);
	}
	PageTruncateLinePointerArray(guard->page);
	if (with)
		before = ps_vm_set_begin(guard, with);
	if (RelationNeedsWAL(guard->rel))
		ps_wal_reap(guard, unused, n, with);
	END_CRIT_SECTION();
	if (with)
		ps_vm_set_end(with->map);
	else if (visible)
		before = ps_vm_set(guard, visible, true);
	return before;
}
