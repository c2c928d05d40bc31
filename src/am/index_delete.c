/*
 * index_delete.c
 *		Which entries of an index page are of use to nobody?
 *
 * Asked by an index about to run out of room on a page.  In simple deletion
 * some entries are known to be dead, and others of the same table blocks are
 * judged in passing.  In bottom-up deletion nothing is known; the index marks
 * entries that look like old versions as promising, and we look at the few
 * table blocks where most is to be gained, as long as each of them yields
 * something.  The index page is locked, so no entry's line pointer can be
 * reused meanwhile.
 */
#include "postgres.h"

#include "access/heapam_xlog.h"
#include "am/index_delete.h"
#include "port/pg_bitutils.h"
#include "row/chain.h"
#include "server/compat.h"
#include "utils/spccache.h"

/* As in heap, whose behaviour indexes are tuned for. */
#define MAX_BOTTOMUP_BLOCKS 6
#define NEIGHBOUR_BLOCKS 3

/* Adjacent entries of deltids[] that point into one block. */
typedef struct BlockGroup
{
	int			first;
	int			n;
	int			promising;
} BlockGroup;

static inline uint64
tid_order(const TM_IndexDelete *entry)
{
	return (uint64) ItemPointerGetBlockNumberNoCheck(&entry->tid) << 16 |
		ItemPointerGetOffsetNumberNoCheck(&entry->tid);
}

#define ST_SORT sort_entries
#define ST_ELEMENT_TYPE TM_IndexDelete
#define ST_COMPARE(a, b) (tid_order(a) < tid_order(b) ? -1 : tid_order(a) > tid_order(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static inline BlockNumber
group_block(const TM_IndexDeleteOp *op, const BlockGroup *group)
{
	return ItemPointerGetBlockNumber(&op->deltids[group->first].tid);
}

/* Sort the entries by TID and group them by block; returns the number of groups. */
static int
make_groups(TM_IndexDeleteOp *op, BlockGroup *groups)
{
	int			ngroups = 0;

	sort_entries(op->deltids, op->ndeltids);
	for (int i = 0; i < op->ndeltids; i++)
	{
		const TM_IndexDelete *entry = &op->deltids[i];

		if (i == 0 || group_block(op, &groups[ngroups - 1]) != ItemPointerGetBlockNumber(&entry->tid))
			groups[ngroups++] = (BlockGroup)
		{
			.first = i
		};
		groups[ngroups - 1].n++;
		if (op->status[entry->id].promising)
			groups[ngroups - 1].promising++;
	}
	return ngroups;
}

/* ---- bottom-up: where to look ---- */

/* Small differences in numbers of entries are noise, and small numbers altogether. */
static inline uint32
bucket_promising(const BlockGroup *group)
{
	return pg_nextpower2_32(Max(group->promising, 4));
}

/* More promising entries first, then more entries, then in the order of blocks. */
static int
compare_groups(const void *left, const void *right)
{
	const BlockGroup *a = left;
	const BlockGroup *b = right;
	uint32		promise_a = bucket_promising(a);
	uint32		promise_b = bucket_promising(b);
	uint32		size_a = pg_nextpower2_32(a->n);
	uint32		size_b = pg_nextpower2_32(b->n);

	if (promise_a != promise_b)
		return promise_a > promise_b ? -1 : 1;
	if (size_a != size_b)
		return size_a > size_b ? -1 : 1;
	return a->first < b->first ? -1 : 1;
}

/* Keep the best groups only, best first, in deltids[] as well.  Returns their number. */
static int
choose_groups(TM_IndexDeleteOp *op, BlockGroup *groups, int ngroups)
{
	TM_IndexDelete *chosen = palloc(op->ndeltids * sizeof(TM_IndexDelete));
	int			nchosen = 0;

	qsort(groups, ngroups, sizeof(BlockGroup), compare_groups);
	ngroups = Min(ngroups, MAX_BOTTOMUP_BLOCKS);
	for (int g = 0; g < ngroups; g++)
	{
		memcpy(chosen + nchosen, op->deltids + groups[g].first, groups[g].n * sizeof(TM_IndexDelete));
		groups[g].first = nchosen;
		nchosen += groups[g].n;
	}
	memcpy(op->deltids, chosen, nchosen * sizeof(TM_IndexDelete));
	op->ndeltids = nchosen;
	pfree(chosen);
	return ngroups;
}

/* How many groups from the first on lie next to each other: cheap to visit in one go. */
static int
count_neighbours(const TM_IndexDeleteOp *op, const BlockGroup *groups, int ngroups)
{
	int			n = 1;

	while (n < ngroups)
	{
		int64		step = (int64) group_block(op, &groups[n]) - group_block(op, &groups[n - 1]);

		if (step < -NEIGHBOUR_BLOCKS || step > NEIGHBOUR_BLOCKS)
			break;
		n++;
	}
	return n;
}

/* ---- judging ---- */

