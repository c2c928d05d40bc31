/*
 * chain.c
 *		HOT chains within a page.
 *
 * A chain starts at a line pointer that indexes know: a row that is not
 * heap-only, or a redirect.  It goes on by t_ctid as long as each version's
 * xmin is its predecessor's xmax.  No walk takes more steps than the page has
 * line pointers, so that a damaged chain that runs in a circle ends too.
 */
#include "postgres.h"

#include "access/xact.h"
#include "row/chain.h"
#include "storage/predicate.h"

static inline bool
visible(const PsRead *guard, const PsRow *row, Snapshot snapshot) PS_REQUIRES_SHARED(guard)
{
	bool		sees;

	if (likely(snapshot->snapshot_type == SNAPSHOT_MVCC))
		sees = ps_row_visible_mvcc(guard, row, snapshot);
	else
		sees = ps_row_visible(guard, row, snapshot);
	if (unlikely(IsolationIsSerializable()))
	{
		ps_row_conflict_out(guard, sees, row, snapshot);
		if (sees)
			PredicateLockTID(guard->rel, unconstify(ItemPointerData *, &row->tid), snapshot,
							 HeapTupleHeaderGetXmin(row->header));
	}
	return sees;
}

bool
ps_chain_search(const PsRead *guard, ItemPointer tid, Snapshot snapshot,
				PsRow *row, bool *all_dead, bool first_call)
{
	const char *page = guard->page;
	BlockNumber block = guard->pin->block;
	Oid			table = RelationGetRelid(guard->rel);
	OffsetNumber at = ItemPointerGetOffsetNumber(tid);
	int			left = ps_page_nitems(page);
	TransactionId xmin = InvalidTransactionId;
	struct GlobalVisState *vistest = NULL;
	bool		skip = !first_call; /* the one returned last time */
	bool		dead = all_dead != NULL && first_call;

	Assert(block == ItemPointerGetBlockNumber(tid));
	Assert(TransactionIdIsValid(RecentXmin));

	if (first_call)
		at = ps_chain_start(page, at);

	while (left-- > 0 && ps_page_row(page, table, block, at, row) &&
		   ps_chain_follows(row->header, xmin))
	{
		if (!skip && visible(guard, row, snapshot))
		{
			ItemPointerSetOffsetNumber(tid, at);
			if (all_dead)
				*all_dead = false;
			return true;
		}
		skip = false;

		if (dead)
		{
			if (vistest == NULL)
				vistest = GlobalVisTestFor(guard->rel);
			dead = ps_row_surely_dead(row, vistest);
		}
		if (!ps_chain_next(row->header, &at, &xmin))
			break;
	}

	if (all_dead)
		*all_dead = dead;
	return false;
}

void
ps_chain_roots(const char *page, OffsetNumber *roots)
{
	OffsetNumber nitems = ps_page_nitems(page);

	memset(roots, 0, MaxHeapTuplesPerPage * sizeof(OffsetNumber));
	for (OffsetNumber root = FirstOffsetNumber; root <= nitems; root++)
	{
		OffsetNumber at = ps_chain_start(page, root);
		TransactionId xmin = InvalidTransactionId;
		int			left = nitems;
		PsRow		row;

		while (left-- > 0 && ps_page_row(page, InvalidOid, 0, at, &row) &&
			   ps_chain_follows(row.header, xmin))
		{
			roots[at - 1] = root;
			if (!ps_chain_next(row.header, &at, &xmin))
				break;
		}
	}
}
