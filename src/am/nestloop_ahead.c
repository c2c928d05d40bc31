/*
 * nestloop_ahead.c
 *		A plan node that reads ahead for the inner side of a nested loop.
 *
 * An inner index scan fetches the row of one outer row at a time, and waits for
 * the disk each time.  The node stands before the outer plan and takes a few
 * of its rows early.  For these it looks the inner keys up in the index, as the
 * inner scan will do, and starts reads of the pages that the entries name.  The
 * rows themselves it hands on unchanged, in their order: what the join does
 * with them does not depend on it.
 *
 * Leaf pages of a btree that the looks will go to are read ahead in turn, by
 * what the pages above them say (btree_leaf.h), for rows yet to be looked up:
 *
 *	 rows in hand	| looked up			   | next			 |
 *					  pages of the table	 leaf pages of the index
 *					  are on their way		 are on their way
 *
 * The second look into the index costs time, so it has to lead to reads.
 * While all pages are found in memory the node rests, and passes rows on as
 * they come.  The same for leaf pages: none is sought as long as the looks
 * find what they need in shared buffers.
 *
 * A row taken early may be one that nobody comes to ask for: a cursor is
 * closed, a loop left.  Where it could be an error the node takes rows early
 * only while the executor runs to the end.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/xact.h"
#include "am/am.h"
#include "am/btree_leaf.h"
#include "am/nestloop_ahead.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "executor/nodeIndexscan.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "page/pin.h"
#include "server/compat.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/spccache.h"

#define LOOKED_UP_MAX 64		/* most rows in hand that have been looked up */

/* And with those for which leaf pages are on their way. */
#define ROWS_MAX (LOOKED_UP_MAX + LOOKED_UP_MAX / 2)

/* Index entries looked at for a row: what a longer inner scan needs it reads ahead itself (readahead.c). */
#define ENTRIES_MAX 16
#define ENTRIES_OF_ONE 2		/* where the join wants a single match */
#define PAGES_MAX LOOKED_UP_MAX /* most pages asked for together */

#define IDLE_MAX 4				/* rest after so many looks that started no
								 * read */
#define REST_MIN 16				/* for so many rows at first, */
#define REST_MAX 1024			/* and after looks in vain at most */

static ExecutorRun_hook_type prev_executor_run = NULL;
static bool runs_to_end = false;	/* the innermost run of the executor */

/* Elements of custom_private. */
enum
{
	PRIVATE_SCANRELID,
	PRIVATE_INDEX,
	PRIVATE_QUAL,
	PRIVATE_PARAMS,
	PRIVATE_ENTRIES,
	PRIVATE_CAN_FAIL,
	PRIVATE_COUNT
};

typedef struct Ahead
{
	CustomScanState css;

	/* the inner scan's keys */
	Relation	rel;
	Relation	index;			/* NULL: nothing is read ahead */
	IndexScanDesc scan;
	List	   *params;			/* of NestLoopParam */
	int			entries;
	ScanKey		keys;
	int			nkeys;
	IndexRuntimeKeyInfo *runtime_keys;
	int			nruntime_keys;
	ExprContext *key_context;
	PsLeafSearch *leaf_search;	/* made with scan; NULL: leaf pages are not
								 * read ahead */
	bool		leaves_missed;	/* the last looks had to read from the index */
	BlockNumber last_leaf;		/* asked for last */

	/* outer rows in hand, in their order from the first */
	TupleTableSlot *rows[ROWS_MAX]; /* made with scan */
	int			first;
	int			count;
	int			looked_up;		/* so many of them, from the first */
	Size		bytes;			/* of those in hand */
	bool		can_fail;
	bool		ended;			/* the outer plan has no more */
	int			depth;			/* rows to have looked up: nothing at first,
								 * so that a join that ends at its first row
								 * reads no page in vain */

	int			idle;			/* looks in a row that started no read */
	int			rest;			/* rows to pass on before the next look */
	int			rest_length;
	int64		reads;			/* this process's reads when it went to rest */

	/* reads started */
	int64		pages;			/* of the table */
	int64		leaf_pages;		/* of the index */
} Ahead;

