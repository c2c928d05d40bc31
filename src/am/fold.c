/*
 * fold.c
 *		Common aggregates of columns, for many rows of a page at once.
 *
 * Which aggregate it is does not matter, only its transition function: what
 * that does to a state, row by row, a loop here does for all rows of a page.
 * (What they do: utils/adt/int8.c, numeric.c, float.c, date.c.)
 *
 * Where all rows of a page are there from the first to the last column that is
 * wanted, with no nulls, and no value before it is of variable width, each value
 * lies at a place that the row type tells.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "am/deform.h"
#include "am/fold.h"
#include "page/view.h"
#include "server/compat.h"
#include "utils/array.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#define NO_COLUMN (-1)			/* rows are counted */
#define NOT_A_COLUMN (-2)		/* there is more to do than to take one */

/*
 * Of a column, of the rows of a page.  An integer's Datum has the sign in all
 * its bits, however wide the integer (Int16GetDatum(), Int32GetDatum()).
 */
typedef struct Column
{
	int			column;			/* from 0 */
	int			place;			/* ps_deform_place() */
	bool		any_null;
	Datum		values[MaxHeapTuplesPerPage];
	bool		isnull[MaxHeapTuplesPerPage];	/* if there is any */
} Column;

typedef void (*FoldFunction) (AggStatePerGroup state, const Column *column, int n);

typedef struct Fold
{
	int			transition;		/* index of the state */
	FoldFunction function;
	int			column;			/* index of the column, or NO_COLUMN */
} Fold;

struct PsFold
{
	TupleDesc	desc;
	PsDeform   *deform;
	Datum	   *values;			/* of one row */
	bool	   *isnull;
	int			wanted;			/* columns up to the last one wanted */
	bool		placed;			/* each column wanted has a place */
	int			ncolumns;
	Column	   *columns;
	int			nfolds;
	Fold		folds[FLEXIBLE_ARRAY_MEMBER];
};

/* ---- transition functions ---- */

static inline bool
is_null(const Column *column, int i)
{
	return column->any_null && column->isnull[i];
}

static int
count_values(const Column *column, int n)
{
	int			nulls = 0;

	if (column->any_null)
	{
		for (int i = 0; i < n; i++)
			nulls += column->isnull[i];
	}
	return n - nulls;
}

static int64
sum_of_values(const Column *column, int n)
{
	int64		sum = 0;

	for (int i = 0; i < n; i++)
		sum += is_null(column, i) ? 0 : DatumGetInt64(column->values[i]);
	return sum;
}

/* int8inc, int8inc_any */
static void
fold_count(AggStatePerGroup state, const Column *column, int n)
{
	if (column)
		n = count_values(column, n);
	state->transValue = Int64GetDatum(DatumGetInt64(state->transValue) + n);
}

/* int2_sum, int4_sum: null until there is a value */
static void
fold_sum(AggStatePerGroup state, const Column *column, int n)
{
	int64		sum = state->transValueIsNull ? 0 : DatumGetInt64(state->transValue);

	if (count_values(column, n) == 0)
		return;
	state->transValue = Int64GetDatum(sum + sum_of_values(column, n));
	state->transValueIsNull = state->noTransValue = false;
}

/* int2_avg_accum, int4_avg_accum: number and sum in an array, which is changed in place */
static void
fold_average(AggStatePerGroup state, const Column *column, int n)
{
	ArrayType  *array = DatumGetArrayTypeP(state->transValue);
	int64	   *number_and_sum = (int64 *) ARR_DATA_PTR(array);

	if (ARR_HASNULL(array) || ARR_SIZE(array) != ARR_OVERHEAD_NONULLS(1) + 2 * sizeof(int64))
		elog(ERROR, "expected 2-element int8 array");
	number_and_sum[0] += count_values(column, n);
	number_and_sum[1] += sum_of_values(column, n);
}

/* Strict functions: the first value becomes the state.  Returns the index of the next one to work on. */
static inline int
take_first(AggStatePerGroup state, const Column *column, int n)
{
	int			i = 0;

	if (!state->noTransValue)
		return 0;
	while (i < n && is_null(column, i))
		i++;
	if (i == n)
		return n;
	state->transValue = column->values[i];
	state->transValueIsNull = state->noTransValue = false;
	return i + 1;
}

