/*
 * nestloop_plan.c
 *		Nested loops in finished plans: which of them get a node that reads ahead.
 *
 * The node (nestloop_ahead.c) hands the outer plan's rows on as they are, only
 * it takes some of them before the join asks for them.  So it costs nothing
 * that the planner would have to weigh, and goes into the plan that the
 * planner has chosen.  Nobody must notice that rows are taken early: volatile
 * functions would be called at another time, rows would be locked or changed
 * by part of the statement in vain or out of turn, and where not all rows are
 * asked for, an expression could fail for one that is not.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "am/am.h"
#include "am/nestloop_ahead.h"
#include "am/nestloop_plan.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "parser/parsetree.h"
#include "server/compat.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Smaller tables soon lie in the pool as a whole: pages, as VACUUM and ANALYZE have counted them. */
#define MIN_TABLE_PAGES 1024

/* Of a plan's rows whoever asks for them asks for ... */
typedef enum Demand
{
	SOME,
	ALL_OR_FEW,					/* all, but for a rare end after the first */
	ALL
} Demand;

typedef void (*PlanVisitor) (Plan *plan, Demand demand, void *arg);

typedef struct Insertion
{
	const PlannedStmt *stmt;
	int			last_id;		/* highest plan_node_id */
} Insertion;

bool		ps_enable_nestloop_readahead = true;

static planner_hook_type prev_planner = NULL;

/* ---- plan trees ---- */

static void visit_plan(Plan *plan, Demand demand, PlanVisitor visitor, void *arg);

static void
visit_all(List *plans, Demand demand, PlanVisitor visitor, void *arg)
{
	ListCell   *lc;

	foreach(lc, plans)
		visit_plan(lfirst(lc), demand, visitor, arg);
}

/* What the plan asks of its children, if so much is asked of itself. */
static Demand
demand_of_children(const Plan *plan, Demand demand)
{
	switch (nodeTag(plan))
	{
		case T_Sort:
		case T_Hash:
			return ALL;
		case T_Agg:
			return ((const Agg *) plan)->aggstrategy == AGG_SORTED ? demand : ALL;
		case T_WindowAgg:
			return ((const WindowAgg *) plan)->runCondition == NIL ? demand : SOME;
		case T_HashJoin:		/* the other side may be empty */
			return Min(demand, ALL_OR_FEW);
		case T_Limit:
		case T_MergeJoin:		/* one side may end first */
			return SOME;
		default:
			return demand;
	}
}

/* A join that wants a single match leaves the rest. */
static bool
wants_all_matches(const Plan *plan)
{
	const Join *join = (const Join *) plan;

	return !IsA(plan, NestLoop) ||
		!(join->inner_unique || join->jointype == JOIN_SEMI || join->jointype == JOIN_ANTI);
}

/* The visitor sees children first. */
static void
visit_plan(Plan *plan, Demand demand, PlanVisitor visitor, void *arg)
{
	Demand		below;

	if (plan == NULL)
		return;
	check_stack_depth();
	below = demand_of_children(plan, demand);
	visit_plan(outerPlan(plan), below, visitor, arg);
	visit_plan(innerPlan(plan), wants_all_matches(plan) ? below : SOME, visitor, arg);
	switch (nodeTag(plan))
	{
		case T_Append:
			visit_all(((Append *) plan)->appendplans, below, visitor, arg);
			break;
		case T_MergeAppend:
			visit_all(((MergeAppend *) plan)->mergeplans, below, visitor, arg);
			break;
		case T_BitmapAnd:
			visit_all(((BitmapAnd *) plan)->bitmapplans, below, visitor, arg);
			break;
		case T_BitmapOr:
			visit_all(((BitmapOr *) plan)->bitmapplans, below, visitor, arg);
			break;
		case T_SubqueryScan:
			visit_plan(((SubqueryScan *) plan)->subplan, below, visitor, arg);
			break;
		case T_CustomScan:
			visit_all(((CustomScan *) plan)->custom_plans, below, visitor, arg);
			break;
		default:
			break;
	}
	visitor(plan, demand, arg);
}

/* Of a subplan a single row may be wanted. */
static void
visit_statement(PlannedStmt *stmt, PlanVisitor visitor, void *arg)
{
	visit_plan(stmt->planTree, ALL, visitor, arg);
	visit_all(stmt->subplans, SOME, visitor, arg);
}

static void
note_id(Plan *plan, Demand demand, void *arg)
{
	int		   *last = arg;

	*last = Max(*last, plan->plan_node_id);
}

/* Rows of a plan with such a node are taken for keeps. */
static void
note_change(Plan *plan, Demand demand, void *arg)
{
	if (IsA(plan, LockRows) || IsA(plan, ModifyTable))
		*(bool *) arg = true;
}

static bool
changes_rows(Plan *plan)
{
	bool		changes = false;

	visit_plan(plan, SOME, note_change, &changes);
	return changes;
}

/* What a subplan (a CTE, too) does to rows may be done when rows are taken that it serves. */
static bool
subplans_change_rows(const PlannedStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->subplans)
	{
		if (lfirst(lc) != NULL && changes_rows(lfirst(lc)))
			return true;
	}
	return false;
}

