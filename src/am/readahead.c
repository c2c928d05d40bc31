/*
 * readahead.c
 *		Knowing the pages to come of index and bitmap scans.
 *
 * The executor asks a table AM for one row or one page at a time, though the
 * plan's nodes know what comes next: an nbtree scan holds every TID of the
 * leaf page it is on, a bitmap can be iterated twice.  A hook on the start of
 * the executor finds these nodes; their scans then start reading ahead of use.
 * Only for pages that come through the pool: elsewhere core's own prefetching
 * is left as it is, until, at the end of recovery, they do.
 *
 * A bitmap scan is tied to its node at once, by its scan descriptor.  An index
 * scan makes its descriptor when it returns its first row: its node is kept in
 * a list until the query's memory goes, and found by the fetch that it uses.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/visibilitymap.h"
#include "am/am.h"
#include "am/desc.h"
#include "am/readahead.h"
#include "catalog/pg_am_d.h"
#include "executor/executor.h"
#include "lib/ilist.h"
#include "nodes/nodeFuncs.h"
#include "nodes/tidbitmap.h"
#include "utils/memutils.h"

#define DEPTH_MAX 64			/* most pages on their way for one scan */

#define IDLE_MAX 4				/* rest after so many looks ahead that found
								 * nothing to read */

/*
 * What is on its way for a scan, by a key that grows along the scan.  How far
 * to read ahead starts at nothing, so that a scan that ends at its first row
 * reads no page in vain, and doubles with use.  While all pages are found in
 * memory the scan does not look ahead, until it has to read one.
 */
typedef struct Window
{
	uint32		keys[DEPTH_MAX];
	int			first;
	int			count;
	int			depth;
	int			idle;			/* looks ahead in a row that started no read */
} Window;

/* Adjacent blocks gathered into one request. */
typedef struct Run
{
	BlockNumber start;
	int			length;
	int			asked;			/* blocks of requests made so far, */
	int			started;		/* and reads that they started */
} Run;

typedef struct PsBitmapAhead
{
	BitmapHeapScanState *node;
	int			core_maximum;	/* its prefetch_maximum, where core prefetches */
	TBMIterator *iterator;		/* second iterator over the node's bitmap;
								 * NULL before the first page from the pool */
	bool		begun;
	bool		finished;
	Window		window;			/* keys: block numbers */
} PsBitmapAhead;