static Node *create_state(CustomScan *plan);
static void begin_node(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *next_outer_row(CustomScanState *node);
static void end_node(CustomScanState *node);
static void rescan(CustomScanState *node);
static void explain(CustomScanState *node, List *ancestors, ExplainState *es);

static const CustomScanMethods plan_methods = {
	.CustomName = "Pagestore Read Ahead",
	.CreateCustomScanState = create_state
};

static const CustomExecMethods exec_methods = {
	.CustomName = "Pagestore Read Ahead",
	.BeginCustomScan = begin_node,
	.ExecCustomScan = next_outer_row,
	.EndCustomScan = end_node,
	.ReScanCustomScan = rescan,
	.ExplainCustomScan = explain
};

/* ---- the plan ---- */

/* Columns as the outer plan gives them, under other variables. */
static List *
pass_columns(const List *targets, int varno)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, targets)
	{
		TargetEntry *target = lfirst(lc);
		Var		   *var = makeVarFromTargetEntry(varno, target);

		result = lappend(result, makeTargetEntry((Expr *) var, target->resno, target->resname, target->resjunk));
	}
	return result;
}

Plan *
ps_nestloop_ahead(const NestLoop *join, const IndexScan *inner, bool can_fail, int plan_node_id)
{
	CustomScan *node = makeNode(CustomScan);
	Plan	   *plan = &node->scan.plan;
	Plan	   *outer = outerPlan(join);
	JoinType	type = join->join.jointype;
	bool		single = join->join.inner_unique || type == JOIN_SEMI || type == JOIN_ANTI;

	plan->startup_cost = outer->startup_cost;
	plan->total_cost = outer->total_cost;
	plan->plan_rows = outer->plan_rows;
	plan->plan_width = outer->plan_width;
	plan->parallel_safe = outer->parallel_safe;
	plan->plan_node_id = plan_node_id;
	plan->extParam = bms_copy(outer->extParam);
	plan->allParam = bms_copy(outer->allParam);
	plan->lefttree = outer;
	plan->targetlist = pass_columns(outer->targetlist, INDEX_VAR);
	node->custom_scan_tlist = pass_columns(outer->targetlist, OUTER_VAR);
	node->custom_private = list_make5(makeInteger(inner->scan.scanrelid),
									  makeInteger((int) inner->indexid),
									  copyObject(inner->indexqual),
									  copyObject(join->nestParams),
									  makeInteger(single ? ENTRIES_OF_ONE : ENTRIES_MAX));
	node->custom_private = lappend(node->custom_private, makeInteger(can_fail));
	Assert(list_length(node->custom_private) == PRIVATE_COUNT);
	node->methods = &plan_methods;
	return plan;
}

bool
ps_is_nestloop_ahead(const Plan *plan)
{
	return IsA(plan, CustomScan) && ((const CustomScan *) plan)->methods == &plan_methods;
}

static int
private_int(const CustomScan *plan, int element)
{
	return intVal(list_nth(plan->custom_private, element));
}

static Oid
index_of(const CustomScan *plan)
{
	return (Oid) private_int(plan, PRIVATE_INDEX);
}

/* ---- looking ahead ---- */

/* Of the table, to be read together. */
typedef struct Pages
{
	BlockNumber blocks[PAGES_MAX];
	int			n;
	int			started;		/* of those before them */
} Pages;

static void
start_listed(Ahead *ahead, Pages *pages)
{
	pages->started += ps_prefetch(ahead->rel, pages->blocks, pages->n);
	pages->n = 0;
}

static inline TupleTableSlot *
row_at(const Ahead *ahead, int i)
{
	return ahead->rows[(ahead->first + i) % ROWS_MAX];
}

/* The keys' values for the row, as the join will hand them to its inner plan. */
static void
set_keys(Ahead *ahead, TupleTableSlot *row)
{
	ParamExecData *values = ahead->css.ss.ps.state->es_param_exec_vals;
	ListCell   *lc;

	foreach(lc, ahead->params)
	{
		NestLoopParam *param = lfirst_node(NestLoopParam, lc);
		ParamExecData *value = &values[param->paramno];

		value->value = slot_getattr(row, param->paramval->varattno, &value->isnull);
	}
	ResetExprContext(ahead->key_context);
	ExecIndexEvalRuntimeKeys(ahead->key_context, ahead->runtime_keys, ahead->nruntime_keys);
}

