/*
 * aggregate.c
 *		Plain aggregates of a whole table, computed where its rows are.
 *
 * Of an Agg node without groups that takes its rows straight from a SeqScan, the
 * executor spends most of the time on passing one row at a time between the two.
 * Here the scan advances the aggregates itself: the node asks for its first row
 * and gets it; then its states are there, and when it asks for the second the
 * scan puts all other rows into them and answers that there are no more.  The
 * plan stays as it is, and so does whatever the node does with the states:
 * the result, HAVING, or handing them to the leader of a parallel query.
 *
 * Common aggregates of columns are folded a page at a time (fold.h); for others
 * the node's own expression is evaluated for each row, as the node would do.
 */
#include "postgres.h"

#include "am/aggregate.h"
#include "am/fold.h"
#include "am/scan.h"
#include "am/slot.h"
#include "executor/executor.h"
#include "executor/nodeAgg.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "server/compat.h"

/* Lives as long as the executor's state. */
typedef struct ScanAggregate
{
	dlist_node	node;			/* in scan_aggregates */
	SeqScanState *scan;
	AppendState *append;		/* between the two, or NULL */
	AggState   *agg;			/* that takes the scan's rows */
	ExecProcNodeMtd next_row;	/* the scan's own */
	bool		begun;			/* the node has got a row of the scan's */
	bool		fold_sought;
	PsFold	   *fold;			/* NULL: no fold for some of the aggregates */
} ScanAggregate;

bool		ps_enable_scan_aggregates = true;

/* Of all executors that are running in this process, in the order of their scans, ... */
static dlist_head scan_aggregates = DLIST_STATIC_INIT(scan_aggregates);

/* ... and whose turn it was last, or NULL: it goes on, or the next of an Append. */
static ScanAggregate *last_turn = NULL;

static ExecutorStart_hook_type prev_executor_start = NULL;

/* ---- rows ---- */

/* The scan's condition, as ExecScan() (executor/execScan.c) asks it. */
static inline bool
passes(SeqScanState *scan, TupleTableSlot *slot)
{
	ExprContext *context = scan->ss.ps.ps_ExprContext;

	ResetExprContext(context);
	context->ecxt_scantuple = slot;
	if (ExecQual(scan->ss.ps.qual, context))
		return true;
	InstrCountFiltered1(scan, 1);
	return false;
}

/* Puts those first that pass; returns how many. */
static int
filter_rows(ScanAggregate *a, const PsScanDesc *desc, OffsetNumber *rows, int n)
{
	TupleTableSlot *slot = a->scan->ss.ss_ScanTupleSlot;
	int			passed = 0;

	for (int i = 0; i < n; i++)
	{
		PsRow		row = ps_scan_row(desc, rows[i]);

		CHECK_FOR_INTERRUPTS();
		ps_slot_store(slot, &row, &desc->pin);
		if (passes(a->scan, slot))
			rows[passed++] = rows[i];
	}
	return passed;
}

/* One row after the other, each judged and counted before the next is looked at: functions may have effects. */
static int
advance_by_row(ScanAggregate *a, const PsScanDesc *desc, const OffsetNumber *rows, int n)
{
	TupleTableSlot *slot = a->scan->ss.ss_ScanTupleSlot;
	ProjectionInfo *projection = a->scan->ss.ps.ps_ProjInfo;
	ExprState  *transitions = a->agg->phase->evaltrans;
	ExprContext *context = a->agg->tmpcontext;
	bool		plain = projection == NULL && a->scan->ss.ps.qual == NULL;
	int			passed = 0;

	for (int i = 0; i < n; i++)
	{
		PsRow		row = ps_scan_row(desc, rows[i]);

		CHECK_FOR_INTERRUPTS();
		ps_slot_store(slot, &row, &desc->pin);
		if (!plain && !passes(a->scan, slot))
			continue;
		context->ecxt_outertuple = projection ? ExecProject(projection) : slot;
		ExecEvalExprNoReturnSwitchContext(transitions, context);
		ResetExprContext(context);
		passed++;
	}
	return passed;
}

static int
fold_rows(ScanAggregate *a, const PsScanDesc *desc, const OffsetNumber *rows, int n)
{
	OffsetNumber passed[MaxHeapTuplesPerPage];

	if (a->scan->ss.ps.qual != NULL)
	{
		memcpy(passed, rows, n * sizeof(OffsetNumber));
		n = filter_rows(a, desc, passed, n);
		rows = passed;
	}
	if (n > 0)
	{
		ExprContext *context = a->agg->tmpcontext;
		MemoryContext old = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);

		ps_fold_rows(a->fold, a->agg->pergroups[0], desc->pin.page, rows, n);
		MemoryContextSwitchTo(old);
		ResetExprContext(context);
	}
	return n;
}

/* As if the node had handed the rows up. */
static inline void
count_handed_up(PlanState *node, int n)
{
	if (node->instrument)
		node->instrument->tuplecount += n;
}