typedef struct PsIndexAhead
{
	ScanState  *node;			/* IndexScanState or IndexOnlyScanState */
	BTScanOpaque btree;
	BlockNumber leaf;			/* leaf page of the items looked at */
	int			seen;			/* steps into them: of the row fetched last, */
	int			reached;		/* of the last item looked at */
	BlockNumber last_block;
	Window		window;			/* keys: steps */
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

/* ---- windows ---- */

static void
window_pass(Window *w, uint32 key)
{
	while (w->count > 0 && w->keys[w->first] <= key)
	{
		w->first = (w->first + 1) % DEPTH_MAX;
		w->count--;
	}
}

static void
window_push(Window *w, uint32 key)
{
	Assert(w->count < DEPTH_MAX);
	w->keys[(w->first + w->count++) % DEPTH_MAX] = key;
}

/*
 * Is it time to look further ahead?  Not before half of the window has been
 * used up, so that adjacent blocks are asked for together.
 */
static bool
window_wants(Window *w)
{
	if (w->count > w->depth / 2)
		return false;
	w->depth = Min(w->depth == 0 ? 2 : w->depth * 2,
				   Min(DEPTH_MAX, Max((int) ps_cache_size(PS_POOL) / 16, 1)));
	return true;
}

/* missed: the page that the scan came from had to be read. */
static inline bool
window_rests(Window *w, bool missed)
{
	if (w->idle < IDLE_MAX)
		return false;
	if (!missed)
		return true;
	w->idle = 0;
	w->count = 0;
	return false;
}

static void
run_start(Relation rel, Run *run)
{
	if (run->length == 0)
		return;
	run->started += ps_prefetch_run(rel, run->start, run->length);
	run->asked += run->length;
	run->length = 0;
}

/* The end of a look ahead. */
static void
window_done(Window *w, Relation rel, Run *run)
{
	run_start(rel, run);
	if (run->asked > 0)
		w->idle = run->started > 0 ? 0 : w->idle + 1;
}

static void
run_add(Relation rel, Run *run, BlockNumber block)
{
	if (run->length > 0 && block == run->start + run->length)
	{
		run->length++;
		return;
	}
	run_start(rel, run);
	run->start = block;
	run->length = 1;
}

/* ---- bitmap scans ---- */

/*
 * Before the first page.  Where pages come through the pool our read-ahead
 * stands in for core's prefetching; but for a parallel scan core makes a
 * shared second iterator only if it means to prefetch.
 */
static void
bitmap_await(PsBitmapAhead *ahead)
{
	BitmapHeapScanState *node = ahead->node;
	bool		parallel = node->ss.ps.plan->parallel_aware;

	if (ps_origin(node->ss.ss_currentRelation) == PS_POOL)
		node->prefetch_maximum = parallel ? 1 : 0;
	else
		node->prefetch_maximum = parallel ? Max(ahead->core_maximum, 1) : ahead->core_maximum;
}

static void
bitmap_begin(PsBitmapAhead *ahead)
{
	BitmapHeapScanState *node = ahead->node;

	ahead->begun = true;
	if (node->pstate == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(ahead));

		ahead->iterator = tbm_begin_iterate(node->tbm);
		MemoryContextSwitchTo(old);
	}

	/*
	 * A shared iterator for read-ahead is made by core before the first page,
	 * if it means to prefetch: from here on it is ours.  What core has
	 * prefetched up to now it goes on to use.
	 */
	node->prefetch_maximum = 0;
	node->prefetch_target = Min(node->prefetch_target, 0);
}

static TBMIterateResult *
bitmap_next(PsBitmapAhead *ahead)
{
	BitmapHeapScanState *node = ahead->node;

	if (ahead->iterator)
		return tbm_iterate(ahead->iterator);
	if (node->shared_prefetch_iterator)
		return tbm_shared_iterate(node->shared_prefetch_iterator);
	return NULL;
}

/*
 * The scan arrives at a page of its bitmap.  Bitmaps are iterated in the order
 * of blocks, also when several processes share in it.
 */
void
ps_readahead_bitmap(TableScanDesc base, BlockNumber block)
{
	PsScanDesc *scan = (PsScanDesc *) base;
	PsBitmapAhead *ahead = scan->bitmap_ahead;
	Run			run = {0};

	if (ahead == NULL || ahead->finished || ps_origin(base->rs_rd) != PS_POOL)
		return;
	if (!ahead->begun)
	{
		bitmap_begin(ahead);
		return;					/* perhaps one page is all that is wanted */
	}

	if (window_rests(&ahead->window, scan->missed))
		return;
	window_pass(&ahead->window, block);
	if (!window_wants(&ahead->window))
		return;
	while (ahead->window.count < ahead->window.depth)
	{
		TBMIterateResult *result = bitmap_next(ahead);

		if (result == NULL)
		{
			ahead->finished = true;
			break;
		}
		if (result->blockno <= block || result->blockno >= scan->nblocks)
			continue;

		/*
		 * Pages that core will not ask for: the visibility map answers for
		 * them.
		 */
		if (ahead->node->can_skip_fetch && !result->recheck &&
			VM_ALL_VISIBLE(base->rs_rd, result->blockno, &ahead->node->pvmbuffer))
			continue;
		window_push(&ahead->window, result->blockno);
		run_add(base->rs_rd, &run, result->blockno);
	}
	window_done(&ahead->window, base->rs_rd, &run);
}