/* Start reads of the leaf pages that the last n rows in hand will be looked up in. */
static void
read_leaves(Ahead *ahead, int n)
{
	BlockNumber asked[ROWS_MAX + 1] = {ahead->last_leaf};
	int			nasked = 1;

	for (int i = ahead->count - n; i < ahead->count; i++)
	{
		BlockNumber leaf;
		int			known = 0;

		set_keys(ahead, row_at(ahead, i));
		leaf = ps_leaf_find(ahead->leaf_search);
		while (known < nasked && asked[known] != leaf)
			known++;
		if (!BlockNumberIsValid(leaf) || known < nasked)
			continue;
		asked[nasked++] = leaf;
		if (PrefetchBuffer(ahead->index, MAIN_FORKNUM, leaf).initiated_io)
			ahead->leaf_pages++;
	}
	ahead->last_leaf = asked[nasked - 1];
}

/* List the pages that the row's inner scan will fetch. */
static void
look_keys_up(Ahead *ahead, TupleTableSlot *row, Pages *pages)
{
	BlockNumber last = InvalidBlockNumber;
	ItemPointer tid;

	set_keys(ahead, row);
	index_rescan(ahead->scan, ahead->keys, ahead->nkeys, NULL, 0);
	for (int i = 0; i < ahead->entries; i++)
	{
		if ((tid = index_getnext_tid(ahead->scan, ForwardScanDirection)) == NULL)
			break;
		if (ItemPointerGetBlockNumber(tid) == last)
			continue;
		last = ItemPointerGetBlockNumber(tid);
		if (pages->n == PAGES_MAX)
			start_listed(ahead, pages);
		pages->blocks[pages->n++] = last;
	}
}

/* The same for the next n rows in hand. */
static int
look_up_next(Ahead *ahead, int n)
{
	int64		reads = pgBufferUsage.shared_blks_read;
	Pages		pages;

	pages.n = pages.started = 0;
	while (n-- > 0)
		look_keys_up(ahead, row_at(ahead, ahead->looked_up++), &pages);
	start_listed(ahead, &pages);
	ahead->leaves_missed = pgBufferUsage.shared_blks_read != reads;

	/* a pin of an index page would hold VACUUM up */
	index_rescan(ahead->scan, ahead->keys, ahead->nkeys, NULL, 0);
	return pages.started;
}

/*
 * Read leaf pages for the rows just taken, and look up the next so many.
 * Statistics count the inner scan alone.  Returns how many reads of pages of
 * the table it started.
 */
static int
look_ahead(Ahead *ahead, int taken, int next)
{
	Relation	index = ahead->index;
	bool		enabled = index->pgstat_enabled;
	struct PgStat_TableStatus *info = index->pgstat_info;
	volatile int started = 0;

	index->pgstat_enabled = false;
	index->pgstat_info = NULL;
	PG_TRY();
	{
		if (ahead->leaf_search != NULL && ahead->leaves_missed)
			read_leaves(ahead, taken);
		started = look_up_next(ahead, next);
	}
	PG_FINALLY();
	{
		index->pgstat_enabled = enabled;
		index->pgstat_info = info;
	}
	PG_END_TRY();
	return started;
}

/* ---- rows in hand ---- */

static Size
row_size(TupleTableSlot *row)
{
	Assert(TTS_IS_MINIMALTUPLE(row) && !TTS_EMPTY(row));
	return ((MinimalTupleTableSlot *) row)->mintuple->t_len;
}

/* Take rows of the outer plan until so many are in hand, or as many as there is memory for.  Returns how many. */
static int
take_rows(Ahead *ahead, int wanted)
{
	int			taken = 0;

	Assert(wanted <= ROWS_MAX);
	while (ahead->count < wanted && !ahead->ended && ahead->bytes < (Size) work_mem * 1024)
	{
		TupleTableSlot *row = ExecProcNode(outerPlanState(ahead));
		TupleTableSlot *copy = row_at(ahead, ahead->count);

		if (TupIsNull(row))
		{
			ahead->ended = true;
			break;
		}
		ExecCopySlot(copy, row);
		ahead->bytes += row_size(copy);
		ahead->count++;
		taken++;
	}
	return taken;
}

