/*
 * chain.h
 *		From version to version of a row: HOT chains, and newer versions on other
 *		pages.
 */
#ifndef PAGESTORE_ROW_CHAIN_H
#define PAGESTORE_ROW_CHAIN_H

#include "row/visibility.h"

/*
 * Follow the HOT chain that starts at *tid (or, unless first_call, goes on
 * behind *tid) to the member the snapshot sees; *tid and *row become that
 * member's.  *all_dead (may be NULL) tells that every member is dead to
 * everybody.  Takes predicate locks and reports conflicts as
 * heap_hot_search_buffer() does.
 */
extern bool ps_chain_search(const PsRead *guard, ItemPointer tid, Snapshot snapshot,
							PsRow *row, bool *all_dead, bool first_call) PS_REQUIRES_SHARED(guard);

/*
 * roots[offset - 1] becomes the line pointer that index entries of the row at
 * offset point to, InvalidOffsetNumber where there is no row or no root.
 * roots has MaxHeapTuplesPerPage entries.  Good while the guard, or the pin
 * with it, keeps the page from being pruned.
 */
extern void ps_chain_roots(const char *page, OffsetNumber *roots);

/* The offset of a chain's first row; InvalidOffsetNumber if no chain starts at root. */
static inline OffsetNumber
ps_chain_start(const char *page, OffsetNumber root)
{
	const ItemIdData *item;

	if (root < FirstOffsetNumber || root > ps_page_nitems(page))
		return InvalidOffsetNumber;
	item = ps_page_item(page, root);
	if (ItemIdIsRedirected(item))
		return ItemIdGetRedirect(item);
	if (ItemIdIsNormal(item) &&
		!HeapTupleHeaderIsHeapOnly((const HeapTupleHeaderData *) (page + ItemIdGetOffset(item))))
		return root;
	return InvalidOffsetNumber;
}

/*
 * The next member behind a version of a chain, and the xmin it must have;
 * false at the end of the chain.  The offset is not checked.
 */
static inline bool
ps_chain_next(const HeapTupleHeaderData *header, OffsetNumber *offset, TransactionId *xmin)
{
	if (!HeapTupleHeaderIsHotUpdated(header))
		return false;
	*offset = ItemPointerGetOffsetNumberNoCheck(&header->t_ctid);
	*xmin = HeapTupleHeaderGetUpdateXid(unconstify(HeapTupleHeaderData *, header));
	return true;
}

/* A version whose xmin is not its predecessor's xmax took over the line pointer of one that is gone. */
static inline bool
ps_chain_follows(const HeapTupleHeaderData *header, TransactionId xmin)
{
	return !TransactionIdIsValid(xmin) ||
		TransactionIdEquals(HeapTupleHeaderGetXmin(header), xmin);
}

/*
 * The version that took the place of the one at *tid, in or out of its chain:
 * *tid becomes its place, *xmin the xmin it must have; false if there is none
 * in this table.  The place is not checked.
 */
static inline bool
ps_chain_successor(const HeapTupleHeaderData *header, ItemPointer tid, TransactionId *xmin)
{
	HeapTupleHeader mutable = unconstify(HeapTupleHeaderData *, header);

	if ((header->t_infomask & HEAP_XMAX_INVALID) ||
		HeapTupleHeaderIndicatesMovedPartitions(header) ||
		ItemPointerEquals(tid, &mutable->t_ctid) ||
		HeapTupleHeaderIsOnlyLocked(mutable))
		return false;
	*tid = header->t_ctid;
	*xmin = HeapTupleHeaderGetUpdateXid(mutable);
	return true;
}

#endif							/* PAGESTORE_ROW_CHAIN_H */
