/*
 * freeze.c
 *		Carry out freeze plans on a page.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "miscadmin.h"
#include "row/freeze.h"
#include "server/compat.h"

static inline HeapTupleHeader
frozen_row(const PsWrite *guard, const PsFreezePlan *plan) PS_REQUIRES(guard)
{
	return (HeapTupleHeader) PageGetItem(guard->page, PageGetItemId(guard->page, plan->offset));
}

void
ps_freeze_check(const PsWrite *guard, const PsFreezePlan *plans, int n)
{
	Assert(n <= MaxHeapTuplesPerPage);
	for (int i = 0; i < n; i++)
	{
		HeapTupleHeader header = frozen_row(guard, &plans[i]);

		if (!ps_freeze_plan_holds(header, &plans[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("row at offset %u of block %u of relation \"%s\" cannot be frozen: its xmin %u has not committed, or its xmax %u has",
							plans[i].offset, guard->pin->block, RelationGetRelationName(guard->rel),
							HeapTupleHeaderGetRawXmin(header), HeapTupleHeaderGetRawXmax(header))));
	}
}

void
ps_freeze_rows(PsWrite *guard, PsFreezePlan *plans, int n)
{
	for (int i = 0; i < n; i++)
		heap_execute_freeze_tuple(frozen_row(guard, &plans[i]), &plans[i]);
}