/* Its memory stays for the reader until the next row is asked for. */
static TupleTableSlot *
hand_on(Ahead *ahead)
{
	TupleTableSlot *row = row_at(ahead, 0);

	ahead->bytes -= row_size(row);
	ahead->first = (ahead->first + 1) % ROWS_MAX;
	ahead->count--;
	if (ahead->looked_up > 0)
		ahead->looked_up--;
	return row;
}

static void
let_go_of_last(Ahead *ahead)
{
	TupleTableSlot *last = ahead->rows[(ahead->first + ROWS_MAX - 1) % ROWS_MAX];

	if (last != NULL && ahead->count < ROWS_MAX)
		ExecClearTuple(last);
}

static void
go_to_rest(Ahead *ahead)
{
	ahead->rest = ahead->rest_length;
	ahead->rest_length = Min(ahead->rest_length * 2, REST_MAX);
	ahead->reads = pgBufferUsage.shared_blks_read;
	ahead->depth = 0;
	ahead->idle = 0;
}

/* Rows in hand that have been looked up have come down to half of what they should be. */
static void
take_ahead(Ahead *ahead)
{
	int			most = Min(LOOKED_UP_MAX, Max((int) ps_cache_size(PS_POOL) / 16, 1));
	bool		leaves = ahead->leaf_search != NULL && ahead->leaves_missed;
	int			taken,
				started;

	ahead->depth = Min(Max(ahead->depth * 2, 2), most);

	/* so many are looked up at once, and as many leaf pages asked for */
	taken = take_rows(ahead, ahead->depth + (leaves ? ahead->depth / 2 : 0));
	if (ahead->looked_up == ahead->count)
		return;
	started = look_ahead(ahead, taken, Min(ahead->count, ahead->depth) - ahead->looked_up);
	ahead->pages += started;
	if (started > 0)
	{
		ahead->idle = 0;
		ahead->rest_length = REST_MIN;
	}
	else if (++ahead->idle >= IDLE_MAX)
		go_to_rest(ahead);
}

/* The rest is over when enough rows have passed, and this process has had to read. */
static bool
rests(Ahead *ahead)
{
	if (ahead->rest > 0)
		ahead->rest--;
	return ahead->rest > 0 || ahead->reads == pgBufferUsage.shared_blks_read;
}

/* Before the next row is handed on: is it time to take more of them? */
static bool
wants_rows(Ahead *ahead)
{
	if (ahead->index == NULL || ahead->looked_up > ahead->depth / 2 || (ahead->can_fail && !runs_to_end))
		return false;
	if (ahead->depth > 0)
		return !ahead->ended || ahead->looked_up < ahead->count;
	return ahead->count == 0 && !ahead->ended && !rests(ahead) && ps_origin(ahead->rel) == PS_POOL;
}

/* ---- the node ---- */

static Node *
create_state(CustomScan *plan)
{
	Ahead	   *ahead = (Ahead *) newNode(sizeof(Ahead), T_CustomScanState);

	ahead->css.methods = &exec_methods;
	ahead->leaves_missed = true;
	ahead->last_leaf = InvalidBlockNumber;
	ahead->rest_length = REST_MIN;
	ahead->rest = 2;			/* the first row passes */
	ahead->reads = -1;
	return (Node *) &ahead->css;
}