/* int2larger, int4larger, int8larger, date_larger, timestamp_larger */
static void
fold_larger(AggStatePerGroup state, const Column *column, int n)
{
	int			i = take_first(state, column, n);
	int64		best = DatumGetInt64(state->transValue);

	for (; i < n; i++)
	{
		if (!is_null(column, i))
			best = Max(best, DatumGetInt64(column->values[i]));
	}
	state->transValue = Int64GetDatum(best);
}

static void
fold_smaller(AggStatePerGroup state, const Column *column, int n)
{
	int			i = take_first(state, column, n);
	int64		best = DatumGetInt64(state->transValue);

	for (; i < n; i++)
	{
		if (!is_null(column, i))
			best = Min(best, DatumGetInt64(column->values[i]));
	}
	state->transValue = Int64GetDatum(best);
}

/* float8pl: in the order of the rows, of which the result depends */
static void
fold_float8_sum(AggStatePerGroup state, const Column *column, int n)
{
	int			i = take_first(state, column, n);
	float8		sum = DatumGetFloat8(state->transValue);

	for (; i < n; i++)
	{
		if (!is_null(column, i))
			sum = float8_pl(sum, DatumGetFloat8(column->values[i]));
	}
	state->transValue = Float8GetDatum(sum);
}

static const struct
{
	Oid			transition;
	FoldFunction function;
	bool		has_state;		/* before the first value */
}			known[] =

{
	{F_INT8INC, fold_count, true},
	{F_INT8INC_ANY, fold_count, true},
	{F_INT2_SUM, fold_sum},
	{F_INT4_SUM, fold_sum},
	{F_INT2_AVG_ACCUM, fold_average, true},
	{F_INT4_AVG_ACCUM, fold_average, true},
	{F_INT2LARGER, fold_larger},
	{F_INT4LARGER, fold_larger},
	{F_INT8LARGER, fold_larger},
	{F_DATE_LARGER, fold_larger},
	{F_TIMESTAMP_LARGER, fold_larger},
	{F_TIMESTAMPTZ_LARGER, fold_larger},
	{F_INT2SMALLER, fold_smaller},
	{F_INT4SMALLER, fold_smaller},
	{F_INT8SMALLER, fold_smaller},
	{F_DATE_SMALLER, fold_smaller},
	{F_TIMESTAMP_SMALLER, fold_smaller},
	{F_TIMESTAMPTZ_SMALLER, fold_smaller},
	{F_FLOAT8PL, fold_float8_sum},
};

/* An aggregate of a user's may begin with another state than core's. */
static FoldFunction
function_for(AggStatePerTrans transition)
{
	for (int i = 0; i < lengthof(known); i++)
	{
		if (known[i].transition == transition->transfn_oid &&
			!(known[i].has_state && transition->initValueIsNull))
			return known[i].function;
	}
	return NULL;
}

/* ---- which aggregates ---- */

/* The table's column, from 0, that the aggregate is of. */
static int
column_of(AggStatePerTrans transition, const SeqScanState *scan)
{
	const Aggref *aggregate = transition->aggref;
	const Var  *var;

	if (aggregate->aggfilter != NULL || aggregate->aggorder != NIL || aggregate->aggdistinct != NIL ||
		transition->numInputs > 1)
		return NOT_A_COLUMN;
	if (transition->numInputs == 0)
		return transition->transfn_oid == F_INT8INC ? NO_COLUMN : NOT_A_COLUMN;

	/* of what the scan gives */
	var = (const Var *) linitial_node(TargetEntry, aggregate->args)->expr;
	if (!IsA(var, Var) || var->varattno <= 0 || transition->transfn_oid == F_INT8INC)
		return NOT_A_COLUMN;

	/* of the table */
	var = (const Var *) list_nth_node(TargetEntry, scan->ss.ps.plan->targetlist, var->varattno - 1)->expr;
	if (!IsA(var, Var) || var->varattno <= 0)
		return NOT_A_COLUMN;
	return var->varattno - 1;
}