/* ---- what can fail ---- */

static bool
is_leaky(Oid function, void *context)
{
	return !get_func_leakproof(function);
}

/* Could it fail, depending on values?  A leakproof function tells nothing of them by errors either. */
static bool
can_fail(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_List:
		case T_TargetEntry:
		case T_Var:
		case T_Const:
		case T_Param:
		case T_RelabelType:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_ArrayExpr:
			break;
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
			if (check_functions_in_node(node, is_leaky, NULL))
				return true;
			break;
		default:
			return true;
	}
	return expression_tree_walker(node, can_fail, context);
}

/* Could a row after the first fail? */
static bool
rows_can_fail(Plan *plan)
{
	check_stack_depth();
	if (IsA(plan, Sort))
		return false;			/* all are there with the first */
	if (can_fail((Node *) plan->targetlist, NULL) || can_fail((Node *) plan->qual, NULL))
		return true;
	switch (nodeTag(plan))
	{
		case T_SeqScan:
			return false;
		case T_IndexScan:
			return can_fail((Node *) ((IndexScan *) plan)->indexqual, NULL) ||
				((IndexScan *) plan)->indexorderby != NIL;
		case T_IndexOnlyScan:
			return can_fail((Node *) ((IndexOnlyScan *) plan)->indexqual, NULL) ||
				((IndexOnlyScan *) plan)->indexorderby != NIL;
		case T_Memoize:
		case T_Material:
			return rows_can_fail(outerPlan(plan));
		case T_NestLoop:
			return can_fail((Node *) ((NestLoop *) plan)->join.joinqual, NULL) ||
				rows_can_fail(outerPlan(plan)) || rows_can_fail(innerPlan(plan));
		case T_CustomScan:
			return !ps_is_nestloop_ahead(plan) || rows_can_fail(outerPlan(plan));
		default:
			return true;
	}
}

/* ---- which joins ---- */

static bool
find_param(Node *node, List *params)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
	{
		ListCell   *lc;

		foreach(lc, params)
		{
			if (((NestLoopParam *) lfirst(lc))->paramno == ((Param *) node)->paramid)
				return true;
		}
	}
	return expression_tree_walker(node, find_param, (void *) params);
}

static bool
is_large_pagestore_table(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		result = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		result = form->relpages >= MIN_TABLE_PAGES && form->relpersistence != RELPERSISTENCE_TEMP &&
			ps_is_pagestore_am(form->relam);
		ReleaseSysCache(tuple);
	}
	return result;
}

/* The inner index scan to read ahead for, or NULL.  A cache of results may stand before it. */
static IndexScan *
inner_index_scan(const NestLoop *join, const PlannedStmt *stmt)
{
	Plan	   *inner = innerPlan(join);
	IndexScan  *scan;

	if (IsA(inner, Memoize))
		inner = outerPlan(inner);
	if (!IsA(inner, IndexScan))
		return NULL;
	scan = (IndexScan *) inner;
	if (scan->indexorderby != NIL || !find_param((Node *) scan->indexqual, join->nestParams) ||
		contain_subplans((Node *) scan->indexqual) ||
		!is_large_pagestore_table(rt_fetch(scan->scan.scanrelid, stmt->rtable)->relid))
		return NULL;
	return scan;
}

static void
insert_ahead(Plan *plan, Demand demand, void *arg)
{
	Insertion  *insertion = arg;
	NestLoop   *join = (NestLoop *) plan;
	IndexScan  *inner;
	bool		fails;

	/* one row has no successor */
	if (demand == SOME || !IsA(plan, NestLoop) || outerPlan(plan)->plan_rows <= 1)
		return;
	inner = inner_index_scan(join, insertion->stmt);
	if (inner == NULL || changes_rows(outerPlan(plan)))
		return;
	fails = insertion->stmt->subplans != NIL || can_fail((Node *) inner->indexqual, NULL) ||
		rows_can_fail(outerPlan(plan));
	if (demand == ALL || !fails)
		outerPlan(plan) = ps_nestloop_ahead(join, inner, fails, ++insertion->last_id);
}

/* ---- the planner ---- */

static PlannedStmt *
plan_statement(Query *parse, const char *query_string, int options, ParamListInfo params PS_PLANNER_PARAMETER)
{
	/* planning scribbles on the query */
	bool		wanted = ps_enable_nestloop_readahead && !contain_volatile_functions((Node *) parse);
	PlannedStmt *stmt;

	stmt = prev_planner ? prev_planner(parse, query_string, options, params PS_PLANNER_ARGUMENT) :
		standard_planner(parse, query_string, options, params PS_PLANNER_ARGUMENT);
	if (wanted && list_length(stmt->rtable) > 1 && !subplans_change_rows(stmt))
	{
		Insertion	insertion = {stmt, 0};

		visit_statement(stmt, note_id, &insertion.last_id);
		visit_statement(stmt, insert_ahead, &insertion);
	}
	return stmt;
}

void
ps_nestloop_init(void)
{
	ps_nestloop_ahead_init();
	prev_planner = planner_hook;
	planner_hook = plan_statement;
}
