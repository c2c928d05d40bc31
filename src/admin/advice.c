/*
 * advice.c
 *		pg_stat_pagestore_sizes and pagestore_advice(): what memory of other
 *		sizes would bring.
 */
#include "postgres.h"

#include <math.h>

#include "access/xlog.h"
#include "admin/budget.h"
#include "admin/row.h"
#include "fmgr.h"
#include "server/preload.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(pagestore_stat_sizes);
PG_FUNCTION_INFO_V1(pagestore_advice);

#define COLUMNS 6

#define WORTH_IT 0.05			/* of the reads; less than that is no reason
								 * for a change */
#define WORTH_A_READ 0.001		/* of the accesses; fewer reads than that are
								 * no reason either */
#define ENOUGH_SAMPLED 100		/* uses of the sample that a saving must rest
								 * on */

static const int eighths[PS_CURVE_SIZES] = PS_CURVE_EIGHTHS;

/* ---- the view ---- */

static void
put_size(ReturnSetInfo *rsinfo, const char *setting, double size, bool is_current, double accesses, double reads)
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {0};
	int			n = 0;

	values[n++] = CStringGetTextDatum(setting);
	values[n++] = Int64GetDatum((int64) size * BLCKSZ);
	values[n++] = BoolGetDatum(is_current);
	values[n++] = Int64GetDatum((int64) accesses);
	values[n++] = Int64GetDatum((int64) rint(reads));
	nulls[n] = accesses <= 0;
	values[n++] = Float8GetDatum(accesses > 0 ? 1 - reads / accesses : 0);
	Assert(n == COLUMNS);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static void
put_pool_row(ReturnSetInfo *rsinfo, const PsBudget *budget, double size)
{
	put_size(rsinfo, "pagestore.pool_size", size, size == budget->pool_size, budget->seen.pool_accesses,
			 ps_budget_pool_reads(budget, size));
}

static void
put_shared_row(ReturnSetInfo *rsinfo, const PsBudget *budget, double size)
{
	put_size(rsinfo, "shared_buffers", size, size == budget->shared_size, budget->seen.shared_accesses,
			 ps_budget_shared_reads(budget, size));
}

/* SQL: pagestore_stat_sizes() returns setof record, a row for each size of pool and shared_buffers that is looked at */
Datum
pagestore_stat_sizes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo;
	PsBudget	budget;
	double		last = 0;

	ps_require_preloaded();
	rsinfo = ps_result_rows(fcinfo, COLUMNS);
	ps_budget_measure(&budget);
	for (int i = 0; i < PS_CURVE_SIZES; i++)
	{
		double		size = budget.seen.sizes[i];

		/* what it has may be none of those that are looked at */
		if (last < budget.pool_size && budget.pool_size < size)
			put_pool_row(rsinfo, &budget, budget.pool_size);
		put_pool_row(rsinfo, &budget, size);
		last = size;
	}
	if (last < budget.pool_size)
		put_pool_row(rsinfo, &budget, budget.pool_size);
	for (int i = 0; i < PS_CURVE_SIZES; i++)
		put_shared_row(rsinfo, &budget, floor(budget.shared_size * eighths[i] / 8));
	return (Datum) 0;
}

/* ---- the advice ---- */

/* As the settings take it. */
static char *
amount(double pages)
{
	int64		kilobytes = (int64) pages * (BLCKSZ / 1024);

	return kilobytes % 1024 == 0 ? psprintf(INT64_FORMAT "MB", kilobytes / 1024) :
		psprintf(INT64_FORMAT "kB", kilobytes);
}

static double
percentage(double part, double of)
{
	return of > 0 ? 100 * part / of : 0;
}

/* Is it worth a change, and do enough uses of the sample say so? */
static bool
is_worth_it(const PsBudget *budget, double now, double then)
{
	return now - then >= WORTH_IT * now && now - then >= (double) ENOUGH_SAMPLED * budget->seen.weight;
}

/* In one sentence. */
static char *
advise(const PsBudget *budget)
{
	const PsCurve *seen = &budget->seen;
	double		memory = budget->pool_size + budget->shared_size;
	double		accesses = seen->pool_accesses + seen->shared_accesses;
	double		reads = seen->pool_reads + seen->shared_reads;
	char	   *pool = amount(budget->pool_size);
	char	   *shared = amount(budget->shared_size);
	PsSplit		best;
	PsSplit		twice;

	if (accesses < memory)
		return psprintf("Too little has been seen to give advice: %.0f page accesses, where there should be %.0f.",
						accesses, memory);
	if (reads < WORTH_A_READ * accesses)
		return psprintf("Leave pagestore.pool_size = %s and shared_buffers = %s: %.2f%% of page accesses find their page there.",
						pool, shared, percentage(accesses - reads, accesses));

	best = ps_budget_best_split(budget, memory);
	if (is_worth_it(budget, reads, best.reads))
		return psprintf("Set pagestore.pool_size = %s (now %s) and shared_buffers = %s (now %s), and restart: about %.0f%% fewer reads are expected, %.2f%% of page accesses instead of %.2f%%.",
						amount(best.pool), pool, amount(best.shared), shared,
						percentage(reads - best.reads, reads), percentage(best.reads, accesses), percentage(reads, accesses));

	twice = ps_budget_best_split(budget, 2 * memory);
	if (is_worth_it(budget, reads, twice.reads))
		return psprintf("Leave pagestore.pool_size = %s and shared_buffers = %s as long as there is no more memory: another split is not expected to save reads (%.1f%% of page accesses), but %s and %s would save about %.0f%% of them.",
						pool, shared, percentage(reads, accesses),
						amount(twice.pool), amount(twice.shared), percentage(reads - twice.reads, reads));
	return psprintf("Leave pagestore.pool_size = %s and shared_buffers = %s: neither another split nor twice as much memory is expected to save reads (%.1f%% of page accesses).",
					pool, shared, percentage(reads, accesses));
}

/* SQL: pagestore_advice() returns text */
Datum
pagestore_advice(PG_FUNCTION_ARGS)
{
	PsBudget	budget;

	ps_require_preloaded();
	if (RecoveryInProgress())
		PG_RETURN_TEXT_P(cstring_to_text("No advice is given on a standby, where all pages go through shared_buffers."));
	ps_budget_measure(&budget);
	PG_RETURN_TEXT_P(cstring_to_text(advise(&budget)));
}
