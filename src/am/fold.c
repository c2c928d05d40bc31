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

/* A column of the rows of a page. */
typedef struct Values
{
	Datum	   *values;
	bool	   *isnull;			/* NULL: none is */
} Values;

/* length: of the state and of the values, where these are of its type */
typedef void (*FoldFunction) (AggStatePerGroup state, const Values *column, int n, int length);

typedef struct Column
{
	int			column;			/* from 0 */
	int			place;			/* ps_deform_place() */
} Column;

typedef struct Fold
{
	FoldFunction function;
	int			column;			/* index of the column, or NO_COLUMN */
	int			length;
} Fold;

struct PsFold
{
	TupleDesc	desc;
	PsDeform   *deform;
	int			wanted;			/* columns up to the last one wanted */
	bool		placed;			/* each column wanted has a place */
	int			ncolumns;
	Column	   *columns;
	int			nfolds;
	Fold		folds[FLEXIBLE_ARRAY_MEMBER];	/* one for each state */
};

/* ---- transition functions ---- */

static inline bool
is_null(const Values *column, int i)
{
	return column->isnull != NULL && column->isnull[i];
}

static int
count_values(const Values *column, int n)
{
	int			nulls = 0;

	if (column->isnull != NULL)
	{
		for (int i = 0; i < n; i++)
			nulls += column->isnull[i];
	}
	return n - nulls;
}

/*
 * An integer's value, whatever its Datum has beyond its length: a function may
 * have left zeros there where Int32GetDatum() has the sign.
 */
static pg_attribute_always_inline int64
integer(Datum datum, int length)
{
	if (length == sizeof(int16))
		return DatumGetInt16(datum);
	if (length == sizeof(int32))
		return DatumGetInt32(datum);
	return DatumGetInt64(datum);
}

static pg_attribute_always_inline int64
sum_of_integers(const Values *column, int n, int length)
{
	int64		sum = 0;

	for (int i = 0; i < n; i++)
		sum += is_null(column, i) ? 0 : integer(column->values[i], length);
	return sum;
}

/* int8inc, int8inc_any: from none on, so that it does not overflow */
static void
fold_count(AggStatePerGroup state, const Values *column, int n, int length)
{
	if (column != NULL)
		n = count_values(column, n);
	state->transValue = Int64GetDatum(DatumGetInt64(state->transValue) + n);
}

/* int2_sum, int4_sum: null until there is a value */
static void
add_sum(AggStatePerGroup state, const Values *column, int n, int64 sum)
{
	if (count_values(column, n) == 0)
		return;
	if (!state->transValueIsNull)
		sum += DatumGetInt64(state->transValue);
	state->transValue = Int64GetDatum(sum);
	state->transValueIsNull = state->noTransValue = false;
}

static void
fold_sum2(AggStatePerGroup state, const Values *column, int n, int length)
{
	add_sum(state, column, n, sum_of_integers(column, n, sizeof(int16)));
}

static void
fold_sum4(AggStatePerGroup state, const Values *column, int n, int length)
{
	add_sum(state, column, n, sum_of_integers(column, n, sizeof(int32)));
}

/* int2_avg_accum, int4_avg_accum: number and sum in an array, which is changed in place */
static bool
is_number_and_sum(Datum array)
{
	const ArrayType *a = DatumGetArrayTypeP(array);

	return !ARR_HASNULL(a) && ARR_SIZE(a) == ARR_OVERHEAD_NONULLS(1) + 2 * sizeof(int64);
}

static void
add_average(AggStatePerGroup state, const Values *column, int n, int64 sum)
{
	int64	   *number_and_sum = (int64 *) ARR_DATA_PTR(DatumGetArrayTypeP(state->transValue));

	Assert(is_number_and_sum(state->transValue));
	number_and_sum[0] += count_values(column, n);
	number_and_sum[1] += sum;
}

static void
fold_average2(AggStatePerGroup state, const Values *column, int n, int length)
{
	add_average(state, column, n, sum_of_integers(column, n, sizeof(int16)));
}

static void
fold_average4(AggStatePerGroup state, const Values *column, int n, int length)
{
	add_average(state, column, n, sum_of_integers(column, n, sizeof(int32)));
}

/* Strict functions: the first value becomes the state.  Returns the index of the next one to work on. */
static inline int
take_first(AggStatePerGroup state, const Values *column, int n)
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
fold_larger(AggStatePerGroup state, const Values *column, int n, int length)
{
	int			i = take_first(state, column, n);
	int64		best = integer(state->transValue, length);

	for (; i < n; i++)
	{
		if (!is_null(column, i))
			best = Max(best, integer(column->values[i], length));
	}
	state->transValue = Int64GetDatum(best);
}

static void
fold_smaller(AggStatePerGroup state, const Values *column, int n, int length)
{
	int			i = take_first(state, column, n);
	int64		best = integer(state->transValue, length);

	for (; i < n; i++)
	{
		if (!is_null(column, i))
			best = Min(best, integer(column->values[i], length));
	}
	state->transValue = Int64GetDatum(best);
}

/* float8pl: in the order of the rows, of which the result depends; the only one that may fail */
static void
fold_float8_sum(AggStatePerGroup state, const Values *column, int n, int length)
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
}			known[] =