/* The index of the column among those that are taken. */
static int
add_column(PsFold *fold, int column)
{
	Column	   *added;

	for (int i = 0; i < fold->ncolumns; i++)
	{
		if (fold->columns[i].column == column)
			return i;
	}
	added = &fold->columns[fold->ncolumns];
	added->column = column;
	added->place = ps_deform_place(fold->deform, column);
	fold->placed &= added->place >= 0;
	fold->wanted = Max(fold->wanted, column + 1);
	return fold->ncolumns++;
}

PsFold *
ps_fold_begin(const AggState *agg, const SeqScanState *scan)
{
	MemoryContext context = scan->ss.ps.state->es_query_cxt;
	TupleDesc	desc = RelationGetDescr(scan->ss.ss_currentRelation);
	MemoryContext old;
	PsFold	   *fold;

	for (int i = 0; i < agg->numtrans; i++)
	{
		AggStatePerTrans transition = &agg->pertrans[i];

		if (function_for(transition) == NULL || column_of(transition, scan) == NOT_A_COLUMN)
			return NULL;
	}

	old = MemoryContextSwitchTo(context);
	fold = palloc(offsetof(PsFold, folds) + agg->numtrans * sizeof(Fold));
	fold->desc = desc;
	fold->deform = ps_deform_begin(desc, context);
	fold->values = palloc(desc->natts * sizeof(Datum));
	fold->isnull = palloc(desc->natts * sizeof(bool));
	fold->wanted = 0;
	fold->placed = true;
	fold->ncolumns = 0;
	fold->columns = palloc(agg->numtrans * sizeof(Column));
	fold->nfolds = agg->numtrans;
	for (int i = 0; i < agg->numtrans; i++)
	{
		AggStatePerTrans transition = &agg->pertrans[i];
		int			column = column_of(transition, scan);

		fold->folds[i].transition = i;
		fold->folds[i].function = function_for(transition);
		fold->folds[i].column = column == NO_COLUMN ? NO_COLUMN : add_column(fold, column);
	}
	MemoryContextSwitchTo(old);
	return fold;
}

/* ---- values ---- */

/* Are all columns that are wanted at their places? */
static inline bool
is_regular(const HeapTupleHeaderData *header, int wanted)
{
	return !(header->t_infomask & HEAP_HASNULL) && HeapTupleHeaderGetNatts(header) >= wanted;
}

/* Columns of the row with this index, wherever they are. */
static void
take_one_row(PsFold *fold, const HeapTupleHeaderData *header, int index)
{
	uint32		off = 0;
	int			there = ps_deform(fold->deform, header, 0, fold->wanted, &off, fold->values, fold->isnull);

	for (int i = 0; i < fold->ncolumns; i++)
	{
		Column	   *column = &fold->columns[i];
		bool	   *isnull = &column->isnull[index];

		/* a row may be older than the column */
		if (column->column < there)
		{
			column->values[index] = fold->values[column->column];
			*isnull = fold->isnull[column->column];
		}
		else
			column->values[index] = getmissingattr(fold->desc, column->column + 1, isnull);
		column->any_null |= *isnull;
	}
}

static void
take_columns(PsFold *fold, const char *page, const OffsetNumber *rows, int n)
{
	const HeapTupleHeaderData *headers[MaxHeapTuplesPerPage];
	bool		regular = fold->placed;

	for (int i = 0; i < n; i++)
	{
		headers[i] = (const HeapTupleHeaderData *) (page + ItemIdGetOffset(ps_page_item(page, rows[i])));
		regular &= is_regular(headers[i], fold->wanted);
	}
	for (int i = 0; i < fold->ncolumns; i++)
	{
		Column	   *column = &fold->columns[i];

		column->any_null = false;
		if (regular)
			ps_deform_column(fold->deform, column->column, column->place, headers, n, column->values);
	}
	for (int i = 0; i < n && !regular; i++)
		take_one_row(fold, headers[i], i);
}

void
ps_fold_rows(PsFold *fold, AggStatePerGroup states, const char *page, const OffsetNumber *rows, int n)
{
	if (fold->ncolumns > 0)
		take_columns(fold, page, rows, n);
	for (int i = 0; i < fold->nfolds; i++)
	{
		const Fold *f = &fold->folds[i];

		f->function(&states[f->transition], f->column == NO_COLUMN ? NULL : &fold->columns[f->column], n);
	}
}
