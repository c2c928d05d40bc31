/*
 * nestloop_plan.c
 *		Nested loops in finished plans: which of them get a node that reads ahead.
 *
 * The node (nestloop_ahead.c) hands the outer plan's rows on as they are, only
 * some of them are taken before the join asks for them.  So it costs nothing
 * that the planner would have to weigh, and goes into the plan that the
 * planner has chosen.  What must not be seen is that rows are taken early:
 * volatile functions would be called at another time, rows locked in vain, and
 * where not all rows are asked for, an expression could fail for one that is
 * not.
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
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "parser/parsetree.h"
#include "utils/syscache.h"

/* Smaller tables soon lie in the pool as a whole: pages, as VACUUM and ANALYZE have counted them. */
#define MIN_TABLE_PAGES 1024

/* whole: whoever asks the plan for rows asks for all of them. */
typedef void (*PlanVisitor) (Plan *plan, bool whole, void *arg);

typedef struct Insertion
{
	const PlannedStmt *stmt;
	int			last_id;		/* highest plan_node_id */
} Insertion;

bool		ps_enable_nestloop_readahead = true;

static planner_hook_type prev_planner = NULL;

/* ---- plan trees ---- */

static void visit_plan(Plan *plan, bool whole, PlanVisitor visitor, void *arg);

static void
visit_all(List *plans, bool whole, PlanVisitor visitor, void *arg)
{
	ListCell   *lc;

	foreach(lc, plans)
		visit_plan(lfirst(lc), whole, visitor, arg);
}

/* Does the plan ask its children for all their rows, if it is asked for all of its own (whole) or in any case? */
static bool
asks_for_all(const Plan *plan, bool whole)
{
	switch (nodeTag(plan))
	{
		case T_Sort:
		case T_Hash:
			return true;
		case T_Agg:
			return whole || ((const Agg *) plan)->aggstrategy != AGG_SORTED;
		case T_Limit:
		case T_MergeJoin:		/* one side may end first */
			return false;
		default:
			return whole;
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
visit_plan(Plan *plan, bool whole, PlanVisitor visitor, void *arg)
{
	bool		all;

	if (plan == NULL)
		return;
	check_stack_depth();
	all = asks_for_all(plan, whole);
	visit_plan(outerPlan(plan), all, visitor, arg);
	visit_plan(innerPlan(plan), all && wants_all_matches(plan), visitor, arg);
	switch (nodeTag(plan))
	{
		case T_Append:
			visit_all(((Append *) plan)->appendplans, all, visitor, arg);
			break;
		case T_MergeAppend:
			visit_all(((MergeAppend *) plan)->mergeplans, all, visitor, arg);
			break;
		case T_SubqueryScan:
			visit_plan(((SubqueryScan *) plan)->subplan, all, visitor, arg);
			break;
		case T_CustomScan:
			visit_all(((CustomScan *) plan)->custom_plans, all, visitor, arg);
			break;
		default:
			break;
	}
	visitor(plan, whole, arg);
}

/* Of a subplan a single row may be wanted. */
static void
visit_statement(PlannedStmt *stmt, PlanVisitor visitor, void *arg)
{
	visit_plan(stmt->planTree, true, visitor, arg);
	visit_all(stmt->subplans, false, visitor, arg);
}

static void
note_id(Plan *plan, bool whole, void *arg)
{
	int		   *last = arg;

	*last = Max(*last, plan->plan_node_id);
}

/* Rows of a plan with such a node are taken for keeps. */
static void
note_change(Plan *plan, bool whole, void *arg)
{
	if (IsA(plan, LockRows) || IsA(plan, ModifyTable))
		*(bool *) arg = true;
}

static bool
changes_rows(Plan *plan)
{
	bool		changes = false;

	visit_plan(plan, false, note_change, &changes);
	return changes;
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
		!is_large_pagestore_table(rt_fetch(scan->scan.scanrelid, stmt->rtable)->relid))
		return NULL;
	return scan;
}

static void
insert_ahead(Plan *plan, bool whole, void *arg)
{
	Insertion  *insertion = arg;
	NestLoop   *join = (NestLoop *) plan;
	IndexScan  *inner;

	/* one row has no successor */
	if (!whole || !IsA(plan, NestLoop) || outerPlan(plan)->plan_rows <= 1)
		return;
	inner = inner_index_scan(join, insertion->stmt);
	if (inner != NULL && !changes_rows(outerPlan(plan)))
		outerPlan(plan) = ps_nestloop_ahead(join, inner, ++insertion->last_id);
}

/* ---- the planner ---- */

static PlannedStmt *
plan_statement(Query *parse, const char *query_string, int options, ParamListInfo params)
{
	/* planning scribbles on the query */
	bool		wanted = ps_enable_nestloop_readahead && !contain_volatile_functions((Node *) parse);
	PlannedStmt *stmt;

	stmt = prev_planner ? prev_planner(parse, query_string, options, params) :
		standard_planner(parse, query_string, options, params);
	if (wanted && list_length(stmt->rtable) > 1)
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
