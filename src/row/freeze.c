/*
 * freeze.c
 *		Carry out freeze plans on a page.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "miscadmin.h"
#include "row/freeze.h"

void
ps_freeze_page(PsWrite *guard, TransactionId cutoff_xid, PsFreezePlan *plans, int n)
{
	Assert(n > 0 && n <= MaxHeapTuplesPerPage);

	START_CRIT_SECTION();
	ps_mark_dirty(guard);
	for (int i = 0; i < n; i++)
	{
		ItemId		item = PageGetItemId(guard->page, plans[i].offset);

		heap_execute_freeze_tuple((HeapTupleHeader) PageGetItem(guard->page, item),
								  &plans[i]);
	}
	if (RelationNeedsWAL(guard->rel))
		ps_wal_freeze(guard, cutoff_xid, plans, n);
	END_CRIT_SECTION();
}