/* All rows that the scan has not handed out yet. */
static void
aggregate_rest(ScanAggregate *a)
{
	PsScanDesc *desc = (PsScanDesc *) a->scan->ss.ss_currentScanDesc;
	const OffsetNumber *rows;
	int			n;

	if (!a->fold_sought)
	{
		a->fold = ps_fold_begin(a->agg, a->scan);
		a->fold_sought = true;
	}
	while ((n = ps_scan_rest_of_page(desc, &rows)) > 0)
	{
		int			passed = a->fold ? fold_rows(a, desc, rows, n) : advance_by_row(a, desc, rows, n);

		count_handed_up(&a->scan->ss.ps, passed);
		if (a->append)
			count_handed_up(&a->append->ps, passed);
	}
}

/* ---- the node ---- */

static ScanAggregate *
aggregate_of(PlanState *scan)
{
	dlist_node *begin = last_turn ? &last_turn->node : dlist_head_node(&scan_aggregates);
	dlist_node *node = begin;

	do
	{
		ScanAggregate *a = dlist_container(ScanAggregate, node, node);

		if (&a->scan->ss.ps == scan)
			return last_turn = a;
		node = dlist_has_next(&scan_aggregates, node) ? dlist_next_node(&scan_aggregates, node) :
			dlist_head_node(&scan_aggregates);
	} while (node != begin);
	elog(ERROR, "a scan computes aggregates of which it knows nothing");
}

/* As ExecScan() leaves what it gave last. */
static TupleTableSlot *
clear_row(SeqScanState *scan)
{
	ProjectionInfo *projection = scan->ss.ps.ps_ProjInfo;
	TupleTableSlot *row = ExecClearTuple(scan->ss.ss_ScanTupleSlot);

	return projection ? ExecClearTuple(projection->pi_state.resultslot) : row;
}

/* In place of ExecSeqScan(). */
static TupleTableSlot *
next_row_or_end(PlanState *state)
{
	ScanAggregate *a = aggregate_of(state);
	TableScanDesc desc = a->scan->ss.ss_currentScanDesc;
	TupleTableSlot *slot;

	if (a->begun && (desc->rs_flags & SO_ALLOW_PAGEMODE) && ScanDirectionIsForward(state->state->es_direction))
	{
		a->begun = false;

		/*
		 * the node is done with the first row, whose page need not stay
		 * pinned
		 */
		(void) clear_row(a->scan);
		aggregate_rest(a);
		return clear_row(a->scan);
	}
	slot = a->next_row(state);
	a->begun = !TupIsNull(slot);
	return slot;
}

/* A process may forget an executor in an error: memory contexts are what always ends. */
static void
forget_aggregate(void *arg)
{
	dlist_delete(&((ScanAggregate *) arg)->node);
	if (last_turn == arg)
		last_turn = NULL;
}

static void
adopt(SeqScanState *scan, AppendState *append, AggState *agg)
{
	MemoryContext context = scan->ss.ps.state->es_query_cxt;
	ScanAggregate *a = MemoryContextAllocZero(context, sizeof(ScanAggregate));
	MemoryContextCallback *callback = MemoryContextAlloc(context, sizeof(MemoryContextCallback));

	a->scan = scan;
	a->append = append;
	a->agg = agg;
	a->next_row = scan->ss.ps.ExecProcNodeReal;
	callback->func = forget_aggregate;
	callback->arg = a;
	dlist_push_tail(&scan_aggregates, &a->node);
	MemoryContextRegisterResetCallback(context, callback);
	ExecSetExecProcNode(&scan->ss.ps, next_row_or_end);
}

/* Once: a subplan of a query on partitions is met in each partition's expressions. */
static void
adopt_if_ours(PlanState *node, AppendState *append, AggState *agg)
{
	if (IsA(node, SeqScanState) && ps_is_slot(((SeqScanState *) node)->ss.ss_ScanTupleSlot) &&
		node->ExecProcNodeReal != next_row_or_end)
		adopt((SeqScanState *) node, append, agg);
}

/* The scans of a table, or of its partitions one after the other, below a node without groups. */
static void
look_below(AggState *agg)
{
	PlanState  *outer = outerPlanState(agg);

	if (agg->aggstrategy != AGG_PLAIN || agg->phase->numsets > 0 || agg->numtrans == 0)
		return;
	if (IsA(outer, AppendState))
	{
		AppendState *append = (AppendState *) outer;

		for (int i = 0; i < append->as_nplans; i++)
			adopt_if_ours(append->appendplans[i], append, agg);
	}
	else
		adopt_if_ours(outer, NULL, agg);
}

static bool
visit_node(PlanState *node, void *arg)
{
	if (IsA(node, AggState))
		look_below((AggState *) node);
	return planstate_tree_walker(node, visit_node, arg);
}

static void
find_aggregates(QueryDesc *desc, int eflags)
{
	if (prev_executor_start)
		prev_executor_start(desc, eflags);
	else
		standard_ExecutorStart(desc, eflags);
	if (ps_enable_scan_aggregates && !(eflags & EXEC_FLAG_EXPLAIN_ONLY) && desc->planstate != NULL)
		visit_node(desc->planstate, NULL);
}

void
ps_aggregate_init(void)
{
	prev_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = find_aggregates;
}
