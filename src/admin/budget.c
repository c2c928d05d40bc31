/*
 * budget.c
 *		What pool and shared_buffers of other sizes would have read lately.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "admin/budget.h"
#include "am/am.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "server/compat.h"
#include "storage/buf_internals.h"

#define MEGABYTE ((double) 1024 * 1024 / BLCKSZ)
#define LEAST_POOL MEGABYTE		/* the setting's minimum */
#define LEAST_SHARED (8 * MEGABYTE)
#define STEPS 256				/* splits of the memory that are compared */
#define NEARLY 0.9				/* of what the best one saves is as good */

/* Maps of free space and visibility come on top of what the catalog counts. */
#define WITH_MAPS 1.01

/* ---- what was ---- */

static int
buffers_used(void)
{
	int			n = 0;

	for (int i = 0; i < NBuffers; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (ps_buffer_state(GetBufferDescriptor(i)) & BM_TAG_VALID)
			n++;
	}
	return n;
}

/* Is it read through shared_buffers, and has it been?  *ours: the last access method found to be ours. */
static bool
wants_buffers(const FormData_pg_class *class, Oid *ours)
{
	const PgStat_StatTabEntry *counts;

	if (!RELKIND_HAS_STORAGE(class->relkind) || class->relpersistence == RELPERSISTENCE_TEMP ||
		class->relpages <= 0)
		return false;
	if (RELKIND_HAS_TABLE_AM(class->relkind) && class->relam != HEAP_TABLE_AM_OID)
	{
		if (class->relam != *ours && ps_is_pagestore_am(class->relam))
			*ours = class->relam;
		if (class->relam == *ours)
			return false;
	}
	counts = pgstat_fetch_stat_tabentry(class->oid);
	return counts != NULL && counts->blocks_fetched > 0;
}

static double
pages_read_through_buffers(void)
{
	Oid			ours = InvalidOid;
	Relation	classes = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(classes, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	double		pages = 0;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		const FormData_pg_class *class = (Form_pg_class) GETSTRUCT(tuple);

		CHECK_FOR_INTERRUPTS();
		if (wants_buffers(class, &ours))
			pages += class->relpages;
	}
	systable_endscan(scan);
	table_close(classes, AccessShareLock);
	return pages;
}

void
ps_budget_measure(PsBudget *budget)
{
	int			used = buffers_used();

	ps_curve_read(&budget->seen);
	budget->pool_size = budget->seen.pool_size;
	budget->shared_size = NBuffers;
	budget->shared_wanted = used < NBuffers ? used :
		Max(pages_read_through_buffers() * WITH_MAPS, NBuffers);
}

/* ---- what would have been ---- */

static double
between(double low, double value, double high)
{
	return Max(low, Min(value, high));
}

/* Straight from one size whose hits are known to the next, and no more beyond the last. */
static double
curve_at(const PsBudget *budget, double size, double hits_at_zero)
{
	double		low = 0;
	double		low_hits = hits_at_zero;

	for (int i = 0; i < PS_CURVE_SIZES; i++)
	{
		double		high = budget->seen.reach[i];
		double		high_hits = budget->seen.hits[i];

		if (size <= high)
			return low_hits + (high_hits - low_hits) * (size - low) / (high - low);
		low = high;
		low_hits = high_hits;
	}
	return low_hits;
}

/*
 * What the curve says of a pool of that size.  Of the hits that even the
 * smallest pool has it counts only some; but a pool of nothing has none: it
 * lies below the one that there is by as many as that one had.
 */
static double
hits_with(const PsBudget *budget, double size)
{
	const PsCurve *seen = &budget->seen;
	double		at_zero = 0;

	if (size < seen->reach[0] && budget->pool_size >= seen->reach[0])
		at_zero = curve_at(budget, budget->pool_size, 0) - (seen->pool_accesses - seen->pool_reads);
	return curve_at(budget, size, at_zero);
}

double
ps_budget_pool_reads(const PsBudget *budget, double size)
{
	double		more_hits = hits_with(budget, size) - hits_with(budget, budget->pool_size);

	return between(0, budget->seen.pool_reads - more_hits, budget->seen.pool_accesses);
}

double
ps_budget_shared_reads(const PsBudget *budget, double size)
{
	const PsCurve *seen = &budget->seen;
	double		wanted = budget->shared_wanted;
	double		now = budget->shared_size;
	double		reads = seen->shared_reads;

	if (wanted > now)
		reads -= seen->shared_evicting * (Min(size, wanted) - now) / (wanted - now);
	else if (size < wanted)
		reads += (seen->shared_accesses - seen->shared_reads) * (1 - size / wanted);
	return between(0, reads, seen->shared_accesses);
}

static PsSplit
split(const PsBudget *budget, double pool, double memory)
{
	PsSplit		result = {pool, memory - pool};

	result.reads = ps_budget_pool_reads(budget, result.pool) + ps_budget_shared_reads(budget, result.shared);
	return result;
}

/* The step'th of STEPS splits; false if it leaves one of them too little. */
static bool
split_at(const PsBudget *budget, int step, double memory, PsSplit *result)
{
	double		pool = rint(memory * step / STEPS / MEGABYTE) * MEGABYTE;

	if (pool < LEAST_POOL || memory - pool < LEAST_SHARED)
		return false;
	*result = split(budget, pool, memory);
	return true;
}

PsSplit
ps_budget_best_split(const PsBudget *budget, double memory)
{
	double		now = budget->seen.pool_reads + budget->seen.shared_reads;
	double		least = now;
	double		good_enough;
	PsSplit		best = split(budget, Min(budget->pool_size, memory - LEAST_SHARED), memory);
	PsSplit		other;

	least = Min(least, best.reads);
	for (int step = 1; step < STEPS; step++)
		if (split_at(budget, step, memory, &other))
			least = Min(least, other.reads);
	good_enough = now - (now - least) * NEARLY;

	/*
	 * a step that is good enough takes the place of one that is not, or is
	 * farther away
	 */
	for (int step = 1; step < STEPS; step++)
		if (split_at(budget, step, memory, &other) && other.reads <= good_enough &&
			(best.reads > good_enough ||
			 fabs(other.pool - budget->pool_size) < fabs(best.pool - budget->pool_size)))
			best = other;
	return best;
}
