/*
 * freeze.c
 *		Carry out freeze plans on a page.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "miscadmin.h"
#include "row/freeze.h"
#include "server/compat.h"

void
ps_freeze_page(PsWrite *guard, TransactionId cutoff_xid, PsFreezePlan *plans, int n)
{
	Assert(n > 0 && n <= MaxHeapTuplesPerPage);
	for (int i = 0; i < n; i++)
	{
		HeapTupleHeader header = (HeapTupleHeader) PageGetItem(guard->page, PageGetItemId(guard->page, plans[i].offset));

		if (!ps_freeze_plan_holds(header, &plans[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("row at offset %u of block %u of relation \"%s\" cannot be frozen: its xmin %u has not committed, or its xmax %u has",
							plans[i].offset, guard->pin->block, RelationGetRelationName(guard->rel),
							HeapTupleHeaderGetRawXmin(header), HeapTupleHeaderGetRawXmax(header))));
	}

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
