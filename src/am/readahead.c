/*
 * readahead.c
 *		Knowing the pages to come of index scans.
 *
 * The executor asks a table AM for one row or one page at a time, though the
 * plan's nodes know what comes next: an nbtree scan holds every TID of the
 * leaf page it is on.  A hook on the start of the executor finds these nodes;
 * their scans then start reading ahead of use, where pages come through the
 * pool.  Bitmap scans are told of there too (scan_bitmap.h).
 *
 * An index scan makes its descriptor when it returns its first row: its node
 * is kept in a list until the query's memory goes, and found by the fetch that
 * it uses.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/visibilitymap.h"
#include "am/am.h"
#include "am/desc.h"
#include "am/readahead.h"
#include "am/scan_bitmap.h"
#include "am/window.h"
#include "catalog/pg_am_d.h"
#include "executor/executor.h"
#include "lib/ilist.h"
#include "nodes/nodeFuncs.h"
#include "utils/memutils.h"

typedef struct PsIndexAhead
{
	ScanState  *node;			/* IndexScanState or IndexOnlyScanState */
	BTScanOpaque btree;
	BlockNumber leaf;			/* leaf page of the items looked at */
	int			seen;			/* steps into them: of the row fetched last, */
	int			reached;		/* of the last item looked at */
	BlockNumber last_block;
	PsWindow	window;			/* keys: steps */
} PsIndexAhead;

/* Nodes of one running query, in its memory. */
typedef struct Running
{
	dlist_node	link;
	List	   *nodes;
	MemoryContextCallback forget;
} Running;

static dlist_head all_running = DLIST_STATIC_INIT(all_running);
static ExecutorStart_hook_type prev_executor_start = NULL;

/* ---- index scans ---- */

static IndexScanDesc
index_scan_of(const ScanState *node)
{
	return IsA(node, IndexScanState) ? ((const IndexScanState *) node)->iss_ScanDesc :
		((const IndexOnlyScanState *) node)->ioss_ScanDesc;
}

/* Which node does this fetch work for?  Asked once: the node is complete when it has returned its first row. */
static PsIndexAhead *
index_seek(PsIndexFetch *fetch)
{
	dlist_iter	iter;

	dlist_foreach(iter, &all_running)
	{
		Running    *running = dlist_container(Running, link, iter.cur);
		ListCell   *lc;

		foreach(lc, running->nodes)
		{
			ScanState  *node = lfirst(lc);
			IndexScanDesc scan = index_scan_of(node);

			if (scan && scan->xs_heapfetch == &fetch->base)
			{
				PsIndexAhead *ahead = MemoryContextAllocZero(GetMemoryChunkContext(fetch),
															 sizeof(PsIndexAhead));

				ahead->node = node;
				ahead->btree = (BTScanOpaque) scan->opaque;
				ahead->leaf = InvalidBlockNumber;
				return ahead;
			}
		}
	}
	return NULL;
}

static bool
index_runs_forward(const ScanState *node)
{
	ScanDirection direction = node->ps.state->es_direction;
	ScanDirection order;

	order = IsA(node, IndexScanState) ?
		((IndexScan *) node->ps.plan)->indexorderdir :
		((IndexOnlyScan *) node->ps.plan)->indexorderdir;
	return ScanDirectionIsBackward(order) ? ScanDirectionIsBackward(direction) :
		!ScanDirectionIsBackward(direction);
}

/* Does the scan stand at this item, with others beside it on the leaf? */
static bool
stands_at(const BTScanPosData *pos, ItemPointer tid)
{
	return pos->firstItem < pos->lastItem &&
		pos->itemIndex >= pos->firstItem && pos->itemIndex <= pos->lastItem &&
		ItemPointerEquals(unconstify(ItemPointerData *, &pos->items[pos->itemIndex].heapTid), tid);
}

/* Read the pages of the items that follow those looked at, as far as the window has room. */
static void
look_at_items(PsIndexAhead *ahead, Relation rel, const BTScanPosData *pos, bool forward)
{
	int			last_step = pos->lastItem - pos->firstItem;

	while (ahead->window.count < ahead->window.depth && ahead->reached < last_step)
	{
		int			i = ++ahead->reached;
		const BTScanPosItem *item = &pos->items[forward ? pos->firstItem + i : pos->lastItem - i];
		BlockNumber block = ItemPointerGetBlockNumber(&item->heapTid);

		if (block == ahead->last_block)
			continue;
		ahead->last_block = block;
		if (IsA(ahead->node, IndexOnlyScanState) &&
			VM_ALL_VISIBLE(rel, block, &((IndexOnlyScanState *) ahead->node)->ioss_VMBuffer))
			continue;
		ps_window_push(&ahead->window, i, block);
	}
	ps_window_done(&ahead->window, rel);
}