static void
begin_node(CustomScanState *node, EState *estate, int eflags)
{
	Ahead	   *ahead = (Ahead *) node;
	CustomScan *plan = (CustomScan *) node->ss.ps.plan;
	PlanState  *outer = ExecInitNode(outerPlan(plan), estate, eflags);

	outerPlanState(node) = outer;

	/* what comes is the outer plan's slot, or a copy */
	node->ss.ps.resultopsfixed = false;

	/* where rows are locked again after a wait there is one of each */
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) || estate->es_epq_active != NULL)
		return;
	ahead->rel = ExecGetRangeTableRelation(estate, private_int(plan, PRIVATE_SCANRELID), false);
	if (!ps_is_pagestore(ahead->rel) || IsolationIsSerializable())
		return;
	ahead->params = list_nth(plan->custom_private, PRIVATE_PARAMS);
	ahead->entries = private_int(plan, PRIVATE_ENTRIES);
	ahead->can_fail = private_int(plan, PRIVATE_CAN_FAIL);
	ahead->index = index_open(index_of(plan),
							  exec_rt_fetch(private_int(plan, PRIVATE_SCANRELID), estate)->rellockmode);
	ahead->key_context = CreateExprContext(estate);
	ExecIndexBuildScanKeys(&node->ss.ps, ahead->index, list_nth(plan->custom_private, PRIVATE_QUAL), false,
						   &ahead->keys, &ahead->nkeys, &ahead->runtime_keys, &ahead->nruntime_keys, NULL, NULL);
}

/* Before the first look: most joins of few rows never come to it. */
static void
prepare_lookups(Ahead *ahead)
{
	EState	   *estate = ahead->css.ss.ps.state;
	TupleDesc	columns = ExecGetResultType(outerPlanState(ahead));
	MemoryContext old;

	if (ahead->scan != NULL)
		return;
	old = MemoryContextSwitchTo(estate->es_query_cxt);
	for (int i = 0; i < ROWS_MAX; i++)
		ahead->rows[i] = ExecInitExtraTupleSlot(estate, columns, &TTSOpsMinimalTuple);
	ahead->scan = index_beginscan(ahead->rel, ahead->index, estate->es_snapshot, NULL, ahead->nkeys, 0, SO_NONE);
	if (get_tablespace_io_concurrency(ahead->index->rd_rel->reltablespace) > 0)
		ahead->leaf_search = ps_leaf_search(ahead->index, ahead->keys, ahead->nkeys);
	MemoryContextSwitchTo(old);
}

static TupleTableSlot *
next_outer_row(CustomScanState *node)
{
	Ahead	   *ahead = (Ahead *) node;

	let_go_of_last(ahead);
	if (wants_rows(ahead))
	{
		prepare_lookups(ahead);
		take_ahead(ahead);
	}
	if (ahead->count == 0)
		return ahead->ended ? NULL : ExecProcNode(outerPlanState(node));
	return hand_on(ahead);
}

static void
end_node(CustomScanState *node)
{
	Ahead	   *ahead = (Ahead *) node;

	if (ahead->scan != NULL)
		index_endscan(ahead->scan);
	if (ahead->index != NULL)
		index_close(ahead->index, NoLock);
	ExecEndNode(outerPlanState(node));
}

static void
rescan(CustomScanState *node)
{
	Ahead	   *ahead = (Ahead *) node;
	PlanState  *outer = outerPlanState(node);

	let_go_of_last(ahead);
	while (ahead->count > 0)
		ExecClearTuple(hand_on(ahead));
	ahead->ended = false;
	if (outer->chgParam == NULL)
		ExecReScan(outer);
}

static void
explain(CustomScanState *node, List *ancestors, ExplainState *es)
{
	ExplainPropertyText("Index", get_rel_name(index_of((CustomScan *) node->ss.ps.plan)), es);
	if (es->analyze)
	{
		ExplainPropertyInteger("Pages Read Ahead", NULL, ((Ahead *) node)->pages, es);
		ExplainPropertyInteger("Index Pages Read Ahead", NULL, ((Ahead *) node)->leaf_pages, es);
	}
}

static void
run_executor(QueryDesc *query, ScanDirection direction, uint64 count PS_EXECUTE_ONCE(bool once))
{
	bool		outer_run = runs_to_end;

	runs_to_end = count == 0;
	PG_TRY();
	{
		if (prev_executor_run)
			prev_executor_run(query, direction, count PS_EXECUTE_ONCE(once));
		else
			standard_ExecutorRun(query, direction, count PS_EXECUTE_ONCE(once));
	}
	PG_FINALLY();
	{
		runs_to_end = outer_run;
	}
	PG_END_TRY();
}

void
ps_nestloop_ahead_init(void)
{
	RegisterCustomScanMethods(&plan_methods);
	prev_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = run_executor;
}