/* The scan starts over or ends: its bitmap goes. */
void
ps_readahead_bitmap_reset(TableScanDesc base)
{
	PsBitmapAhead *ahead = ((PsScanDesc *) base)->bitmap_ahead;

	if (ahead == NULL)
		return;
	if (ahead->iterator)
		tbm_end_iterate(ahead->iterator);
	ahead->iterator = NULL;
	ahead->begun = ahead->finished = false;
	ahead->window.count = 0;
	bitmap_await(ahead);
}

/* ---- index scans ---- */

static IndexScanDesc
index_scan_of(const ScanState *node)
{
	return IsA(node, IndexScanState) ? ((const IndexScanState *) node)->iss_ScanDesc :
		((const IndexOnlyScanState *) node)->ioss_ScanDesc;
}

/* Which node does this fetch work for?  Asked once: at its first row the node is complete. */
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
	ScanDirection order = IsA(node, IndexScanState) ?
	((IndexScan *) node->ps.plan)->indexorderdir :
	((IndexOnlyScan *) node->ps.plan)->indexorderdir;

	return ScanDirectionIsBackward(order) ? ScanDirectionIsBackward(direction) :
		!ScanDirectionIsBackward(direction);
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
	Run			run = {0};
	bool		forward;
	int			step,
				last_step;

	if (!fetch->ahead_sought)
	{
		fetch->ahead_sought = true;
		fetch->ahead = index_seek(fetch);
	}
	ahead = fetch->ahead;
	if (ahead == NULL || window_rests(&ahead->window, fetch->missed) || ps_origin(rel) != PS_POOL)
		return;

	pos = &ahead->btree->currPos;
	if (pos->firstItem >= pos->lastItem || pos->itemIndex < pos->firstItem ||
		pos->itemIndex > pos->lastItem ||
		!ItemPointerEquals(&pos->items[pos->itemIndex].heapTid, tid))
		return;

	forward = index_runs_forward(ahead->node);
	step = forward ? pos->itemIndex - pos->firstItem : pos->lastItem - pos->itemIndex;
	last_step = pos->lastItem - pos->firstItem;

	/* Another leaf, or the same once more? */
	if (pos->currPage != ahead->leaf || step <= ahead->seen)
	{
		bool		first = !BlockNumberIsValid(ahead->leaf);

		ahead->leaf = pos->currPage;
		ahead->seen = ahead->reached = step;
		ahead->last_block = ItemPointerGetBlockNumber(tid);
		ahead->window.count = 0;
		if (first)
			return;				/* perhaps one row is all that is wanted */
	}
	ahead->seen = step;

	window_pass(&ahead->window, step);
	if (!window_wants(&ahead->window))
		return;
	while (ahead->window.count < ahead->window.depth && ahead->reached < last_step)
	{
		int			i = ++ahead->reached;
		BTScanPosItem *item = &pos->items[forward ? pos->firstItem + i : pos->lastItem - i];
		BlockNumber block = ItemPointerGetBlockNumber(&item->heapTid);

		if (block == ahead->last_block)
			continue;
		ahead->last_block = block;
		if (IsA(ahead->node, IndexOnlyScanState) &&
			VM_ALL_VISIBLE(rel, block, &((IndexOnlyScanState *) ahead->node)->ioss_VMBuffer))
			continue;
		window_push(&ahead->window, i);
		run_add(rel, &run, block);
	}
	window_done(&ahead->window, rel, &run);
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
				PsScanDesc *scan = (PsScanDesc *) node->ss.ss_currentScanDesc;

				if (scan != NULL && may_read_through_pool(&node->ss))
				{
					PsBitmapAhead *ahead = MemoryContextAllocZero(GetMemoryChunkContext(scan),
																  sizeof(PsBitmapAhead));

					/*
					 * All that share in a scan agree whether there is a
					 * second iterator, wherever each of them finds the pages.
					 */
					ahead->node = node;
					ahead->core_maximum = node->prefetch_maximum;
					scan->bitmap_ahead = ahead;
					bitmap_await(ahead);
				}
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