/*
 * The fetch goes to another page, for the item that its btree scan stands at.
 * Look at the items of the leaf that follow; steps count them along the
 * direction of the scan.
 */
void
ps_readahead_index(Relation rel, struct IndexFetchTableData *data, ItemPointer tid)
{
	PsIndexFetch *fetch = (PsIndexFetch *) data;
	PsIndexAhead *ahead;
	BTScanPosData *pos;
	bool		forward;
	int			step;

	/* perhaps one row is all that is wanted: then there is nothing to seek */
	if (!fetch->arrived)
	{
		fetch->arrived = true;
		return;
	}
	if (!fetch->ahead_sought)
	{
		fetch->ahead_sought = true;
		fetch->ahead = index_seek(fetch);
	}
	ahead = fetch->ahead;
	if (ahead == NULL || ps_window_rests(&ahead->window, fetch->missed) || ps_origin(rel) != PS_POOL)
		return;

	pos = &ahead->btree->currPos;
	if (!stands_at(pos, tid))
		return;

	forward = index_runs_forward(ahead->node);
	step = forward ? pos->itemIndex - pos->firstItem : pos->lastItem - pos->itemIndex;

	/* Another leaf, or the same once more? */
	if (pos->currPage != ahead->leaf || step <= ahead->seen)
	{
		bool		first = !BlockNumberIsValid(ahead->leaf);

		ahead->leaf = pos->currPage;
		ahead->seen = step;
		/* the first look takes this page along */
		ahead->reached = first ? step - 1 : step;
		ahead->last_block = first ? InvalidBlockNumber : ItemPointerGetBlockNumber(tid);
		ahead->window.count = 0;
	}
	ahead->seen = step;

	ps_window_pass(&ahead->window, step);
	if (ps_window_wants(&ahead->window))
		look_at_items(ahead, rel, pos, forward);
}

/* ---- finding the nodes ---- */

static void
forget_running(void *arg)
{
	dlist_delete(&((Running *) arg)->link);
}

/* Through the pool now or, perhaps, before the scan has ended. */
static bool
may_read_through_pool(const ScanState *node)
{
	Relation	rel = node->ss_currentRelation;

	return rel && ps_is_pagestore(rel) && !RelationUsesLocalBuffers(rel);
}

static bool
find_nodes(PlanState *state, List **index_nodes)
{
	switch (nodeTag(state))
	{
		case T_BitmapHeapScanState:
			{
				BitmapHeapScanState *node = (BitmapHeapScanState *) state;

				if (may_read_through_pool(&node->ss))
					ps_scan_bitmap_expect(node);
				break;
			}
		case T_IndexScanState:
			{
				IndexScanState *node = (IndexScanState *) state;

				if (node->iss_RelationDesc && may_read_through_pool(&node->ss) &&
					node->iss_RelationDesc->rd_rel->relam == BTREE_AM_OID)
					*index_nodes = lappend(*index_nodes, node);
				break;
			}
		case T_IndexOnlyScanState:
			{
				IndexOnlyScanState *node = (IndexOnlyScanState *) state;

				if (node->ioss_RelationDesc && may_read_through_pool(&node->ss) &&
					node->ioss_RelationDesc->rd_rel->relam == BTREE_AM_OID)
					*index_nodes = lappend(*index_nodes, node);
				break;
			}
		default:
			break;
	}
	return planstate_tree_walker(state, find_nodes, index_nodes);
}

static void
start_executor(QueryDesc *desc, int eflags)
{
	List	   *nodes = NIL;
	MemoryContext old;

	if (prev_executor_start)
		prev_executor_start(desc, eflags);
	else
		standard_ExecutorStart(desc, eflags);

	if (desc->planstate == NULL || (eflags & EXEC_FLAG_EXPLAIN_ONLY))
		return;

	old = MemoryContextSwitchTo(desc->estate->es_query_cxt);
	find_nodes(desc->planstate, &nodes);
	if (nodes != NIL)
	{
		Running    *running = palloc(sizeof(Running));

		running->nodes = nodes;
		running->forget.func = forget_running;
		running->forget.arg = running;
		dlist_push_head(&all_running, &running->link);
		MemoryContextRegisterResetCallback(desc->estate->es_query_cxt, &running->forget);
	}
	MemoryContextSwitchTo(old);
}

void
ps_readahead_init(void)
{
	prev_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = start_executor;
}