/* An entry can only point to the start of a chain; else the index is damaged. */
static void
check_entry(const TM_IndexDeleteOp *op, const char *page, const TM_IndexDelete *entry)
{
	OffsetNumber offset = ItemPointerGetOffsetNumber(&entry->tid);
	const ItemIdData *item;
	const char *fault = NULL;

	if (offset < FirstOffsetNumber || offset > ps_page_nitems(page))
		fault = "past the end of the line pointers of its page";
	else
	{
		item = ps_page_item(page, offset);
		if (!ItemIdIsUsed(item))
			fault = "to an unused line pointer";
		else if (ItemIdIsNormal(item) && ps_chain_start(page, offset) == InvalidOffsetNumber)
			fault = "to a heap-only tuple";
	}
	if (unlikely(fault != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg_internal("index \"%s\" block %u offset %u: entry for (%u,%u) points %s",
								 RelationGetRelationName(op->irel), op->iblknum,
								 op->status[entry->id].idxoffnum,
								 ItemPointerGetBlockNumber(&entry->tid), offset, fault)));
}

/*
 * Advance *xid to the newest of the deleters along the chain.  Rows already
 * pruned away were accounted for by the record of that pruning.
 */
static void
note_removed(const char *page, OffsetNumber root, TransactionId *xid)
{
	OffsetNumber at = ps_chain_start(page, root);
	TransactionId xmin = InvalidTransactionId;
	int			left = ps_page_nitems(page);
	PsRow		row;

	while (left-- > 0 && ps_page_row(page, InvalidOid, 0, at, &row) &&
		   ps_chain_follows(row.header, xmin))
	{
		HeapTupleHeaderAdvanceConflictHorizon(unconstify(HeapTupleHeaderData *, row.header), xid);
		if (!ps_chain_next(row.header, &at, &xmin))
			break;
	}
}

/*
 * Judge a group's entries, all of one block.  *freed grows by the room that
 * their deletion gives the index; *last becomes the last deletable entry, if
 * any.
 */
static void
judge_group(Relation rel, TM_IndexDeleteOp *op, const BlockGroup *group, Snapshot nonvacuumable,
			TransactionId *conflict_xid, int *freed, int *last)
{
	PsPin		pin = ps_pin(rel, group_block(op, group));
	PsRead		guard;

	ps_read_lock(rel, &pin, &guard);
	for (int i = group->first; i < group->first + group->n; i++)
	{
		const TM_IndexDelete *entry = &op->deltids[i];
		TM_IndexStatus *status = &op->status[entry->id];
		ItemPointerData tid = entry->tid;
		PsRow		row;

		check_entry(op, guard.page, entry);
		if (!status->knowndeletable)
		{
			if (ps_chain_search(&guard, &tid, nonvacuumable, &row, NULL, true))
				continue;
			status->knowndeletable = true;
			if (op->bottomup)
				*freed += status->freespace;
		}
		note_removed(guard.page, ItemPointerGetOffsetNumber(&entry->tid), conflict_xid);
		*last = i;
	}
	ps_read_unlock(&guard);
	ps_unpin(&pin);
}

static void
read_groups(Relation rel, TM_IndexDeleteOp *op, const BlockGroup *groups, int n)
{
	BlockNumber *blocks = palloc(n * sizeof(BlockNumber));

	for (int g = 0; g < n; g++)
		blocks[g] = group_block(op, &groups[g]);
	(void) ps_prefetch(rel, blocks, n);
	pfree(blocks);
}

TransactionId
ps_index_delete_tuples(Relation rel, TM_IndexDeleteOp *op)
{
	TransactionId conflict_xid = InvalidTransactionId;
	SnapshotData nonvacuumable;
	BlockGroup *groups = palloc(op->ndeltids * sizeof(BlockGroup));
	int			ngroups = make_groups(op, groups);
	int			ahead;			/* groups to be read ahead */
	int			neighbours = 0;
	int			wanted = op->bottomupfreespace;
	int			freed = 0;
	int			last = -1;

	ahead = get_tablespace_maintenance_io_concurrency(rel->rd_rel->reltablespace);
	if (op->bottomup)
	{
		ngroups = choose_groups(op, groups, ngroups);
		neighbours = count_neighbours(op, groups, ngroups);
		ahead = Min(ahead, neighbours);
	}
	InitNonVacuumableSnapshot(nonvacuumable, GlobalVisTestFor(rel));

	read_groups(rel, op, groups, Min(ahead, ngroups));

	for (int g = 0; g < ngroups; g++)
	{
		int			before = freed;

		/*
		 * Neighbours are cheap; the further we go beyond them the sooner we
		 * are content.
		 */
		if (op->bottomup && g >= neighbours)
			wanted /= 2;
		if (ahead > 0 && g + ahead < ngroups)
			read_groups(rel, op, &groups[g + ahead], 1);

		judge_group(rel, op, &groups[g], &nonvacuumable, &conflict_xid, &freed, &last);

		/* Enough, or not worth going on: each block must pay for the next. */
		if (op->bottomup && (freed >= wanted || freed == before))
			break;
	}

	/* The index may rely on it that nothing behind is deletable. */
	op->ndeltids = last + 1;
	pfree(groups);
	return conflict_xid;
}