{
	{F_INT8INC, fold_count},
	{F_INT8INC_ANY, fold_count},
	{F_INT2_SUM, fold_sum2},
	{F_INT4_SUM, fold_sum4},
	{F_INT2_AVG_ACCUM, fold_average2},
	{F_INT4_AVG_ACCUM, fold_average4},
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

/* ---- which aggregates ---- */

/* Is the state, as it begins, what the fold expects?  An aggregate of a user's may begin with another than core's. */
static bool
begins_well(FoldFunction function, AggStatePerTrans transition)
{
	if (function == fold_count)
		return !transition->initValueIsNull && DatumGetInt64(transition->initValue) == 0;
	if (function == fold_average2 || function == fold_average4)
		return !transition->initValueIsNull && is_number_and_sum(transition->initValue);
	return true;
}

/*
 * Not one that may fail beside a condition: asked of all rows of a page before
 * it, the condition could fail first, for a later row.
 */
static FoldFunction
function_for(AggStatePerTrans transition, const SeqScanState *scan)
{
	FoldFunction function = NULL;

	for (int i = 0; i < lengthof(known) && function == NULL; i++)
	{
		if (known[i].transition == transition->transfn_oid)
			function = known[i].function;
	}
	if (function == NULL || !begins_well(function, transition) ||
		(function == fold_float8_sum && scan->ss.ps.qual != NULL))
		return NULL;
	return function;
}

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

/* Does the scan give columns as they are?  What it computes besides may have effects though no aggregate asks for it. */
static bool
gives_columns(const SeqScanState *scan)
{
	ListCell   *lc;

	foreach(lc, scan->ss.ps.plan->targetlist)
	{
		if (!IsA(lfirst_node(TargetEntry, lc)->expr, Var))
			return false;
	}
	return true;
}

PsFold *
ps_fold_begin(const AggState *agg, const SeqScanState *scan)
{
	MemoryContext context = scan->ss.ps.state->es_query_cxt;
	TupleDesc	desc = RelationGetDescr(scan->ss.ss_currentRelation);
	MemoryContext old;
	PsFold	   *fold;

	if (!gives_columns(scan))
		return NULL;
	for (int i = 0; i < agg->numtrans; i++)
	{
		AggStatePerTrans transition = &agg->pertrans[i];

		if (function_for(transition, scan) == NULL || column_of(transition, scan) == NOT_A_COLUMN)
			return NULL;
	}

	old = MemoryContextSwitchTo(context);
	fold = palloc(offsetof(PsFold, folds) + agg->numtrans * sizeof(Fold));
	fold->desc = desc;
	fold->deform = ps_deform_begin(desc, context);
	fold->wanted = 0;
	fold->placed = true;
	fold->ncolumns = 0;
	fold->columns = palloc(agg->numtrans * sizeof(Column));
	fold->nfolds = agg->numtrans;
	for (int i = 0; i < agg->numtrans; i++)
	{
		AggStatePerTrans transition = &agg->pertrans[i];
		int			column = column_of(transition, scan);

		fold->folds[i].function = function_for(transition, scan);
		fold->folds[i].length = transition->transtypeLen;
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

#define ROWS_AHEAD 2

/* Columns of all rows, wherever they lie. */
static void
take_row_by_row(const PsFold *fold, const HeapTupleHeaderData *const *headers, int n, Values *columns)
{
	Datum	   *values = palloc(fold->wanted * sizeof(Datum));
	bool	   *isnull = palloc(fold->wanted * sizeof(bool));

	for (int c = 0; c < fold->ncolumns; c++)
		columns[c].isnull = palloc(n * sizeof(bool));
	for (int i = 0; i < n; i++)
	{
		uint32		off = 0;
		int			there = ps_deform(fold->deform, headers[i], 0, fold->wanted, &off, values, isnull);

		if (i + ROWS_AHEAD < n)
			ps_deform_expect((const char *) headers[i + ROWS_AHEAD], headers[i]->t_hoff + off);
		for (int c = 0; c < fold->ncolumns; c++)
		{
			int			column = fold->columns[c].column;

			/* a row may be older than the column */
			if (column < there)
			{
				columns[c].values[i] = values[column];
				columns[c].isnull[i] = isnull[column];
			}
			else
				columns[c].values[i] = getmissingattr(fold->desc, column + 1, &columns[c].isnull[i]);
		}
	}
}

/* In the current context. */
static Values *
take_columns(const PsFold *fold, const char *page, const OffsetNumber *rows, int n)
{
	const HeapTupleHeaderData *headers[MaxHeapTuplesPerPage];
	Values	   *columns = palloc(fold->ncolumns * sizeof(Values));
	bool		regular = fold->placed;

	for (int i = 0; i < n; i++)
	{
		headers[i] = (const HeapTupleHeaderData *) (page + ItemIdGetOffset(ps_page_item(page, rows[i])));
		regular &= is_regular(headers[i], fold->wanted);
	}
	for (int c = 0; c < fold->ncolumns; c++)
	{
		columns[c].values = palloc(n * sizeof(Datum));
		columns[c].isnull = NULL;
		if (regular)
			ps_deform_column(fold->deform, fold->columns[c].column, fold->columns[c].place, headers, n,
							 columns[c].values);
	}
	if (!regular)
		take_row_by_row(fold, headers, n, columns);
	return columns;
}

void
ps_fold_rows(const PsFold *fold, AggStatePerGroup states, const char *page, const OffsetNumber *rows, int n)
{
	const Values *columns = fold->ncolumns > 0 ? take_columns(fold, page, rows, n) : NULL;

	for (int i = 0; i < fold->nfolds; i++)
	{
		const Fold *f = &fold->folds[i];

		f->function(&states[i], f->column == NO_COLUMN ? NULL : &columns[f->column], n, f->length);
	}
}
